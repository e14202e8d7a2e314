#!/usr/bin/env python3
"""The census from the command line: stores, scanners, reports, a version that is drained; and its format by a second
reader. Prints TAP.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from audit_reader import signed  # noqa: E402
from census_format import Bad, read_receipt, read_report, write_report  # noqa: E402
from harness import ROOT, Tap, redoubt, write  # noqa: E402
from server import Server  # noqa: E402


def test_vectors(tap):
    with open(os.path.join(ROOT, "docs", "formats", "census.md"), encoding="utf-8") as file:
        rows = re.findall(r"^(report|receipt|public|signature) +([0-9a-f]+)$", file.read(), re.M)
    values = [bytes.fromhex(value) for _, value in rows]
    report, receipt = read_report(values[0]), read_receipt(values[3])
    tap.ok(report["store"] == b"stores.db" and report["counts"] == [(1, 3), (4, 1 << 20)] and report["highest"] == 7
           and report["epochs"] == [(0xdeadbeef, 7, 9)] and report["looked_at"] == report["total"] == 1000,
           "the report of census.md, read anew", report)
    tap.ok(write_report(report) == values[0], "there is one way to write it")
    tap.ok(receipt["name"] == "backup-2026-11.rbf" and receipt["versions"] == [(bytes(range(0x30, 0x40)), 1)],
           "the receipt likewise", receipt)
    tap.ok(all(signed(values[i + 1], values[i], values[i + 2]) for i in (0, 3)), "the signatures are right")
    changed = values[0][:-1] + bytes([values[0][-1] ^ 1])
    tap.ok(not signed(values[1], changed, values[2]), "and wrong over a changed report")
    short = 0
    for n in range(len(values[0])):
        try:
            read_report(values[0][:n])
        except Bad:
            short += 1
    tap.ok(short == len(values[0]), "no part of it is a report")


def test_certificate(tap, folder):
    """docs/formats/destruction.md: its vector, by a second reader and by the command."""
    with open(os.path.join(ROOT, "docs", "formats", "destruction.md"), encoding="utf-8") as file:
        text = re.search(r"^(\{\"certificate\".*)$", file.read(), re.M).group(1)
    whole = json.loads(text)
    says = json.dumps(whole["certificate"], separators=(",", ":"), ensure_ascii=False).encode()
    key, signature = bytes.fromhex(whole["key"]), bytes.fromhex(whole["signature"])
    tap.ok(signed(key, b"redoubt destruction certificate v1\0" + says, signature), "the certificate of destruction.md, read anew")
    path = write(os.path.join(folder, "certificate.json"), json.dumps(whole, indent=2))
    pub = write(os.path.join(folder, "audit.pub"), whole["key"] + "\n")
    got = redoubt("key", "verify-certificate", path, "--key", pub)
    tap.ok(got.status == 0 and "proven: erased" in got.out and "the key that was given" in got.out, "verify-certificate", got)
    got = redoubt("key", "verify-certificate", path)
    tap.ok(got.status == 0 and "forger" in got.out, "without --key it says what that is worth", got)
    got = redoubt("key", "verify-certificate", path, "--json", "--key", pub)
    tap.ok(json.loads(got.out)["verdict"] == "proven", "as JSON", got)
    other = write(os.path.join(folder, "other.pub"), "5b" * 32 + "\n")
    got = redoubt("key", "verify-certificate", path, "--key", other)
    tap.ok(got.status == 1 and "NOT PROVEN" in got.out, "another key: not proven", got)
    got = redoubt("key", "verify-certificate", write(path, text.replace('"version":1', '"version":2')), "--key", pub)
    tap.ok(got.status == 1 and "NOT PROVEN" in got.out, "another version in it: not proven", got)
    got = redoubt("key", "verify-certificate", pub, "--key", pub)
    tap.ok(got.status == 3, "not a certificate: exit 3", got)


def state(server, key, number):
    got = json.loads(server.admin("key", "versions", key, "--json").out)
    return next(v["State"] for v in got["Versions"] if v["Version"] == number)


def make_key(folder, name):
    path = os.path.join(folder, name + ".pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    os.chmod(path, 0o600)
    return path


def report(server, folder, nonce, signer, *args):
    path = write(os.path.join(folder, "nonce.json"), nonce)
    return server.admin("census", "report", path, "--scanner", "sweeper", "--signer", signer, *args)


def test_commands(tap, server, folder):
    admin = server.admin
    signer, other = make_key(folder, "sweeper"), make_key(folder, "other")
    key = admin("key", "create", "--alias", "pay").out.strip()
    got = admin("census", "status", "pay")
    tap.ok(got.status == 0 and "no store is registered" in got.err, "a key without stores", got)
    got = admin("census", "register", "pay", "stores.db", "--kind", "database")
    tap.ok(got.status == 0 and "stores.db" in got.out, "census register", got)
    got = admin("census", "register", "pay", "not a name")
    tap.ok(got.status == 3 and "ValidationException" in got.err, "a name with blanks is none", got)
    got = admin("census", "stores")
    tap.ok("stores.db" in got.out and "database" in got.out, "census stores", got)
    got = admin("census", "enrol", "sweeper", signer, "stores.db")
    tap.ok(got.status == 0, "census enrol by the private key's file", got)
    got = admin("census", "enrol", "sweeper", other, "stores.db")
    tap.ok(got.status == 4 and "AlreadyExists" in got.err, "a second of that name is refused", got)
    got = admin("census", "enrol", "third", os.path.join(folder, "nonce.json"), "stores.db")
    tap.ok(got.status == 3, "no key: refused", got)
    got = admin("census", "enrol", "third", "ab" * 31, "stores.db")
    tap.ok(got.status == 3 and "ValidationException" in got.err, "31 bytes are no key", got)
    got = admin("census", "scanners")
    tap.ok("sweeper" in got.out and "enrolled" in got.out and "stores.db" in got.out, "census scanners", got)
    admin("key", "rotate", "pay")
    got = admin("key", "quiesce", "pay", "1")
    tap.ok(got.status == 4 and "KMSInvalidStateException" in got.err, "a retained version cannot be quiesced", got)
    early = admin("census", "nonce", "pay", "stores.db").out
    got = admin("key", "drain", "pay", "1")
    tap.ok(got.status == 0 and state(server, key, 1) == "draining", "key drain", got)
    got = report(server, folder, early, signer, "--looked-at", "10", "--total", "10")
    tap.ok(got.status == 0 and state(server, key, 1) == "draining", "a report that was begun before: does not count", got)
    nonce = admin("census", "nonce", "pay", "stores.db").out
    got = report(server, folder, nonce, other, "--looked-at", "10", "--total", "10")
    tap.ok(got.status == 4 and "CensusException" in got.err, "signed by somebody else: refused", got)
    got = report(server, folder, nonce, signer, "--looked-at", "11", "--total", "10")
    tap.ok(got.status == 3, "more looked at than there is: refused here", got)
    got = report(server, folder, nonce, signer, "--looked-at", "10", "--total", "10", "--count", "2=1", "--count", "1=1")
    tap.ok(got.status == 3 and "ascend" in got.err, "counts out of order: refused here", got)
    for wrong in ("1", "=2", "1=", "x=1", "1=-1", "5000000000=1"):
        got = report(server, folder, nonce, signer, "--looked-at", "10", "--total", "10", "--count", wrong)
        tap.ok(got.status == 3, "--count %s is not understood" % wrong, got)
    got = report(server, folder, nonce, signer, "--looked-at", "10", "--total", "10", "--count", "1=4", "--count", "2=9")
    tap.ok(got.status == 0 and state(server, key, 1) == "draining", "four values are left", got)
    got = admin("census", "status", "pay")
    tap.ok("1=4 2=9" in got.out and "10 of 10" in got.out and "sweeper" in got.out, "census status", got)
    got = admin("key", "versions", "pay")
    tap.ok("version 1: not yet: store stores.db: 4 values are under it" in got.err, "key versions says why not yet", got)
    got = report(server, folder, nonce, signer, "--looked-at", "10", "--total", "10")
    tap.ok(got.status == 4 and "used up" in got.err, "a nonce is good once", got)
    nonce = admin("census", "nonce", "pay", "stores.db").out
    got = report(server, folder, nonce, signer, "--looked-at", "10", "--total", "10", "--count", "2=13")
    tap.ok(got.status == 0 and state(server, key, 1) == "drained", "nothing is left: drained", got)
    got = admin("key", "quiesce", "pay", "1")
    tap.ok(got.status == 0 and state(server, key, 1) == "quiesced", "key quiesce", got)
    got = admin("key", "versions", "pay")
    tap.ok("30 days" in got.err or "29 days" in got.err, "it waits", got)
    got = admin("key", "keep", "pay", "1")
    tap.ok(got.status == 0 and state(server, key, 1) == "draining", "key keep: a step back", got)
    got = admin("key", "drain", "pay", "one")
    tap.ok(got.status == 3 and "no number" in got.err, "a version is a number", got)
    got = admin("census", "remove", "pay", "stores.db")
    tap.ok(got.status == 4 and "AccessDenied" in got.err, "nobody alone removes a store", got)
    got = admin("census", "revoke", "sweeper")
    tap.ok(got.status == 0 and "revoked" in admin("census", "scanners").out, "census revoke", got)
    nonce = json.loads(admin("census", "nonce", "pay", "stores.db").out)
    tap.ok(str(uuid.UUID(nonce["KeyId"])) == key and len(nonce["Nonce"]) == 32, "a nonce is JSON", nonce)
    got = report(server, folder, json.dumps(nonce), signer, "--looked-at", "1", "--total", "1")
    tap.ok(got.status == 4 and "no such scanner" in got.err, "a revoked scanner is not believed", got)
    got = admin("key", "certificate", "pay", "1")
    tap.ok(got.status == 3 and "NotFoundException" in got.err, "nothing was destroyed: no certificate", got)
    got = admin("key", "certificate", str(uuid.uuid4()))
    tap.ok(got.status == 3 and "NotFoundException" in got.err, "no such key: none either", got)
    got = admin("clock", "status")
    tap.ok(got.status == 0 and "good" in got.out and "30 days" in got.out, "clock status", got)
    got = admin("clock", "set", "--waiting", "60", "--backups", "90")
    tap.ok(got.status == 0 and "60 days" in admin("clock", "status").out and "90 days" in admin("clock", "status").out, "clock set", got)
    got = admin("clock", "set", "--waiting", "6")
    tap.ok(got.status == 3 and "ValidationException" in got.err, "never under 7", got)
    got = admin("clock", "set")
    tap.ok(got.status == 3, "clock set sets something", got)
    got = admin("clock", "confirm")
    tap.ok(got.status == 4 and "not blocked" in got.err, "a good clock needs no confirmation", got)


def main():
    tap = Tap()
    test_vectors(tap)
    with tempfile.TemporaryDirectory() as folder:
        test_certificate(tap, folder)
    with tempfile.TemporaryDirectory() as folder, Server(os.path.join(folder, "data")) as server:
        test_commands(tap, server, folder)
    tap.finish()


if __name__ == "__main__":
    main()
