#!/usr/bin/env python3
"""`redoubt column encrypt`: a plaintext column becomes an encrypted one while a writer goes on; killed, refused, cut over,
dropped. The plaintexts are in no log of the server. Prints TAP."""
import os
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import column_case  # noqa: E402
import searchable_values  # noqa: E402
from column_case import Bound, start  # noqa: E402
from harness import FOLDER, finish, result as check  # noqa: E402

ROWS = 400
NAME = "app.people.note"
CATALOGUE = """catalogue: 1
rings: { field: alias/fields }
columns:
  app.people.note: { id: %s, tenant: { column: hospital }, row: id, padded: 32 }
""" % column_case.COLUMN


def make(app):
    app.catalogue = column_case.write("people.yaml", CATALOGUE)
    app.pg.ask("CREATE TABLE app.people (id bigint PRIMARY KEY, hospital text NOT NULL, note text NOT NULL DEFAULT 'planted-none', visits int NOT NULL DEFAULT 0);"
               "CREATE INDEX people_note ON app.people (note);"
               "GRANT SELECT, INSERT, UPDATE, DELETE ON app.people TO writer")
    app.pg.ask("INSERT INTO app.people (id, hospital, note) SELECT i, CASE i %% 2 WHEN 0 THEN 'acme' ELSE 'bolt' END, 'planted ' || i FROM generate_series(1, %d) AS i" % ROWS)
    app.pg.ask("UPDATE app.people SET note = '' WHERE id = 7; UPDATE app.people SET note = repeat('long ', 30000) WHERE id = 8")


def values(app, sealed="note", plain=None):
    """{row: (decrypted, plaintext)}"""
    got = {}
    text = app.pg.ask("SELECT id, hospital, encode(%s, 'hex'), encode(convert_to(%s, 'UTF8'), 'hex') FROM app.people"
                      % (sealed, plain or "NULL::text"))
    for line in text.splitlines():
        row, tenant, data, other = line.split("|")
        data = bytes.fromhex(data)
        value = None
        if data:
            value = column_case.unseal(app.place(tenant, int.from_bytes(data[6:8], "big")), row.encode(), data)
        got[int(row)] = (value, bytes.fromhex(other) if other else b"" if plain else None)
    return got


class OldProgram:
    """The application of before: it knows the plaintext column alone."""

    def __init__(self, app):
        self.bound, self.errors, self.stop, self.n = Bound(app.pg), [], threading.Event(), 0
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop.is_set():
            self.n += 1
            for sql, values in (("UPDATE app.people SET note = $1 WHERE id = %d" % (self.n % 100 + 1), [b"changed %d" % self.n]),
                                ("INSERT INTO app.people (id, hospital, note) VALUES (%d, 'acme', $1)" % (10000 + self.n), [b"new"]),
                                ("UPDATE app.people SET visits = visits + 1 WHERE id = %d" % (self.n % 300 + 1), [])):
                done = self.bound.run(sql, *values)
                if done:
                    self.errors.append(done)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.bound.close()


def refused(app):
    app.pg.ask("CREATE VIEW app.notes AS SELECT id, note FROM app.people")
    got = app.column("encrypt", NAME)
    check(got.status == 4 and "view app.notes" in got.err, "a view over it: refused", got)
    app.pg.ask("DROP VIEW app.notes")
    got = app.column("encrypt", NAME, "--cut-over", "--drop-plaintext")
    check(got.status == 3 and "for later" in got.err, "not all at once", got)
    check(app.pg.ask("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.people'::regclass AND attname ~ '^note'") == "1", "nothing was made")


def filled(app):
    """0 as long as there is no twin."""
    status, out, _ = app.pg.psql("SELECT count(note_rdt) FROM app.people")
    return int(out) if status == 0 else 0


def fill(app):
    command = [os.environ["REDOUBT"], "column", "encrypt", NAME, "--batch", "10", "--rate", "100", "--catalogue", app.catalogue, "--db", app.db]
    process = subprocess.Popen(command, env=dict(os.environ, **app.server.env()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    column_case.wait_for(lambda: filled(app) > 20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n = filled(app)
    check(0 < n < ROWS, "killed in the middle: %d" % n)
    with OldProgram(app) as program:
        got = app.column("encrypt", NAME, "--batch", "20")
        time.sleep(0.1)
    check(got.status == 0 and "--cut-over" in got.err and "index app.people_note" not in got.err, "the twin is filled while the application writes", got)
    check(not program.errors and program.n > 20, "none of its statements failed", program.errors[:3])
    wrong = [(r, v) for r, v in values(app, "note_rdt", "note").items() if v[0] is not None and v[0] != v[1]]
    check(not wrong, "each twin is its plaintext's", wrong[:3])
    got = app.column("encrypt", NAME, "--json")
    left = app.pg.ask("SELECT count(*) FROM app.people WHERE note_rdt IS NULL")
    check(got.status == 0 and left == "0" and '"Stage":"twin"' in got.out, "again: what was written since", got)
    app.pg.ask("UPDATE app.people SET note_rdt = (SELECT note_rdt FROM app.people WHERE id = 12) WHERE id = 11")
    got = app.column("encrypt", NAME, "--cut-over")
    check(got.status == 4 and "tenant" in got.err and app.pg.ask("SELECT to_regtype('redoubt.rf1') = atttypid FROM pg_attribute "
          "WHERE attrelid = 'app.people'::regclass AND attname = 'note'") == "f", "a twin of another row: no cut-over", got)
    value = column_case.seal(app.place("bolt", 1), b"11", b"something else", bytes(24))
    app.pg.ask("UPDATE app.people SET note_rdt = '\\x%s' WHERE id = 11" % value.hex())
    got = app.column("encrypt", NAME, "--cut-over")
    check(got.status == 4 and "1 values are not those of their plaintext" in got.err, "nor one of another plaintext", got)
    app.pg.ask("UPDATE app.people SET note_rdt = NULL WHERE id = 11")


def cut(app):
    before = values(app, "note_rdt", "note")
    held = subprocess.Popen([column_case.pgext_case.BIN + "/psql", "-X", "-q", "-c", "BEGIN; SELECT 1 FROM app.people; SELECT pg_sleep(1); COMMIT", app.db],
                            stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    got = app.column("encrypt", NAME, "--cut-over")
    held.wait()
    check(got.status == 0 and "note_plain" in got.err, "cut over, though somebody held the table for a while", got)
    after = values(app)
    check({r: v[0] for r, v in after.items()} == {r: v[1] for r, v in before.items()}, "the column has the values now")
    check(app.pg.ask("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'app.people'::regclass AND attname = 'note'") == "t"
          and app.pg.ask("SELECT count(*) FROM pg_constraint WHERE conrelid = 'app.people'::regclass AND contype = 'c'") == "0",
          "it took over NOT NULL")
    status, _, errors = app.pg.psql("INSERT INTO app.people (id, hospital, note) VALUES (90000, 'acme', 'plain-canary')")
    check(status != 0 and "plain-canary" not in errors.split("LINE")[0], "a program that still writes plaintext is refused", errors)
    value = app.value("acme", 1, 4, b"written anew")
    app.pg.ask("UPDATE app.people SET note = '\\x%s' WHERE id = 4" % value.hex(), user="writer")
    check(app.pg.ask("SELECT note_plain IS NULL FROM app.people WHERE id = 4") == "t", "a value that is written anew takes its plaintext away")
    got = app.column("encrypt", NAME, "--json")
    check(got.status == 0 and '"Stage":"cut"' in got.out, "again: nothing to do", got)
    got = app.column("rotate", NAME, "--flipped")
    check(got.status == 0, "and it rotates", got)
    got = app.column("prove", NAME)
    check(got.status == 0, "and it is proved", got)


def drop(app):
    value = app.value("acme", 1, 6, b"not its plaintext")
    app.pg.ask("ALTER TABLE app.people DISABLE TRIGGER USER; UPDATE app.people SET note = '\\x%s' WHERE id = 6; ALTER TABLE app.people ENABLE TRIGGER USER" % value.hex())
    got = app.column("encrypt", NAME, "--drop-plaintext")
    check(got.status == 4 and app.pg.ask("SELECT count(note_plain) > 0 FROM app.people") == "t", "a value that is not its plaintext's: nothing is dropped", got)
    app.pg.ask("UPDATE app.people SET note_plain = NULL WHERE id = 6")
    got = app.column("encrypt", NAME, "--drop-plaintext")
    check(got.status == 0 and "dumps and backups" in got.err, "dropped, and what still holds plaintexts", got)
    check(app.pg.ask("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.people'::regclass AND attname = 'note_plain'") == "0"
          and app.pg.ask("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.people'::regclass AND tgname ~ 'twin'") == "0"
          and app.pg.ask("SELECT count(*) FROM pg_proc WHERE proname ~ 'redoubt_twin'") == "0", "nothing of it is left")
    got = app.column("encrypt", NAME, "--drop-plaintext", "--json")
    check(got.status == 0 and '"Stage":"sealed"' in got.out, "again: nothing to do", got)


def logs(app):
    """log_statement = all and every bind parameter: what the job sent is there, and no plaintext of the table."""
    with open(FOLDER + "/log", encoding="utf-8", errors="replace") as file:
        text = file.read()
    mine = [line for line in text.splitlines() if "application=redoubt" in line]
    check(any("redoubt_compare" in line for line in mine) and not any("planted" in line for line in mine), "no plaintext in a log", mine[:3])


SEARCHABLE = """catalogue: 1
rings: { field: alias/fields, index: alias/index }
columns:
  app.accounts.email:
    { id: 00000000-0000-4000-8000-000000000005, tenant: { name: acme }, row: id,
      index: { kind: unique, domain: 00000000-0000-4000-8000-000000000006, name: email, normaliser: email } }
"""
EMAIL = "app.accounts.email"


def token(app, epoch, text):
    """As the page of tokens has it."""
    app.place("acme", 1)
    index = searchable_values.Index(app.ids["acme"], uuid.UUID("00000000-0000-4000-8000-000000000006").bytes, 1, 128, b"email",
                                    searchable_values.Rule(searchable_values.EMAIL, local=1))
    kek = app.client.kek("alias/index", Tenant="acme", Epoch=epoch)
    return searchable_values.token(kek, index, searchable_values.normal(index.rule, text.encode())).hex()


def searchable(app):
    app.server.admin("key", "create", "--alias", "index")
    app.server.admin("key", "ring", "index")
    app.server.admin("tenant", "create", "acme", "index")
    app.catalogue = column_case.write("searchable.yaml", SEARCHABLE)
    app.pg.ask("CREATE TABLE app.accounts (id int PRIMARY KEY, email varchar(80) UNIQUE)")
    app.pg.ask("INSERT INTO app.accounts SELECT i, 'User' || i || '@Example.org' FROM generate_series(1, 50) AS i; INSERT INTO app.accounts VALUES (51, 'no address'), (52, NULL)")
    got = app.column("encrypt", EMAIL, "--show-rows")
    check(got.status == 4 and '"id" = 51' in got.err and "planted" not in got.err, "what is no address: told", got)
    app.pg.ask("UPDATE app.accounts SET email = 'fifty-one@example.org' WHERE id = 51")
    got = app.column("encrypt", EMAIL, "--cut-over")
    check(got.status == 0, "a searchable column", got)
    app.pg.ask("CREATE UNIQUE INDEX accounts_email ON app.accounts (redoubt.token(email))")

    def find(epoch, text):
        return app.pg.ask("SELECT id FROM app.accounts WHERE redoubt.token(email) = '\\x%s'" % token(app, epoch, text))

    check(find(1, "uSER7@example.ORG") == "7" and find(1, "nobody@example.org") == "", "found by the token of another spelling")
    app.server.admin("key", "rotate", "index")
    got = app.column("prove")
    check(got.status == 1 and "51 of them under older epochs" in got.err, "tokens of an old index are not proved fresh", got)
    got = app.column("rotate", EMAIL, "--flipped")
    check(got.status == 0 and "51 encrypted anew" in got.out and find(2, "user7@example.org") == "7" and find(1, "user7@example.org") == "",
          "a rotation of the index alone makes new tokens", got)
    app.rotate()
    got = app.column("rotate", EMAIL, "--flipped")
    check(got.status == 0 and "51 encrypted anew" in got.out and find(2, "user8@example.org") == "8", "one of the values keeps them", got)
    got = app.column("prove")
    check(got.status == 1 and "51 values decrypted, 0 of them" in got.err, "proved", got)
    app.pg.ask("UPDATE app.accounts a SET email = overlay(a.email::bytea placing '\\x%s'::bytea from 5 for 16) WHERE a.id = 10" % token(app, 2, "thief@example.org"))
    got = app.column("prove", "--show-rows")
    check(got.status == 4 and '"id" = 10' in got.err and "token" in got.err, "a token of another value: no statement", got)


def main():
    app = start()
    try:
        app.pg.load("host all all all trust", ssl=False, log_statement="all", log_parameter_max_length="-1",
                    log_min_messages="log", log_line_prefix="application=%a ")
        make(app)
        refused(app)
        fill(app)
        cut(app)
        drop(app)
        logs(app)
        searchable(app)
    finally:
        app.server.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
