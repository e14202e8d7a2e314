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
from column_case import Writer, seal, start  # noqa: E402
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


def killed(app):
    app.rotate()
    epoch = app.epoch("acme")
    before = app.read()
    command = [os.environ["REDOUBT"], "column", "rotate", "app.patients.diagnosis", "--flipped", "--batch", "5", "--rate", "200",
               "--catalogue", app.catalogue, "--db", app.db]
    process = subprocess.Popen(command, env=dict(os.environ, **app.server.env()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.8)
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
    at["body"] = bytes(damaged)
    place = app.place("acme", epoch - 1)
    at["epoch"] = value[:6] + (40000).to_bytes(2, "big") + value[8:]
    app.pg.ask("SELECT redoubt.unfence('app.patients', 'diagnosis')")
    kept = {}
    for row, name in ((8, "column"), (4, "row"), (12, "tenant"), (2, "body"), (6, "epoch")):
        kept[row] = at[name]
        app.pg.ask("UPDATE app.patients SET diagnosis = '\\x%s' WHERE id = %d" % (at[name].hex(), row))
    got = app.column("rotate", "app.patients.diagnosis", "--flipped")
    check(got.status == 4 and "5 values cannot be read" in got.err and "id" not in got.out, "wrong values: told, and no fence", got)
    check(all(w in got.err for w in ("2 values:", "1 values:")), "by what is wrong", got)
    got = app.column("rotate", "app.patients.diagnosis", "--flipped", "--show-rows")
    check(got.status == 4 and all('"id" = %d' % row in got.err for row in kept), "their rows, when asked for", got)
    left = {row: app.pg.ask("SELECT encode(diagnosis, 'hex') FROM app.patients WHERE id = %d" % row) for row in kept}
    check(left == {row: v.hex() for row, v in kept.items()}, "and they are left as they are", left)
    good = [v for row, v in app.read().items() if row not in kept]
    check({v[1] for v in good} == {epoch}, "all others are under the new epoch")
    check(app.pg.ask("SELECT count(*) FROM redoubt.fences('app.patients', 'diagnosis')") == "0", "no fence stands")
    for row in kept:
        app.pg.ask("UPDATE app.patients SET diagnosis = NULL WHERE id = %d" % row)
    got = app.column("rotate", "app.patients.diagnosis", "--flipped")
    check(got.status == 0 and "holds none" in got.out, "mended: it goes through", got)


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
    finally:
        app.server.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
