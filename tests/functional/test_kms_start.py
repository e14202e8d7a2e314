#!/usr/bin/env python3
"""What a key service refuses to start on: somebody wrote its store, put back an old one, cut its log, or
gave it another root. Each is one clear line and exit 4, and nothing in the folder changes. Prints TAP."""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, Tap  # noqa: E402
from server import Server, env_file, tree_hash  # noqa: E402
from signing import call  # noqa: E402

PRINCIPAL, KEY = 5, 2  # kinds of rows: docs/formats/record.md


def sql(folder, *statements):
    base = sqlite3.connect(os.path.join(folder, "store.db"))
    for statement, values in statements:
        base.execute(statement, values)
    base.commit()
    base.close()


def rows(folder, kind):
    base = sqlite3.connect(os.path.join(folder, "store.db"))
    got = base.execute("SELECT id, revision, body, mac FROM rdt_row WHERE kind = ? ORDER BY id", (kind,)).fetchall()
    base.close()
    return got


def start(folder):
    done = subprocess.run([REDOUBT, "serve", "--dev", "--data", folder, "--listen", "127.0.0.1:0"], timeout=60,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def refused(tap, what, good, harm, word):
    with tempfile.TemporaryDirectory() as top:
        folder = os.path.join(top, "data")
        shutil.copytree(good, folder)
        harm(folder)
        before = tree_hash(folder)
        try:
            status, out, err = start(folder)
        except subprocess.TimeoutExpired:
            tap.ok(False, what, "the server started")
            return
        lines = [line for line in err.splitlines() if line.startswith("redoubt: error: ")]
        tap.ok(status == 4 and "ready" not in out, "%s: refused" % what, "%d %s" % (status, err))
        tap.ok(len(lines) == 1 and word in lines[0] and err.count("redoubt: hint: ") == 1,
               "%s: in one clear line, with a hint" % what, err)
        tap.ok(tree_hash(folder) == before, "%s: nothing changed" % what)


def make_good(top):
    """(a service's folder, an older copy of its store, a folder of another service)"""
    good, other, old = (os.path.join(top, name) for name in ("good", "other", "old"))
    with Server(good) as server:
        env = dict(env_file(os.path.join(good, "dev.env")), AWS_ENDPOINT_URL=server.url)
        key = call(env, "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    shutil.copytree(good, old)
    with Server(good) as server:
        env["AWS_ENDPOINT_URL"] = server.url
        call(env, "TrentService.DisableKey", {"KeyId": key})
        call(env, "TrentService.CreateKey", {})
    with Server(other):
        pass
    return good, old, other


def last_segment(folder):
    audit = os.path.join(folder, "audit")
    return os.path.join(audit, sorted(name for name in os.listdir(audit) if name.endswith(".seg"))[0])


def cut_log(folder):
    """The log ends where its first half ends; what follows is as empty as what was never written."""
    path = last_segment(folder)
    with open(path, "r+b") as file:
        used = len(file.read().rstrip(b"\0"))
        file.seek(used // 2)
        file.write(b"\0" * (used - used // 2))


def writers(tap, good, old):
    (admin_id, revision, body, mac), (other_id, _, other_body, other_mac) = rows(good, PRINCIPAL)
    update = "UPDATE rdt_row SET body = ?, mac = ? WHERE kind = ? AND id = ?"
    refused(tap, "a principal's row is changed", good,
            lambda f: sql(f, (update, (body[:-1] + bytes([body[-1] ^ 1]), mac, PRINCIPAL, admin_id))), "row")
    refused(tap, "two principals' rows change places", good,
            lambda f: sql(f, (update, (body, mac, PRINCIPAL, other_id)),
                          (update, (other_body, other_mac, PRINCIPAL, admin_id))), "row")
    refused(tap, "a principal is added", good,
            lambda f: sql(f, ("INSERT INTO rdt_row (kind, id, revision, body, mac) VALUES (?, ?, ?, ?, ?)",
                              (PRINCIPAL, b"\x07" * 16, revision, body, mac))), "row")
    refused(tap, "a row is deleted", good,
            lambda f: sql(f, ("DELETE FROM rdt_row WHERE kind = ? AND id = ?", (PRINCIPAL, other_id))), "rows")
    disabled = next(row for row in rows(old, KEY))
    refused(tap, "a disable is undone by the key's old row", good,
            lambda f: sql(f, ("UPDATE rdt_row SET revision = ?, body = ?, mac = ? WHERE kind = ? AND id = ?",
                              (disabled[1], disabled[2], disabled[3], KEY, disabled[0]))), "rows")


def copies(tap, good, old, other):
    def replace(name, source):
        def harm(folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
                shutil.copytree(os.path.join(source, name), path)
            else:
                shutil.copy(os.path.join(source, name), path)
        return harm

    refused(tap, "an older store is put back", good, replace("store.db", old), "older")
    refused(tap, "an older log is put back", good, replace("audit", old), "log")
    refused(tap, "another root", good, replace("root.json", other), "")
    refused(tap, "another service's store", good, replace("store.db", other), "")
    refused(tap, "the root is missing", good, lambda f: os.unlink(os.path.join(f, "root.json")), "root")
    refused(tap, "the log is missing", good, lambda f: shutil.rmtree(os.path.join(f, "audit")), "")
    refused(tap, "the log is cut", good, cut_log, "")
    refused(tap, "the store is missing", good, lambda f: os.unlink(os.path.join(f, "store.db")), "store")


def damage(folder):
    path = os.path.join(folder, "store.db")
    with open(path, "r+b") as file:
        file.seek(4096)  # the second page, from its head on
        file.write(b"\xff" * 2000)


def second(tap, good):
    with Server(good) as server:
        status, out, err = start(good)
        tap.ok(status == 4 and "ready" not in out, "a second server on the folder: refused", "%d %s" % (status, err))
        env = dict(env_file(os.path.join(good, "dev.env")), AWS_ENDPOINT_URL=server.url)
        tap.ok(call(env, "TrentService.ListKeys", {})[0] == 200, "and the first goes on")


def without_env(tap, folder):
    """As a restored folder is, or one whose first start was cut off: new secrets, the same principals."""
    old = env_file(os.path.join(folder, "dev.env"))
    kept = env_file(os.path.join(folder, "app.env"))
    os.remove(os.path.join(folder, "dev.env"))
    with Server(folder) as server:
        env = dict(env_file(os.path.join(folder, "dev.env")), AWS_ENDPOINT_URL=server.url)
        tap.ok(call(env, "TrentService.CreateKey", {})[0] == 200, "an env file that is gone is made anew")
        tap.ok(env["AWS_ACCESS_KEY_ID"] != old["AWS_ACCESS_KEY_ID"], "with another access key")
        tap.ok(env_file(os.path.join(folder, "app.env")) == kept, "the other is left as it was")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        good, old, other = make_good(top)
        writers(tap, good, old)
        copies(tap, good, old, other)
        refused(tap, "the store is damaged", good, damage, "")
        refused(tap, "a newer schema", good, lambda f: sql(f, ("PRAGMA user_version = 99", ())), "")
        second(tap, good)
        with Server(good) as server:
            env = dict(env_file(os.path.join(good, "dev.env")), AWS_ENDPOINT_URL=server.url)
            tap.ok(len(call(env, "TrentService.ListKeys", {})[1]["Keys"]) == 2, "untouched, it starts")
        without_env(tap, good)
    tap.finish()


main()
