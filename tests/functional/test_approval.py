#!/usr/bin/env python3
"""Approvals from end to end: the command line of approvers and administrators, a second implementation
that signs what the server hands out, and somebody who writes an approver into the database. Prints TAP.
"""
import base64
import hashlib
import json
import os
import pty
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import approval_format as second  # noqa: E402
from harness import REDOUBT, ROOT, Tap, redoubt, write  # noqa: E402
from server import Server  # noqa: E402
from signing import call  # noqa: E402

PLAIN = b"no card number"
APPROVER = 8  # kind of row: docs/formats/record.md
ID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:DescribeKey","redoubt:*"],"Resource":"*"}]}'


def named(got):
    """The request that a refused call names."""
    found = re.search(r"Request (%s) has" % ID, got.err)
    return found.group(1) if found else "none"


def facts(got):
    return dict(re.split(r" {2,}", line.strip(), maxsplit=1) for line in got.out.splitlines() if "  " in line.strip())


def requests(server, *args):
    return json.loads(server.admin("approval", "list", "--json", *args).out)["Requests"]


class Keys:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name + ".key")

    def make(self, name, *args):
        return redoubt("approval", "keygen", "-o", self.path(name), *args)

    def public(self, name):
        return self.path(name) + ".pub"

    def sign(self, server, request, *names):
        return [server.admin("approval", "sign", request, "--with", self.path(name), "--yes") for name in names]


def test_vectors(tap):
    with open(os.path.join(ROOT, "tests", "vectors", "approval.txt"), encoding="utf-8") as file:
        tap.ok(file.read().rstrip("\n").split("\n") == list(second.lines()), "the vectors are those of the second implementation")
    for name, raw in second.good():
        one = second.read(raw)
        again = second.put(one["verb"], one["deployment"], one["request"], one["operation"], one["parameters"], one["rows"],
                           one["root"], one["approvers"], one["expires"])
        if again != raw:
            tap.ok(False, "it reads what it writes: " + name)
    taken = []
    for name, raw in second.bad():
        try:
            second.read(raw)
            taken.append(name)
        except second.Refused:
            pass
    tap.ok(not taken, "it refuses the bad ones", taken)


def test_keys(tap, keys, folder):
    got = keys.make("ann")
    mode = stat.S_IMODE(os.stat(keys.path("ann")).st_mode)
    with open(keys.public("ann"), encoding="utf-8") as file:
        public = file.read()
    tap.ok(got.status == 0 and mode == 0o600 and re.match(r"[0-9a-f]{64}\n$", public) and got.out == public,
           "approval keygen: a private key of mode 0600, a public one", got)
    got = keys.make("ann")
    tap.ok(got.status == 4 and "there already" in got.err, "it does not write over a key", got)
    word = write(os.path.join(folder, "word"), "open sesame\n")
    os.chmod(word, 0o600)
    got = keys.make("bob", "--type", "p256", "--passphrase-file", word)
    with open(keys.path("bob"), encoding="utf-8") as file:
        pem = file.read()
    tap.ok(got.status == 0 and len(got.out) == 131 and "ENCRYPTED" in pem, "one of P-256, encrypted", got)
    tap.ok(keys.make("cid").status == 0 and keys.make("dan", "--type", "p256").status == 0, "two more")
    tap.ok(redoubt("approval", "keygen").status == 3, "without -o: refused")
    return word


def add(server, keys, name, person):
    return server.admin("approver", "add", name, keys.public(name), "--person", person)


def test_first(tap, server, keys, word):
    got = server.admin("approval", "status")
    tap.ok(got.status == 0 and "2 of 0 approvers: nothing can be approved yet" in got.out, "no approvers yet", got)
    got = server.admin("approval", "request", "quorum-set", "Quorum=1")
    tap.ok(got.status == 4 and "there are 0 approvers" in got.err and "redoubt approval list" in got.err, "nobody to ask", got)
    tap.ok(server.admin("approver", "add", "ann", keys.public("ann")).status == 3, "an approver without a person: refused")
    tap.ok(server.admin("approver", "add", "ann", keys.path("ann"), "--person", "A").status == 3, "a private key is no public one")
    tap.ok(add(server, keys, "ann", "Ann A").status == 0 and add(server, keys, "bob", "Bob B").status == 0, "an administrator adds two")
    got = add(server, keys, "cid", "Cid C")
    request = named(got)
    tap.ok(got.status == 4 and "0 of 2 signatures" in got.err, "the third is the quorum's to add", got)
    got = server.admin("approval", "sign", request, "--with", keys.path("ann"))
    tap.ok(got.status == 3 and "no terminal" in got.err, "nobody is asked without a terminal", got)
    got = keys.sign(server, request, "ann")[0]
    shown = [line.split("  ", 1)[0] for line in got.err.splitlines()]
    tap.ok(got.status == 0 and "1 of 2" in got.out and "operation" in shown and "Cid C" in got.err and
           re.search(r"^operation +approver-add: add an approver$", got.err, re.M), "what is signed is shown first", got)
    got = keys.sign(server, request, "ann")[0]
    tap.ok(got.status == 4 and "signed it already" in got.err, "nobody signs twice", got)
    got = keys.sign(server, request, "dan")[0]
    tap.ok(got.status == 4 and "no such approver" in got.err, "a stranger's key", got)
    tap.ok(keys.sign(server, request, "bob")[0].status == 3, "an encrypted key, and no passphrase")
    got = server.admin("approval", "sign", request, "--with", keys.path("bob"), "--passphrase-file", word, "--yes")
    tap.ok(got.status == 0 and "approved" in got.out, "with its passphrase", got)
    os.remove(keys.path("bob"))
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", keys.path("bob")],
                   check=True, stderr=subprocess.DEVNULL)
    os.chmod(keys.path("bob"), 0o600)
    tap.ok(keys.sign(server, request, "bob")[0].status == 4, "another key of his is a stranger's too")
    tap.ok(add(server, keys, "cid", "Cid C").status == 0, "the same call now adds the third")
    got = server.admin("approver", "list")
    tap.ok([n in got.out for n in ("Ann A", "Bob B", "Cid C", "p256")] == [True] * 4, "approver list", got)


def test_terminal(tap, server, keys):
    request = server.admin("approval", "request", "key-unsuspend", "Key=" + test_terminal.key, "--reason", "try").out.strip()

    def answered(text):
        master, slave = pty.openpty()
        child = subprocess.Popen([REDOUBT, "approval", "sign", request, "--with", keys.path("ann")], stdin=slave,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **server.env()))
        os.write(master, text)
        out, err = child.communicate(timeout=60)
        os.close(master)
        os.close(slave)
        return child.returncode, out.decode(), err.decode()
    status, _, err = answered(b"\n")
    tap.ok(status == 4 and "approve this? [y/N]" in err and "nothing was signed" in err, "a bare return is a no", err)
    status, out, err = answered(b"y\n")
    tap.ok(status == 0 and "1 of 2" in out, "y is a yes", out + err)
    got = server.admin("approval", "deny", request)
    tap.ok(got.status == 0 and requests(server) == [], "who asked takes it back", got)
    closed = requests(server, "--closed")
    tap.ok([r["State"] for r in closed if r["Request"] == request] == ["denied"], "approval list --closed", closed)


def test_gate(tap, server, keys):
    key = server.admin("key", "create", "--alias", "pay").out.strip()
    test_terminal.key = key
    tap.ok(server.admin("key", "gate", "pay", "on").status == 0, "key gate on")
    tap.ok(server.admin("key", "gate", "pay", "maybe").status == 3, "on or off, nothing else")
    got = server.admin("key", "schedule-deletion", "pay", "--days", "30")
    request = named(got)
    tap.ok(got.status == 4 and request != "none", "a gated deletion waits for the quorum", got)
    shown = facts(server.admin("approval", "show", request))
    tap.ok(shown.get("Key") == key and shown.get("Days") == "30" and shown.get("asked by") == "Dev Administrator"
           and shown.get("signatures") == "0 of 2", "approval show", shown)
    tap.ok([g.status for g in keys.sign(server, request, "ann", "cid")] == [0, 0], "two sign")
    got = server.admin("audit", "search", "--for-key", key, "--operation", "ApprovalSign", "--json")
    records = [json.loads(line) for line in got.out.splitlines()]
    said = [r["Parameters"] for r in records if r.get("ApprovalId") == request]
    raw = base64.b64decode(json.loads(server.admin("approval", "show", request, "--json").out)["ToSign"])
    tap.ok(sorted(p["approver"] for p in said) == ["ann", "cid"] and {p["bytes"] for p in said} == {hashlib.sha256(raw).hexdigest()}
           and all(len(p["signature"]) == 128 for p in said), "the log has who signed which bytes, and the signatures", records)
    server.stop()
    server.start()
    tap.ok(server.admin("key", "schedule-deletion", "pay", "--days", "29").status == 4, "29 days are not what was approved")
    tap.ok(server.admin("key", "schedule-deletion", "pay", "--days", "30").status == 0, "after a restart the same call succeeds")
    tap.ok(server.admin("key", "cancel-deletion", "pay").status == 0
           and server.admin("key", "schedule-deletion", "pay", "--days", "30").status == 4, "once")
    server.admin("approval", "deny", requests(server)[0]["Request"])
    server.admin("approval", "deny", requests(server)[0]["Request"])
    server.admin("key", "enable", "pay")


def test_suspend(tap, server, keys):
    got = server.admin("key", "suspend", "pay", "--with", keys.path("dan"), "--yes")
    tap.ok(got.status == 4, "a stranger suspends nothing", got)
    got = server.admin("key", "suspend", "pay", "--with", keys.path("cid"), "--yes")
    tap.ok(got.status == 0, "one approver suspends a key", got)
    tap.ok(facts(server.admin("key", "show", "pay")).get("state") == "Disabled", "to clients it is disabled")
    tap.ok("Suspended" in server.admin("key", "list").out, "an administrator sees why")
    tap.ok(server.admin("key", "enable", "pay").status == 4, "and does not enable it")
    request = named(server.admin("key", "unsuspend", "pay", "--reason", "over"))
    keys.sign(server, request, "ann", "cid")
    tap.ok(server.admin("key", "unsuspend", "pay").status == 0
           and facts(server.admin("key", "show", "pay")).get("state") == "Enabled", "the quorum lifts it")


def test_second(tap, server, keys):
    """What the server hands out, read and signed by another program."""
    env = server.env()
    deployment = call(env, "Redoubt.ApprovalStatus", {})[1]["Deployment"]
    made = call(env, "Redoubt.ApprovalRequest", {"Operation": "quorum-set", "Parameters": {"Quorum": "3"}, "Hours": 1})[1]
    shown = call(env, "Redoubt.ApprovalShow", {"Request": made["Request"]})[1]
    raw = base64.b64decode(shown["ToSign"])
    read = second.read(raw)
    tap.ok((read["verb"], read["deployment"], read["request"], read["operation"], read["parameters"], read["rows"], read["root"])
           == ("approve", deployment, made["Request"], "quorum-set", {"Quorum": "3"}, 0, bytes(32))
           and abs(read["expires"] / 1000 - shown["Expires"]) < 1, "the bytes say what was asked for", read)

    def signed(name, message):
        with tempfile.NamedTemporaryFile() as file:
            file.write(message)
            file.flush()
            return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", keys.path(name), "-in", file.name],
                                  check=True, stdout=subprocess.PIPE).stdout
    body = {"Request": made["Request"], "Approver": "ann", "Signature": base64.b64encode(signed("ann", raw)).decode()}
    status, answer = call(env, "Redoubt.ApprovalSign", body)
    tap.ok(status == 200 and answer["Signatures"] == 1, "openssl's signature counts", answer)
    body["Approver"] = "cid"
    status, answer = call(env, "Redoubt.ApprovalSign", body)
    tap.ok(status == 400 and answer["__type"] == "AccessDeniedException", "under another's name it does not", answer)
    denial = second.put("deny", *(read[n] for n in ("deployment", "request", "operation", "parameters", "rows", "root", "approvers",
                                                    "expires")))
    body["Signature"] = base64.b64encode(signed("cid", denial)).decode()
    status, answer = call(env, "Redoubt.ApprovalSign", body)
    tap.ok(status == 400, "a no is no yes", answer)
    status, answer = call(env, "Redoubt.ApprovalDeny", body)
    tap.ok(status == 200, "but it is a no", answer)
    key = call(env, "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    now = int(time.time() * 1000)
    body = {"KeyId": key, "Approver": "ann", "Time": now,
            "Signature": base64.b64encode(signed("ann", second.suspend(deployment, key, now))).decode()}
    status, answer = call(env, "Redoubt.KeySuspend", body)
    tap.ok(status == 200, "a suspension by another program", answer)
    other = call(env, "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    status, answer = call(env, "Redoubt.KeySuspend", dict(body, KeyId=other))
    tap.ok(status == 400, "its signature suspends no other key", answer)


def test_break_glass(tap, server, keys, folder):
    env = server.env()
    key = server.admin("key", "create", "--alias", "sealed").out.strip()
    blob = call(env, "TrentService.Encrypt", {"KeyId": key, "Plaintext": base64.b64encode(PLAIN).decode(),
                                             "EncryptionContext": {"case": "7"}})[1]["CiphertextBlob"]
    path, out = write(os.path.join(folder, "blob"), base64.b64decode(blob)), os.path.join(folder, "plain")
    server.admin("principal", "create", "carl", "--person", "Carl C")
    write(os.path.join(folder, "carl.json"), POLICY)
    request = named(server.admin("principal", "policy", "carl", os.path.join(folder, "carl.json")))
    shown = server.admin("approval", "show", request)
    tap.ok("principal-update" in shown.out and "s:DescribeKey" in shown.out, "a principal's first policy is approved, too", shown)
    keys.sign(server, request, "ann", "cid")
    tap.ok(server.admin("principal", "policy", "carl", os.path.join(folder, "carl.json")).status == 0, "and then set")
    got = server.admin("principal", "credential", "carl")
    request = named(got)
    tap.ok(got.status == 4 and "SECRET" not in got.out and request != "none", "an access key in another person's name needs the quorum", got)
    keys.sign(server, request, "ann", "cid")
    words = dict(line.split("=", 1) for line in server.admin("principal", "credential", "carl").out.splitlines())
    tap.ok(server.admin("principal", "credential", "carl").status == 4, "for one key")
    carl = lambda *args: server.admin(*args, env=words)
    status, answer = call(dict(env, **words), "TrentService.Decrypt", {"CiphertextBlob": blob, "EncryptionContext": {"case": "7"}})
    tap.ok(status == 400 and answer["__type"] == "AccessDeniedException", "Carl may not decrypt", answer)
    args = ("key", "break-glass", path, "--context", "case=7", "--reason", "court order 12", "-o", out)
    got = carl(*args)
    request = named(got)
    tap.ok(got.status == 4 and request != "none" and not os.path.exists(out), "break-glass opens a request", got)
    got = server.admin("approval", "show", request)
    tap.ok(hashlib.sha256(base64.b64decode(blob)).hexdigest() in got.out and '[["case","7"]]' in got.out
           and "court order 12" in got.out and "Carl C" in got.out, "which names ciphertext, context, person and reason", got)
    keys.sign(server, request, "ann", "cid")
    tap.ok(server.admin(*args).status == 4 and not os.path.exists(out), "it is nobody else's")
    got = carl(*args)
    with open(out, "rb") as file:
        tap.ok(got.status == 0 and file.read() == PLAIN and stat.S_IMODE(os.stat(out).st_mode) == 0o600, "approved: it decrypts", got)
    os.remove(out)
    tap.ok(carl(*args).status == 4 and not os.path.exists(out), "once")
    got = server.admin("approval", "list", "--reviews")
    tap.ok(request in got.out and "to be reviewed" in got.out, "it waits for a review", got)
    got = server.admin("approval", "review", request, "--with", keys.path("ann"), "--yes")
    tap.ok(got.status == 0 and request not in server.admin("approval", "list", "--reviews").out, "an approver reviews it", got)
    got = server.admin("audit", "search", "--operation", "BreakGlassDecrypt", "--json")
    tap.ok(request in got.out and PLAIN.decode() not in got.out and base64.b64encode(PLAIN).decode() not in got.out, "the log has the request, and no plaintext", got)


def test_recover(tap, server, keys):
    data, arguments = server.data, ("approval", "recover", "dan", keys.public("dan"), "--person", "Dan D")
    got = redoubt(*arguments, "--data", data)
    tap.ok(got.status == 4 and "stop the server" in got.err, "a recovery is not for a running server", got)
    server.stop()
    got = redoubt(*arguments, "--data", data, "--reason", "all keys lost")
    tap.ok(got.status == 0 and "30 days" in got.out, "approval recover", got)
    request = got.out.split(":")[0]
    server.start()
    got = server.admin("approval", "status")
    tap.ok("Dan D becomes an approver after 0 of 30 days" in got.out and request in got.out, "approval status shows it", got)
    got = server.admin("audit", "search", "--operation", "ApprovalRecover")
    tap.ok("ApprovalRecover" in got.out, "the log has it", got)
    tap.ok(server.admin("approval", "deny", request).status == 4, "an administrator does not stop it")
    got = server.admin("approval", "deny", request, "--with", keys.path("cid"), "--yes")
    tap.ok(got.status == 0 and "becomes" not in server.admin("approval", "status").out, "an approver does", got)


def test_writer(tap, server, keys):
    """Somebody who can write the database makes himself an approver."""
    server.stop()
    base = sqlite3.connect(os.path.join(server.data, "store.db"))
    row = base.execute("SELECT revision, body, mac FROM rdt_row WHERE kind = ?", (APPROVER,)).fetchone()
    base.execute("INSERT INTO rdt_row (kind, id, revision, body, mac) VALUES (?, ?, ?, ?, ?)", (APPROVER, uuid.uuid4().bytes) + row)
    base.commit()
    base.close()
    got = redoubt("serve", "--dev", "--data", server.data, "--listen", "127.0.0.1:0")
    tap.ok(got.status == 4 and "approver" in got.err, "an approver that the database's owner wrote: no start", got)


def main():
    tap = Tap()
    test_vectors(tap)
    with tempfile.TemporaryDirectory() as folder:
        keys = Keys(folder)
        word = test_keys(tap, keys, folder)
        with Server(os.path.join(folder, "data")) as server:
            test_first(tap, server, keys, word)
            test_gate(tap, server, keys)
            test_terminal(tap, server, keys)
            test_suspend(tap, server, keys)
            test_second(tap, server, keys)
            test_break_glass(tap, server, keys, folder)
            test_recover(tap, server, keys)
            test_writer(tap, server, keys)
    tap.finish()


if __name__ == "__main__":
    main()
