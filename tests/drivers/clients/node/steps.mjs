// What the client programs in JavaScript share: named steps, each reported on a line of its own, and where to connect to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export const session = process.env.DRIVERS_SESSION === '1'; // the server is the client's own: session mode, or PostgreSQL itself
export const workers = 6; // connections at a time; a tenant in transaction mode has two servers
export const host = process.env.PGHOST, port = Number(process.env.PGPORT), database = process.env.PGDATABASE;
export const password = process.env.PGPASSWORD;
export const ssl = { ca: readFileSync(process.env.PGSSLROOTCERT, 'utf8') };

/** Deep equality; a result that is an array of a class of the driver's counts as an array. */
export const equal = (actual, expected, message) => assert.deepEqual(Array.isArray(actual) ? [...actual] : actual, expected, message);

export async function refused(promise, sqlstate) {
  const failure = await promise.then(() => assert.fail(`no error ${sqlstate}`), (error) => error);
  equal(failure.code ?? failure.cause?.code ?? failure.driverError?.code, sqlstate, `${failure.code}: ${failure.message}`);
  return failure;
}

/** Runs work(0), work(1), ... at the same time. */
export const together = (work, count = workers) => Promise.all(Array.from({ length: count }, (_, worker) => work(worker)));

/** Waits until a condition holds. */
export async function until(condition) {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `it does not become true: ${condition}`);
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

const steps = [];
export const step = (name, run) => steps.push([name, run]);
/** A step that makes sense only where a client has a server of its own. */
export const sessionStep = (name, run) => session && step(name, run);

/** The version of an installed package. */
export const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

/** Runs every step; a failed one does not keep the next from running. */
export async function main(client) {
  console.log(`client ${client}`);
  let red = 0;
  for (const [name, run] of steps) {
    let timer;
    try {
      await Promise.race([run(), new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('it takes longer than 90 s')), 90_000); })]);
      console.log(`ok ${name}`);
    } catch (failure) {
      red++;
      const line = /\/([a-z-]+\.mjs:\d+)/.exec(failure.stack?.split('\n').find((at) => at.includes('.mjs') && !at.includes('steps.mjs')) ?? '')?.[1] ?? '?';
      console.log(`not ok ${name}: ${failure.message} (${line})`.replaceAll('\n', ' | '));
    } finally {
      clearTimeout(timer);
    }
  }
  console.log('end');
  process.exit(red ? 1 : 0);
}
