"""psycopg2: statements as text, named cursors, COPY, notifications, cancel."""
import io
import select
import threading
import time

import psycopg2
from psycopg2 import errors, extensions, extras

import steps
from steps import equal, refused, session_step, step, together


def connect(autocommit=True, **options):
    connection = psycopg2.connect("", **options)
    connection.autocommit = autocommit
    return connection


def run(connection, sql, arguments=None):
    """All rows of a statement, or None where it has none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall() if cursor.description else None


@step("TLS, parameters of either side")
def _():
    connection = connect(application_name="two", options="-c statement_timeout=7s -c IntervalStyle=iso_8601")
    equal(True, connection.info.ssl_in_use)
    equal([("two", "7s", "iso_8601")], run(connection, "SELECT current_setting('application_name'), current_setting('statement_timeout'), current_setting('IntervalStyle')"))
    equal("iso_8601", connection.get_parameter_status("IntervalStyle"))
    connection.set_client_encoding("LATIN1")
    equal([("ü", 2)], run(connection, "SELECT 'ü', octet_length('ü')"))
    connection.close()


@step("its own answers on more connections than servers")
def _():
    def work(worker):
        connection = connect()
        for number in range(40):
            equal([(worker, f"{worker}/{number}")], run(connection, "SELECT %s, %s", (worker, f"{worker}/{number}")))
        connection.close()
    together(work)


@step("the session's defaults of set_session")
def _():
    connection = connect(autocommit=False)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    equal([("repeatable read", "on")], run(connection, "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"))
    refused(errors.ReadOnlySqlTransaction, lambda: run(connection, "DELETE FROM items"), "25006")
    connection.rollback()
    connection.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)
    run(connection, "DELETE FROM items")
    connection.close()


@step("session defaults kept by the server in autocommit")
def _():
    connection = connect()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True, autocommit=True)
    for _ in range(4):
        equal([("serializable", "on")], run(connection, "SELECT current_setting('transaction_isolation'), current_setting('default_transaction_read_only')"))
    connection.close()


@step("named cursors, scrolled, and WITH HOLD")
def _():
    connection = connect(autocommit=False)
    with connection.cursor("numbers", scrollable=True) as cursor:
        cursor.itersize = 50
        cursor.execute("SELECT g FROM generate_series(1, 500) g")
        cursor.scroll(10)
        equal((11,), cursor.fetchone())
        cursor.scroll(0, mode="absolute")
        equal(125250, sum(row[0] for row in cursor))
    held = connection.cursor("held", withhold=True)
    held.execute("SELECT g FROM generate_series(1, 10) g")
    connection.commit()
    equal([(g,) for g in range(1, 11)], held.fetchall())
    held.close()
    connection.close()


@step("copy_from, copy_to, copy_expert")
def _():
    connection = connect()
    run(connection, "DELETE FROM items")
    with connection.cursor() as cursor:
        cursor.copy_from(io.StringIO("".join(f"{n}\trow {n}\n" for n in range(5000))), "items", columns=("n", "body"))
        equal(5000, cursor.rowcount)
        out = io.StringIO()
        cursor.copy_to(out, "items", columns=("n", "body"))
        equal(5000, out.getvalue().count("\n"))
        table = io.StringIO()
        cursor.copy_expert("COPY (SELECT n FROM items ORDER BY n LIMIT 3) TO STDOUT WITH CSV HEADER", table)
        equal("n\n0\n1\n2\n", table.getvalue())
        refused(errors.InvalidTextRepresentation, lambda: cursor.copy_from(io.StringIO("no number\n"), "items", columns=("n",)), "22P02")
    equal([(5000,)], run(connection, "SELECT count(*) FROM items"))
    connection.close()


@step("LISTEN, heard by select and poll")
def _():
    listener, speaker = connect(), connect()
    run(listener, "LISTEN news")
    run(speaker, "NOTIFY news, 'one'")
    run(speaker, "SELECT pg_notify('news', 'two')")
    deadline = time.monotonic() + 20
    while len(listener.notifies) < 2 and time.monotonic() < deadline:
        select.select([listener], [], [], 1)
        listener.poll()
    equal(["one", "two"], [notify.payload for notify in listener.notifies])
    run(listener, "UNLISTEN *")
    listener.close()
    speaker.close()


@step("cancel")
def _():
    connection = connect()
    threading.Timer(0.3, connection.cancel).start()
    refused(errors.QueryCanceled, lambda: run(connection, "SELECT pg_sleep(30)"), "57014")
    equal([(1,)], run(connection, "SELECT 1"))
    connection.close()


@step("asynchronous connections")
def _():
    def wait(connection):
        while (state := connection.poll()) != extensions.POLL_OK:
            ready = ([connection], []) if state == extensions.POLL_READ else ([], [connection])
            equal(True, any(select.select(*ready, [], 20)))
    connections = [psycopg2.connect("", async_=True) for _ in range(steps.WORKERS)]
    for connection in connections:
        wait(connection)
    cursors = [connection.cursor() for connection in connections]
    for number, cursor in enumerate(cursors):
        cursor.execute("SELECT %s, pg_sleep(0.02)", (number,))
    for number, cursor in enumerate(cursors):
        wait(cursor.connection)
        equal(number, cursor.fetchone()[0])
    for connection in connections:
        connection.close()


@step("transactions, savepoints, two phases refused")
def _():
    connection = connect(autocommit=False)
    run(connection, "DELETE FROM items")
    run(connection, "INSERT INTO items (n) VALUES (1)")
    run(connection, "SAVEPOINT s")
    refused(errors.DivisionByZero, lambda: run(connection, "SELECT 1/0"), "22012")
    refused(errors.InFailedSqlTransaction, lambda: run(connection, "SELECT 1"), "25P02")
    run(connection, "ROLLBACK TO SAVEPOINT s")
    connection.commit()
    equal([(1,)], run(connection, "SELECT n FROM items"))
    connection.commit()
    connection.tpc_begin(connection.xid(1, "global", "branch"))
    run(connection, "SELECT 1")
    refused(psycopg2.Error, connection.tpc_prepare)  # 55000 by a server that has none, 0A000 by a proxy that keeps none
    connection.close()


@step("SQL PREPARE, EXECUTE, DEALLOCATE")
def _():
    def work(worker):
        connection = connect()
        run(connection, f"PREPARE plan (int) AS SELECT $1 + {worker}")
        for number in range(20):
            equal([(worker + number,)], run(connection, "EXECUTE plan(%s)", (number,)))
        run(connection, "DEALLOCATE plan")
        refused(errors.InvalidSqlStatementName, lambda: run(connection, "EXECUTE plan(1)"), "26000")
        connection.close()
    together(work)


@step("execute_values, execute_batch, DictCursor")
def _():
    connection = connect(autocommit=False)
    run(connection, "DELETE FROM items")
    with connection.cursor() as cursor:
        extras.execute_values(cursor, "INSERT INTO items (n, body) VALUES %s", [(n, "value") for n in range(250)])
        extras.execute_batch(cursor, "UPDATE items SET body = %s WHERE n = %s", [(f"b{n}", n) for n in range(250)])
    with connection.cursor(cursor_factory=extras.DictCursor) as cursor:
        cursor.execute("SELECT n, body FROM items WHERE n = 249")
        equal("b249", cursor.fetchone()["body"])
    connection.commit()
    connection.close()


@step("session state: SET, temporary tables, advisory locks")
def _():
    connection = connect()
    run(connection, "SET search_path = pg_temp, public; SET TimeZone = 'Asia/Tokyo'")
    run(connection, "CREATE TEMP TABLE mine (a int)")
    run(connection, "SELECT pg_advisory_lock(43)")
    for number in range(5):
        run(connection, "INSERT INTO mine VALUES (%s)", (number,))
    equal([(5, "Asia/Tokyo")], run(connection, "SELECT count(*), current_setting('TimeZone') FROM mine"))
    equal([(True,)], run(connection, "SELECT pg_advisory_unlock(43)"))
    connection.reset()
    equal(False, run(connection, "SELECT current_setting('TimeZone')") == [("Asia/Tokyo",)])
    connection.close()


@session_step("backend pid is the server's")
def _():
    connection = connect()
    equal([(connection.get_backend_pid(),)], run(connection, "SELECT pg_backend_pid()"))
    connection.close()


steps.main(f"psycopg2 {psycopg2.__version__.split(' ')[0]} (libpq {psycopg2.__libpq_version__ // 10000}.{psycopg2.__libpq_version__ % 10000})")
