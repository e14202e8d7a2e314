#!/usr/bin/env python3
"""The C code and the decoder written from docs/formats/sealed-file.md agree: on the vectors, on random
files in both directions; and chunks on the vectors of C2SP. Prints TAP.
"""
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sealed_file as second  # noqa: E402
from harness import ROOT, Tap, write  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "sealed-file.json")
PAGE = os.path.join(ROOT, "docs", "formats", "sealed-file.md")
COBBLESTONE = os.path.join(ROOT, "..", "shared", "vectors", "wycheproof", "c2sp_chunked_encryption_aes_256_gcm_test.json")
ROUNDS = 24


class First:
    """The C code, asked over a pipe."""

    def __init__(self, folder):
        self.child = subprocess.Popen([os.environ["SEAL_MAIN"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path, self.out = os.path.join(folder, "in"), os.path.join(folder, "out")

    def ask(self, verb, *words):
        self.child.stdin.write(" ".join([verb] + [w.hex() or "-" for w in words]) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        return second.FAULTS[int(answer[6:])] if answer.startswith("fault ") else answer

    def open(self, kind, secret, data):
        write(self.path, data)
        return self.ask("open", bytes([kind]), secret, self.path.encode())

    def seal(self, kind, who, flags, plain):
        write(self.path, plain)
        answer = self.ask("seal", bytes([kind]), who, bytes([flags]), self.path.encode(), self.out.encode())
        if answer != "ok":
            return answer
        with open(self.out, "rb") as file:
            return file.read()

    def chunks(self, key, context, data):
        write(self.path, data)
        return self.ask("chunks", key, context, self.path.encode())

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def said(plain, digest=None):
    return "%d %s" % (len(plain), hashlib.sha256(plain).hexdigest()) + (" " + digest.hex() if digest else "")


def of_vectors(tap, first, document):
    wrong = []
    for v in document["open"]:
        got, secret = first.open(v["kind"], bytes.fromhex(v["secret"]), v["data"]), bytes.fromhex(v["secret"])
        if got != "%d %s %s" % (v["length"], v["sha256"], v["digest"]) or second.reason(v["data"], v["kind"], secret) != "ok":
            wrong.append((v["name"], got))
    tap.ok(not wrong and len(document["open"]) >= 14, "vectors open", wrong)
    wrong = []
    for v in document["refuse"]:
        got = first.open(v["kind"], bytes.fromhex(v["secret"]), v["data"])
        if got != v["fault"]:
            wrong.append((v["name"], v["fault"], got))
    tap.ok(not wrong and len(document["refuse"]) >= 56, "vectors that must be refused are, each for its reason", wrong)
    faults = {v["fault"] for v in document["refuse"]}
    tap.ok(faults >= set(second.FAULTS[1:13]) - {"rollback"} | {"hash", "cost"}, "every reason has a vector", faults)


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def one_of(rng):
    """(kind, secret, who, plain, flags)"""
    kind = rng.choice((second.KMS, second.TENANT, second.X25519, second.X25519, second.PASSPHRASE, second.GLASS))
    size = rng.choice((0, 1, 100, second.CHUNK - 1, second.CHUNK, second.CHUNK + 1, 3 * second.CHUNK - 70, 100000))
    return kind, second.SECRETS[kind], second.WHO[kind], rng.randbytes(size), rng.randrange(8)


def at_random(tap, first, rng):
    wrong = []
    for n in range(ROUNDS):
        kind, secret, who, plain, flags = one_of(rng)
        if kind == second.KMS:
            who = secret
        ours = first.seal(kind, who, flags, plain)
        theirs = second.seal(kind, second.WHO[kind], plain, rng.randbytes(400), flags, key=secret if kind == second.KMS else rng.randbytes(32))
        if isinstance(ours, str) or second.reason(ours, kind, secret) != "ok" or second.unseal(ours, kind, secret) != plain:
            wrong.append("C to Python %d: %s" % (n, ours if isinstance(ours, str) else second.reason(ours, kind, secret)))
            continue
        if first.open(kind, secret, theirs) != said(plain, second.digest(theirs, kind, secret)):
            wrong.append("Python to C %d: %s" % (n, first.open(kind, secret, theirs)))
        for data in (flipped(ours, rng.randrange(len(ours)), 1 << rng.randrange(8)), ours[:rng.randrange(len(ours))],
                     flipped(ours, rng.randrange(64), 1 << rng.randrange(8))):
            want, got = second.reason(data, kind, secret), first.open(kind, secret, data)
            if got != (said(plain, second.digest(data, kind, secret)) if want == "ok" else want):
                wrong.append("changed %d: %s, not %s" % (n, got, want))
    tap.ok(not wrong, "%d random files, both ways; changed bits and a cut each" % ROUNDS, "\n".join(wrong[:9]))


def cobblestone(tap, first):
    name = "all vectors of C2SP chunked-encryption with AES-256-GCM"
    if not os.path.exists(COBBLESTONE):
        tap.skip(name, "no ../shared/vectors/wycheproof beside the checkout")
        return
    with open(COBBLESTONE, encoding="utf-8") as file:
        tests = [t for group in json.load(file)["testGroups"] for t in group["tests"]]
    wrong = []
    for t in tests:
        data, key, context = zlib.decompress(bytes.fromhex(t["ct"])), bytes.fromhex(t["key"]), bytes.fromhex(t["ctx"])
        got = first.chunks(key, context, data)
        if t["result"] == "valid" and "aeadKey" in t:
            derived = second.message_keys(key, data[:24], context)
            plain, _ = second.read_chunks(derived[0], derived[1], data[56:])
            good = got == said(plain) and hashlib.sha512(plain).hexdigest() == t["msgSha512"] and derived[0].hex() == t["aeadKey"]
        else:
            good = got == "refused" and t["result"] == "invalid"
        if not good:
            wrong.append((t["tcId"], t["comment"], got))
    tap.ok(not wrong and len(tests) == 35, name, wrong)


def of_the_page(tap, document):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    labels = ("head", "body", "tenant", "x25519", "passphrase", "p11", "break-glass", "digest")
    tap.ok(all('"redoubt/rbf1/%s"' % label in page for label in labels), "the page has the labels")
    short = document["open"][0]
    parts = (short["data"][:28].hex(), short["data"][28:28 + 12].hex(), short["data"][28 + 2 * 512:].hex(), short["digest"], short["secret"])
    tap.ok(all(part in page for part in parts), "and the first vector")


def main():
    tap = Tap()
    seed = random.SystemRandom().randrange(1 << 32)
    print("# seed %d" % seed)
    with open(VECTORS, encoding="utf-8") as file:
        document = json.load(file)
    tap.ok(document == second.vectors(), "the vectors are those that the decoder makes")
    second.read_vectors(document)
    with tempfile.TemporaryDirectory() as folder:
        first = First(folder)
        of_vectors(tap, first, document)
        at_random(tap, first, random.Random(seed))
        cobblestone(tap, first)
        tap.ok(first.end() == 0, "the C side ended well")
    of_the_page(tap, document)
    tap.finish()


main()
