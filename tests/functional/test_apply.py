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
         "X-Amz-Target: " + (op if "." in op else "TrentService." + op), "-H", "Content-Type: application/x-amz-json-1.1",
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
    with open(path, encoding="utf-8") as file:
        text = file.read()
    write(path, text.replace("role/vault", "role/safe"))
    steps = json.loads(apply(server, path, "--json", "--check").out)["Steps"]
    left = sorted((s["What"], s["Name"]) for s in steps if s["Action"] == "leave")
    tap.ok(left == [("key", "spare"), ("principal", "vault")], "so is a principal, also in JSON", left)
    plan(folder, purpose="cards")
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


def stores_of(server, word):
    env = server.env()
    return json.loads(aws(server, env, "Redoubt.KeyStatus", {"KeyId": word}))["Stores"]


def test_stores(tap, server, folder):
    tap.ok(stores_of(server, "alias/cards") == ["db"], "the plan's stores are registered", stores_of(server, "alias/cards"))
    path = plan(folder, purpose="cards")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    write(path, text.replace("stores:\n", "stores:\n  copies: { kind: s3, backup_of: [db] }\n"))
    got = apply(server, path)
    tap.ok(signs(got).get(("~", "key", "cards")) == "in copies", "a backup that is new is one more", got)
    tap.ok(stores_of(server, "alias/cards") == ["copies", "db"], "it is registered")
    got = apply(server, plan(folder, purpose="cards"))
    tap.ok("nothing to do" in got.err and stores_of(server, "alias/cards") == ["copies", "db"],
           "one that the plan lost stays: data may lie there", got)


def test_quorum(tap, server, folder):
    """Once there is a quorum it decides about what a policy allows more; the rest is done meanwhile."""
    for name in ("ann", "bob"):
        server.admin("approval", "keygen", "-o", os.path.join(folder, name))
        got = server.admin("approver", "add", name, os.path.join(folder, name + ".pub"), "--person", name)
        tap.ok(got.status == 0, "approver add", got)
    found, run, got = findings(server, plan(folder, purpose="cards"))
    tap.ok(found.get(("KMS-QUORUM", "plan"), [""])[0] == "pass", "verify sees the quorum", found.get(("KMS-QUORUM", "plan")))
    path = plan(folder, purpose="by two")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    write(path, text.replace("[role/vault]", "[role/vault, role/clerk]"))
    got = apply(server, path)
    requests = set(re.findall(r"Request ([0-9a-f-]{36})", got.err))
    tap.ok(got.status == 4 and len(requests) == 2,
           "a wider policy and a new principal wait for the quorum: exit 4, both requests are named", got)
    tap.ok(status(server, "cards")["KeyMetadata"]["Description"] == "by two", "the description did not wait")
    tap.ok("user/clerk" not in server.admin("policy", "get", "cards").out, "the policy did")
    signed = [server.admin("approval", "sign", request, "--with", os.path.join(folder, name), "--yes").status
              for request in requests for name in ("ann", "bob")]
    tap.ok(signed == [0] * 4, "two people sign both", signed)
    got = apply(server, path)
    tap.ok(got.status == 0 and "user/clerk" in server.admin("policy", "get", "cards").out,
           "the next apply does what was approved", got)
    tap.ok("nothing to do" in apply(server, path).err, "then there is nothing to do")
    got = apply(server, plan(folder, purpose="by two"))
    tap.ok(got.status == 0 and "user/clerk" not in server.admin("policy", "get", "cards").out,
           "less needs no approval", got)


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
    tap.ok("backup-cmk" not in got.out and "mesh-ca" not in got.out, "other services' keys are not its business", got)
    tap.ok("nothing to do" in apply(server, path).err, "once")
    made = server.admin("tenant", "create", "st-mary", "tenant-kek")
    tap.ok(made.status == 0, "a key of its plan that is one a tenant takes tenants", made)
    made = server.admin("tenant", "create", "st-mary", "root-cmk")
    tap.ok(made.status == 4, "another takes none", made)
    body = {"KeyId": "alias/tenant-kek", "Tenant": "st-mary", "PublicKey": "CQ" + 41 * "A" + "="}
    got = aws(server, credential(server, "api"), "Redoubt.KekExport", body)
    tap.ok("AccessDenied" not in got and "Sealed" in got, "the service gets a tenant's key", got)
    got = aws(server, credential(server, "es"), "Redoubt.KekExport", body)
    tap.ok("AccessDenied" in got, "another's principal does not", got)
    got = aws(server, server.env(), "Redoubt.KekExport", body)
    tap.ok("AccessDenied" in got, "nor does the administrator", got)


# ---- verify

def findings(server, path, *args, env=None):
    """{(rule, subject): verdict} of what is no plain pass, and the run."""
    got = server.admin("verify", "--env", "dev", "--json", "--all", *args, path,
                       env=dict(env or {}, XDG_STATE_HOME=server.data + ".state"))
    run = json.loads(got.out)
    return {(f["rule"], f["subject"]): (f["verdict"], f.get("message") or f.get("reason") or "")
            for f in run["findings"]}, run, got


def test_verify(tap, server, folder):
    path = plan(folder)
    live = [("KEYSTORE-2", "keys.cards"), ("ROTATE-OVERDUE", "keys.cards"), ("ROTATE-1", "keys.cards"),
            ("KEY-PRINCIPALS", "keys.cards"), ("KEY-ADMIN-AND-READ", "keys.cards"), ("KMS-CLOCK", "plan")]
    found, run, got = findings(server, path)
    tap.ok(found.get(("KEYSTORE-2", "keys.cards"), [""])[0] == "drift", "no key yet: drift", found)
    tap.ok(found.get(("ROTATE-OVERDUE", "keys.cards"), [""])[0] == "unknown", "and its age is unknown", found)
    apply(server, path)
    found, run, got = findings(server, path)
    for rule in live:
        tap.ok(found.get(rule, [""])[0] == "pass", "after apply: %s on %s passes" % rule, found.get(rule))
    tap.ok(found.get(("KMS-DEV-ROOT", "plan"), [""])[0] == "drift", "the development root is a finding",
           found.get(("KMS-DEV-ROOT", "plan")))
    tap.ok(found.get(("KMS-QUORUM", "plan"), [""])[0] == "drift", "no approvers is one",
           found.get(("KMS-QUORUM", "plan")))
    secrets = [server.env(w)["AWS_SECRET_ACCESS_KEY"] for w in ("dev", "app")]
    tap.ok(not any(s in got.out + got.err for s in secrets), "no secret in the run")
    key = status(server, "cards")["KeyMetadata"]["KeyId"]
    aws(server, server.env(), "DisableKeyRotation", {"KeyId": key})
    everybody = write(os.path.join(folder, "wide.json"), json.dumps({"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*",
         "Condition": {"StringEquals": {"kms:EncryptionContext:a": "b"}}},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:PutKeyPolicy",
         "Resource": "*"}, {"Effect": "Allow", "Principal": "*", "Action": "redoubt:Key*", "Resource": "*"}]}))
    tap.ok(server.admin("policy", "put", "cards", everybody).status == 0, "a policy that is wider by a condition")
    found, run, got = findings(server, path)
    for rule, words in (("KEY-ADMIN-AND-READ", "admin"), ("KEY-PRINCIPALS", "admin"), ("ROTATE-1", "by hand")):
        verdict, message = found.get((rule, "keys.cards"), ("", ""))
        tap.ok(verdict == "drift" and words in message, "it is seen: %s" % rule, (verdict, message))
    later = ("--at", "2027-12-24")
    found, run, got = findings(server, path, *later)
    tap.ok(found.get(("ROTATE-OVERDUE", "keys.cards"), [""])[0] in ("drift", "unknown"), "a year later it is overdue, or"
           " the look too old", found.get(("ROTATE-OVERDUE", "keys.cards")))
    apply(server, path)
    server.admin("key", "disable", "cards")
    found, run, got = findings(server, path)
    tap.ok(found.get(("KEYSTORE-2", "keys.cards"), [""])[0] == "drift", "a disabled key is", found)
    server.admin("key", "enable", "cards")


def test_foreign(tap, server, folder):
    """The same names in another environment, on the same server: not its keys."""
    path = write(os.path.join(folder, "redoubt.yaml"), PLAN.replace("live: {}", "live: { targets: targets.yaml }")
                 % {"purpose": "card numbers", "every": "90d", "more": ""})
    apply(server, path)
    env = {"XDG_STATE_HOME": server.data + ".state"}
    got = server.admin("verify", "--env", "live", "--only", "keys.cards", path, env=env)
    tap.ok(got.status == 1 and "another plan or environment" in re.sub(r"\s+", " ", got.out),
           "the keys of dev are not those of live", got)


def test_reader(tap, server, folder):
    """The credential of the targets: one that may only look; one that may not; no server."""
    path = plan(folder)
    allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":"*"}]}'
    write(os.path.join(folder, "reader.json"),
          allow % '["redoubt:SiteStatus","redoubt:KeyStatus","redoubt:KeyCallers"]')
    server.admin("principal", "create", "reader", "--policy", os.path.join(folder, "reader.json"))
    mine = credential(server, "reader")
    target = ('kms: { url: "%s", ca: ca.pem, region: local-1, reader: { key_id: env:READER_ID, secret: env:READER_KEY } }\n'
              % server.url)
    shutil.copy(os.path.join(server.data, "ca.pem"), os.path.join(folder, "ca.pem"))
    write(os.path.join(folder, "targets.yaml"), target)
    env = {"READER_ID": mine["AWS_ACCESS_KEY_ID"], "READER_KEY": mine["AWS_SECRET_ACCESS_KEY"], "AWS_REGION": "",
           "AWS_ENDPOINT_URL": "https://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    found, run, got = findings(server, path, env=env)
    tap.ok(found.get(("KEY-ADMIN-AND-READ", "keys.cards"), [""])[0] == "pass", "a reader is enough", got)
    for name, more in (("a secret that is wrong", {"READER_KEY": "x" * 40}), ("no secret", {"READER_KEY": ""})):
        found, run, got = findings(server, path, env=dict(env, **more))
        tap.ok(found.get(("KEYSTORE-2", "keys.cards"), [""])[0] == "unknown"
               and found.get(("KMS-CLOCK", "plan"), [""])[0] == "unknown", name + ": unknown, never a pass", got)
    write(os.path.join(folder, "targets.yaml"), 'kms: { url: "https://127.0.0.1:1", ca: ca.pem }\n')
    found, run, got = findings(server, path)
    tap.ok(found.get(("KEYSTORE-2", "keys.cards"), [""])[0] == "unknown", "no server: unknown", got)
    write(os.path.join(folder, "targets.yaml"), "kms: {}\n")


def test_medtrack_verified(tap, server):
    path = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
    found, run, got = findings(server, path, "--only", "keys.*")
    bad = {k: v for k, v in found.items() if v[0] in ("fail", "drift", "unknown") and k[0] != "KEYSTORE-1"}
    tap.ok(got.status == 0 and not bad, "MedTrack's keys are as its plan says", bad)


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
            test_stores(tap, server, folder)
            test_terminal(tap, server, folder)
            test_refused(tap, server, folder)
            test_quorum(tap, server, folder)
        with Server(os.path.join(folder, "dev2")) as server:
            test_medtrack(tap, server)
            test_medtrack_verified(tap, server)
            test_verify(tap, server, folder)
            test_foreign(tap, server, folder)
            test_reader(tap, server, folder)
    tap.finish()


if __name__ == "__main__":
    main()
