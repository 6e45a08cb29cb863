// Drizzle over pg and over postgres.js: migrates as the tenant's owner, queries as its application.
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js';
import { eq, gt, relations, sql } from 'drizzle-orm';
import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import postgres from 'postgres';
import assert from 'node:assert/strict';
import { database, equal, host, main, password, port, refused, ssl, step, together, version, workers } from './steps.mjs';

const authors = pgTable('dz_authors', { id: serial('id').primaryKey(), name: text('name').notNull().unique() });
const books = pgTable('dz_books', { id: serial('id').primaryKey(), title: text('title').notNull(), authorId: integer('author_id').notNull().references(() => authors.id) });
const schema = {
  authors, books,
  authorRelations: relations(authors, ({ many }) => ({ books: many(books) })),
  bookRelations: relations(books, ({ one }) => ({ author: one(authors, { fields: [books.authorId], references: [authors.id] }) })),
};
const options = { host, port, database, user: 'app', password, ssl };
const migrationsFolder = new URL('drizzle', import.meta.url).pathname;

step('migrate', async () => {
  const pool = new pg.Pool({ ...options, user: 'owner' });
  const db = drizzle(pool);
  await pool.query('DROP TABLE IF EXISTS dz_books, dz_authors');
  // The migrator keeps its journal in a schema that it creates, which only the owner of a database may. In a tenant that is a schema the
  // files are run without it, as with any other tool.
  const mayCreate = (await pool.query("SELECT has_database_privilege(current_database(), 'CREATE') AS may")).rows[0].may;
  if (mayCreate) {
    await pool.query('DROP SCHEMA IF EXISTS drizzle CASCADE');
    await migrate(db, { migrationsFolder });
    await migrate(db, { migrationsFolder });
  } else {
    await db.transaction(async (tx) => {
      for (const file of readMigrationFiles({ migrationsFolder })) for (const statement of file.sql) await tx.execute(sql.raw(statement));
    });
  }
  await pool.end();
});

const pool = new pg.Pool({ ...options, max: workers });
const connection = postgres({ host, port, database, user: 'app', password, ssl: { ...ssl, servername: host }, max: workers });
for (const [kind, db] of [['pg', drizzle(pool, { schema })], ['postgres.js', drizzlePostgres(connection, { schema })]]) {
  step(`${kind}: insert, select, join, update, delete`, async () => {
    await db.delete(books);
    await db.delete(authors);
    const [author] = await db.insert(authors).values({ name: 'Ada' }).returning();
    await db.insert(books).values([{ title: 'Notes', authorId: author.id }, { title: 'Engine', authorId: author.id }]);
    equal(await db.select({ title: books.title, name: authors.name }).from(books).innerJoin(authors, eq(books.authorId, authors.id)).orderBy(books.title),
      [{ title: 'Engine', name: 'Ada' }, { title: 'Notes', name: 'Ada' }]);
    await db.update(books).set({ title: 'More notes' }).where(eq(books.title, 'Notes'));
    equal((await db.query.authors.findFirst({ with: { books: { orderBy: books.title } } })).books.map((book) => book.title), ['Engine', 'More notes']);
    equal((await db.delete(books).where(gt(books.id, 0)).returning()).length, 2);
  });
  step(`${kind}: prepared queries on more connections than servers`, async () => {
    const prepared = db.select({ sum: sql`${sql.placeholder('a')}::int + 1`.mapWith(Number) }).from(authors).limit(1).prepare('plus_one');
    await together(async (worker) => {
      for (let number = 0; number < 10; number++) equal(await prepared.execute({ a: worker * 100 + number }), [{ sum: worker * 100 + number + 1 }]);
    }, 12);
  });
  step(`${kind}: transactions, nested, rolled back`, async () => {
    await assert.rejects(db.transaction(async (tx) => {
      await tx.insert(authors).values({ name: 'gone' });
      await refused(tx.transaction((inner) => inner.execute(sql`SELECT 1 / ${0}::int`)), '22012');
      equal((await tx.select().from(authors).where(eq(authors.name, 'gone'))).length, 1);
      tx.rollback();
    }));
    equal(await db.select().from(authors).where(eq(authors.name, 'gone')), []);
  });
}
step('disconnect', async () => {
  await pool.end();
  await connection.end();
});

await main(`Drizzle ${version('drizzle-orm')} (pg ${version('pg')}, postgres ${version('postgres')})`);
