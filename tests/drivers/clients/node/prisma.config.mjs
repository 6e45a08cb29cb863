// The command line tool of Prisma, with its schema engine in WebAssembly over pg. Migrations are run by the tenant's owner.
import { readFileSync } from 'node:fs';
import { PrismaPg } from '@prisma/adapter-pg';

const { PGHOST: host, PGPORT: port, PGDATABASE: database, PGPASSWORD: password, PGSSLROOTCERT, DRIVERS_SCHEMA: schema } = process.env;
export default {
  experimental: { adapter: true },
  engine: 'js',
  schema: 'prisma/schema.prisma',
  adapter: async () => new PrismaPg({ host, port: Number(port), database, user: 'owner', password, ssl: { ca: readFileSync(PGSSLROOTCERT, 'utf8') } }, { schema }),
};
