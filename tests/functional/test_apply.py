#!/usr/bin/env python3
"""`redoubt apply` against a running server: what it shows, makes, changes and leaves alone, and who
may do what with the keys it made. Prints TAP.
"""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, ROOT, Tap, write  # noqa: E402
from server import Server  # noqa: E402

PLAN = """redoubt: 1
product: { id: shop, name: Shop, owner: o }
services:
  api: { zone: z }
data:
  card: { level: critical }
keys:
  cards:
    purpose: %(purpose)s
    type: symmetric
    algorithm: aes-256
    custody: { provider: redoubt }
    access: { principals: [role/vault] }
    rotation: { every: %(every)s, how: auto }
%(more)sstores:
  db:
    kind: postgres
    holds: [card]
    at_rest:
      volume: { algorithm: aes-256, key: os-managed }
      fields: [{ data: [card], algorithm: aes-256-gcm, key: cards }]
flows:
  rw: { from: api, to: db, carries: [card], tls: { min: tls1.3 } }
environments:
  dev: { targets: targets.yaml }
  live: {}
"""
MORE = "  spare: { like: cards, purpose: spare }\n"


def plan(folder, purpose="card numbers", every="90d", more=""):
    return write(os.path.join(folder, "redoubt.yaml"),
                 PLAN % {"purpose": purpose, "every": every, "more": more})


def signs(got):
    """{(sign, kind, name): words} of the lines of a difference."""
    rows = re.findall(r"^([+~=! ])  (key|principal) +(\S+) +(.*)$", got.out, re.M)
    return {row[:3]: row[3] for row in rows}


def apply(server, path, *args, **more):
    return server.admin("apply", "--env", "dev", *args, path, **more)


def status(server, word):
    return json.loads(server.admin("key", "show", word, "--json").out)


def test_first(tap, server, path):
    got = apply(server, path, "--check")
    want = {("+", "key", "cards"), ("+", "principal", "api"), ("+", "principal", "vault")}
    tap.ok(got.status == 1 and set(signs(got)) == want, "--check shows the difference and exits 1", got)
    tap.ok("there is no key yet" in server.admin("key", "list").err, "and changes nothing")
    got = apply(server, path)
    tap.ok(got.status == 0 and set(signs(got)) == want and "done: 3 made, 0 changed" in got.out,
           "without a terminal it is applied", got)
    tap.ok("redoubt principal credential api" in got.out and "SECRET" not in got.out,
           "new principals come with the command for a credential, not with one", got)
    got = apply(server, path)
    tap.ok(got.status == 0 and {row[0] for row in signs(got)} == {"="} and "nothing to do" in got.err,
           "a second apply has nothing to do", got)
    tap.ok(apply(server, path, "--check").status == 0, "and --check exits 0")
    got = apply(server, path, "--json")
    steps = json.loads(got.out)
    tap.ok(not steps["Applied"] and [s["Action"] for s in steps["Steps"]] == ["keep"] * 3, "--json", got)
    shown = server.admin("key", "show", "cards")
    for text in ("card numbers", "every 90 days", "redoubt:plan-key", "redoubt:env", "critical"):
        tap.ok(text in shown.out, "the key has: %s" % text, shown)


def credential(server, name):
    lines = server.admin("principal", "credential", name).out
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


def aws(server, env, op, body):
    env = dict(server.env(), **env)
    return subprocess.run(
        ["curl", "-sS", "--cacert", env["AWS_CA_BUNDLE"], "--aws-sigv4", "aws:amz:local-1:kms", "--user",
         "%s:%s" % (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]), "-H",
         "X-Amz-Target: TrentService." + op, "-H", "Content-Type: application/x-amz-json-1.1",
         "--data", json.dumps(body), server.url], capture_output=True, text=True, timeout=60).stdout


def test_least_privilege(tap, server):
    other = server.admin("key", "create", "--alias", "other").out.strip()
    say = {"KeyId": "alias/cards", "Plaintext": "aGVsbG8="}
    api = credential(server, "api")
    got = aws(server, api, "Encrypt", say)
    tap.ok("CiphertextBlob" in got, "the service uses its key", got)
    got = aws(server, api, "Encrypt", dict(say, KeyId=other))
    tap.ok("AccessDenied" in got, "and no other", got)
    for name, body in (("ScheduleKeyDeletion", {"KeyId": "alias/cards"}), ("DisableKey", {"KeyId": "alias/cards"}),
                       ("CreateKey", {}), ("GetKeyPolicy", {"KeyId": "alias/cards"})):
        got = aws(server, api, name, body)
        tap.ok("AccessDenied" in got or "NotFound" in got, "nor %s" % name, got)
    for who in ("dev", "app"):
        got = aws(server, server.env(who), "Encrypt", say)
        tap.ok("AccessDenied" in got, "%s.env may not use the plan's key, whatever its own policy says" % who, got)
    tap.ok(server.admin("key", "disable", "cards").status == 0 and server.admin("key", "enable", "cards").status == 0,
           "the administrator administers it")


def test_changes(tap, server, folder):
    path = plan(folder, purpose="cards", every="365d", more=MORE)
    got = apply(server, path, "--check")
    rows = signs(got)
    tap.ok(rows.get(("~", "key", "cards")) == "description" and ("+", "key", "spare") in rows
           and ("~", "principal", "vault") in rows and ("=", "principal", "api") in rows,
           "a change shows what changes; 365 d are below the floor and change nothing", got)
    got = apply(server, path, "--yes")
    tap.ok(got.status == 0 and "1 made, 2 changed, 1 as planned" in got.out, "it is applied", got)
    tap.ok("nothing to do" in apply(server, path).err, "then there is nothing to do")
    server.admin("policy", "put", "cards", write(os.path.join(folder, "wide.json"), json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]})))
    got = apply(server, path)
    tap.ok(signs(got).get(("~", "key", "cards")) == "policy" and got.status == 0,
           "a policy that somebody widened is put back", got)
    server.admin("key", "disable", "cards")
    got = apply(server, path)
    tap.ok(signs(got).get(("=", "key", "cards")) == "Disabled" and got.status == 0, "a disabled key stays so", got)
    server.admin("key", "enable", "cards")
    return path


def test_left_alone(tap, server, folder):
    path = plan(folder, purpose="cards")
    got = apply(server, path)
    words = signs(got).get((" ", "key", "spare"), "")
    tap.ok(got.status == 0 and words.startswith("left alone"), "a key that the plan lost is left alone", got)
    tap.ok(server.admin("key", "show", "spare").status == 0, "it is still there")
    server.admin("key", "schedule-deletion", "cards", "--days", "7")
    got = apply(server, path)
    tap.ok(got.status == 4 and "cancel-deletion" in signs(got).get(("!", "key", "cards"), ""),
           "a key that waits for its deletion is not touched: exit 4", got)
    server.admin("key", "cancel-deletion", "cards")
    server.admin("key", "enable", "cards")


def test_cut_off(tap, server, folder):
    """An apply that ended after CreateKey: the key is known by its tags."""
    server.admin("key", "show", "cards")
    key = status(server, "cards")["KeyMetadata"]["KeyId"]
    aws(server, server.env(), "DeleteAlias", {"AliasName": "alias/cards"})
    path = plan(folder, purpose="cards")
    got = apply(server, path)
    tap.ok(signs(got).get(("~", "key", "cards")) == "alias/cards", "the alias alone is missing", got)
    tap.ok(status(server, "cards")["KeyMetadata"]["KeyId"] == key, "no second key was made")


def test_refused(tap, server, folder):
    path = plan(folder)
    got = server.admin("apply", path)
    tap.ok(got.status == 3 and "--env" in got.err, "an environment has to be named", got)
    got = server.admin("apply", "--env", "live", path)
    tap.ok(got.status == 4 and "another plan or environment" in got.out, "another environment's keys are refused", got)
    got = apply(server, path, env=dict(server.env("app")))
    tap.ok(got.status == 4 and "AccessDenied" in got.err, "an application may not apply", got)
    write(os.path.join(folder, "targets.yaml"), 'kms: { url: "https://127.0.0.1:1" }\n')
    got = apply(server, path)
    tap.ok(got.status != 0 and "127.0.0.1:1" in got.err, "targets name the server, before the environment does", got)
    write(os.path.join(folder, "targets.yaml"), 'kms: { url: "%s", ca: ca.pem, region: local-1 }\n' % server.url)
    shutil.copy(os.path.join(server.data, "ca.pem"), os.path.join(folder, "ca.pem"))
    got = apply(server, path, env={"AWS_ENDPOINT_URL": "https://127.0.0.1:1", "AWS_CA_BUNDLE": "", "AWS_REGION": ""})
    tap.ok(got.status == 0, "with its CA and region", got)
    write(os.path.join(folder, "targets.yaml"), "kms: {}\n")


def test_terminal(tap, server, folder):
    path = plan(folder, purpose="asked")
    for answer, status_want, purpose in ((b"n\n", 1, "cards"), (b"\n", 1, "cards"), (b"y\n", 0, "asked")):
        master, slave = pty.openpty()
        os.write(master, answer)
        done = subprocess.run([REDOUBT, "apply", "--env", "dev", path], stdin=slave, capture_output=True, text=True,
                              env=dict(os.environ, **server.env()), timeout=60)
        os.close(master)
        os.close(slave)
        is_now = status(server, "cards")["KeyMetadata"]["Description"]
        tap.ok("[y/N]" in done.stderr and done.returncode == status_want and is_now != ("asked" if answer != b"y\n"
               else "cards"), "asked on a terminal, %r" % answer, done.stdout + done.stderr)


def test_medtrack(tap, server):
    path = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
    got = apply(server, path)
    rows = signs(got)
    tap.ok(got.status == 0 and {n for s, k, n in rows if k == "key" and s == "+"} == {
        "root-cmk", "tenant-kek", "db-volume-cmk", "customer-files-cmk", "search-cmk", "secrets-cmk", "audit-cmk"},
        "MedTrack's keys of dev", got)
    tap.ok("account" in rows.get((" ", "key", "backup-cmk"), ""), "its backup key is another server's", got)
    tap.ok("nothing to do" in apply(server, path).err, "once")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="redoubt-apply-") as folder:
        write(os.path.join(folder, "targets.yaml"), "kms: {}\n")
        with Server(os.path.join(folder, "dev")) as server:
            test_first(tap, server, plan(folder))
            test_least_privilege(tap, server)
            test_changes(tap, server, folder)
            test_left_alone(tap, server, folder)
            test_cut_off(tap, server, folder)
            test_terminal(tap, server, folder)
            test_refused(tap, server, folder)
        with Server(os.path.join(folder, "dev2")) as server:
            test_medtrack(tap, server)
    tap.finish()


if __name__ == "__main__":
    main()
