"""What the client programs in Python share: named steps, each reported on a line of its own, and where to connect to."""
import os
import sys
import threading
import traceback

HOST, PORT, DATABASE = os.environ["PGHOST"], int(os.environ["PGPORT"]), os.environ["PGDATABASE"]
PASSWORD, CA = os.environ["PGPASSWORD"], os.environ["PGSSLROOTCERT"]
SESSION = os.environ["DRIVERS_SESSION"] == "1"  # the server is the client's own: session mode, or PostgreSQL itself
WORKERS = 6  # connections at a time; a tenant in transaction mode has two servers

_steps = []


def step(name):
    """Registers a function as a step."""
    def register(function):
        _steps.append((name, function))
        return function
    return register


def session_step(name):
    """A step that makes sense only where a client has a server of its own."""
    return step(name) if SESSION else lambda function: function


def equal(expected, actual):
    if expected != actual:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def refused(kind, call, sqlstate=None):
    """The call fails with an error of this kind, and this SQLSTATE."""
    try:
        call()
    except kind as error:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if sqlstate is not None:
            equal(sqlstate, code)
        return error
    raise AssertionError(f"no {kind.__name__}")


def together(work, count=WORKERS):
    """Runs work(0), work(1), ... on threads; the first failure is the step's."""
    failures = []

    def guarded(worker):
        try:
            work(worker)
        except BaseException as failure:  # noqa: BLE001 - it is raised again on the step's thread
            failures.append(failure)
    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def report(name, failure=None):
    if failure is None:
        print(f"ok {name}", flush=True)
        return
    place = traceback.extract_tb(failure.__traceback__)
    line = next((frame.lineno for frame in reversed(place) if frame.filename.endswith(sys.argv[0])), "?")
    print(f"not ok {name}: {type(failure).__name__}: {failure} (line {line})".replace("\n", " | "), flush=True)


def main(client):
    """Runs every step; a failed one does not keep the next from running."""
    print(f"client {client}", flush=True)
    red = 0
    for name, function in _steps:
        try:
            function()
            report(name)
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the step is red
            red += 1
            report(name, failure)
    print("end", flush=True)
    sys.exit(1 if red else 0)
