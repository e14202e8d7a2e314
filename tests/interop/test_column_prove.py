#!/usr/bin/env python3
"""`redoubt column prove`, `install` and `verify-statement` with a real server and a real key service: a version of the ring is
drained only when the proof saw no value of it. The statement is read by a second implementation. Prints TAP."""
import hashlib
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from column_case import start  # noqa: E402
from harness import FOLDER, finish, result as check  # noqa: E402

ROWS = 200
TTL = 300
PASSED = 2 * TTL  # a waiting period counts from what is stored next, some minutes later
NAME = "app.patients.diagnosis"


def path(name):
    return os.path.join(FOLDER, name)


def version(app, number):
    got = app.server.admin("key", "versions", "fields", "--json", env=app.env)
    return next(v for v in json.loads(got.out)["Versions"] if v["Version"] == number)


def prove(app, *more, **how):
    return app.column("prove", "--scanner", "sweeper", "--signer", path("sweeper.key"), "-o", path("statement.json"), *more, **how)


def merkle(leaves):
    """RFC 6962, section 2.1"""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    if not leaves:
        return hashlib.sha256().digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + merkle(leaves[:k]) + merkle(leaves[k:])).digest()


def root_of(app):
    text = app.pg.ask("SELECT id, encode(diagnosis, 'hex') FROM app.patients WHERE diagnosis IS NOT NULL ORDER BY id")
    leaves = []
    for line in text.splitlines():
        row, data = line.split("|")
        leaves.append(len(row).to_bytes(2, "big") + row.encode() + bytes.fromhex(data)[32:64])
    return merkle(leaves).hex()


def install(app):
    db = app.db.replace("dbname=app", "dbname=other")
    app.pg.make_database("other")
    got = app.column_alone("install", "-o", "-")
    check(got.status == 0 and "CREATE DOMAIN redoubt.rf1" in got.out and "redoubt.discover" in got.out, "the SQL, to look at", got.err)
    got = app.column_alone("install", "--db", db)
    check(got.status == 0 and "has version 1." in got.err, "installed by an ordinary user", got)
    got = app.column_alone("install", "--db", db)
    check(got.status == 0 and "is there already" in got.err, "again: it is there", got)
    app.pg.ask("CREATE TABLE t (c redoubt.rf1)", database="other", user="postgres")
    got = app.column_alone("uninstall", "--db", db)
    check(got.status == 4 and app.pg.ask("SELECT redoubt.version()", database="other") != "", "not taken away while it is used", got)
    app.pg.ask("DROP TABLE t", database="other", user="postgres")
    got = app.column_alone("uninstall", "--db", db)
    check(got.status == 0 and app.pg.ask("SELECT to_regnamespace('redoubt') IS NULL", database="other") == "t", "taken away", got)


def command_line(app):
    got = app.column("prove", NAME, "--store", "app.db", "--scanner", "s", "--signer", path("sweeper.key"), "-o", path("x"))
    check(got.status == 3 and "all columns of a ring" in got.err, "a report is about all columns", got)
    got = app.column("prove", "--store", "app.db")
    check(got.status == 3 and "--scanner" in got.err, "and is signed", got)
    got = app.column("prove", "--signer", path("sweeper.key"))
    check(got.status == 3 and "-o FILE" in got.err, "the signature goes beside the statement", got)


def before_the_sweep(app, old):
    got = prove(app, "--store", "app.db")
    check(got.status == 1 and "180 of them under older epochs" in got.err, "before the sweep: told", got)
    at = version(app, old)
    check(at["State"] == "draining" and "180" in str(at["Blockers"]), "the old version stays", at)


def after_the_sweep(app, old):
    got = app.column("rotate", NAME, "--flipped")
    check(got.status == 0, "swept", got)
    got = prove(app, "--store", "app.db")
    check(got.status == 0 and "0 of them under older epochs" in got.err, "proved", got)
    check("too early" in got.err and version(app, old)["State"] == "draining", "but programs may still hold the old key", got.err)
    app.pass_time(PASSED)
    got = prove(app, "--store", "app.db")
    check(got.status == 0 and "too early" not in got.err, "proved when their time is over", got)
    at = version(app, old)
    check(at["State"] == "drained", "the old version is drained", at)


def statement(app):
    with open(path("statement.json"), "rb") as file:
        raw = file.read()
    got = json.loads(raw)
    column = got["columns"][0]
    check(got["format"] == "redoubt-column-statement-1" and column["column"] == NAME and column["values"] == column["decrypted"] == 180
          and column["nulls"] == 20 and column["stale"] == 0, "what the statement says", column)
    check(sorted(c["values"] for c in column["counts"]) == [80, 100] and all(c["epoch"] == c["current"] for c in column["counts"]),
          "by handle and epoch", column["counts"])
    check(column["facts"]["convalidated"] is True and column["facts"]["fenced"] is True and got["lsn"] and got["unread"] == 0
          and got["copies"].startswith("Replicas"), "the database's word, and what is not covered", got)
    check(column["merkle_root"] == root_of(app), "the root is what a second implementation computes", column["merkle_root"])
    with open(app.catalogue, "rb") as file:
        check(got["catalogue_sha256"] == hashlib.sha256(file.read()).hexdigest(), "under which catalogue")
    check(b"diagnosis 1" not in raw, "no plaintext in it")
    verify = lambda *args: app.column_alone("verify-statement", path("statement.json"), *args)  # noqa: E731
    check(verify("--key", path("sweeper.key.pub")).status == 0, "its signature")
    check(verify("--key", "00" * 32).status in (3, 4), "not by another key")
    check(verify().status == 3, "not without a key")
    with open(path("statement.json"), "wb") as file:
        file.write(raw.replace(b'"stale":0', b'"stale":1'))
    changed = verify("--key", path("sweeper.key.pub"))
    check(changed.status == 4, "not when it was changed", changed)


def elsewhere(app):
    value = app.value("acme", 1, 2, b"copied by hand")
    app.pg.ask("CREATE TABLE app.copies (what text, data bytea); INSERT INTO app.copies VALUES ('x', '\\x%s')" % value.hex())
    got = prove(app, "--store", "app.db")
    check(got.status == 1 and "app.copies.data: 1 encrypted values" in got.err, "an old value in a place that nobody named", got)
    check(version(app, 1)["State"] == "draining", "takes the drain back", version(app, 1))
    app.pg.ask("DROP TABLE app.copies")
    app.pg.ask("CREATE TABLE app.secret (what text)", user="postgres")
    got = prove(app, "--store", "app.db")
    check(got.status == 1 and "no right to select" in got.err and "180 of 181" in got.err, "what may not be looked at is not empty", got)
    check(version(app, 1)["State"] == "draining", "and does not drain")
    app.pg.ask("DROP TABLE app.secret", user="postgres")


def one_is_wrong(app):
    app.pg.ask("SELECT redoubt.unfence('app.patients', 'diagnosis')")
    good = app.pg.ask("SELECT encode(diagnosis, 'hex') FROM app.patients WHERE id = 4")
    app.pg.ask("UPDATE app.patients SET diagnosis = '\\x%s' WHERE id = 4" % (good[:-2] + ("00" if good[-2:] != "00" else "01")))
    os.remove(path("statement.json"))
    got = prove(app, "--store", "app.db")
    check(got.status == 4 and "no statement" in got.err and not os.path.exists(path("statement.json")), "one damaged value: no statement", got)
    got = prove(app, "--show-rows")
    check(got.status == 4 and '"id" = 4' in got.err, "and its row, when asked for", got)


def main():
    app = start(shifted=True)
    try:
        app.fill(ROWS)
        admin = lambda *args: app.server.admin(*args, env=app.env)  # noqa: E731
        admin("approval", "keygen", "-o", path("sweeper.key"))
        admin("census", "register", "fields", "app.db", "--kind", "database")
        admin("census", "enrol", "sweeper", path("sweeper.key.pub"), "app.db")
        app.place("acme", 1)
        install(app)
        command_line(app)
        app.rotate()
        admin("key", "drain", "fields", "1")
        before_the_sweep(app, 1)
        after_the_sweep(app, 1)
        statement(app)
        elsewhere(app)
        one_is_wrong(app)
    finally:
        app.server.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
