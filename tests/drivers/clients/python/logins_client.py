"""Log-ins other than by SCRAM: md5 hashes, client certificates and signed tokens, by libpq (psql, psycopg), asyncpg and Npgsql. Each user may come in one way alone."""
import asyncio
import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import time

import asyncpg
import psycopg
import psycopg2

import steps
from steps import equal, step

CERTIFICATE = {"sslcert": os.environ["DRIVERS_CERT"], "sslkey": os.environ["DRIVERS_KEY"]}
NPGSQL = os.environ["DRIVERS_NPGSQL"].split()
REFUSED = {"hashed": "password authentication failed", "signed": "password authentication failed", "certified": "connection requires a valid client certificate"}


def token(secret=os.environ["DRIVERS_TOKEN_SECRET"], **changed):
    """A JWT for the user "signed", good for a minute."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    claims = {"tenant": steps.DATABASE, "sub": "signed", "exp": int(time.time()) + 60, **changed}
    text = part(json.dumps({"alg": "HS256", "kid": "drivers"}).encode()) + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())


def ways():
    """Each user with what lets it in."""
    return (("hashed", {"password": steps.PASSWORD}), ("certified", CERTIFICATE), ("signed", {"password": token()}))


def wrong():
    """Each user with what does not, and the others' ways among it."""
    return (("hashed", {"password": "wrong"}), ("hashed", {"password": token()}), ("certified", {"password": steps.PASSWORD}), ("signed", {"password": token(exp=1)}),
            ("signed", {"password": token(tenant="nobody")}), ("signed", {"password": token(secret="x" * 32)}))


def run(command, user, means):
    """A program of its own, told by the environment; what it prints, or its error."""
    names = {"password": "PGPASSWORD", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
    given = {names[name]: value for name, value in means.items()}
    environment = {**{name: value for name, value in os.environ.items() if name != "PGPASSWORD"}, "PGUSER": user, **given}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def libpq(connect):
    def ask(user, means):
        connection = connect(host=steps.HOST, port=steps.PORT, dbname=steps.DATABASE, user=user, sslmode="verify-full", sslrootcert=steps.CA, **{"password": "", **means})
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT 'in'")
            return cursor.fetchone()[0]
        finally:
            connection.close()
    return ask


def by_asyncpg(user, means):
    async def ask():
        tls = ssl.create_default_context(cafile=steps.CA)
        if "sslcert" in means:
            tls.load_cert_chain(means["sslcert"], means["sslkey"])
        connection = await asyncpg.connect(host=steps.HOST, port=steps.PORT, database=steps.DATABASE, user=user, password=means.get("password", ""), ssl=tls, timeout=20)
        try:
            return await connection.fetchval("SELECT 'in'")
        finally:
            await connection.close()
    return asyncio.run(ask())


def raised(ask):
    def answer(user, means):
        try:
            return ask(user, means)
        except (psycopg.Error, psycopg2.Error, asyncpg.PostgresError) as error:
            return str(error)
    return answer


for name, ask in (("psql", lambda user, means: run(["psql", "-XAtw", "-c", "SELECT 'in'"], user, means)), ("psycopg 3", raised(libpq(psycopg.connect))),
                  ("psycopg2", raised(libpq(psycopg2.connect))), ("asyncpg", raised(by_asyncpg)), ("Npgsql", lambda user, means: run(NPGSQL, user, means))):
    for user, means in ways():
        @step(f"{name}: {dict(hashed='md5', certified='a certificate', signed='a token')[user]}")
        def _(ask=ask, user=user):
            equal("in", ask(user, dict(ways())[user]))

    @step(f"{name}: who shows something else is refused")
    def _(ask=ask):
        for user, means in wrong():
            answer = ask(user, means)
            if REFUSED[user] not in answer:
                raise AssertionError(f"{user} with {list(means)}: {answer!r}")


steps.main("five of the above")
