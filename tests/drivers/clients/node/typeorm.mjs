// TypeORM: migrations and schema synchronisation as the tenant's owner, repositories and query builder as its application.
import 'reflect-metadata';
import typeorm from 'typeorm';
import assert from 'node:assert/strict';
import { database, equal, host, main, password, port, refused, ssl, step, together, version, workers } from './steps.mjs';

const { DataSource, EntitySchema, MoreThan } = typeorm;
const Author = new EntitySchema({
  name: 'Author', tableName: 'to_authors',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: String, unique: true } },
  relations: { books: { type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true } },
});
const Book = new EntitySchema({
  name: 'Book', tableName: 'to_books',
  columns: { id: { type: Number, primary: true, generated: true }, title: { type: String }, tags: { type: 'jsonb', nullable: true } },
  relations: { author: { type: 'many-to-one', target: 'Author', inverseSide: 'books', joinColumn: { name: 'author_id' } } },
});
class Books1700000000000 {
  name = 'Books1700000000000';
  async up(runner) {
    await runner.query('CREATE TABLE to_authors (id serial PRIMARY KEY, name varchar NOT NULL UNIQUE)');
    await runner.query('CREATE TABLE to_books (id serial PRIMARY KEY, title varchar NOT NULL, author_id int REFERENCES to_authors)');
  }
  async down(runner) {
    await runner.query('DROP TABLE to_books, to_authors');
  }
}
const open = (username, more = {}) => new DataSource({
  type: 'postgres', host, port, database, username, password, ssl, entities: [Author, Book], migrations: [Books1700000000000], migrationsTableName: 'to_migrations',
  extra: { max: workers }, installExtensions: false, ...more,
}).initialize();

step('migrations up, down and up, then synchronize', async () => {
  const owner = await open('owner');
  await owner.query('DROP TABLE IF EXISTS to_books, to_authors, to_migrations');
  equal((await owner.runMigrations()).length, 1);
  await owner.undoLastMigration();
  equal((await owner.runMigrations({ transaction: 'each' })).length, 1);
  await owner.synchronize();
  equal((await owner.query("SELECT count(*)::int AS n FROM information_schema.columns WHERE table_name = 'to_books' AND column_name = 'tags'"))[0].n, 1);
  await owner.destroy();
});

let source;
step('save with relations, find, query builder', async () => {
  source = await open('app');
  const authors = source.getRepository('Author');
  await authors.save({ name: 'Ada', books: [{ title: 'Notes', tags: { a: 1 } }, { title: 'Engine' }] });
  const found = await authors.findOne({ where: { name: 'Ada' }, relations: { books: true }, order: { books: { title: 'ASC' } } });
  equal(found.books.map((book) => book.title), ['Engine', 'Notes']);
  equal(await source.getRepository('Book').createQueryBuilder('b').leftJoin('b.author', 'a').where('a.name = :name AND b.title LIKE :like', { name: 'Ada', like: 'N%' }).getCount(), 1);
  equal((await source.getRepository('Book').update({ id: MoreThan(0) }, { title: 'same' })).affected, 2);
});
step('queries on more connections than servers', () => together(async (worker) => {
  for (let number = 0; number < 10; number++) equal(await source.query('SELECT $1::int + $2::int AS sum', [worker * 100, number]), [{ sum: worker * 100 + number }]);
}, 12));
step('transactions, nested, rolled back', async () => {
  await assert.rejects(source.transaction('SERIALIZABLE', async (manager) => {
    await manager.save('Author', { name: 'gone' });
    await refused(manager.transaction((inner) => inner.query('SELECT 1 / $1::int', [0])), '22012');
    equal(await manager.count('Author', { where: { name: 'gone' } }), 1);
    throw new Error('back');
  }), /back/);
  equal(await source.getRepository('Author').countBy({ name: 'gone' }), 0);
});
step('stream, upsert, locks', async () => {
  let sum = 0;
  const runner = source.createQueryRunner();
  for await (const row of await runner.stream('SELECT g FROM generate_series(1, 1000) g')) sum += row.g;
  await runner.release();
  equal(sum, 500500);
  await source.getRepository('Author').upsert([{ name: 'Ada' }, { name: 'Eve' }], ['name']);
  await source.transaction(async (manager) => equal((await manager.findOne('Author', { where: { name: 'Eve' }, lock: { mode: 'pessimistic_write' } })).name, 'Eve'));
});
step('disconnect', () => source.destroy());

await main(`TypeORM ${version('typeorm')} (pg ${version('pg')})`);
