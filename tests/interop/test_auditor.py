#!/usr/bin/env python3
"""The SQL in docs/guides/probes.md gives the auditor what the probe needs, and no more: with it, settings, rules
and sessions of a real PostgreSQL are read; each right that is left out shows as `unknown`; tables stay closed.
Prints TAP."""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clusters import BIN, Cluster, make_certificates  # noqa: E402
from harness import FOLDER, finish, result  # noqa: E402

ROOT = os.environ.get("REDOUBT_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROBE = os.environ.get("PROBE_MAIN", "build/tests/interop/probe_main")
PASSWORD = "made by a generator"
FACTS = ("pg.settings", "pg.hba", "pg.sessions")
# right -> the fact that is unknown without it
NEEDED = {"GRANT pg_monitor": "pg.sessions", "GRANT SELECT": "pg.hba", "FUNCTION pg_hba_file_rules": "pg.hba"}


def statements():
    with open(os.path.join(ROOT, "docs", "guides", "probes.md"), encoding="utf-8") as file:
        block = re.search(r"^```sql\n(.*?)^```$", file.read(), re.M | re.S).group(1)
    return [re.sub(r" *--.*", "", line).rstrip(";").strip() for line in block.splitlines() if line.strip()]


def look(pg, user):
    spec = {"host": "127.0.0.1", "port": pg.port, "databases": ["app"], "user": "app",
            "auditor": {"user": user, "password": "env:AUDITOR"}}
    done = subprocess.run([PROBE, "postgres", json.dumps(spec), FOLDER, "6000", "stores.db"], capture_output=True,
                          text=True, timeout=30, env=dict(os.environ, AUDITOR=PASSWORD))
    return {seen["fact"]: seen for seen in map(json.loads, done.stdout.splitlines())}


def main():
    make_certificates()
    pg = Cluster()
    pg.load("host all postgres all trust\nhostssl all all all scram-sha-256")
    pg.sql("CREATE DATABASE app")
    pg.sql("CREATE ROLE app LOGIN")
    pg.sql("CREATE TABLE invoice (name text)", "app")
    lines = statements()
    result(len(lines) == 5, "the guide has five statements", lines)
    for line in lines:
        pg.sql(line.rstrip(";"), "app")
    seen = look(pg, "redoubt_auditor")
    for fact in FACTS:
        result("value" in seen.get(fact, {}), "%s is read" % fact, seen.get(fact))
    result("stale" in str(seen.get("pg.hba")), "and whether the file is newer than what is loaded", seen.get("pg.hba"))
    for n, (right, fact) in enumerate(NEEDED.items()):
        user = "auditor_%d" % n
        for line in lines:
            if right not in line:
                pg.sql(line.replace("redoubt_auditor", user), "app")
        seen = look(pg, user)
        result("unknown" in seen.get(fact, {}), "without %s, %s is unknown" % (right, fact), seen.get(fact))
    table = subprocess.run([BIN + "/psql", "-X", "-c", "SELECT * FROM invoice",
                            "host=127.0.0.1 port=%d user=redoubt_auditor dbname=app" % pg.port],
                           capture_output=True, text=True, env=dict(os.environ, PGPASSWORD=PASSWORD))
    result(table.returncode != 0 and "permission denied" in table.stderr, "a table stays closed", table)
    return finish()


sys.exit(main())
