// Knex: migrates as the tenant's owner with its lock and journal tables, queries as its application.
import knex from 'knex';
import assert from 'node:assert/strict';
import { database, equal, host, main, password, port, refused, ssl, step, together, version, workers } from './steps.mjs';

const connect = (user, more = {}) => knex({ client: 'pg', connection: { host, port, database, user, password, ssl }, pool: { min: 0, max: workers }, ...more });
const source = {
  getMigrations: async () => ['1_authors', '2_books'],
  getMigrationName: (name) => name,
  getMigration: async (name) => name === '1_authors'
    ? { up: (db) => db.schema.createTable('kx_authors', (table) => { table.increments(); table.string('name').notNullable().unique(); table.timestamps(true, true); }), down: (db) => db.schema.dropTable('kx_authors') }
    : {
      up: (db) => db.schema.createTable('kx_books', (table) => { table.increments(); table.string('title'); table.jsonb('tags'); table.integer('author_id').references('kx_authors.id').onDelete('CASCADE'); table.index(['title']); }),
      down: (db) => db.schema.dropTable('kx_books'),
    },
};

step('migrate up, down and up again', async () => {
  const owner = connect('owner');
  for (const table of ['kx_books', 'kx_authors', 'knex_migrations', 'knex_migrations_lock']) await owner.schema.dropTableIfExists(table);
  equal((await owner.migrate.latest({ migrationSource: source }))[1], ['1_authors', '2_books']);
  equal((await owner.migrate.rollback({ migrationSource: source }))[1].length, 2);
  equal((await owner.migrate.latest({ migrationSource: source }))[0], 1);
  equal(await owner.schema.hasColumn('kx_books', 'tags'), true);
  await owner.destroy();
});

const db = connect('app');
step('insert, returning, join, aggregate, upsert', async () => {
  const [{ id }] = await db('kx_authors').insert({ name: 'Ada' }).returning('id');
  await db('kx_books').insert(Array.from({ length: 20 }, (_, number) => ({ title: `t${number}`, tags: { number }, author_id: id })));
  equal(await db('kx_books as b').join('kx_authors as a', 'a.id', 'b.author_id').where('a.name', 'Ada').count({ count: '*' }), [{ count: '20' }]);
  equal((await db('kx_books').whereRaw("(tags->>'number')::int >= ?", [15]).orderBy('id')).map((book) => book.title), ['t15', 't16', 't17', 't18', 't19']);
  await db('kx_authors').insert({ name: 'Ada' }).onConflict('name').merge({ name: 'Ada L.' });
  equal(await db('kx_authors').pluck('name'), ['Ada L.']);
});
step('queries on more connections than servers', () => together(async (worker) => {
  for (let number = 0; number < 10; number++) equal((await db.select(db.raw('?::int + ?::int AS sum', [worker * 100, number])))[0].sum, worker * 100 + number);
}, 12));
step('transactions, savepoints, isolation', async () => {
  await assert.rejects(db.transaction(async (tx) => {
    await tx('kx_authors').insert({ name: 'gone' });
    await refused(tx.transaction((inner) => inner.raw('SELECT 1 / ?::int', [0])), '22012');
    equal((await tx('kx_authors').where({ name: 'gone' })).length, 1);
    throw new Error('back');
  }), /back/);
  equal(await db('kx_authors').where({ name: 'gone' }), []);
  await db.transaction(async (tx) => equal((await tx.raw('SHOW transaction_isolation')).rows[0].transaction_isolation, 'repeatable read'), { isolationLevel: 'repeatable read' });
});
step('streams and time-outs', async () => {
  let sum = 0;
  for await (const row of db.select(db.raw('g FROM generate_series(1, 1000) g')).stream()) sum += row.g;
  equal(sum, 500500);
  await assert.rejects(db.raw('SELECT pg_sleep(30)').timeout(300, { cancel: true }), /Defined query timeout/);
  equal((await db.raw('SELECT 1 AS one')).rows, [{ one: 1 }]);
});
step('searchPath and settings of each connection (afterCreate)', async () => {
  const own = connect('app', { searchPath: ['pg_catalog'], pool: { min: 0, max: 3, afterCreate: (raw, done) => raw.query("SET TimeZone = 'Asia/Tokyo'; SET application_name = 'knex'", (failure) => done(failure, raw)) } });
  await together(async () => equal((await own.raw("SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path, current_setting('application_name') AS name")).rows[0],
    { zone: 'Asia/Tokyo', path: 'pg_catalog', name: 'knex' }), 9);
  await own.destroy();
});
step('disconnect', () => db.destroy());

await main(`Knex ${version('knex')} (pg ${version('pg')})`);
