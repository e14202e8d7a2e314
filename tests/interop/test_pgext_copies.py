#!/usr/bin/env python3
"""test_pgext_copies - what becomes of encrypted columns, their indexes and fences in dumps and in logical replication."""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import FOLDER, bail, finish, result  # noqa: E402
from pgext_case import BIN, TENANT, hexed, searchable, start, value  # noqa: E402

RULE = "'app.people', 'name', 2, '{\"%d\": 3}'" % TENANT
SAME = ("rows", "nulls", "refused", "counts", "fenced", "convalidated", "type", "min_epoch", "minima")


def equal(name, got, want):
    result(got == want, name, "got  %s\nwant %s" % (got, want))


def tool(pg, name, *words, database="app"):
    done = subprocess.run([BIN + "/" + name, "-h", "127.0.0.1", "-p", str(pg.port), "-U", "owner", "-d", database, *words], capture_output=True, text=True, cwd=FOLDER)
    if done.returncode != 0:
        bail("%s: %s" % (name, done.stderr))


def facts(pg, database):
    seen = json.loads(pg.ask("SELECT redoubt.prove(%s)" % RULE, database=database))
    return {key: seen[key] for key in SAME}


def fill(pg):
    pg.install()
    pg.ask("CREATE SCHEMA app; CREATE TABLE app.people (id int PRIMARY KEY, gone int, note text, name redoubt.rf1, email redoubt.searchable);"
           "ALTER TABLE app.people DROP gone; CREATE UNIQUE INDEX by_email ON app.people (redoubt.token(email));"
           "CREATE INDEX by_epoch ON app.people (redoubt.epoch(name))")
    rows = ", ".join("(%d, %s, %s)" % (n, hexed(value(b"%d" % n, epoch=3)), hexed(searchable(b"%d" % n, bytes([n]) * 16))) for n in range(100))
    pg.ask("INSERT INTO app.people (id, name, email) VALUES " + rows)
    pg.ask("INSERT INTO app.people (id) VALUES (1000)")
    pg.ask("SELECT redoubt.register('app.people', 'name', '00000000-0000-0000-0000-000000000001')")
    pg.ask("SELECT redoubt.fence(%s)" % RULE)
    pg.ask("SELECT redoubt.constrain(%s)" % RULE)
    pg.ask("SELECT redoubt.validate(%s)" % RULE)


def restored(pg, how, name):
    equal(how + ": the facts are the same", facts(pg, name), facts(pg, "app"))
    objects = "SELECT (SELECT count(*) FROM pg_operator o JOIN pg_namespace n ON n.oid = oprnamespace WHERE nspname = 'redoubt'), " \
              "(SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'redoubt'), redoubt.version()"
    equal(how + ": all of Redoubt's own is there", pg.ask(objects, database=name), pg.ask(objects))
    old = "INSERT INTO app.people (id, name) VALUES (2000, %s)" % hexed(value(b"x", epoch=2))
    for role in ("owner", "postgres"):
        status, _, errors = pg.psql("SET session_replication_role = replica; " * (role == "postgres") + old, user=role, database=name)
        result(status != 0 and "fence of app.people.name" in errors, "%s: the fence holds (%s)" % (how, role), errors)
    plan = pg.ask("EXPLAIN SELECT id FROM app.people WHERE redoubt.token(email) = '\\x00'", database=name, options="-cenable_seqscan=off")
    result("by_email" in plan, how + ": the index of tokens is used", plan)
    equal(how + ": its registered column is found, whose number is another", pg.ask("SELECT relation, col, epoch, n, note FROM redoubt.progress", database=name),
          "app.people|name|3|100|")
    status, _, errors = pg.psql("SELECT 1 FROM app.people WHERE name = name", database=name, options="-csearch_path=app,redoubt")
    result("do not compare" in errors, how + ": the operators refuse", errors)


def dumps(pg):
    tool(pg, "pg_dump", "-f", "plain.sql")
    tool(pg, "pg_dump", "-Fc", "-f", "custom.dump")
    with open(FOLDER + "/plain.sql") as file:
        plain = file.read()
    equal("a dump has every value as it lies there", plain.count("\\xf80101") + plain.count("\\xf801f0"), 100)
    for name, command in (("plain", ("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "plain.sql")), ("custom", ("pg_restore", "--exit-on-error", "custom.dump"))):
        pg.make_database(name)
        tool(pg, *command, database=name)
        restored(pg, name, name)
    pg.ask("SELECT redoubt.fence('app.people', 'name', 4); TRUNCATE app.people", database="plain")
    done = subprocess.run([BIN + "/pg_restore", "-h", "127.0.0.1", "-p", str(pg.port), "-U", "owner", "-d", "plain", "--data-only", "-t", "people", "custom.dump"],
                          capture_output=True, text=True, cwd=FOLDER)
    result(done.returncode != 0 and "fence of app.people.name refuses" in done.stderr, "an old dump's rows stay behind a newer fence", done.stderr[:300])
    equal("none came in", pg.ask("SELECT count(*) FROM app.people", database="plain"), "0")


def wait(pg, sql, want, database, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = pg.ask(sql, database=database)
        if got == want:
            break
        time.sleep(0.1)
    return got


def replication(pg):
    pg.load("host all all all trust", ssl=False, log_min_messages="error", wal_retrieve_retry_interval="200ms")
    pg.make_database("sub")
    tool(pg, "pg_dump", "--schema-only", "-f", "schema.sql")
    tool(pg, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "schema.sql", database="sub")
    pg.ask("CREATE PUBLICATION people FOR TABLE app.people")
    pg.sql("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')", database="app")
    pg.sql("CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 port=%d user=postgres dbname=app' PUBLICATION people WITH (create_slot = false, slot_name = 'sub')"
           % pg.port, database="sub")
    count = "SELECT count(*) FROM app.people"
    equal("the first copy passes the fence", wait(pg, count, "101", "sub"), "101")
    equal("a subscriber can prove", facts(pg, "sub"), facts(pg, "app"))
    new = hexed(value(b"new", epoch=3))
    pg.ask("INSERT INTO app.people (id, name) VALUES (2000, %s)" % new)
    equal("a new value arrives", wait(pg, "SELECT name FROM app.people WHERE id = 2000", new.strip("'"), "sub"), new.strip("'"))
    pg.ask("SELECT redoubt.fence('app.people', 'name', 9)", database="sub")
    pg.ask("UPDATE app.people SET note = 'changed' WHERE id = 2000")
    equal("another column of a row with an old value arrives behind a newer fence", wait(pg, "SELECT note FROM app.people WHERE id = 2000", "changed", "sub"), "changed")
    pg.ask("INSERT INTO app.people (id, name) VALUES (2001, %s)" % hexed(value(b"old", epoch=3)))
    until = time.monotonic() + 20
    log = ""
    while "fence of app.people.name refuses" not in log and time.monotonic() < until:
        time.sleep(0.1)
        with open(FOLDER + "/log") as file:
            log = file.read()
    result("fence of app.people.name refuses" in log, "an old value stops at the subscriber's fence", log[-500:])
    equal("and does not come in", pg.ask("SELECT count(*) FROM app.people WHERE id = 2001", database="sub"), "0")
    pg.ask("SELECT redoubt.fence('app.people', 'name', 3)", database="sub")
    equal("it goes on when the fence lets it", wait(pg, "SELECT count(*) FROM app.people WHERE id = 2001", "1", "sub"), "1")
    pg.sql("ALTER SUBSCRIPTION sub DISABLE", database="sub")
    pg.sql("ALTER SUBSCRIPTION sub SET (slot_name = NONE)", database="sub")
    pg.sql("DROP SUBSCRIPTION sub", database="sub")


def main():
    pg = start()
    fill(pg)
    dumps(pg)
    replication(pg)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
