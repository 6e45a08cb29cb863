"""pg_dump of one tenant, restored into another, all through the same door; and what needs a replication connection, which is refused."""
import os
import re
import shutil
import subprocess

import steps
from steps import equal, step

WORK = os.environ["DRIVERS_WORK"]
# Owners and grants name roles, which differ from tenant to tenant; beside the tenant's own schema a shard's databases have two of the proxy's.
PLAIN = ["--no-owner", "--no-privileges"]
OWN = [*PLAIN, "-N", "proxysuite", "-N", "tenancy"]
IS_PROXIED = os.environ["DRIVERS_PROXIED"] == "1"

CONTENT = """
DROP VIEW IF EXISTS orders_of CASCADE; DROP TABLE IF EXISTS lines, orders, customers, blobs CASCADE; DROP TYPE IF EXISTS state CASCADE; DROP FUNCTION IF EXISTS total(int); DROP SEQUENCE IF EXISTS numbers;
"""
SEED = """
CREATE TYPE state AS ENUM ('open', 'paid', 'sent');
CREATE SEQUENCE numbers START 1000 INCREMENT 7;
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, tags text[] DEFAULT '{}', details jsonb);
CREATE TABLE orders (id bigint PRIMARY KEY DEFAULT nextval('numbers'), customer int NOT NULL REFERENCES customers ON DELETE CASCADE, state state DEFAULT 'open', made timestamptz NOT NULL,
    price numeric(10, 2) CHECK (price >= 0)) PARTITION BY RANGE (made);
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
""".replace("id bigint PRIMARY KEY DEFAULT", "id bigint NOT NULL DEFAULT") + """
CREATE INDEX orders_customer ON orders (customer, made DESC) WHERE state <> 'sent';
CREATE TABLE blobs (id uuid PRIMARY KEY, bytes bytea, doubled int GENERATED ALWAYS AS (length(bytes) * 2) STORED);
CREATE VIEW orders_of AS SELECT c.name, count(*) AS orders FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.name;
CREATE FUNCTION total(customer_id int) RETURNS numeric LANGUAGE sql STABLE AS $$ SELECT sum(price) FROM orders WHERE customer = customer_id $$;
COMMENT ON TABLE orders IS 'it''s partitioned; "quoted" \\ and $dollar$';
INSERT INTO customers (name, tags, details) SELECT 'customer ' || g, ARRAY['a\tb', 'ü', NULL], jsonb_build_object('n', g) FROM generate_series(1, 50) g;
INSERT INTO orders (customer, state, made, price) SELECT 1 + g % 50, (ARRAY['open', 'paid', 'sent'])[1 + g % 3]::state, '2024-06-01'::timestamptz + g * interval '10 hours', g * 1.25
    FROM generate_series(1, 1000) g;
INSERT INTO blobs SELECT md5(g::text)::uuid, decode(repeat(md5(g::text), 100), 'hex') FROM generate_series(1, 100) g;
"""


def run(program, *arguments, database=None, **options):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=90, env={**os.environ, "PGUSER": "owner", **({"PGDATABASE": database} if database else {})}, **options)
    if done.returncode:
        raise AssertionError(f"{program} {' '.join(arguments)}: {done.stderr[-600:]}")
    return done.stdout


def psql(database, sql):
    return run("psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-", database=database, input=sql)


def dump(database, *arguments, schema=None):
    # The keys of \\restrict are random unless they are given.
    return run("pg_dump", *(OWN if schema is None else [*PLAIN, "-n", schema]), "--restrict-key=fixed", *arguments, database=database)


def emptied(database):
    psql(database, CONTENT.replace("\n", " "))


@step("a plain dump restored by psql: the dump afterwards is byte-equal")
def _():
    emptied("dump-from")
    emptied("dump-to")
    psql("dump-from", SEED)
    psql("dump-to", "DROP TABLE IF EXISTS items")
    first = dump("dump-from")
    if len(first) < 100_000 or "CREATE TABLE" not in first:
        raise AssertionError(f"a dump of {len(first)} characters")
    psql("dump-to", first)
    equal(True, first == dump("dump-to"))
    equal("1000|50|100", psql("dump-to", "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM orders_of), (SELECT count(*) FROM blobs)").strip())


@step("a custom dump restored by pg_restore -j 3, cleaned first")
def _():
    file = os.path.join(WORK, "custom.dump")
    run("pg_dump", "-Fc", *OWN, "-f", file, database="dump-from")
    run("pg_restore", "-j", "3", "--clean", "--if-exists", *PLAIN, "-d", "dump-to", file, database="dump-to")
    equal(True, dump("dump-from") == dump("dump-to"))


@step("a directory dump by two workers of one snapshot (pg_dump -j 2)")
def _():
    directory = os.path.join(WORK, "directory.dump")
    shutil.rmtree(directory, ignore_errors=True)
    run("pg_dump", "-Fd", "-j", "2", *OWN, "-f", directory, database="dump-from")
    run("pg_restore", "-j", "2", "--clean", "--if-exists", *PLAIN, "-d", "dump-to", directory, database="dump-to")
    equal(True, dump("dump-from") == dump("dump-to"))


@step("data alone, as INSERTs with column names")
def _():
    psql("dump-to", "TRUNCATE customers, orders, blobs")
    psql("dump-to", dump("dump-from", "--data-only", "--column-inserts", "--disable-dollar-quoting", "-t", "customers", "-t", "blobs"))
    equal("50|100", psql("dump-to", "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM blobs)").strip())


if IS_PROXIED:
    @step("a tenant that is a schema: byte-equal but for the schema's name")
    def _():
        schemas = {}
        for tenant in ("dumps-from", "dumps-to"):
            emptied(tenant)
            schemas[tenant] = psql(tenant, "SELECT current_schema()").strip()
            psql(tenant, "DROP TABLE IF EXISTS items")
        psql("dumps-from", SEED)
        first = dump("dumps-from", schema=schemas["dumps-from"]).replace(schemas["dumps-from"], "tenant_schema")
        # The schema is there already, and is not the tenant's to make.
        script = re.sub(r"^CREATE SCHEMA .*;$", "", first, flags=re.M).replace("tenant_schema", schemas["dumps-to"])
        psql("dumps-to", script)
        equal(True, first == dump("dumps-to", schema=schemas["dumps-to"]).replace(schemas["dumps-to"], "tenant_schema"))

    @step("pg_dump of a tenant that is a schema holds nothing of its neighbours")
    def _():
        whole = subprocess.run(["pg_dump", "--schema-only", "--no-owner", "--no-privileges"], capture_output=True, text=True, timeout=60, env={**os.environ, "PGUSER": "owner", "PGDATABASE": "dumps-from"})
        own = psql("dumps-from", "SELECT current_schema()").strip()
        equal(set(), set(re.findall(r"tenant_[0-9a-f]{32}", whole.stdout)) - {own})

    @step("replication connections are refused in words")
    def _():
        for program, *arguments in (["pg_basebackup", "-D", os.path.join(WORK, "base")], ["pg_receivewal", "-n", "-D", WORK],
                                    ["pg_recvlogical", "-n", "-d", "dump-from", "--slot=s", "--start", "-f", "-"], ["psql", "replication=database dbname=dump-from", "-c", "IDENTIFY_SYSTEM"]):
            done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, env={**os.environ, "PGUSER": "owner", "PGDATABASE": "dump-from"})
            if done.returncode == 0 or "replication" not in done.stderr.lower() or "FATAL" not in done.stderr:
                raise AssertionError(f"{program}: {done.returncode} {done.stderr}")


steps.main(subprocess.run(["pg_dump", "--version"], capture_output=True, text=True, check=True).stdout.split(" (Debian")[0].replace(" (PostgreSQL)", "").strip() + ", pg_restore")
