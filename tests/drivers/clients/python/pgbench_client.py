"""pgbench: tables made by the tenant's owner, load by 16 clients in every protocol, and a script of pipelines."""
import os
import re
import subprocess

import steps
from steps import equal, step

CLIENTS = 16  # a tenant in transaction mode has two servers


def pgbench(*arguments, user="app"):
    done = subprocess.run(["pgbench", "-n", *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, "PGUSER": user})
    if done.returncode:
        raise AssertionError(done.stderr[-500:])
    return done.stdout


def load(clients, transactions, *arguments):
    out = pgbench("-c", str(clients), "-j", "2", "-t", str(transactions), *arguments)
    equal(f"{clients * transactions}/{clients * transactions}", re.search(r"actually processed: (\S+)", out).group(1))
    equal("0", re.search(r"failed transactions: (\d+)", out).group(1))


def value(sql):
    return subprocess.run(["psql", "-qAtXc", sql], capture_output=True, text=True, timeout=30, check=True).stdout.strip()


@step("-i as owner")
def _():
    pgbench("-i", "-I", "dtgvpf", "-q", user="owner")
    equal("100000", value("SELECT count(*) FROM pgbench_accounts"))


for protocol in ("simple", "extended", "prepared"):
    @step(f"-M {protocol}: select-only and tpcb-like")
    def _(protocol=protocol):
        before = int(value("SELECT count(*) FROM pgbench_history"))
        load(CLIENTS, 30, "-M", protocol, "-b", "select-only")
        load(CLIENTS, 5, "-M", protocol, "-b", "tpcb-like")
        equal(str(before + CLIENTS * 5), value("SELECT count(*) FROM pgbench_history"))


@step("-C: a connection a transaction")
def _():
    load(4, 3, "-C", "-b", "select-only")


@step("\\startpipeline in scripts")
def _():
    script = os.path.join(os.environ["DRIVERS_WORK"], "pipeline.sql")
    with open(script, "w") as file:
        file.write("\\set a random(1, 100000)\n\\startpipeline\nBEGIN;\nSELECT abalance FROM pgbench_accounts WHERE aid = :a;\n"
                   "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :a;\nCOMMIT;\n\\endpipeline\n")
    for protocol in ("extended", "prepared"):
        load(CLIENTS, 10, "-M", protocol, "-f", script)


@step("what was written adds up")
def _():
    # Every pipeline added one; every transfer of TPC-B changed accounts and branches alike.
    equal(str(2 * CLIENTS * 10), value("SELECT (SELECT sum(abalance) FROM pgbench_accounts) - (SELECT sum(bbalance) FROM pgbench_branches)"))


steps.main(subprocess.run(["pgbench", "--version"], capture_output=True, text=True, check=True).stdout.split(" (Debian")[0].replace(" (PostgreSQL)", "").strip())
