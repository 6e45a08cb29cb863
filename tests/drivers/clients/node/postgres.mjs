// postgres.js: prepares every statement, pipelines by itself; cursors, COPY, LISTEN with reconnect, cancel.
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import postgres from 'postgres';
import { database, equal, host, main, password, port, refused, sessionStep, ssl, step, together, until, version, workers } from './steps.mjs';

async function withSql(work, more = {}) {
  const sql = postgres({ host, port, database, user: 'app', password, ssl: { ...ssl, servername: host }, max: workers, ...more });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

step('TLS, parameters of either side', () => withSql(async (sql) => {
  equal(await sql`SELECT current_setting('application_name') AS name, current_setting('TimeZone') AS zone`, [{ name: 'p.js', zone: 'Asia/Tokyo' }]);
  equal(sql.parameters.TimeZone, 'Asia/Tokyo');
}, { max: 1, connection: { application_name: 'p.js', TimeZone: 'Asia/Tokyo' } }));

step('start-up parameters that a plan bounds', () => withSql(async (sql) => {
  equal(await sql`SELECT current_setting('statement_timeout') AS time, current_setting('work_mem') AS memory`, [{ time: '7s', memory: '2MB' }]);
}, { max: 1, connection: { statement_timeout: 7000, work_mem: '2MB' } }));

step('prepared statements on more connections than servers', () => withSql((sql) => together(async (worker) => {
  for (let number = 0; number < 20; number++) equal(await sql`SELECT ${worker}::int * 1000 + ${number}::int AS sum`, [{ sum: worker * 1000 + number }]);
}, 24)));

step('pipelined on one connection', () => withSql(async (sql) => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, number) => sql`SELECT ${number}::int AS number`));
  equal(answers.map((rows) => rows[0].number), Array.from({ length: 100 }, (_, number) => number));
  const mixed = await Promise.allSettled([sql`SELECT 1 AS a`, sql`SELECT 1 / ${0}::int`, sql`SELECT 3 AS a`]);
  equal(mixed.map((one) => one.status), ['fulfilled', 'rejected', 'fulfilled']);
}, { max: 1 }));

step('unprepared (prepare: false) and simple statements', () => withSql(async (sql) => {
  equal(await sql`SELECT ${'x'} AS x`, [{ x: 'x' }]);
  equal((await sql`SELECT 1 AS a; SELECT 2 AS a`.simple()).map((rows) => rows[0].a), [1, 2]);
}, { prepare: false }));

step('transactions, savepoints, pipelined inside', () => withSql(async (sql) => {
  await sql`DELETE FROM items`;
  await sql.begin('isolation level repeatable read', async (tx) => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => tx`INSERT INTO items ${tx({ n, body: 'begin' })}`));
    await refused(tx.savepoint((inner) => inner`SELECT 1 / ${0}::int`), '22012');
    await tx`INSERT INTO items (n) VALUES (99)`;
  });
  equal(await sql`SELECT count(*)::int AS count, max(n) AS max FROM items`, [{ count: 21, max: 99 }]);
  await refused(sql.begin(async (tx) => {
    await tx`DELETE FROM items`;
    await tx`SELECT 1 / ${0}::int`;
  }), '22012');
  equal(await sql`SELECT count(*)::int AS count FROM items`, [{ count: 21 }]);
}));

step('cursor', () => withSql((sql) => together(async (worker) => {
  let sum = 0;
  await sql`SELECT g + ${worker}::int AS g FROM generate_series(1, 1000) g`.cursor(70, (rows) => rows.forEach((row) => { sum += row.g; }));
  equal(sum, 500500 + 1000 * worker);
})));

step('forEach, describe, insert of many, dynamic columns', () => withSql(async (sql) => {
  await sql`DELETE FROM items`;
  await sql`INSERT INTO items ${sql(Array.from({ length: 300 }, (_, n) => ({ n, body: `row ${n}` })), 'n', 'body')}`;
  let sum = 0;
  await sql`SELECT ${sql('n')} FROM items`.forEach((row) => { sum += row.n; });
  equal(sum, 44850);
  equal((await sql`SELECT n, body FROM items WHERE n = ${1}`.describe()).columns.map((column) => column.name), ['n', 'body']);
}));

step('COPY in and out', () => withSql(async (sql) => {
  await sql`DELETE FROM items`;
  const rows = Array.from({ length: 5000 }, (_, number) => `${number}\trow ${number}\n`);
  await pipeline(Readable.from(rows), await sql`COPY items (n, body) FROM STDIN`.writable());
  let out = '';
  for await (const piece of await sql`COPY (SELECT n, body FROM items ORDER BY n) TO STDOUT`.readable()) out += piece;
  equal(out, rows.join(''));
}));

step('listen and notify', () => withSql(async (sql) => {
  const heard = [];
  const listening = await sql.listen('news', (payload) => heard.push(payload));
  await sql.notify('news', 'one');
  await sql`SELECT pg_notify('news', ${'two'})`;
  await until(() => heard.length === 2);
  equal(heard, ['one', 'two']);
  await listening.unlisten();
}));

step('cancel', () => withSql(async (sql) => {
  const sleeping = sql`SELECT pg_sleep(30)`.execute();
  setTimeout(() => sleeping.cancel(), 300);
  await refused(sleeping, '57014');
  equal(await sql`SELECT 1 AS a`, [{ a: 1 }]);
}, { max: 1 }));

step('reserved connection with session state', () => withSql(async (sql) => {
  const own = await sql.reserve();
  await own`CREATE TEMP TABLE mine (a int)`;
  for (let number = 0; number < 5; number++) await own`INSERT INTO mine VALUES (${number})`;
  equal(await own`SELECT count(*)::int AS count FROM mine`, [{ count: 5 }]);
  own.release();
}));

step('arrays, json, dates', () => withSql(async (sql) => {
  equal(await sql`SELECT ${[1, 2]}::int[] AS a, ${sql.json({ k: [1] })}::jsonb AS j, ${new Date(0)}::timestamptz AS t`, [{ a: [1, 2], j: { k: [1] }, t: new Date(0) }]);
}));

sessionStep("backend pid is the server's", () => withSql(async (sql) => {
  const rows = await sql`SELECT pg_backend_pid() AS pid`;
  equal(rows.state.pid, rows[0].pid);
}, { max: 1 }));

await main(`postgres ${version('postgres')} (Node.js ${process.versions.node})`);
