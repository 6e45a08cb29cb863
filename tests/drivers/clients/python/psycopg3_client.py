"""psycopg 3: server-side binding, prepared statements, pipeline mode, server-side cursors, COPY, notifications, cancel."""
import threading
import time

import psycopg
from psycopg import errors, pq
from psycopg.rows import dict_row

import steps
from steps import equal, refused, session_step, step, together


def connect(**options):
    return psycopg.connect("", autocommit=options.pop("autocommit", True), **options)


@step("TLS, parameters of either side")
def _():
    with connect(application_name="psycopg three", options="-c TimeZone=Asia/Tokyo") as connection:
        equal(True, bool(connection.pgconn.ssl_in_use))
        equal(("psycopg three", "Asia/Tokyo"), connection.execute("SELECT current_setting('application_name'), current_setting('TimeZone')").fetchone())
        equal("Asia/Tokyo", connection.info.parameter_status("TimeZone"))
        equal("UTF8", connection.info.parameter_status("client_encoding"))
        connection.execute("SET TimeZone = 'Europe/Paris'")
        equal("Europe/Paris", connection.info.parameter_status("TimeZone"))


@step("types both ways, text and binary")
def _():
    with connect() as connection:
        for binary in (False, True):
            row = connection.execute("SELECT %s::int8, %s::text, %s::bytea, %s::date - 1, %s::int[], %s::jsonb", (
                2 ** 40, "ünïcödé", b"\0\xff", "2024-03-01", [1, None, 3], '{"a": [1]}'), binary=binary).fetchone()
            equal((2 ** 40, "ünïcödé", b"\0\xff", __import__("datetime").date(2024, 2, 29), [1, None, 3], {"a": [1]}), row)


@step("prepared statements on more connections than servers")
def _():
    def work(worker):
        with connect(prepare_threshold=0) as connection:
            for number in range(40):
                equal((worker * 1000 + number,), connection.execute("SELECT %s::int * 1000 + %s::int", (worker, number)).fetchone())
                equal((f"{worker}/{number}",), connection.execute("SELECT %s::text || '/' || %s::text", (str(worker), str(number))).fetchone())
    together(work)


@step("prepared after the fifth use, more texts than it keeps")
def _():
    with connect(prepare_threshold=5) as connection:
        connection.prepared_max = 4
        for text in range(10):
            for number in range(8):
                equal((text + number,), connection.execute(f"SELECT {text} + %s::int", (number,)).fetchone())


@step("a prepared statement lives through ALTER and DISCARD")
def _():
    with connect(prepare_threshold=0) as connection:
        with connect(user="owner", prepare_threshold=0) as owner:
            owner.execute("DROP TABLE IF EXISTS altered")
            owner.execute("CREATE TABLE altered (a int)")
            owner.execute("INSERT INTO altered VALUES (1)")
            equal((1,), connection.execute("SELECT a FROM altered WHERE a = %s", (1,)).fetchone())
            owner.execute("ALTER TABLE altered ADD b text DEFAULT 'b'")
            equal((1,), connection.execute("SELECT a FROM altered WHERE a = %s", (1,)).fetchone())
            owner.execute("DROP TABLE altered")
        connection.execute("DEALLOCATE ALL")
        equal((7,), connection.execute("SELECT %s::int", (7,)).fetchone())


@step("pipeline mode")
def _():
    def work(worker):
        with connect() as connection, connection.pipeline():
            cursors = [connection.execute("SELECT %s::int, %s::int", (worker, number)) for number in range(50)]
            for number, cursor in enumerate(cursors):
                equal((worker, number), cursor.fetchone())
    together(work)


@step("pipeline mode: an error ends its batch, not the connection")
def _():
    with connect() as connection:
        connection.execute("DELETE FROM items")

        def failing():
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO items (n) VALUES (1)")
                pipeline.sync()
                connection.execute("INSERT INTO items (n) VALUES (2)")
                connection.execute("SELECT 1/0")
                connection.execute("INSERT INTO items (n) VALUES (3)")
                pipeline.sync()
        refused(errors.DivisionByZero, failing, "22012")
        equal([(1,)], connection.execute("SELECT n FROM items").fetchall())


@step("pipeline mode in a transaction")
def _():
    with connect(autocommit=False) as connection:
        connection.execute("DELETE FROM items")
        with connection.pipeline():
            for number in range(100):
                connection.execute("INSERT INTO items (n) VALUES (%s)", (number,))
        connection.commit()
        equal((100, 4950), connection.execute("SELECT count(*), sum(n) FROM items").fetchone())


@step("server-side cursors, scrolled, and WITH HOLD")
def _():
    with connect(autocommit=False) as connection:
        with connection.cursor("numbers", scrollable=True) as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 1000) g")
            equal([(1,), (2,)], cursor.fetchmany(2))
            cursor.scroll(500)
            equal((503,), cursor.fetchone())
            cursor.scroll(0, mode="absolute")
            cursor.itersize = 100
            equal(500500, sum(row[0] for row in cursor))
        held = connection.cursor("held", withhold=True)
        held.execute("SELECT g FROM generate_series(1, 10) g")
        connection.commit()
        equal([(g,) for g in range(1, 11)], held.fetchall())
        held.close()


@step("COPY in, text and binary, and out again")
def _():
    with connect() as connection:
        connection.execute("DELETE FROM items")
        with connection.cursor().copy("COPY items (n, body) FROM STDIN") as copy:
            for number in range(5000):
                copy.write_row((number, f"row\t{number}"))
        with connection.cursor().copy("COPY items (n, body) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            for number in range(5000, 10000):
                copy.write_row((number, None))
        with connection.cursor().copy("COPY (SELECT n, body FROM items ORDER BY n) TO STDOUT") as copy:
            copy.set_types(["int4", "text"])
            rows = list(copy.rows())
        equal(10000, len(rows))
        equal([(0, "row\t0"), (9999, None)], [rows[0], rows[-1]])


@step("COPY given up and COPY refused")
def _():
    with connect() as connection:
        def give_up():
            with connection.cursor().copy("COPY items (n) FROM STDIN") as copy:
                copy.write_row((1,))
                raise KeyError("given up")
        before = connection.execute("SELECT count(*) FROM items").fetchone()
        refused(errors.QueryCanceled, give_up, "57014")

        def wrong():
            with connection.cursor().copy("COPY items (n) FROM STDIN") as copy:
                copy.write(b"no number\n")
        refused(errors.InvalidTextRepresentation, wrong, "22P02")
        equal(before, connection.execute("SELECT count(*) FROM items").fetchone())


@step("LISTEN hears while the client waits and works")
def _():
    with connect() as listener, connect() as speaker:
        listener.execute("LISTEN news")
        heard = []
        thread = threading.Thread(target=lambda: [heard.append(next(listener.notifies()).payload) for _ in range(1)])
        thread.start()
        speaker.execute("SELECT pg_notify('news', 'first')")
        thread.join(20)
        equal(["first"], heard)
        speaker.execute("NOTIFY news, 'second'")
        speaker.execute("NOTIFY other, 'not for us'")
        listener.add_notify_handler(lambda notify: heard.append(notify.payload))
        deadline = time.monotonic() + 20
        while len(heard) < 2 and time.monotonic() < deadline:
            listener.execute("SELECT 1")
        equal(["first", "second"], heard)
        listener.execute("UNLISTEN news")


@step("cancel")
def _():
    with connect() as connection:
        threading.Timer(0.3, connection.cancel).start()
        refused(errors.QueryCanceled, lambda: connection.execute("SELECT pg_sleep(30)"), "57014")
        equal((1,), connection.execute("SELECT 1").fetchone())


@step("transactions and savepoints")
def _():
    with connect() as connection:
        connection.execute("DELETE FROM items")
        with connection.transaction():
            connection.execute("INSERT INTO items (n) VALUES (1)")
            with connection.transaction(force_rollback=True):
                connection.execute("INSERT INTO items (n) VALUES (2)")

            def inner():
                with connection.transaction():
                    connection.execute("SELECT 1/0")
            refused(errors.DivisionByZero, inner)
            connection.execute("INSERT INTO items (n) VALUES (3)")
        equal([(1,), (3,)], connection.execute("SELECT n FROM items ORDER BY n").fetchall())
        equal(pq.TransactionStatus.IDLE, connection.info.transaction_status)


@step("isolation level, read only and deferrable")
def _():
    with connect(autocommit=False) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        connection.deferrable = True
        equal(("serializable", "on"), connection.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')").fetchone())
        refused(errors.ReadOnlySqlTransaction, lambda: connection.execute("DELETE FROM items"), "25006")
        connection.rollback()


@step("session state: SET, temporary tables, advisory locks")
def _():
    with connect() as connection:
        connection.execute("SET work_mem = '3MB'")
        connection.execute("CREATE TEMP TABLE mine (a int)")
        connection.execute("SELECT pg_advisory_lock(42)")
        for number in range(5):
            connection.execute("INSERT INTO mine VALUES (%s)", (number,))
        equal((5, "3MB"), connection.execute("SELECT count(*), current_setting('work_mem') FROM mine").fetchone())
        equal((True,), connection.execute("SELECT pg_advisory_unlock(42)").fetchone())


@step("executemany with results, row factories")
def _():
    with connect(row_factory=dict_row) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO items (n, body) VALUES (%s, 'many') RETURNING n", [(number,) for number in range(30)], returning=True)
        numbers = []
        while True:
            numbers.append(cursor.fetchone()["n"])
            if not cursor.nextset():
                break
        equal(list(range(30)), numbers)


@session_step("backend pid is the server's")
def _():
    with connect() as connection:
        equal(connection.info.backend_pid, connection.execute("SELECT pg_backend_pid()").fetchone()[0])


steps.main(f"psycopg {psycopg.__version__} (libpq {pq.version() // 10000}.{pq.version() % 10000}, {pq.__impl__})")
