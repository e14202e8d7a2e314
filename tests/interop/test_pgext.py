#!/usr/bin/env python3
"""test_pgext - Redoubt's SQL for PostgreSQL on a real server, as an ordinary user: types, functions, search, fence, proof,
discovery, upgrade, uninstall. Dumps, replication and logs are in test_pgext_copies and test_pgext_logs."""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import FOLDER, finish, result  # noqa: E402
from pgext_case import BIN, HERE, OTHER, SCRIPTS, TENANT, Bound, hexed, rd1, searchable, start, value  # noqa: E402


def equal(name, got, want):
    result(got == want, name, "got  %s\nwant %s" % (got, want))


def refused(name, done, words, never=()):
    """An error with these words, and with none of these values in it."""
    status, out, errors = done
    errors += out
    kept = [v for v in never if v.hex() in errors or v.decode("latin-1") in errors]
    result(status != 0 and words in errors and not kept, name, errors)


# ---- installing

def install(pg):
    refused("without the right to create a schema", pg.script(SCRIPTS[0], user="writer"), "permission denied")
    refused("an upgrade of nothing", pg.script(SCRIPTS[1]), "not installed here")
    pg.install(scripts=SCRIPTS[:1])
    equal("installed by an ordinary user", pg.ask("SELECT redoubt.version(), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"), "1.0|f")
    refused("twice", pg.script(SCRIPTS[0]), "already installed here, as version 1.0")
    pg.make_database("bare")
    pg.sql("CREATE SCHEMA redoubt AUTHORIZATION writer", database="bare")
    pg.install(database="bare", scripts=SCRIPTS[:1], user="writer")
    equal("into an empty schema that somebody else made", pg.ask("SELECT redoubt.version()", database="bare", user="writer"), "1.0")
    pg.ask("CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO writer;"
           "CREATE TABLE app.people (id int PRIMARY KEY, note text, name redoubt.rf1, email redoubt.searchable, phone redoubt.rd1);"
           "GRANT SELECT, INSERT, UPDATE, DELETE ON app.people TO writer")


def upgrade(pg):
    pg.ask("INSERT INTO app.people VALUES (1, 'before', %s)" % hexed(value(b"before")))
    pg.ask("SELECT redoubt.fence('app.people', 'name', 1)")
    pg.install(scripts=SCRIPTS[1:])
    equal("upgraded", pg.ask("SELECT redoubt.version(), redoubt.is_fenced('app.people', 'name', 1), count(*) FROM app.people"), "1.1|t|1")
    refused("upgraded twice", pg.script(SCRIPTS[1]), "upgrades version 1.0, and here is 1.1")
    pg.ask("SELECT redoubt.unfence('app.people', 'name'); DELETE FROM app.people")


# ---- values

def functions(pg):
    seen = "redoubt.suite(v), redoubt.key_handle(v), redoubt.epoch(v), redoubt.row_bound(v), redoubt.padded(v), redoubt.kind(v), " \
           "redoubt.index_epoch(v), redoubt.token(v)"

    def of(data):
        return pg.ask("SELECT %s FROM (SELECT %s::bytea AS v) AS a" % (seen, hexed(data)), user="writer")

    equal("a value's header", of(value(b"x", epoch=513)), "1|%d|513|f|f|||" % TENANT)
    equal("one bound to its row", of(value(b"x", row=b"7", handle=OTHER)), "129|7|1|t|f|||")
    equal("a searchable one", of(searchable(b"x", bytes(range(16)), index_epoch=258, kind=2, epoch=65535)),
          "1|%d|65535|f|f|2|258|\\x000102030405060708090a0b0c0d0e0f" % TENANT)
    good = value(b"x")
    for name, data in (("no bytes", b""), ("words", b"Ada Lovelace"), ("cut", good[:79]), ("a later suite", good[:1] + b"\x03" + good[2:]),
                       ("no epoch", good[:6] + b"\0\0" + good[8:]), ("NULL", None)):
        equal("nothing is said of " + name, of(data), "|||||||")
    for kind, good in ((0, "f"), (1, "t"), (2, "t"), (3, "f"), (255, "f")):
        equal("kind %d" % kind, pg.ask("SELECT redoubt.is_searchable(%s)" % hexed(searchable(b"x", bytes(16), kind=kind))), good)
    equal("the value inside", pg.ask("SELECT redoubt.sealed(%s)" % hexed(searchable(b"x", bytes(16)))), "\\x" + value(b"x").hex())
    with open(os.path.join(HERE, "../vectors/field.json")) as file:
        vectors = json.load(file)
    rows = ", ".join("('\\x%s'::bytea, '%s')" % (v["value"], v["text"]) for v in vectors["open"])
    equal("texts of the vectors, both ways", pg.ask(
        "SELECT count(*) FROM (VALUES %s) AS a (v, t) WHERE redoubt.text_of(v) = t AND redoubt.of_text(t) = v AND redoubt.is_rf1(v)" % rows),
        str(len(vectors["open"])))
    rows = ", ".join("($q$%s$q$)" % t for t in vectors["texts"])
    equal("texts that are none", pg.ask("SELECT count(*) FROM (VALUES %s) AS a (t) WHERE redoubt.of_text(t) IS NULL AND NOT redoubt.is_rd1(t)" % rows),
          str(len(vectors["texts"])))
    equal("a long value", pg.ask("SELECT redoubt.epoch(%s || decode(repeat('00', 3000000), 'hex'))" % hexed(value(b"x", epoch=9))), "9")


def types(pg):
    conn = Bound(pg)
    planted = b"planted-plaintext"
    for column, good in (("name", value(b"ada")), ("email", searchable(b"ada", bytes(16))), ("phone", rd1(b"ada").encode())):
        for name, data in (("plaintext", planted), ("one of another type", value(b"x") if column != "name" else searchable(b"x", bytes(16))),
                           ("cut", good[:90] if column == "email" else good[:70])):
            said = conn.run("INSERT INTO app.people (id, %s) VALUES (2, $1)" % column, data)
            result("violates check constraint" in said and "planted" not in said and data.hex() not in said or "invalid byte" in said and column == "phone",
                   "%s: %s is refused, and the error has no value" % (column, name), said)
        equal(column + " takes its own", conn.run("INSERT INTO app.people (id, %s) VALUES (3, $1)" % column, good), "")
        equal(column + " takes NULL", conn.run("UPDATE app.people SET %s = $1" % column, None), "")
        conn.run("DELETE FROM app.people")
    conn.close()


def operators(pg):
    pg.ask("INSERT INTO app.people VALUES (1, '', %s, %s, '%s')" % (hexed(value(b"x")), hexed(searchable(b"x", bytes(16))), rd1(b"x")))
    same = hexed(value(b"x"))
    wrong = ["name = name", "name = %s::bytea" % same, "%s::bytea = name" % same, "name = %s" % same, "name IN (%s, %s)" % (same, same),
             "name = ANY (ARRAY[%s::bytea])" % same, "name < name", "name <> name", "name LIKE '%%'::bytea", "name IS DISTINCT FROM %s::bytea" % same,
             "email = email", "email = name", "email > ''::bytea", "phone = phone", "phone LIKE '%%'::text", "phone ~ 'x'::text",
             "nullif(name, name) IS NULL", "name IN (SELECT name FROM app.people)"]
    for path in ("app, redoubt", "redoubt, pg_catalog, app"):
        for words in wrong:
            refused("%s (path %s)" % (words[:40], path), pg.psql("SELECT 1 FROM app.people WHERE " + words, options="-csearch_path=%s" % path.replace(" ", ""),
                                                                user="writer"), "encrypted values do not compare")
    equal("the bytes, when meant", pg.ask("SELECT count(*) FROM app.people WHERE name::bytea = %s::bytea" % same, options="-csearch_path=app,redoubt"), "1")
    equal("elsewhere the operators of bytea are taken", pg.ask("SELECT count(*) FROM app.people WHERE name = name"), "1")
    pg.ask("DELETE FROM app.people")


def search(pg):
    def token(n, epoch=1):
        return (n * 2 + epoch).to_bytes(16, "big")

    rows = ", ".join("(%d, %s)" % (n, hexed(searchable(b"%d" % n, token(n)))) for n in range(300))
    pg.ask("INSERT INTO app.people (id, email) VALUES " + rows)
    pg.ask("CREATE UNIQUE INDEX by_email ON app.people (redoubt.token(email))")
    pg.ask("ANALYZE app.people")
    for name, where in (("one token", "redoubt.token(email) = %s" % hexed(token(7))),
                        ("of two index epochs", "redoubt.token(email) IN (%s, %s)" % (hexed(token(7)), hexed(token(7, 2)))),
                        ("as a function", "redoubt.search(email, ARRAY[%s, %s]::bytea[])" % (hexed(token(7)), hexed(token(7, 2))))):
        equal("search by " + name, pg.ask("SELECT id FROM app.people WHERE " + where, user="writer"), "7")
        plan = pg.ask("EXPLAIN SELECT id FROM app.people WHERE " + where, options="-cenable_seqscan=off", user="writer")
        result("by_email" in plan, "it takes the index", plan)
    twice = pg.psql("INSERT INTO app.people (id, email) VALUES (999, %s)" % hexed(searchable(b"other", token(7), handle=OTHER)))
    refused("a token that has to be unique", twice, "duplicate key", never=[value(b"other", handle=OTHER)])
    pg.ask("DROP INDEX app.by_email; DELETE FROM app.people")


# ---- fence and proof

def fences(pg):
    conn = Bound(pg)
    old, new = value(b"x", epoch=1), value(b"x", epoch=2)

    def insert(data, n=[100]):
        n[0] += 1
        return conn.run("INSERT INTO app.people (id, name) VALUES (%d, $1)" % n[0], data)

    conn.run("INSERT INTO app.people (id, note, name, phone) VALUES (1, 'kept', $1, $2)", old, rd1(b"x").encode())
    refused("whose table is another's", pg.psql("SELECT redoubt.fence('app.people', 'name', 2)", user="writer"), "permission denied")
    for epochs in ("0", "65537", "NULL", "2, '[]'", "2, '{\"x\": 1}'", "2, '{\"1\": 0}'", "2, '{\"1\": \"2\"}'", "2, '{\"4294967296\": 2}'"):
        refused("fence at " + epochs, pg.psql("SELECT redoubt.fence('app.people', 'name', %s)" % epochs), "redoubt: ")
    refused("of a column that is not there", pg.psql("SELECT redoubt.fence('app.people', 'nam', 2)"), "has no column")
    refused("of a column of numbers", pg.psql("SELECT redoubt.fence('app.people', 'id', 2)"), "of type integer")
    refused("of a view", pg.psql("CREATE TEMP VIEW v AS SELECT * FROM app.people; SELECT redoubt.fence('v', 'name', 2)"), "is no table")
    pg.ask("SELECT redoubt.fence('app.people', 'name', 2)")
    for name, said in (("INSERT", insert(old)), ("UPDATE", conn.run("UPDATE app.people SET name = $1", value(b"y"))),
                       ("UPSERT", conn.run("INSERT INTO app.people (id, name) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET name = excluded.name", old))):
        result("fence of app.people.name refuses" in said and old.hex() not in said and "kept" not in said, "an old epoch by %s" % name, said)
    equal("a new epoch", insert(new), "")
    equal("NULL", insert(None), "")
    equal("another column of an old row", conn.run("UPDATE app.people SET note = 'x' WHERE id = 1"), "")
    equal("all columns of an old row, the value as it was", conn.run("UPDATE app.people SET note = 'y', name = $1 WHERE id = 1", old), "")
    refused("as replication and superusers write", pg.psql("SET session_replication_role = replica; INSERT INTO app.people (id, name) VALUES (50, %s)" % hexed(old),
                                                           user="postgres"), "fence of")
    pg.ask("SELECT redoubt.fence('app.people', 'name', 5, '{\"%d\": 3, \"9\": 65536}')" % TENANT)
    for name, handle, epoch, good in (("its own epoch", TENANT, 3, True), ("below its own", TENANT, 2, False), ("another handle", OTHER, 5, True),
                                      ("below the others'", OTHER, 4, False), ("a handle that is shut out", 9, 65535, False)):
        said = insert(value(b"x", handle=handle, epoch=epoch))
        result((said == "") == good, "epochs by handle: " + name, said)
    equal("one fence, not two", pg.ask("SELECT count(*) FROM redoubt.fences('app.people', 'name')"), "1")
    pg.ask("SELECT redoubt.fence('app.people', 'phone', 2)")
    said = conn.run("UPDATE app.people SET phone = $1 WHERE id = 1", rd1(b"y").encode())
    result("fence of app.people.phone refuses" in said, "a column of text", said)
    equal("a column of text, new", conn.run("UPDATE app.people SET phone = $1 WHERE id = 1", rd1(b"y", epoch=2).encode()), "")
    pg.ask("ALTER TABLE app.people RENAME phone TO mobile")
    said = conn.run("UPDATE app.people SET mobile = $1 WHERE id = 1", rd1(b"y").encode())
    result("fence of app.people.mobile refuses" in said, "a renamed column", said)
    pg.ask("ALTER TABLE app.people RENAME mobile TO phone")
    equal("taken away", pg.ask("SELECT redoubt.unfence('app.people', 'phone'), redoubt.unfence('app.people', 'phone'), redoubt.unfence('app.people', 'name')"), "t|f|t")
    equal("an old epoch again", insert(old), "")
    pg.ask("CREATE TABLE app.raw (b bytea, t text, v varchar(300)); GRANT INSERT ON app.raw TO writer")
    for column, plain in (("b", "'plain'"), ("t", "'plain'"), ("v", "'plain'")):
        pg.ask("SELECT redoubt.fence('app.raw', '%s', 1)" % column)
        refused("plaintext into a fenced column %s of a plain type" % column, pg.psql("INSERT INTO app.raw (%s) VALUES (%s)" % (column, plain), user="writer"), "fence of")
    equal("such fences are seen as whole", pg.ask("SELECT redoubt.is_fenced('app.raw', 'b', 1), redoubt.is_fenced('app.raw', 't', 1), redoubt.is_fenced('app.raw', 'v', 1)"), "t|t|t")
    pg.ask("DROP TABLE app.raw; DELETE FROM app.people")
    conn.close()


def proof(pg):
    pg.ask("INSERT INTO app.people (id, name) SELECT g, CASE g WHEN 9 THEN NULL ELSE %s::bytea END FROM generate_series(1, 9) g" % hexed(value(b"x", epoch=1)))
    pg.ask("INSERT INTO app.people (id, name) VALUES (10, %s)" % hexed(value(b"x", epoch=4, handle=OTHER)))
    rule = "'app.people', 'name', 2, '{\"%d\": 4}'" % OTHER
    refused("a constraint without a fence", pg.psql("SELECT redoubt.constrain(%s)" % rule), "has no fence for these epochs")
    pg.ask("SELECT redoubt.fence(%s)" % rule)
    refused("a constraint before the sweep", pg.psql("SELECT redoubt.constrain(%s)" % rule), "still holds values", never=[value(b"x")])
    refused("validate before the constraint", pg.psql("SELECT redoubt.validate(%s)" % rule), "has no constraint")
    facts = json.loads(pg.ask("SELECT redoubt.prove(%s)" % rule))
    equal("facts before the sweep", {k: facts[k] for k in ("rows", "nulls", "refused", "unencrypted", "fenced", "convalidated")},
          {"rows": 10, "nulls": 1, "refused": 8, "unencrypted": 0, "fenced": True, "convalidated": False})
    pg.ask("UPDATE app.people SET name = %s WHERE redoubt.epoch(name) = 1" % hexed(value(b"x", epoch=2)))
    pg.ask("SELECT redoubt.constrain(%s)" % rule)
    facts = json.loads(pg.ask("SELECT redoubt.prove(%s)" % rule))
    equal("not yet validated", facts["convalidated"], False)
    pg.ask("SELECT redoubt.validate(%s)" % rule)
    facts = json.loads(pg.ask("SELECT redoubt.prove(%s)" % rule))
    equal("facts after it", {k: facts[k] for k in ("rows", "nulls", "refused", "fenced", "convalidated", "standby", "min_epoch", "minima", "relation", "column", "counts")},
          {"rows": 10, "nulls": 1, "refused": 0, "fenced": True, "convalidated": True, "standby": False, "min_epoch": 2, "minima": {str(OTHER): 4},
           "relation": "app.people", "column": "name", "counts": [
               {"handle": OTHER, "epoch": 4, "suite": 1, "index_epoch": None, "n": 1}, {"handle": TENANT, "epoch": 2, "suite": 1, "index_epoch": None, "n": 8}]})
    result(all(facts[k] for k in ("snapshot", "lsn", "server_version", "time", "database", "oid")) and facts["tables"][0]["size_bytes"] > 0, "and the rest of them", facts)
    equal("other epochs are not proven by it", pg.ask("SELECT redoubt.prove('app.people', 'name', 3)->'convalidated'"), "false")
    pg.ask("SELECT redoubt.fence('app.people', 'name', 2); SELECT redoubt.constrain('app.people', 'name', 2)")
    equal("the next constraint takes the place of the first", pg.ask("SELECT definition FROM redoubt.constraints('app.people', 'name')"),
          "CHECK (redoubt.allowed((name)::bytea, 2, '{}'::jsonb)) NOT VALID")
    for spoil in ("DISABLE TRIGGER zz_redoubt_fence_name", "ENABLE TRIGGER zz_redoubt_fence_name"):
        pg.ask("ALTER TABLE app.people " + spoil)
        equal("a fence after " + spoil.split()[0], pg.ask("SELECT redoubt.is_fenced('app.people', 'name', 2)"), "f")
    pg.ask("ALTER TABLE app.people ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.people USING (id < 5); GRANT SELECT ON app.people TO writer")
    refused("who sees not every row counts none", pg.psql("SELECT redoubt.prove('app.people', 'name', 2)", user="writer"), "row-level security")
    pg.ask("DROP POLICY p ON app.people; ALTER TABLE app.people DISABLE ROW LEVEL SECURITY; SELECT redoubt.unfence('app.people', 'name'); DELETE FROM app.people")
    equal("unfence took the constraint, too", pg.ask("SELECT count(*) FROM redoubt.constraints('app.people', 'name')"), "0")


def trees(pg):
    old = hexed(value(b"x"))
    pg.ask("CREATE TABLE app.parts (id int, name redoubt.rf1) PARTITION BY RANGE (id); CREATE TABLE app.part1 PARTITION OF app.parts FOR VALUES FROM (0) TO (10);"
           "CREATE TABLE app.mother (id int, name redoubt.rf1); CREATE TABLE app.child (more int) INHERITS (app.mother)")
    for table in ("parts", "mother"):
        pg.ask("SELECT redoubt.fence('app.%s', 'name', 2)" % table)
    pg.ask("CREATE TABLE app.part2 PARTITION OF app.parts FOR VALUES FROM (10) TO (20)")
    for table, n in (("parts", 1), ("parts", 11), ("part1", 1), ("part2", 11), ("mother", 1), ("child", 1)):
        for role in ("owner", "postgres"):
            refused("%s %d as %s" % (table, n, role), pg.psql(("SET session_replication_role = replica; " if role == "postgres" else "")
                                                              + "INSERT INTO app.%s (id, name) VALUES (%d, %s)" % (table, n, old), user=role), "fence of")
    for table in ("parts", "mother"):
        rule = "'app.%s', 'name', 2" % table
        equal(table + ": fenced in all", pg.ask("SELECT redoubt.is_fenced(%s)" % rule), "t")
        pg.ask("SELECT redoubt.constrain(%s)" % rule)
        pg.ask("SELECT redoubt.validate(%s)" % rule)
        equal(table + ": validated in all", pg.ask("SELECT redoubt.prove(%s)->'convalidated'" % rule), "true")
        pg.ask("SELECT redoubt.fence('app.%s', 'name', 3)" % table)
        equal(table + ": another fence", pg.ask("SELECT redoubt.is_fenced('app.%s', 'name', 3)" % table), "t")
        equal(table + ": and none", pg.ask("SELECT redoubt.unfence('app.%s', 'name')" % table), "t")
    pg.ask("DROP TABLE app.parts, app.mother CASCADE")


def columns(pg):
    pg.ask("CREATE TABLE app.moved (gone int, name redoubt.rf1)")
    pg.ask("SELECT redoubt.register('app.moved', 'name', '00000000-0000-0000-0000-000000000001')")
    pg.ask("INSERT INTO app.moved (name) VALUES (%s), (%s), (NULL)" % (hexed(value(b"x")), hexed(value(b"x", epoch=300))))
    want = "app.moved|%s|" + "%d|1||1|\n" % TENANT + "app.moved|%s|" + "%d|300||1|" % TENANT
    equal("progress", pg.ask("SELECT relation, col, handle, epoch, index_epoch, n, note FROM redoubt.progress"), want % ("name", "name"))
    equal("a sample", pg.ask("SELECT sum(n) <= 2 OR sum(n) IS NULL FROM redoubt.progress(50)"), "t")
    pg.ask("ALTER TABLE app.moved RENAME name TO title")
    equal("renamed", pg.ask("SELECT relation, col, handle, epoch, index_epoch, n, note FROM redoubt.progress"), want % ("title", "title"))
    pg.ask("ALTER TABLE app.moved ADD name text")
    result("register it again" in pg.ask("SELECT note FROM redoubt.progress"), "two that it could be")
    pg.ask("DROP TABLE app.moved")
    result("register it again" in pg.ask("SELECT note FROM redoubt.progress"), "a table that is gone is said, and no error")
    equal("unregistered", pg.ask("SELECT redoubt.unregister('00000000-0000-0000-0000-000000000001')"), "t")


# ---- what nobody registered, and what cannot work

def discovery(pg):
    pg.ask("CREATE TABLE app.found (a bytea, b text, c varchar(900), d jsonb, e json, f bytea[], g char(900), h redoubt.rf1, i redoubt.searchable, j redoubt.rd1, k xml, n int)")
    pg.ask("CREATE TABLE app.parts (id int, v bytea) PARTITION BY RANGE (id); CREATE TABLE app.part1 PARTITION OF app.parts FOR VALUES FROM (0) TO (10)")
    pg.ask("CREATE MATERIALIZED VIEW app.kept AS SELECT a, a AS again FROM app.found WITH NO DATA")
    one, two, both = value(b"x", epoch=3), value(b"y", epoch=9), searchable(b"x", bytes(16), handle=OTHER, epoch=4)
    words = rd1(b"x", epoch=5)
    doc = json.dumps({"a": [words, {"b": rd1(b"y", epoch=6)}], "c": "rd1.short", "d": "rd1." + "A" * 200})
    pg.ask("INSERT INTO app.found VALUES (%s, %s, '%s', '%s', '%s', ARRAY[%s, %s]::bytea[], '%s', %s, %s, '%s', '<a>%s</a>')"
           % (hexed(one), hexed(both), words, doc, doc, hexed(one), hexed(two), words, hexed(one), hexed(both), words, words))
    pg.ask("INSERT INTO app.found (a, b) VALUES ('RBF1' || repeat('x', 90)::bytea, 'see %s here'), (%s, 'Ada'), ('', ''), (NULL, NULL), (%s, %s)"
           % (words, hexed(both), hexed(one[:79]), hexed(b"\xf8" + bytes(200))))
    pg.ask("INSERT INTO app.parts VALUES (1, %s); REFRESH MATERIALIZED VIEW app.kept" % hexed(two))
    pg.ask("SELECT redoubt.register('app.parts', 'v', '00000000-0000-0000-0000-000000000002')")
    got = pg.ask("SELECT relation, col, form, handle, epoch_min, epoch_max, n, registered, note FROM redoubt.discover() ORDER BY 1, 2, 3, 4")
    t, o = "%d" % TENANT, "%d" % OTHER
    equal("every place", sorted(got.split("\n")), sorted([
        "app.found|a|rbf1||||1|f|", "app.found|a|rf1|%s|3|3|1|f|" % t, "app.found|a|searchable|%s|4|4|1|f|" % o,
        "app.found|b|inside|%s|4|4|1|f|" % o, "app.found|b|inside|%s|5|5|1|f|" % t, "app.found|c|rf1|%s|5|5|1|f|" % t, "app.found|d|inside|%s|5|6|2|f|" % t,
        "app.found|e|inside|%s|5|6|2|f|" % t, "app.found|f|rf1|%s|3|9|2|f|" % t, "app.found|g|rf1|%s|5|5|1|f|" % t, "app.found|h|rf1|%s|3|3|1|f|" % t,
        "app.found|i|searchable|%s|4|4|1|f|" % o, "app.found|j|rf1|%s|5|5|1|f|" % t, "app.found|k|inside|%s|5|5|1|f|" % t,
        "app.kept|a|rbf1||||1|f|", "app.kept|a|rf1|%s|3|3|1|f|" % t, "app.kept|a|searchable|%s|4|4|1|f|" % o,
        "app.kept|again|rbf1||||1|f|", "app.kept|again|rf1|%s|3|3|1|f|" % t, "app.kept|again|searchable|%s|4|4|1|f|" % o,
        "app.part1|v|rf1|%s|9|9|1|t|" % t]))
    pg.ask("ALTER TABLE app.found ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.found USING (n = 1); GRANT SELECT ON app.found TO writer; SELECT lo_create(0)")
    seen = pg.ask("SELECT relation, col, form, note FROM redoubt.discover(50) WHERE note LIKE 'not read%'", user="writer")
    for name, words_ in (("no right", "app.part1|v||not read: no right to select it"), ("rows that a policy hides", "app.found|a||not read: 42501, row level security hides rows"),
                         ("large objects", "pg_largeobject|data||not read: large objects")):
        result(words_ in seen.split("\n"), "what is not read is said: " + name, seen)
    pg.ask("SELECT redoubt.unregister('00000000-0000-0000-0000-000000000002'); DROP TABLE app.found, app.parts CASCADE; SELECT lo_unlink(oid) FROM pg_largeobject_metadata")


def lint(pg):
    findings = "SELECT severity, object, finding FROM redoubt.lint()"
    pg.ask("CREATE INDEX by_email ON app.people (redoubt.token(email))")
    good = "CREATE VIEW app.good AS SELECT id, name FROM app.people WHERE redoubt.token(email) = '\\x00' AND name::bytea = '\\x00' ORDER BY id"
    equal("nothing to find", pg.ask(good + "; " + findings, options="-csearch_path=app,redoubt"), "")
    result("does not name redoubt" in pg.ask(findings), "a path without the operators")
    for name, make, drop, words in (
            ("a view", "VIEW app.bad AS SELECT id FROM app.people WHERE name = '\\x00'::bytea", "VIEW app.bad", "view app.bad|compares"),
            ("a view that lists", "VIEW app.bad AS SELECT id FROM app.people WHERE id = 1 OR email IN ('\\x00', '\\x01'::bytea)", "VIEW app.bad", "view app.bad|compares"),
            ("a view that joins", "VIEW app.bad AS SELECT a.id FROM app.people a JOIN app.people b USING (phone)", "VIEW app.bad", "view app.bad|compares"),
            ("a view that groups", "VIEW app.bad AS SELECT name, count(*) FROM app.people GROUP BY name", "VIEW app.bad", "view app.bad|sorts or groups by"),
            ("a view that sorts", "MATERIALIZED VIEW app.bad AS SELECT phone FROM app.people ORDER BY phone", "MATERIALIZED VIEW app.bad", "materialized view app.bad|sorts or groups by"),
            ("an index", "INDEX bad ON app.people (id, name)", "INDEX app.bad", "index app.bad|indexes the bytes"),
            ("an index of some rows", "INDEX bad ON app.people (id) WHERE name > '\\x00'::bytea", "INDEX app.bad", "index app.bad|compares"),
            ("a policy", "POLICY bad ON app.people USING (name <> '\\x00'::bytea)", "POLICY bad ON app.people", "policy bad of app.people|compares")):
        pg.ask("CREATE " + make)
        found = pg.ask(findings, options="-csearch_path=app,redoubt")
        result(words in found and "app.good" not in found and len(found.split("\n")) == 1, "found: " + name, found)
        pg.ask("DROP " + drop)
    pg.ask("DROP INDEX app.by_email; DROP VIEW app.good")
    result("reads the whole table" in pg.ask(findings, options="-csearch_path=app,redoubt"), "a searchable column without its index")
    pg.ask("SELECT redoubt.fence('app.people', 'name', 1); ALTER TABLE app.people DISABLE TRIGGER USER")
    result("trigger zz_redoubt_fence_name of app.people|a fence that is switched off" in pg.ask(findings), "a fence that is switched off")
    equal("the path is as it was", pg.ask(findings.replace("severity, object, finding", "count(*) > 0") + "; SHOW search_path", options="-csearch_path=app"), "t\napp")


def uninstall(pg):
    keep = value(b"kept")
    pg.ask("TRUNCATE app.people; INSERT INTO app.people (id, name, email, phone) VALUES (1, %s, %s, '%s')" % (hexed(keep), hexed(searchable(b"x", bytes(16))), rd1(b"x")))
    pg.ask("CREATE INDEX by_email ON app.people (redoubt.token(email)); SELECT redoubt.fence('app.people', 'name', 1), redoubt.constrain('app.people', 'name', 1)")
    done = pg.script("uninstall.sql")
    refused("uninstall while it is used", done, "still in use")
    for words in ("column email of table app.people", "column name of table app.people", "index app.by_email", "trigger zz_redoubt_fence_name", "constraint redoubt_epoch_name"):
        result(words in done[2], "it says: " + words, done[2])
    refused("an index is the user's", pg.script("uninstall.sql", options="-credoubt.uninstall=convert"), "DETAIL:  index app.by_email")
    equal("nothing was done by half", pg.ask("SELECT redoubt.is_fenced('app.people', 'name', 1)"), "t")
    refused("who does not own it", pg.script("uninstall.sql", user="writer", options="-credoubt.uninstall=convert"), "must be owner")
    pg.ask("DROP INDEX app.by_email")
    equal("converted and gone", pg.script("uninstall.sql", options="-credoubt.uninstall=convert"), (0, "", ""))
    equal("the values are there", pg.ask("SELECT pg_typeof(name), pg_typeof(email), pg_typeof(phone), name FROM app.people"), "bytea|bytea|text|\\x" + keep.hex())
    equal("nothing else is", pg.ask("SELECT to_regnamespace('redoubt') IS NULL, (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_constraint WHERE conname LIKE 'redoubt%')"), "t|0|0")
    refused("uninstall of nothing", pg.script("uninstall.sql"), "not installed here")
    pg.install()
    equal("installed again", pg.ask("SELECT redoubt.version()"), "1.1")
    equal("unused, it goes without more", pg.script("uninstall.sql"), (0, "", ""))


def guide(pg):
    """The commands and statements of docs/guides/postgresql.md, in their order."""
    pg.sql("CREATE ROLE app LOGIN; GRANT app TO owner; ALTER ROLE owner CREATEROLE")
    pg.make_database("guide")
    pg.sql("GRANT CREATE ON SCHEMA public TO owner", database="guide")
    with open(os.path.join(HERE, "../../docs/guides/postgresql.md")) as file:
        blocks = re.findall(r"^```(sh|sql)\n(.*?)^```", file.read(), re.M | re.S)
    environment = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(pg.port), "PGUSER": "owner", "PGDATABASE": "guide"}
    for n, (kind, text) in enumerate(blocks):
        if kind == "sql":
            command = [BIN + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "token=\\x01", "-v", "old_token=\\x02", "-f", "-"]
            done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, cwd=FOLDER)
        else:
            words = text.split()
            done = subprocess.run([os.environ["REDOUBT"], *words[1:]], capture_output=True, text=True, env=environment, cwd=FOLDER)
        wanted = 0 if "uninstall" not in text else 4  # the guide's own table is in the way
        result(done.returncode == wanted and (wanted == 0 or "in use" in done.stderr), "guide, block %d: %s" % (n + 1, text.splitlines()[0][:60]),
               done.stderr + done.stdout)
        if "CREATE TABLE person" in text:
            pg.ask("INSERT INTO person VALUES ('00000000-0000-4000-8000-000000000002', %s, %s)" % (hexed(value(b"x", epoch=7)), hexed(searchable(b"x", bytes(16)))),
                   database="guide")
    result(len(blocks) == 8, "the guide has its %d blocks" % len(blocks))


def main():
    pg = start()
    install(pg)
    functions(pg)
    upgrade(pg)
    types(pg)
    operators(pg)
    search(pg)
    fences(pg)
    proof(pg)
    trees(pg)
    columns(pg)
    discovery(pg)
    lint(pg)
    uninstall(pg)
    guide(pg)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
