#!/usr/bin/env python3
"""Columns in bulk: a million values encrypted, swept under new keys (alone, and while a writer goes on), fenced, validated,
proved. The limit in the same run is PostgreSQL's own UPDATE of the same rows. fsync is off for all of them. Prints TAP."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../interop"))
import column_case  # noqa: E402
from column_case import Writer, pgext_case  # noqa: E402
from harness import finish, result as check  # noqa: E402

QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
ROWS = 20000 if QUICK else 1000000
NAME = "app.patients.diagnosis"


class Roomy(pgext_case.Served):
    def settings(self, ssl, **more):
        super().settings(ssl, **dict({"shared_buffers": "256MB", "max_wal_size": "4GB", "maintenance_work_mem": "128MB"}, **more))


def say(*words):
    print("#", *words)
    sys.stdout.flush()


def timed(work):
    start = time.monotonic()
    got = work()
    return time.monotonic() - start, got


def make(app):
    app.pg.ask("DROP TABLE app.patients; CREATE TABLE app.patients (id bigint PRIMARY KEY, hospital text NOT NULL, diagnosis text, visits int NOT NULL DEFAULT 0);"
               "GRANT SELECT, INSERT, UPDATE, DELETE ON app.patients TO writer")
    app.pg.ask("INSERT INTO app.patients (id, hospital, diagnosis) SELECT i, CASE i %% 2 WHEN 0 THEN 'acme' ELSE 'bolt' END, 'diagnosis ' || i "
               "FROM generate_series(1, %d) AS i; ANALYZE app.patients" % ROWS)


def size(app, table="app.patients"):
    return int(app.pg.ask("SELECT pg_total_relation_size('%s')" % table))


def encrypt(app):
    # seconds of a test's own limit do not fit a million rows
    column_case.redoubt.__globals__["SECONDS"] = 3600
    filled, got = timed(lambda: app.column("encrypt", NAME, "--json"))
    check(got.status == 0, "encrypted and compared: %.1f s, %.0f values/s" % (filled, ROWS / filled), got)
    cut, got = timed(lambda: app.column("encrypt", NAME, "--cut-over", "--json"))
    check(got.status == 0, "cut over: the table was locked for %d ms" % json.loads(got.out)["LockMs"], got)
    got = app.column("encrypt", NAME, "--drop-plaintext")
    check(got.status == 0, "the plaintext column dropped", got)
    app.pg.ask("VACUUM FULL app.patients")


def limit(app):
    """The same rows changed by PostgreSQL alone: in one statement, and in batches of 500 as the sweep writes them."""
    app.pg.ask("CREATE TABLE app.plain (LIKE app.patients INCLUDING ALL); INSERT INTO app.plain SELECT * FROM app.patients")
    app.pg.ask("VACUUM ANALYZE app.plain")
    whole, _ = timed(lambda: app.pg.ask("UPDATE app.plain SET diagnosis = diagnosis"))
    app.pg.ask("VACUUM FULL app.plain")
    pages, _ = timed(lambda: app.pg.ask(
        "DO $$ DECLARE at bigint := 0; BEGIN WHILE at < %d LOOP UPDATE app.plain SET diagnosis = diagnosis WHERE id > at AND id <= at + 500; "
        "at := at + 500; COMMIT; END LOOP; END $$" % ROWS))
    app.pg.ask("DROP TABLE app.plain")
    say("limit: UPDATE of all rows %.1f s, in batches of 500 %.1f s" % (whole, pages))
    return whole, pages


def rotate(app, limits):
    app.rotate()
    before = size(app)
    total, got = timed(lambda: app.column("rotate", NAME, "--flipped", "--json"))
    done = json.loads(got.out) if got.status == 0 else {}
    check(got.status == 0 and done["Validated"], "swept", got)
    sweep = done["SweepMs"] / 1000
    say("sweep %.1f s (%.0f values/s): %.2f x one UPDATE, %.2f x UPDATE in batches" % (sweep, done["Swept"] / sweep, sweep / limits[0], sweep / limits[1]))
    say("fence %d ms, validate %d ms, all %.1f s; left to a later pass %d times" % (done["FenceMs"], done["ValidateMs"], total, done["Beaten"]))
    say("bloat: %.0f MB to %.0f MB" % (before / 1e6, size(app) / 1e6))


def quantiles(times):
    times = sorted(times)
    return "p50 %.2f ms, p99 %.2f ms, most %.0f ms" % tuple(1000 * t for t in (times[len(times) // 2], times[len(times) * 99 // 100], times[-1]))


def main():
    pgext_case.Served = Roomy
    app = column_case.start()
    try:
        make(app)
        encrypt(app)
        limits = limit(app)
        rotate(app, limits)
        app.pg.ask("VACUUM FULL app.patients")
        epoch = app.epoch("acme")
        with Writer(app, epoch, 10 * ROWS) as alone:
            time.sleep(1 if QUICK else 10)
        app.rotate()
        app.place("acme", epoch + 1)
        with Writer(app, epoch + 1, 20 * ROWS) as writer:
            got = app.column("rotate", NAME, "--flipped", "--json")
        done = json.loads(got.out) if got.status == 0 else {"SweepMs": 1, "Beaten": 0}
        check(got.status == 0 and not writer.errors, "swept while a writer goes on: %d statements, none failed" % len(writer.times), writer.errors[:3] or got)
        say("sweep %.1f s; left to a later pass %d times" % (done["SweepMs"] / 1000, done["Beaten"]))
        say("a writer's statement alone:     " + quantiles(alone.times))
        say("a writer's statement meanwhile: " + quantiles(writer.times))
        proved, got = timed(lambda: app.column("prove"))
        check(got.status == 0, "proved: every value decrypted, %.1f s, %.0f values/s" % (proved, ROWS / proved), got)
        again, got = timed(lambda: app.column("rotate", NAME, "--flipped", "--json"))
        check(got.status == 0, "nothing to do: %.1f s" % again, got)
    finally:
        app.server.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
