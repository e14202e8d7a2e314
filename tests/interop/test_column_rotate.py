#!/usr/bin/env python3
"""`redoubt column rotate` on a real server with a real key service: while a writer goes on, killed in the middle, over values
that are wrong. Prints TAP."""
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from column_case import Place, Writer, seal, start, start_again, stop, unseal, wait_for, write  # noqa: E402
from harness import finish, result as check  # noqa: E402

ROWS = 300


def command_line(app):
    got = app.column("rotate", "app.patients.diagnosis", db="host=127.0.0.1 password=planted-secret")
    check(got.status == 3 and "planted-secret" not in got.err and "pgpass" in got.err, "no password on the command line", got)
    got = app.column("rotate", "app.patients.diagnosi")
    check(got.status == 3 and "did you mean 'app.patients.diagnosis'" in got.err, "a column that is none", got)
    got = app.column("rotate", "app.patients.diagnosis", "--rate", "x")
    check(got.status == 3 and "--rate x" in got.err, "a rate that is none", got)
    got = app.column("rotate", "app.patients.diagnosis", db="host=127.0.0.1 port=1 user=owner dbname=app")
    check(got.status == 4 and "database:" in got.err, "no database", got)
    got = app.column("rotate", "app.patients.diagnosis", db=app.db.replace("owner", "writer"))
    check(got.status in (0, 4), "a user who owns nothing", got)


def nothing_to_do(app):
    got = app.column("rotate", "app.patients.diagnosis")
    check(got.status == 0 and "%d values, 0 encrypted anew" % (ROWS * 9 // 10) in got.out, "nothing to do", got)


def under_load(app):
    app.rotate()
    epoch = app.epoch("acme")
    before = app.read()
    with Writer(app, epoch, 100000) as writer:
        got = app.column("rotate", "app.patients.diagnosis", "--flipped", "--batch", "20", "--json")
        time.sleep(0.2)
    check(got.status == 0 and '"Validated":true' in got.out, "rotated while the application wrote", got)
    check(not writer.errors and len(writer.wrote) > 20, "none of its statements failed", writer.errors[:3])
    after = app.read()
    wrong = [(row, v) for row, v in after.items() if v[1] != epoch or (
        v[2] != writer.wrote[row] if row in writer.wrote else v[2] != before[row][2])]
    check(not wrong and len(after) >= len(before), "every value is under the new epoch, and what it was", wrong[:3])
    check(app.pg.ask("SELECT redoubt.prove('app.patients', 'diagnosis', %d)->>'convalidated'" % epoch) == "true",
          "the database's catalogue says so")
    old = app.value("acme", epoch - 1, 2, b"old")
    status, _, errors = app.pg.psql("UPDATE app.patients SET diagnosis = '\\x%s' WHERE id = 2" % old.hex())
    check(status != 0 and "fence" in errors and old.hex() not in errors.split("STATEMENT")[0], "an old value is refused, and not shown", errors)


def swept(app, epoch):
    return int(app.pg.ask("SELECT count(*) FROM app.patients WHERE redoubt.epoch(diagnosis) = %d" % epoch))


def killed(app):
    app.rotate()
    epoch = app.epoch("acme")
    before = app.read()
    command = [os.environ["REDOUBT"], "column", "rotate", "app.patients.diagnosis", "--flipped", "--batch", "5", "--rate", "100",
               "--catalogue", app.catalogue, "--db", app.db]
    process = subprocess.Popen(command, env=dict(os.environ, **app.server.env()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: swept(app, epoch) > 20)
    process.send_signal(signal.SIGKILL)
    process.wait()
    middle = app.read()
    new = sum(v[1] == epoch for v in middle.values())
    check(0 < new < len(middle), "killed in the middle: %d of %d" % (new, len(middle)))
    check({r: v[2] for r, v in middle.items()} == {r: v[2] for r, v in before.items()}, "nothing is lost")
    got = app.column("rotate", "app.patients.diagnosis", "--flipped")
    after = app.read()
    check(got.status == 0 and "%d encrypted anew" % (len(middle) - new) in got.out, "again: it goes on where it was", got)
    check({v[1] for v in after.values()} == {epoch} and {r: v[2] for r, v in after.items()} == {r: v[2] for r, v in before.items()},
          "and all is there, under the new epoch")


def one_tenant(app):
    app.rotate()
    epoch = app.epoch("acme")
    got = app.column("rotate", "app.patients.diagnosis", "--tenant", "bolt")
    epochs = {}
    for tenant, at, _ in app.read().values():
        epochs.setdefault(tenant, set()).add(at)
    check(got.status == 0 and epochs == {"acme": {epoch - 1}, "bolt": {epoch}}, "one tenant alone", "%s %s" % (got, epochs))


def wrong_values(app):
    epoch = app.epoch("acme")
    at = {}
    value = app.value("acme", epoch - 1, 2, b"right")
    damaged = bytearray(value)
    damaged[-1] ^= 1
    place = app.place("acme", epoch - 1)
    place.column = bytes(16)
    at["column"] = seal(place, b"8", b"x", bytes(24))
    at["row"] = app.value("acme", epoch - 1, 5, b"of row 5")
    at["tenant"] = app.value("bolt", epoch - 1, 12, b"of bolt")
    at["other"] = app.value("bolt", epoch, 14, b"of bolt, and new")
    at["body"] = bytes(damaged)
    place = app.place("acme", epoch - 1)
    at["epoch"] = value[:6] + (40000).to_bytes(2, "big") + value[8:]
    app.pg.ask("SELECT redoubt.unfence('app.patients', 'diagnosis')")
    kept = {}
    for row, name in ((8, "column"), (4, "row"), (12, "tenant"), (14, "other"), (2, "body"), (6, "epoch")):
        kept[row] = at[name]
        app.pg.ask("UPDATE app.patients SET diagnosis = '\\x%s' WHERE id = %d" % (at[name].hex(), row))
    got = app.column("rotate", "app.patients.diagnosis", "--flipped")
    check(got.status == 4 and "6 values cannot be read" in got.err and "id" not in got.out, "wrong values: told, and no fence", got)
    check(all(w in got.err for w in ("2 values:", "1 values:", "2 values: the value is of another tenant")), "by what is wrong", got)
    got = app.column("rotate", "app.patients.diagnosis", "--flipped", "--show-rows")
    check(got.status == 4 and all('"id" = %d' % row in got.err for row in kept if row != 14), "their rows, when asked for", got)
    left = {row: app.pg.ask("SELECT encode(diagnosis, 'hex') FROM app.patients WHERE id = %d" % row) for row in kept}
    check(left == {row: v.hex() for row, v in kept.items()}, "and they are left as they are", left)
    good = [v for row, v in app.read().items() if row not in kept]
    check({v[1] for v in good} == {epoch}, "all others are under the new epoch")
    check(app.pg.ask("SELECT count(*) FROM redoubt.fences('app.patients', 'diagnosis')") == "0", "no fence stands")
    for row in kept:
        app.pg.ask("UPDATE app.patients SET diagnosis = NULL WHERE id = %d" % row)
    got = app.column("rotate", "app.patients.diagnosis", "--flipped")
    check(got.status == 0 and "holds none" in got.out, "mended: it goes through", got)


def restarted(app):
    """The database stops in the middle of a sweep, and comes back."""
    app.rotate()
    epoch = app.epoch("acme")
    before = app.read()
    command = [os.environ["REDOUBT"], "column", "rotate", "app.patients.diagnosis", "--flipped", "--batch", "5", "--rate", "300",
               "--catalogue", app.catalogue, "--db", app.db]
    process = subprocess.Popen(command, env=dict(os.environ, **app.server.env()), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: swept(app, epoch) > 20)
    stop(app.pg)
    time.sleep(0.3)
    start_again(app.pg)
    _, words = process.communicate(timeout=60)
    check(process.returncode == 0 and "waiting for the database" in words, "the database restarts in the middle: it goes on", words)
    after = app.read()
    check({v[1] for v in after.values()} == {epoch} and {r: v[2] for r, v in after.items()} == {r: v[2] for r, v in before.items()},
          "nothing is lost, and all is swept")


def without_rights(app):
    app.rotate()
    before = app.read()
    app.pg.ask("REVOKE UPDATE ON app.patients FROM writer")
    got = app.column("rotate", "app.patients.diagnosis", "--flipped", db=app.db.replace("owner", "writer"))
    check(got.status == 4 and "may not update" in got.err, "no right to write", got)
    app.pg.ask("GRANT UPDATE ON app.patients TO writer")
    got = app.column("rotate", "app.patients.diagnosis", "--flipped", db=app.db.replace("owner", "writer"))
    check(got.status == 4 and "fence of app.patients.diagnosis" in got.err and "values were encrypted anew and stay so" in got.err,
          "a user who may write, but not fence: told, and what was swept stays", got)
    check({r: v[2] for r, v in app.read().items()} == {r: v[2] for r, v in before.items()}, "nothing is lost")
    env = {"AWS_ACCESS_KEY_ID": "RKIAAAAAAAAAAAAAAAAA"}
    got = app.column("rotate", "app.patients.diagnosis", env=env)
    check(got.status == 4 and "tenant '" in got.err, "no right to the keys: told of whom", got)


SHAPES = """catalogue: 1
rings: { field: alias/fields }
columns:
  app.visits.notes: { id: 00000000-0000-4000-8000-000000000002, tenant: { name: acme }, row: [hospital, visit], critical: true, type: json }
  app.parts.data: { id: 00000000-0000-4000-8000-000000000003, tenant: { column: who }, type: bytea, key: [at, n] }
"""


def shapes(app):
    """Keys of several columns, a partitioned table, one tenant for all, values that are bound to no row."""
    app.catalogue = write("shapes.yaml", SHAPES)
    app.pg.ask("CREATE TABLE app.visits (hospital uuid, visit int, notes redoubt.rf1, PRIMARY KEY (hospital, visit));"
               "CREATE TABLE app.parts (at date NOT NULL, n char(4) NOT NULL, who text, data redoubt.rf1, UNIQUE (at, n)) PARTITION BY RANGE (at);"
               "CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
               "CREATE TABLE app.parts_2 PARTITION OF app.parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')")
    old = app.epoch("acme")
    base = app.place("acme", old)

    def place(n, epoch, **more):
        return Place(app.place("acme", epoch).kek, base.handle, epoch, base.tenant, bytes.fromhex("0000000000004000800000000000000%d" % n), **more)

    for i in range(30):
        row = "00000000-0000-4000-8000-%012d" % (i % 3)
        key = b"\0\x24" + row.encode() + len(str(i)).to_bytes(2, "big") + str(i).encode()
        value = seal(place(2, old, row_bound=True), key, b'{"i": %d}' % i, os.urandom(24))
        app.pg.ask("INSERT INTO app.visits VALUES ('%s', %d, '\\x%s')" % (row, i, value.hex()))
        value = seal(place(3, old), b"", bytes([i, 0, 255]), os.urandom(24))
        app.pg.ask("INSERT INTO app.parts VALUES ('2026-0%d-10', '%d', 'acme', '\\x%s')" % (i % 2 + 1, i, value.hex()))
    app.rotate()
    new = app.epoch("acme")
    for name in ("app.visits.notes", "app.parts.data"):
        got = app.column("rotate", name, "--flipped", "--batch", "7")
        check(got.status == 0 and "30 encrypted anew" in got.out, name, got)
    bad = []
    for line in app.pg.ask("SELECT hospital, visit, encode(notes, 'hex') FROM app.visits").splitlines():
        row, i, data = line.split("|")
        key = b"\0\x24" + row.encode() + len(i).to_bytes(2, "big") + i.encode()
        if unseal(place(2, new, row_bound=True), key, bytes.fromhex(data)) != b'{"i": %d}' % int(i):
            bad.append(line)
    for line in app.pg.ask("SELECT n, encode(data, 'hex') FROM app.parts").splitlines():
        i, data = line.split("|")
        if unseal(place(3, new), b"", bytes.fromhex(data)) != bytes([int(i), 0, 255]):
            bad.append(line)
    check(not bad, "all open under the new epoch", bad[:3])
    got = app.column("prove")
    check(got.status == 1 and "app.patients.diagnosis" in got.err, "proved, and the table that this catalogue does not name is told", got)
    app.pg.ask("ALTER TABLE app.visits DROP CONSTRAINT visits_pkey")
    got = app.column("rotate", "app.visits.notes")
    check(got.status == 4 and "primary key" in got.err, "no key to go by", got)


def main():
    app = start()
    try:
        app.fill(ROWS)
        command_line(app)
        nothing_to_do(app)
        under_load(app)
        killed(app)
        one_tenant(app)
        wrong_values(app)
        restarted(app)
        without_rights(app)
        shapes(app)
    finally:
        app.server.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
