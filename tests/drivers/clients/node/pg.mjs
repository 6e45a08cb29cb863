// node-postgres: its pool, named and unnamed statements, cursors, streams, COPY, LISTEN.
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { equal, host, main, password, port, database, refused, sessionStep, ssl, step, together, until, version, workers } from './steps.mjs';

const options = { host, port, database, user: 'app', password, ssl };

async function withClient(work, more = {}) {
  const client = new pg.Client({ ...options, ...more });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
const value = async (client, text, values) => Object.values((await client.query(text, values)).rows[0])[0];

step('TLS, parameters of either side', () => withClient(async (client) => {
  equal(client.connection.stream.encrypted, true);
  equal(await value(client, 'SHOW application_name'), 'node');
  equal(await value(client, 'SHOW statement_timeout'), '9s');
  equal(await value(client, 'SHOW lock_timeout'), '3s');
  equal(await value(client, 'SHOW idle_in_transaction_session_timeout'), '8s');
}, { application_name: 'node', statement_timeout: 9000, lock_timeout: 3000, idle_in_transaction_session_timeout: 8000 }));

step('named statements on more connections than servers', () => together((worker) => withClient(async (client) => {
  for (let number = 0; number < 40; number++) {
    const sum = await client.query({ name: 'sum', text: `SELECT $1::int * 1000 + $2::int AS sum, ${worker} AS worker`, values: [worker, number] });
    equal(sum.rows, [{ sum: worker * 1000 + number, worker }]);
    equal(await value(client, 'SELECT $1::text || $2::text', [`${worker}/`, number]), `${worker}/${number}`);
  }
})));

step('a pool larger than the servers, state left behind not met by others', async () => {
  const pool = new pg.Pool({ ...options, max: workers });
  await together(async (worker) => {
    for (let number = 0; number < 10; number++) {
      const client = await pool.connect();
      await client.query(`SET application_name = 'worker ${worker}'`);
      equal(await value(client, 'SHOW application_name'), `worker ${worker}`);
      client.release();
    }
  }, 12);
  await pool.end();
});

step('one client, queries queued without waiting', () => withClient(async (client) => {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => value(client, 'SELECT $1::int', [number])));
  equal(answers, Array.from({ length: 50 }, (_, number) => number));
}));

step('several statements in one text', () => withClient(async (client) => {
  const results = await client.query("SELECT 1 AS one; SET TimeZone = 'Asia/Tokyo'; SELECT 2 AS two");
  equal([results[0].rows, results[2].rows], [[{ one: 1 }], [{ two: 2 }]]);
  equal(await value(client, 'SHOW TimeZone'), 'Asia/Tokyo');
}));

step('cursor, with and without a transaction around it', () => withClient(async (client) => {
  await client.query('BEGIN');
  const inside = client.query(new Cursor('SELECT g FROM generate_series(1, $1::int) g', [100]));
  equal((await inside.read(10)).map((row) => row.g), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  equal((await inside.read(1000)).length, 90);
  await inside.close();
  await client.query('COMMIT');
  const outside = client.query(new Cursor('SELECT g FROM generate_series(1, 100) g'));
  equal((await outside.read(30)).length, 30);
  equal((await outside.read(30))[0].g, 31);
  await outside.close();
  equal(await value(client, 'SELECT 5'), 5);
}));

step('query stream on several connections', () => together((worker) => withClient(async (client) => {
  let sum = 0;
  for await (const row of client.query(new QueryStream('SELECT g + $1::int AS g FROM generate_series(1, 1000) g', [worker], { batchSize: 50 }))) sum += row.g;
  equal(sum, 500500 + 1000 * worker);
})));

step('COPY in and out, and refused', () => withClient(async (client) => {
  await client.query('DELETE FROM items');
  const rows = Array.from({ length: 5000 }, (_, number) => `${number}\trow ${number}\n`);
  await pipeline(Readable.from(rows), client.query(copyFrom('COPY items (n, body) FROM STDIN')));
  let out = '';
  for await (const piece of client.query(copyTo('COPY (SELECT n, body FROM items ORDER BY n) TO STDOUT'))) out += piece;
  equal(out, rows.join(''));
  await refused(pipeline(Readable.from(['no number\n']), client.query(copyFrom('COPY items (n) FROM STDIN'))), '22P02');
  equal(await value(client, 'SELECT count(*)::int FROM items'), 5000);
}));

step('LISTEN hears while the client waits and works', () => withClient((listener) => withClient(async (speaker) => {
  const heard = [];
  listener.on('notification', (message) => heard.push(`${message.channel}: ${message.payload}`));
  await listener.query('LISTEN news');
  await speaker.query("NOTIFY news, 'one'");
  await until(() => heard.length === 1);
  equal(await value(listener, 'SELECT $1::int', [7]), 7);
  await speaker.query('SELECT pg_notify($1, $2)', ['news', 'two']);
  await until(() => heard.length === 2);
  equal(heard, ['news: one', 'news: two']);
  await listener.query('UNLISTEN news');
})));

step('transactions, savepoints, errors with their fields', () => withClient(async (client) => {
  await client.query('DELETE FROM items');
  await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
  await client.query('INSERT INTO items (n) VALUES ($1)', [1]);
  await client.query('SAVEPOINT s');
  await refused(client.query('SELECT 1 / $1::int', [0]), '22012');
  await refused(client.query('SELECT 1'), '25P02');
  await client.query('ROLLBACK TO s');
  await client.query('COMMIT');
  const failure = await refused(client.query('INSERT INTO items (id) SELECT id FROM items'), '23505');
  equal([failure.table, failure.constraint, failure.severity], ['items', 'items_pkey', 'ERROR']);
}));

step('a query given up by the client, cancelled through another connection', async () => {
  await withClient(async (client) => {
    const sleeping = client.query('SELECT pg_sleep(30)');
    await new Promise((resume) => setTimeout(resume, 300));
    const messenger = new pg.Client(options);
    messenger.cancel(client, client._getActiveQuery());
    await refused(sleeping, '57014');
    equal(await value(client, 'SELECT 1'), 1);
  });
});

step('binary results, arrays, dates, big numbers', () => withClient(async (client) => {
  const { rows } = await client.query({ text: 'SELECT $1::int[] AS a, $2::timestamptz AS t, $3::jsonb AS j, $4::bytea AS b', values: [[1, 2], new Date(0), { k: [1] }, Buffer.from([0, 255])] });
  equal(rows[0], { a: [1, 2], t: new Date(0), j: { k: [1] }, b: Buffer.from([0, 255]) });
  equal(await value(client, { text: 'SELECT $1::int4', values: [258], binary: true }), 258);
}));

step('session state: temporary tables', () => withClient(async (client) => {
  await client.query('CREATE TEMP TABLE mine (a int)');
  for (let number = 0; number < 5; number++) await client.query('INSERT INTO mine VALUES ($1)', [number]);
  equal(await value(client, 'SELECT count(*)::int FROM mine'), 5);
}));

sessionStep("backend pid is the server's", () => withClient(async (client) => equal(client.processID, await value(client, 'SELECT pg_backend_pid()'))));

await main(`pg ${version('pg')} (Node.js ${process.versions.node})`);
