// Prisma: migrates with its command line tool as the tenant's owner, queries as its application.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { PrismaPg } from '@prisma/adapter-pg';
import { database, equal, host, main, password, port, ssl, step, together, version, workers } from './steps.mjs';
import assert from 'node:assert/strict';

const options = { host, port, database, user: 'app', password, ssl };
const client = new pg.Client({ ...options, user: 'owner' });
await client.connect();
// Prisma names the schema in every statement: it has to be told the tenant's.
const schema = (await client.query('SELECT current_schema() AS name')).rows[0].name;
await client.query('DROP TABLE IF EXISTS "Book", "Author", _prisma_migrations');
await client.end();

const run = (...words) => promisify(execFile)(process.execPath, ['node_modules/prisma/build/index.js', ...words, '--config', 'prisma.config.mjs'], {
  cwd: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  env: { ...process.env, DRIVERS_SCHEMA: schema, DATABASE_URL: 'postgres://unused', PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
}).then(({ stdout, stderr }) => stdout + stderr, (failure) => { throw new Error(`prisma ${words.join(' ')}: ${failure.stdout}${failure.stderr}`); });

step('migrate resolve, deploy and status', async () => {
  await run('migrate', 'resolve', '--applied', '0_baseline');
  assert.match(await run('migrate', 'deploy'), /1_books/);
  assert.match(await run('migrate', 'status'), /up to date/);
});

const { PrismaClient } = await import('./generated/index.js').then((module) => module.default ?? module);
const prisma = new PrismaClient({ adapter: new PrismaPg({ ...options, max: workers }, { schema }) });

step('create with relations, find, filter, order', async () => {
  await prisma.author.create({ data: { name: 'Ada', books: { create: [{ title: 'Notes', price: 12.5, tags: { kind: ['maths'] } }, { title: 'Engine' }] } } });
  const author = await prisma.author.findUnique({ where: { name: 'Ada' }, include: { books: { orderBy: { title: 'desc' } } } });
  equal(author.books.map((book) => book.title), ['Notes', 'Engine']);
  equal(author.books[0].tags, { kind: ['maths'] });
  equal(await prisma.book.count({ where: { title: { contains: 'ot' }, author: { name: 'Ada' } } }), 1);
});
step('queries on more connections than servers', () => together(async (worker) => {
  for (let number = 0; number < 5; number++) {
    const made = await prisma.author.create({ data: { name: `author ${worker}/${number}` } });
    equal((await prisma.author.findUnique({ where: { id: made.id } })).name, `author ${worker}/${number}`);
  }
}, 12));
step('upsert, updateMany, createMany, aggregate', async () => {
  const { id: authorId } = await prisma.author.upsert({ where: { name: 'Eve' }, create: { name: 'Eve' }, update: {} });
  await prisma.book.createMany({ data: Array.from({ length: 50 }, (_, number) => ({ title: `t${number}`, price: number, authorId })) });
  equal((await prisma.book.updateMany({ where: { authorId, price: { gte: 40 } }, data: { price: { increment: 1 } } })).count, 10);
  equal(Number((await prisma.book.aggregate({ _sum: { price: true }, where: { authorId } }))._sum.price), 1235);
});
step('transactions: batch, interactive, rolled back', async () => {
  const [first, second] = await prisma.$transaction([prisma.author.create({ data: { name: 'T1' } }), prisma.author.count()]);
  equal([first.name, second > 1], ['T1', true]);
  await assert.rejects(prisma.$transaction(async (tx) => {
    await tx.author.create({ data: { name: 'T2' } });
    throw new Error('back');
  }), /back/);
  equal(await prisma.author.count({ where: { name: 'T2' } }), 0);
  await prisma.$transaction(async (tx) => equal((await tx.$queryRaw`SHOW transaction_isolation`)[0].transaction_isolation, 'serializable'), { isolationLevel: 'Serializable' });
});
step('raw queries, unique violations', async () => {
  equal(await prisma.$queryRaw`SELECT ${7}::int + 1 AS eight`, [{ eight: 8 }]);
  equal((await prisma.author.create({ data: { name: 'Ada' } }).catch((failure) => failure)).code, 'P2002');
});
step('disconnect', () => prisma.$disconnect());

await main(`Prisma ${version('prisma')} (driver adapter @prisma/adapter-pg ${version('@prisma/adapter-pg')})`);
