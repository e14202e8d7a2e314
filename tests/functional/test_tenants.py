#!/usr/bin/env python3
"""Tenants of a running server: their commands, their keys as a client of its own opens them, who may
take them, and what is refused; and the second implementation of docs/formats/tenant-kek.md. Prints TAP.
"""
import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tenant_kek as second  # noqa: E402
from harness import ROOT, Tap, redoubt, write  # noqa: E402
from server import Server, child_of, env_file, wait_for  # noqa: E402
from signing import call  # noqa: E402
from test_server_guide import run  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "tenant-kek.json")
GUIDE = os.path.join(ROOT, "docs", "guides", "tenants.md")
PAGE = os.path.join(ROOT, "docs", "formats", "tenant-kek.md")
ROUNDS = 10


# ---- the format ----

class First:
    """The C code, asked over a pipe."""

    def __init__(self):
        self.child = subprocess.Popen([os.environ["KEK_MAIN"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)

    def ask(self, verb, *words):
        self.child.stdin.write(" ".join([verb] + [w.hex() for w in words]) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        return None if answer == "refused" else [bytes.fromhex(w) for w in answer.split()]

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def test_format(tap):
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    tap.ok(vectors == second.vectors(), "tests/vectors/tenant-kek.json is what the second implementation makes")
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    tap.ok(vectors["kek"][0]["kek"] in page and vectors["export"][0]["sealed"] in page, "the page shows the first of them")
    first = First()
    wrong = []
    for _ in range(ROUNDS):
        material, seed, private, kek = (secrets.token_bytes(32) for _ in range(4))
        key, tenant = secrets.token_bytes(16), secrets.token_bytes(16)
        handle, epoch = secrets.randbits(32), secrets.randbits(16)
        at = second.place(handle, epoch)
        info = second.export_info(key, tenant, handle, epoch)
        if first.ask("kek", material, key, seed, at[:4], at[4:]) != [second.kek(material, key, seed, handle, epoch)]:
            wrong.append("kek")
        if first.ask("info", key, tenant, at[:4], at[4:]) != [info]:
            wrong.append("info")
        enc, sealed = first.ask("seal", second.public(private), info, kek)
        if second.hpke_open(private, info, b"", enc, sealed) != kek:
            wrong.append("it opens what C sealed")
        enc, sealed = second.hpke_seal(second.public(private), info, b"", kek, secrets.token_bytes(32))
        if first.ask("open", private, info, enc, sealed) != [kek]:
            wrong.append("C opens what it sealed")
        if first.ask("open", private, info[:-1] + bytes([info[-1] ^ 1]), enc, sealed) is not None:
            wrong.append("another epoch's info is refused")
    tap.ok(not wrong, "both agree on %d keys and exports, both ways" % ROUNDS, wrong)
    tap.ok(first.end() == 0, "and the C program ends well")


# ---- a client ----

class Client:
    def __init__(self, env):
        self.env = env
        self.private = secrets.token_bytes(32)

    def export(self, key, **members):
        body = dict(members, KeyId=key, PublicKey=base64.b64encode(second.public(self.private)).decode())
        return call(self.env, "Redoubt.KekExport", body)

    def kek(self, key, **members):
        """The key, opened; or the fault's name."""
        status, got = self.export(key, **members)
        if status != 200:
            return got["__type"]
        info = second.export_info(uuid.UUID(got["KeyId"]).bytes, uuid.UUID(got["TenantId"]).bytes, got["Handle"],
                                  got["Epoch"])
        return second.hpke_open(self.private, info, b"", base64.b64decode(got["Encapsulated"]),
                                base64.b64decode(got["SealedKey"]))


def rows(got):
    lines = [re.split(r" {2,}", line) for line in got.out.rstrip("\n").split("\n")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def principal(server, folder, name, statements):
    """A principal with a policy; its environment."""
    path = write(os.path.join(folder, name + ".json"), json.dumps({"Version": "2012-10-17", "Statement": statements}))
    server.admin("principal", "create", name, "--policy", path)
    env = os.path.join(folder, name + ".env")
    server.admin("principal", "credential", name, "-o", env)
    return dict(server.env(), **env_file(env))


def allow(actions, resource="*", **more):
    return dict(more, Effect="Allow", Action=actions, Resource=resource)


def test_commands(tap, server):
    admin = server.admin
    got = admin("tenant", "list")
    tap.ok(got.status == 0 and "there is no tenant yet" in got.err, "no tenants: a head and a word", got)
    key = admin("key", "create", "--alias", "ring").out.strip()
    got = admin("tenant", "create", "acme", "ring")
    tap.ok(got.status == 4 and "redoubt key ring" in got.err, "a key that is no ring has no tenants", got)
    got = admin("key", "ring", "ring")
    tap.ok(got.status == 0 and key in got.out, "key ring", got)
    tap.ok(admin("key", "ring", key).status == 0, "again changes nothing")
    got = admin("tenant", "create", "acme", "ring")
    tap.ok(got.status == 0 and "acme" in got.out, "tenant create", got)
    got = admin("tenant", "create", "acme", "ring")
    tap.ok(got.status == 4 and "AlreadyExistsException" in got.err, "a second one is refused", got)
    for name in ("a b", "", "a/b", str(uuid.uuid4())):
        got = admin("tenant", "create", name, "ring")
        tap.ok(got.status == 3, "refused: the name '%s'" % name, got)
    admin("tenant", "create", "bolt", "ring")
    got = admin("tenant", "list")
    listed = {r["TENANT"]: r for r in rows(got)}
    tap.ok(set(listed) == {"acme", "bolt"} and listed["acme"]["RING"] == key and listed["acme"]["EPOCH"] == "1"
           and re.match(r"[0-9a-f]{8}$", listed["acme"]["HANDLE"]) and listed["acme"]["STATE"] == "Active",
           "tenant list", got)
    got = admin("tenant", "list", "--json")
    tap.ok(len(json.loads(got.out)["Tenants"]) == 2, "tenant list --json", got)
    got = admin("tenant", "show", "acme")
    tap.ok(got.status == 0 and key in got.out and "EXPORTED" not in got.out, "tenant show", got)
    got = admin("tenant", "show", "nobody")
    tap.ok(got.status == 3 and "NotFoundException" in got.err, "no such tenant", got)
    got = admin("tenant", "rotate", "bolt")
    tap.ok(got.status == 0, "tenant rotate finds the only ring", got)
    got = admin("tenant", "rotate", "bolt", "ring")
    tap.ok(got.status == 4 and "AccessDeniedException" in got.err, "not twice a day", got)
    epochs = {r["TENANT"]: r["EPOCH"] for r in rows(admin("tenant", "list"))}
    tap.ok(epochs == {"acme": "1", "bolt": "2"}, "only its own epoch moved", epochs)
    other = admin("key", "create", "--alias", "other").out.strip()
    admin("key", "ring", other)
    admin("tenant", "create", "bolt", "other")
    got = admin("tenant", "rotate", "bolt")
    tap.ok(got.status == 3 and "2 rings" in got.err, "of two rings one has to be named", got)
    tap.ok(len([r for r in rows(admin("tenant", "list")) if r["TENANT"] == "bolt"]) == 2, "one tenant in two rings")
    return key, other


def test_keys(tap, server, key, other):
    client = Client(server.env())
    acme, bolt = client.kek(key, Tenant="acme"), client.kek("alias/ring", Tenant="bolt")
    tap.ok(isinstance(acme, bytes) and len(acme) == 32, "a tenant's key, opened by a client", acme)
    tap.ok(isinstance(bolt, bytes) and acme != bolt, "each has its own", bolt)
    tap.ok(client.kek(key, Tenant="acme", Epoch=1) == acme, "the same again, by its epoch")
    handle = {r["TENANT"]: int(r["HANDLE"], 16) for r in rows(server.admin("tenant", "list")) if r["RING"] == key}
    tap.ok(client.kek(key, Handle=handle["acme"], Epoch=0) == acme, "and by its handle")
    tap.ok(client.kek(key, Handle=handle["bolt"], Epoch=1) not in (acme, bolt), "an earlier epoch")
    tap.ok(client.kek(other, Tenant="bolt", Epoch=1) not in (acme, bolt), "in another ring")
    _, got = client.export(key, Tenant="acme")
    tap.ok(got["CurrentEpoch"] == 1 and got["TtlSeconds"] == 300, "it comes with a time limit", got)
    for members, fault in (({"Tenant": "nobody"}, "NotFoundException"), ({"Handle": 1}, "NotFoundException"),
                           ({"Tenant": "acme", "Epoch": 9}, "NotFoundException"), ({}, "ValidationException"),
                           ({"Tenant": "acme", "Handle": 1}, "ValidationException"),
                           ({"Tenant": "acme", "Epoch": 65536}, "ValidationException"),
                           ({"Tenant": "acme", "Epoch": -1}, "ValidationException")):
        tap.ok(client.kek(key, **members) == fault, "refused: %s" % members, client.kek(key, **members))
    tap.ok(client.kek(other, Tenant="acme") == "NotFoundException", "refused: a ring in which it is not")
    for text in ("", "AAAA", base64.b64encode(bytes(32)).decode(), base64.b64encode(bytes(33)).decode()):
        status, got = call(server.env(), "Redoubt.KekExport", {"KeyId": key, "Tenant": "acme", "PublicKey": text})
        tap.ok(status == 400 and got["__type"] == "ValidationException", "refused: the public key '%s'" % text, got)
    server.admin("key", "rotate", "ring")
    new = client.kek(key, Tenant="acme")
    tap.ok(isinstance(new, bytes) and new != acme and client.kek(key, Tenant="acme", Epoch=1) == acme,
           "a rotated ring gives new keys; the old ones stay")
    tap.ok(wait_for(lambda: {r["EPOCH"] for r in rows(server.admin("tenant", "list")) if r["RING"] == key} == {"3"}),
           "all its tenants went to the same epoch, above all before")
    shown = server.admin("tenant", "show", "acme")
    tap.ok("EXPORTED TO" in shown.out and "admin" in shown.out, "tenant show has who was given the keys", shown)
    return acme, new


def test_stop(tap, server, key, acme, new):
    server.stop()
    server.start()
    client = Client(server.env())
    tap.ok(client.kek(key, Tenant="acme") == new and client.kek(key, Tenant="acme", Epoch=1) == acme,
           "the same keys after a stop")


def test_who_may(tap, server, folder, key):
    arn = "arn:aws:kms:local-1:000000000000:key/" + key
    export = ["redoubt:KekExport"]
    cases = [
        ("nothing", [], {"acme": False}),
        ("all of kms", [allow(["kms:*"])], {"acme": False}),
        ("exports", [allow(export)], {"acme": True, "bolt": True}),
        ("of this ring", [allow(export, arn)], {"acme": True}),
        ("of another ring", [allow(export, arn[:-1] + "x")], {"acme": False}),
        ("of one tenant", [allow(export, Condition={"StringEquals": {"kms:EncryptionContext:tenant": "acme"}})],
         {"acme": True, "bolt": False}),
        ("of all but one", [allow(export), {"Effect": "Deny", "Action": export, "Resource": "*", "Condition": {
            "StringEquals": {"kms:EncryptionContext:tenant": "acme"}}}], {"acme": False, "bolt": True}),
    ]
    handle = {r["TENANT"]: int(r["HANDLE"], 16) for r in rows(server.admin("tenant", "list")) if r["RING"] == key}
    for i, (words, statements, wanted) in enumerate(cases):
        client = Client(principal(server, folder, "p%d" % i, statements or [allow(["kms:ListKeys"])]))
        for tenant, may in wanted.items():
            got = client.kek(key, Tenant=tenant), client.kek(key, Handle=handle[tenant])
            tap.ok(all(isinstance(g, bytes) for g in got) if may else got == ("AccessDeniedException",) * 2,
                   "a principal that may take %s: %s's key %s" % (words, tenant, "is given" if may else "is refused"), got)
    got = Client(principal(server, folder, "px", [allow(["kms:ListKeys"])]))
    tap.ok({got.kek(k, Tenant=t) for k in (key, str(uuid.uuid4())) for t in ("acme", "nobody")} == {"AccessDeniedException"},
           "who may not does not learn which rings and tenants there are")
    status, _ = call(got.env, "Redoubt.TenantCreate", {"KeyId": key, "Tenant": "mine"})
    listed, _ = call(got.env, "Redoubt.TenantList", {})
    tap.ok(status == listed == 400, "nor makes or lists tenants")
    app = Client(server.env("app"))
    tap.ok(isinstance(app.kek(key, Tenant="acme"), bytes), "the application of --dev may")
    status, got = call(app.env, "Redoubt.TenantRotate", {"KeyId": key, "Tenant": "acme"})
    tap.ok(got.get("__type") == "AccessDeniedException", "but not rotate", got)
    found = [json.loads(line) for line in server.admin("audit", "search", "--operation", "KekExport", "--json").out.splitlines()]
    text = json.dumps(found)
    tap.ok(found and "handle" in text and "epoch" in text and "AccessDenied" in text, "all of it is in the audit log", found[:1])


def test_states(tap, server, key):
    client = Client(server.env())
    for before, after, fault in (("disable", "enable", "DisabledException"),
                                 ("schedule-deletion", "cancel-deletion", "KMSInvalidStateException")):
        server.admin("key", before, key)
        tap.ok(client.kek(key, Tenant="acme") == fault, "refused after key %s" % before)
        got = server.admin("tenant", "create", "late", key)
        tap.ok(got.status == 4, "and no tenant is made", got)
        server.admin("key", after, key)
        server.admin("key", "enable", key)
    tap.ok(isinstance(client.kek(key, Tenant="acme"), bytes), "and given again")
    got = server.admin("tenant", "destroy", "acme")
    tap.ok(got.status == 4 and "AccessDeniedException" in got.err, "nobody destroys a tenant alone", got)
    tap.ok(isinstance(client.kek(key, Tenant="acme"), bytes), "and it lives on")


def test_destroyed(tap, server, folder, key):
    """By two approvers; the server is killed the moment it has answered."""
    client = Client(server.env())
    for name, person in (("ann", "Ann A"), ("bob", "Bob B")):
        path = os.path.join(folder, name + ".key")
        redoubt("approval", "keygen", "-o", path)
        server.admin("approver", "add", name, path + ".pub", "--person", person)

    def approve(*what):
        request = server.admin("approval", "request", *what).out.strip()
        return [server.admin("approval", "sign", request, "--with", os.path.join(folder, name + ".key"), "--yes").status
                for name in ("ann", "bob")]

    server.admin("tenant", "rotate", "bolt", key)
    tap.ok(server.admin("tenant", "rotate", "bolt", key).status == 4, "a second rotation on one day is refused")
    tap.ok(approve("tenant-rotate", "Tenant=bolt") == [0, 0] and server.admin("tenant", "rotate", "bolt", key).status == 0,
           "unless two approve")
    bolt, old = client.kek(key, Tenant="bolt"), json.loads(server.admin("tenant", "show", "acme", "--json").out)
    tap.ok(approve("tenant-destroy", "Tenant=acme") == [0, 0], "two approvers sign")
    got = server.admin("tenant", "destroy", "bolt")
    tap.ok(got.status == 4, "they signed about another tenant", got)
    keys = child_of(server.process.pid, "redoubt-keys")
    got = server.admin("tenant", "destroy", "acme")
    os.kill(keys, signal.SIGKILL)
    server.wait(60)
    tap.ok(got.status == 0, "tenant destroy", got)
    server.start()
    client = Client(server.env())
    tap.ok(client.kek(key, Tenant="acme") == "NotFoundException", "no key is given by its name")
    handle = old["Rings"][0]["Handle"]
    for members in ({"Handle": handle}, {"Handle": handle, "Epoch": 1}, {"Tenant": old["TenantId"]}):
        tap.ok(client.kek(key, **members) == "KMSInvalidStateException", "nor by %s" % members, client.kek(key, **members))
    gone = lambda: json.loads(server.admin("tenant", "show", old["TenantId"], "--json").out)["State"] == "Destroyed"
    tap.ok(wait_for(gone), "it is destroyed, although the server was killed in between")
    tap.ok(client.kek(key, Tenant="bolt") == bolt, "the other tenant notices nothing")
    seeds = [json.loads(line) for line in server.admin("audit", "search", "--operation", "System*", "--json").out.splitlines()]
    tap.ok("SystemTenantErase" in json.dumps(seeds), "what was done is in the audit log")
    tap.ok(server.admin("tenant", "create", "acme", key).status == 0, "the name is free again")
    new = json.loads(server.admin("tenant", "show", "acme", "--json").out)
    tap.ok(new["TenantId"] != old["TenantId"] and new["Rings"][0]["Handle"] != handle, "for another tenant")
    env = server.env()
    server.stop()
    got = redoubt("audit", "verify", "--data", server.data, env=env)
    tap.ok(got.status == 0, "the audit log is whole", got)
    server.start()


def test_guide(tap):
    with tempfile.TemporaryDirectory() as folder, open(GUIDE, encoding="utf-8") as file:
        status, out, n = run(folder, file.read(), os.environ["PATH"])
        tap.ok(status == 0 and "FAILED" not in out and n > 15, "the %d commands of docs/guides/tenants.md work" % n,
               "\n".join(out.splitlines()[-15:]))


def main():
    tap = Tap()
    test_format(tap)
    test_guide(tap)
    with tempfile.TemporaryDirectory() as folder:
        with Server(os.path.join(folder, "data")) as server:
            key, other = test_commands(tap, server)
            acme, new = test_keys(tap, server, key, other)
            test_stop(tap, server, key, acme, new)
            test_who_may(tap, server, folder, key)
            test_states(tap, server, key)
            test_destroyed(tap, server, folder, key)
    tap.finish()


if __name__ == "__main__":
    main()
