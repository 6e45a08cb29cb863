#!/usr/bin/env python3
"""Records what real PostgreSQL servers say, for the tests of the wire library.

    ./record.py BINDIR...        e.g. ./record.py /usr/lib/postgresql/15/bin

For each BINDIR it starts a throw-away server, holds a few conversations with it over raw sockets and writes
    pgNN-TOPIC.txt       one message a line: F (frontend) or B (backend), then its bytes in hexadecimal
    pgNN-verifiers.txt   one password a line: its UTF-8 in hexadecimal, then what pg_authid stores for it
    pgNN-statements.txt  one text a line: its UTF-8 in hexadecimal, how many statements the server ran, and 1 if a SET
                         among them took effect. The texts are a random soup of quotes and comments that the server accepted.
The files are checked in; record anew when a server version is added. As root it runs the server as user postgres.
"""
import base64
import hashlib
import hmac
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
PASSWORD = "pencil"
PASSWORDS = [
    "pencil", "a", "p w", "it's", "x" * 200, "with,comma=and equals", "\t", "caf\u00e9", "cafe\u0301", "a\u0301\u0327b", "\u212bngstr\u00f6m",
    "\u2168", "\ufb01ne", "\u00bd", "I\u00adX", "\u00aa", "\u00a0nbsp", "\u3000wide", "zero\u200bwidth", "join\u200der", "var\ufe0f", "\ufeffbom",
    "\u1806x", "\u00ad", "\u0007bell", "\u00e9\u0007bell", "\u0627\u0628", "\u06271", "1\u0627", "\u0627a\u0627", "\u05d0\u05d1\u05d2", "\u05d0 \u05d1", "\ufb1d",
    "\ud55c\uae00", "\u1112\u1161\u11ab", "\u1100\u1161", "\uac00\u11a8", "\u0221", "\U0001f600", "\u20b9", "\u0b95\u0bcd\u0bb7", "\u0958", "\u0915\u093c",
    "\u1e9b\u0323", "\u03d3", "\u0344", "\u1fee", "\uf900", "\U0002f804", "\U0001d400bc", "\u33a2", "\ufdfa", "\u3392\u338f", "\u30ab\u3099", "\uff76\uff9e",
    "\ue000private", "\ufffd", "\ufdd0", "\U000e0001tag", "\u202eoverride", "\u2028line", "\u0340x", "\u06dd", "\u0149", "\u01c4", "\u1e69", "s\u0307\u0323",
    "s\u0323\u0307", "\u0f43", "\u2adc", "\u0958\u0301", "\u0390", "\u03b9\u0308\u0301", "\u1f82", "\u1e14", "\u00c5\u0301", "\u01fa", "\u0065\u0323\u0302",
]
QUOTES = [("'", "'"), ("E'", "'"), ("$$", "$$"), ("$a$", "$a$"), ("/*", "*/"), ("--", "\n"), ("--", "\r"), ('"', '"'), ("U&'", "'"), ("N'", "'"),
          ("e'", "'\n'"), ("", ""), ("1e'", "'"), ("$1$b$", "$b$")]
FRAGMENTS = ["'", "''", "E'", "\\", "\\'", '"', '""', "$$", "$a$", "$b$", "$a", "$1", ";", "--", "\n", "\r", "/*", "*/", " ", "1", "a", "e", "U&'", 'U&"', "N'",
             "B'", "x", "\f", "\t", "SELECT 1", "SELECT", ",", "(", ")", "+", "*", "/", "-", "\u00e9", "_", "$", "||", "SET application_name = {}"]
INVALID_UTF8 = [b"\xff\xfe", b"caf\xe9", b"\xc0\x80", b"\xed\xa0\x80", b"ok\xf5"]


class Wire:
    """One connection; remembers each message that passed."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.log, self.buffer = [], b""

    def send(self, *messages):
        for message in messages:
            self.log.append(("F", message))
        self.socket.sendall(b"".join(messages))

    def byte(self):
        while not self.buffer:
            self.fill()
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        self.log.append(("B", byte))
        return byte

    def fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise EOFError
        self.buffer += more

    def receive(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack(">i", self.buffer[1:5])[0]:
            self.fill()
        length = 1 + struct.unpack(">i", self.buffer[1:5])[0]
        message, self.buffer = self.buffer[:length], self.buffer[length:]
        self.log.append(("B", message))
        return message[:1], message[5:]

    def until(self, *kinds):
        while True:
            kind, body = self.receive()
            if kind in kinds:
                return body

    def until_closed(self):
        try:
            while True:
                self.receive()
        except EOFError:
            pass

    def startup(self, version=0x30000, **parameters):
        pairs = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in parameters.items())
        body = struct.pack(">i", version) + pairs + b"\0"
        self.send(struct.pack(">i", 4 + len(body)) + body)

    def login(self, password=PASSWORD, **parameters):
        self.startup(**parameters)
        kind, body = self.receive()
        if kind == b"v":
            kind, body = self.receive()
        code = struct.unpack(">i", body[:4])[0]
        if code == 3:
            self.send(message(b"p", password.encode() + b"\0"))
        elif code == 5:
            inner = hashlib.md5((password + parameters["user"]).encode()).hexdigest()
            self.send(message(b"p", b"md5" + hashlib.md5(inner.encode() + body[4:8]).hexdigest().encode() + b"\0"))
        elif code == 10:
            self.scram(password)
        return self.until(b"Z", b"E")

    def scram(self, password):
        bare = b"n=,r=" + base64.b64encode(os.urandom(18))
        first = b"n,," + bare
        self.send(message(b"p", b"SCRAM-SHA-256\0" + struct.pack(">i", len(first)) + first))
        kind, body = self.receive()
        server_first = body[4:]
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=biws,r=" + fields[b"r"]
        signature = hmac.digest(hashlib.sha256(client_key).digest(), b",".join([bare, server_first, without_proof]), "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.send(message(b"p", without_proof + b",p=" + base64.b64encode(proof)))

    def query(self, sql):
        self.send(message(b"Q", sql.encode() + b"\0"))
        return self.until(b"Z")

    def close(self):
        self.send(message(b"X", b""))
        self.until_closed()


def message(kind, body):
    return kind + struct.pack(">i", 4 + len(body)) + body


def parse(name, sql, *types):
    return message(b"P", name + b"\0" + sql + b"\0" + struct.pack(f">h{len(types)}i", len(types), *types))


def bind(portal, statement, formats, values, results):
    body = portal + b"\0" + statement + b"\0" + struct.pack(f">h{len(formats)}h", len(formats), *formats) + struct.pack(">h", len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return message(b"B", body + struct.pack(f">h{len(results)}h", len(results), *results))


def describe(what, name):
    return message(b"D", what + name + b"\0")


def execute(portal, rows=0):
    return message(b"E", portal + b"\0" + struct.pack(">i", rows))


SYNC, FLUSH = message(b"S", b""), message(b"H", b"")


def login_scram(wire):
    wire.login(user="u_scram", database="postgres", application_name="recorder")
    wire.close()


def login_scram_wrong_password(wire):
    wire.login(password="wrong", user="u_scram", database="postgres")
    wire.until_closed()


def login_md5(wire):
    wire.login(user="u_md5", database="postgres")
    wire.close()


def login_cleartext(wire):
    wire.login(user="u_clear", database="postgres")
    wire.close()


def login_newer_protocol(wire):
    wire.login(version=0x30000 | 9999, user="u_trust", database="postgres", **{"_pq_.unknown": "1", "_pq_.other": "x"})
    wire.close()


def login_protocol_32(wire):
    wire.login(version=0x30002, user="u_trust", database="postgres")
    wire.close()


def encryption_refused(wire):
    wire.send(struct.pack(">ii", 8, 80877103))
    wire.byte()
    wire.login(user="u_trust", database="postgres")
    wire.close()


def simple(wire):
    wire.login(user="u_trust", database="postgres", client_encoding="UTF8", options="-c DateStyle=ISO")
    for sql in ("SELECT 1 AS one, NULL AS nothing, 'caf\u00e9' AS text", "", ";", "SELECT 1; SELECT 2 WHERE false; SELECT", "SELECT 1/0", "BEGIN", "SELECT nope",
                "SELECT 1", "ROLLBACK", "SET application_name = 'x'", "DO $$BEGIN RAISE NOTICE 'note' USING HINT = 'h', DETAIL = 'd'; END$$",
                "CREATE TEMP TABLE t (a int PRIMARY KEY, b text)", "INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 3) i", "TABLE t",
                "INSERT INTO t VALUES (1)", "LISTEN c", "NOTIFY c, 'payload'", "DISCARD ALL"):
        wire.query(sql)
    wire.close()


def extended(wire):
    wire.login(user="u_trust", database="postgres")
    wire.send(parse(b"s1", b"SELECT $1::int + 1 AS n, $2::text", 23, 0), describe(b"S", b"s1"), bind(b"p1", b"s1", [1, 0], [b"\0\0\0\x29", None], [1]),
              describe(b"P", b"p1"), execute(b"p1"), SYNC)
    wire.until(b"Z")
    wire.send(parse(b"", b"SELECT generate_series(1, 5)"), bind(b"", b"", [], [], []), execute(b"", 2), FLUSH)
    wire.until(b"s")
    wire.send(execute(b""), message(b"C", b"P\0"), message(b"C", b"Ss1\0"), SYNC)
    wire.until(b"Z")
    wire.send(parse(b"", b"SET TIME ZONE 'UTC'"), describe(b"S", b""), bind(b"", b"", [], [], []), describe(b"P", b""), execute(b""), SYNC)
    wire.until(b"Z")
    wire.send(parse(b"", b""), bind(b"", b"", [], [], []), execute(b""), SYNC, parse(b"bad", b"SELEC"), bind(b"", b"bad", [], [], []), SYNC, SYNC)
    for _ in range(3):
        wire.until(b"Z")
    wire.close()


def copy(wire):
    wire.login(user="u_trust", database="postgres")
    wire.query("CREATE TEMP TABLE t (a int, b text)")
    wire.send(message(b"Q", b"COPY t FROM STDIN\0"))
    wire.until(b"G")
    wire.send(message(b"d", b"1\tone\n2\tt"), message(b"d", b"wo\n"), message(b"c", b""))
    wire.until(b"Z")
    wire.query("COPY t TO STDOUT")
    wire.query("COPY t TO STDOUT (FORMAT binary)")
    wire.send(message(b"Q", b"COPY t FROM STDIN\0"))
    wire.until(b"G")
    wire.send(message(b"d", b"3\tthree\n"), message(b"f", b"changed my mind\0"))
    wire.until(b"Z")
    wire.close()


def function_call(wire):
    wire.login(user="u_trust", database="postgres")
    wire.send(message(b"F", struct.pack(">ihhh", 1317, 1, 0, 1) + struct.pack(">i", 5) + b"seven" + struct.pack(">h", 1)))  # length(text)
    wire.until(b"Z")
    wire.send(message(b"F", struct.pack(">ihhih", 1317, 0, 1, -1, 0)))
    wire.until(b"Z")
    wire.close()


def replication(wire):
    wire.login(user="postgres", replication="true")
    wire.query("IDENTIFY_SYSTEM")
    wire.send(message(b"Q", b"START_REPLICATION PHYSICAL 0/1000000\0"))
    wire.until(b"W")
    wire.send(message(b"c", b""))
    wire.until(b"c")
    wire.until(b"Z")
    # Pages of the write-ahead log are long and say nothing about the protocol.
    wire.log = [(side, m) for side, m in wire.log if len(m) < 10_000]
    wire.close()


def cancel(wire):
    port = wire.socket.getpeername()[1]
    wire.startup(version=VERSION_NEWEST, user="u_trust", database="postgres")
    key = wire.until(b"K")
    wire.until(b"Z")
    wire.send(message(b"Q", b"SELECT pg_sleep(30)\0"))
    time.sleep(0.5)  # a cancel that comes before the query has begun is lost
    canceller = Wire(port)
    canceller.send(struct.pack(">ii", 8 + len(key), 80877102) + key)
    canceller.until_closed()
    wire.until(b"Z")
    wire.close()
    wire.log += canceller.log


def garbage(wire):
    wire.startup(user="u_trust", database="postgres")
    wire.until(b"Z")
    wire.send(b"Q\0\0\0\3")
    wire.until_closed()


def start(bin_dir, directory):
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(directory, "postgres")
    data = f"{directory}/data"
    subprocess.run([*as_user, f"{bin_dir}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"], check=True, stdout=subprocess.DEVNULL)
    pathlib.Path(data, "pg_hba.conf").write_text(
        "host all u_scram all scram-sha-256\nhost all u_md5 all md5\nhost all u_clear all password\nhost all all all trust\nhost replication all all trust\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([*as_user, f"{bin_dir}/postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            wire = Wire(port)
            if wire.login(user="postgres", database="postgres") == b"I":
                return server, port, wire
        except (OSError, EOFError):
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def record_verifiers(wire, port, path):
    lines = []
    for password in PASSWORDS:
        literal = password.replace("'", "''")
        wire.query(f"ALTER ROLE u_pw PASSWORD '{literal}'")
        lines.append((password.encode(), stored(wire)))
    wire.query("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    raw = Wire(port)
    raw.login(user="postgres", database="bytes", client_encoding="SQL_ASCII")
    for password in INVALID_UTF8:
        raw.send(message(b"Q", b"ALTER ROLE u_pw PASSWORD '" + password + b"'\0"))
        raw.until(b"Z")
        lines.append((password, stored(raw)))
    path.write_text("".join(f"{password.hex()} {verifier}\n" for password, verifier in lines))


def stored(wire):
    at = len(wire.log)
    wire.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'u_pw'")
    row = next(m for side, m in wire.log[at:] if side == "B" and m[:1] == b"D")
    return row[11:].decode()


def soup(chance, most):
    return "".join(chance.choice(FRAGMENTS).format(chance.randint(0, 10**6)) for _ in range(chance.randint(0, most)))


def random_text(chance):
    text = ""
    for _ in range(chance.randint(1, 4)):
        begin, end = chance.choice(QUOTES)
        text += chance.choice(["SELECT 1", "SELECT ", f"SET application_name = v{chance.randint(0, 10**6)}", "SELECT E'\\''"])
        text += chance.choice(["", begin + soup(chance, 5) + end + soup(chance, 2)]) + chance.choice([";", " ; ", "\n;"])
    return text


def record_statements(wire, path, count):
    chance, lines = random.Random(1), []
    while len(lines) < count:
        text = random_text(chance)
        at = len(wire.log)
        status = wire.query(text)
        answers = [m for side, m in wire.log[at:] if side == "B"]
        if not any(m[:1] == b"E" for m in answers):
            was_set = any(m[5:].startswith(b"application_name") for m in answers)
            lines.append(f"{text.encode().hex()} {sum(m[:1] == b'C' for m in answers)} {int(was_set)}\n")
        if status != b"I":
            wire.query("ROLLBACK")
        del wire.log[at:]
    path.write_text("".join(lines))


def record(bin_dir):
    global VERSION_NEWEST
    version = int(re.search(r"(\d+)", subprocess.run([f"{bin_dir}/postgres", "--version"], capture_output=True, text=True).stdout).group(1))
    VERSION_NEWEST = 0x30002 if version >= 18 else 0x30000
    with tempfile.TemporaryDirectory() as directory:
        server, port, wire = start(bin_dir, directory)
        try:
            for sql in (f"CREATE ROLE u_scram LOGIN PASSWORD '{PASSWORD}'", "CREATE ROLE u_trust LOGIN", "CREATE ROLE u_pw",
                        f"CREATE ROLE u_clear LOGIN PASSWORD '{PASSWORD}'", f"SET password_encryption = md5; CREATE ROLE u_md5 LOGIN PASSWORD '{PASSWORD}'",
                        "RESET password_encryption", "GRANT TEMPORARY ON DATABASE postgres TO PUBLIC"):
                wire.query(sql)
            topics = [login_scram, login_scram_wrong_password, login_md5, login_cleartext, login_newer_protocol, encryption_refused, simple, extended, copy,
                      function_call, replication, cancel, garbage]
            if version >= 18:
                topics.append(login_protocol_32)
            for topic in topics:
                conversation = Wire(port)
                topic(conversation)
                text = "".join(f"{side} {m.hex()}\n" for side, m in conversation.log)
                (HERE / f"pg{version}-{topic.__name__.replace('_', '-')}.txt").write_text(text)
            record_statements(wire, HERE / f"pg{version}-statements.txt", 600)
            record_verifiers(wire, port, HERE / f"pg{version}-verifiers.txt")
        finally:
            # runuser does not pass signals on, so the postmaster is told itself.
            os.kill(int(pathlib.Path(directory, "data/postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            server.wait()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for argument in sys.argv[1:]:
        record(argument)
