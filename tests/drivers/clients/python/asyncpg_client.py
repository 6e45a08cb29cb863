"""asyncpg: everything prepared, its own pool, cursors, COPY, LISTEN, cancellation by time-out."""
import asyncio
import io
import ssl

import asyncpg

import steps
from steps import equal, session_step, step

TLS = ssl.create_default_context(cafile=steps.CA)


async def connect(**options):
    return await asyncpg.connect(host=steps.HOST, port=steps.PORT, database=steps.DATABASE, password=steps.PASSWORD, ssl=TLS, timeout=20, **{"user": "app", **options})


def async_step(name, register=step):
    return lambda function: register(name)(lambda: asyncio.run(function()))


async def refused(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@async_step("TLS, parameters of either side")
async def _():
    connection = await connect(server_settings={"application_name": "async", "TimeZone": "Asia/Tokyo", "jit": "off"})
    equal(("async", "Asia/Tokyo", "off"), tuple(await connection.fetchrow(
        "SELECT current_setting('application_name'), current_setting('TimeZone'), current_setting('jit')")))
    equal("Asia/Tokyo", connection.get_settings().TimeZone)
    await connection.close()


@async_step("prepared statements on more connections than servers")
async def _():
    async def work(worker):
        connection = await connect()
        statement = await connection.prepare("SELECT $1::int * 1000 + $2::int")
        for number in range(40):
            equal(worker * 1000 + number, await statement.fetchval(worker, number))
            equal(f"{worker}/{number}", await connection.fetchval("SELECT $1 || '/' || $2", str(worker), str(number)))
        await connection.close()
    await asyncio.gather(*(work(worker) for worker in range(steps.WORKERS)))


@async_step("a pool, cleaned between its users")
async def _():
    async with asyncpg.create_pool(host=steps.HOST, port=steps.PORT, database=steps.DATABASE, user="app", password=steps.PASSWORD, ssl=TLS,
                                   min_size=4, max_size=6) as pool:
        async def work(worker):
            for number in range(10):
                async with pool.acquire() as connection:
                    await connection.execute(f"SET application_name = 'worker {worker}'")
                    equal(worker + number, await connection.fetchval("SELECT $1::int + $2::int", worker, number))
                    equal(f"worker {worker}", await connection.fetchval("SHOW application_name"))
        await asyncio.gather(*(work(worker) for worker in range(12)))
        async with pool.acquire() as connection:
            equal("", await connection.fetchval("SHOW application_name"))


@async_step("more statements than its cache keeps")
async def _():
    connection = await connect(statement_cache_size=3)
    for number in range(30):
        equal(number % 7 + 1, await connection.fetchval(f"SELECT $1::int + {number % 7}", 1))
    await connection.close()


@async_step("types: arrays, composites, enums, introspected through the catalogues")
async def _():
    owner = await connect(user="owner")
    await owner.execute("DROP TABLE IF EXISTS typed; DROP TYPE IF EXISTS pair; DROP TYPE IF EXISTS mood")
    await owner.execute("CREATE TYPE pair AS (a int, b text)")
    await owner.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    await owner.execute("CREATE TABLE typed (p pair, m mood, a pair[], j jsonb)")
    await owner.execute("INSERT INTO typed VALUES ($1, $2, $3, $4)", (1, "x"), "glad", [(2, "y"), (3, None)], '{"k": 1}')
    row = await owner.fetchrow("SELECT * FROM typed")
    equal(((1, "x"), "glad", [(2, "y"), (3, None)], '{"k": 1}'), (tuple(row["p"]), row["m"], [tuple(pair) for pair in row["a"]], row["j"]))
    await owner.execute("DROP TABLE typed; DROP TYPE pair; DROP TYPE mood")
    await owner.close()


@async_step("a statement prepared before ALTER TABLE")
async def _():
    owner, connection = await connect(user="owner"), await connect()
    await owner.execute("DROP TABLE IF EXISTS altered; CREATE TABLE altered (a int); INSERT INTO altered VALUES (1)")
    equal((1,), tuple(await connection.fetchrow("SELECT * FROM altered")))
    await owner.execute("ALTER TABLE altered ADD b text DEFAULT 'b'")
    equal((1, "b"), tuple(await connection.fetchrow("SELECT * FROM altered")))  # the driver prepares anew when it hears 0A000
    await owner.execute("DROP TABLE altered")
    await owner.close()
    await connection.close()


@async_step("cursors in a transaction")
async def _():
    connection = await connect()
    async with connection.transaction():
        equal(500500, sum([row[0] async for row in connection.cursor("SELECT g FROM generate_series(1, 1000) g", prefetch=33)]))
        cursor = await connection.cursor("SELECT g FROM generate_series(1, 100) g")
        await cursor.forward(10)
        equal([11, 12], [row[0] for row in await cursor.fetch(2)])
    await connection.close()


@async_step("executemany")
async def _():
    connection = await connect()
    await connection.execute("DELETE FROM items")
    await connection.executemany("INSERT INTO items (n, body) VALUES ($1, $2)", [(n, f"row {n}") for n in range(1000)])
    equal((1000, 499500), tuple(await connection.fetchrow("SELECT count(*), sum(n) FROM items")))
    await refused(asyncpg.DivisionByZeroError, connection.executemany("INSERT INTO items (n) SELECT 1 / $1::int", [(1,), (0,)]))
    equal(1000, await connection.fetchval("SELECT count(*) FROM items"))
    await connection.close()


@async_step("COPY in and out")
async def _():
    connection = await connect()
    await connection.execute("DELETE FROM items")
    equal("COPY 5000", await connection.copy_records_to_table("items", columns=["n", "body"], records=[(n, f"row {n}") for n in range(5000)]))
    out = io.BytesIO()
    equal("COPY 5000", await connection.copy_from_query("SELECT n, body FROM items ORDER BY n", output=out, format="csv"))
    equal(5000, out.getvalue().count(b"\n"))
    equal("COPY 5000", await connection.copy_to_table("items", columns=["n", "body"], source=io.BytesIO(out.getvalue()), format="csv"))
    await refused(asyncpg.InvalidTextRepresentationError, connection.copy_to_table("items", columns=["n"], source=io.BytesIO(b"none\n")))
    equal(10000, await connection.fetchval("SELECT count(*) FROM items"))
    await connection.close()


@async_step("LISTEN hears while the client waits and works")
async def _():
    listener, speaker = await connect(), await connect()
    heard = asyncio.Queue()
    await listener.add_listener("news", lambda _, pid, channel, payload: heard.put_nowait((channel, payload)))
    await speaker.execute("NOTIFY news, 'one'")
    equal(("news", "one"), await asyncio.wait_for(heard.get(), 20))
    async with listener.transaction():
        equal(1, await listener.fetchval("SELECT $1::int", 1))
    await speaker.fetchval("SELECT pg_notify($1, $2)", "news", "two")
    equal(("news", "two"), await asyncio.wait_for(heard.get(), 20))
    await listener.reset()
    await listener.close()
    await speaker.close()


@async_step("cancellation by time-out")
async def _():
    connection = await connect()
    await refused(asyncio.TimeoutError, connection.execute("SELECT pg_sleep(30)", timeout=0.3))
    equal(1, await connection.fetchval("SELECT 1"))
    await connection.close()


@async_step("transactions and savepoints")
async def _():
    connection = await connect()
    await connection.execute("DELETE FROM items")
    async with connection.transaction(isolation="serializable"):
        await connection.execute("INSERT INTO items (n) VALUES ($1)", 1)

        async def inner():
            async with connection.transaction():
                await connection.execute("INSERT INTO items (n) VALUES ($1)", 2)
                await connection.fetchval("SELECT 1/$1::int", 0)
        await refused(asyncpg.DivisionByZeroError, inner())
        await connection.execute("INSERT INTO items (n) VALUES ($1)", 3)
    equal([1, 3], [row["n"] for row in await connection.fetch("SELECT n FROM items ORDER BY n")])
    await connection.close()


@async_step("session state: temporary tables, reset")
async def _():
    connection = await connect()
    await connection.execute("CREATE TEMP TABLE mine (a int)")
    await connection.executemany("INSERT INTO mine VALUES ($1)", [(n,) for n in range(5)])
    equal(5, await connection.fetchval("SELECT count(*) FROM mine"))
    await connection.execute("DROP TABLE mine; SET work_mem = '2MB'")
    await connection.reset()
    equal(False, "2MB" == await connection.fetchval("SHOW work_mem"))
    await connection.close()


@async_step("backend pid is the server's", session_step)
async def _():
    connection = await connect()
    equal(connection.get_server_pid(), await connection.fetchval("SELECT pg_backend_pid()"))
    await connection.close()


steps.main(f"asyncpg {asyncpg.__version__}")
