#!/usr/bin/env python3
"""The C code and the decoder written from docs/formats/kms-ciphertext.md agree: on the vectors, and on
random ciphertexts in both directions. Prints TAP.
"""
import json
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kms_blob as second  # noqa: E402
from harness import ROOT, Tap  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "kms-ciphertext.json")
PAGE = os.path.join(ROOT, "docs", "formats", "kms-ciphertext.md")
ROUNDS = 60


class First:
    """The C code, asked over a pipe."""

    def __init__(self):
        self.child = subprocess.Popen([os.environ["BLOB_MAIN"]], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def ask(self, verb, *words):
        line = " ".join([verb] + [w.hex() or "-" for w in words])
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        return None if answer == "refused" else b"" if answer == "-" else bytes.fromhex(answer)

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def second_open(*args):
    try:
        return second.unseal(*args)
    except second.Refused:
        return None


def second_context(pairs):
    try:
        return second.canonical(pairs)
    except second.Refused:
        return None


def of_vectors(tap, first, vectors):
    wrong = []
    for v in vectors["open"]:
        material, key, blob, plain = (bytes.fromhex(v[n]) for n in ("material", "key", "blob", "plain"))
        context = first.ask("context", *(t.encode() for pair in v["context"].items() for t in pair))
        good = context == bytes.fromhex(v["context_bytes"]) and first.ask("open", material, key, context, blob) == plain
        if not good or second.material_id(material, key).hex() != v["material_id"] or len(blob) != len(plain) + 93:
            wrong.append(v["name"])
    tap.ok(not wrong and len(vectors["open"]) >= 8, "vectors open", wrong)
    wrong = []
    for v in vectors["refuse"]:
        material, key, blob = (bytes.fromhex(v[n]) for n in ("material", "key", "blob"))
        context = second.canonical(v["context"].items())
        if first.ask("open", material, key, context, blob) is not None or second_open(material, key, context, blob) is not None:
            wrong.append(v["name"])
    tap.ok(not wrong and len(vectors["refuse"]) >= 20, "vectors that must be refused are", wrong)
    wrong = []
    for v in vectors["contexts"]:
        words = [bytes.fromhex(t) for pair in v["pairs"] for t in pair]
        want = None if v["bytes"] is None else bytes.fromhex(v["bytes"])
        if first.ask("context", *words) != want:
            wrong.append(v["pairs"])
    tap.ok(not wrong, "contexts", wrong)


def some_text(rng):
    return "".join(rng.choice("ab\u00e9\u0301\U0001f511B=,:") for _ in range(rng.randrange(1, 12)))


def at_random(tap, first, rng):
    wrong = []
    for n in range(ROUNDS):
        material, hedge, key = rng.randbytes(32), rng.randbytes(32), rng.randbytes(16)
        pairs = [(some_text(rng), some_text(rng)) for _ in range(rng.randrange(0, 6))]
        context = second_context(pairs)
        if first.ask("context", *(t.encode() for pair in pairs for t in pair)) != context:
            wrong.append("context %d" % n)
        if context is None:
            context = second.canonical([])
        plain = rng.randbytes(rng.choice((0, 1, 15, 16, 17, 32, 333)))
        ours, theirs = first.ask("seal", material, hedge, key, context, plain), second.seal(
            material, key, context, plain, rng.randbytes(28))
        if second_open(material, key, context, ours) != plain:
            wrong.append("C to Python %d" % n)
        if first.ask("open", material, key, context, theirs) != plain:
            wrong.append("Python to C %d" % n)
        at = rng.randrange(len(ours))
        for blob in (ours, theirs):
            bad = blob[:at] + bytes([blob[at] ^ 1 << rng.randrange(8)]) + blob[at + 1:] if at < len(blob) else blob[:-1]
            if first.ask("open", material, key, context, bad) is not None:
                wrong.append("changed at %d" % at)
        again = first.ask("seal", material, hedge, key, context, plain)
        if again[49:77] == ours[49:77]:
            wrong.append("nonce twice")
    tap.ok(not wrong, "%d random ciphertexts, both ways, and one changed bit each" % ROUNDS, "\n".join(wrong[:9]))


def gcm(tap, rng):
    """Our slow GCM against a library's, where there is one."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        tap.skip("GCM of the decoder", "no python3-cryptography here")
        return
    same = True
    for n in (0, 1, 15, 16, 17, 64, 100):
        key, iv, aad, plain = rng.randbytes(32), rng.randbytes(12), rng.randbytes(3 * n), rng.randbytes(n)
        same = same and AESGCM(key).encrypt(iv, plain, aad) == second.gcm_seal(key, iv, aad, plain)
    tap.ok(same, "GCM of the decoder is GCM")


def main():
    tap, first = Tap(), First()
    seed = random.SystemRandom().randrange(1 << 32)
    print("# seed %d" % seed)
    rng = random.Random(seed)
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    tap.ok(vectors == second.vectors(), "the vectors are those that the decoder makes")
    of_vectors(tap, first, vectors)
    at_random(tap, first, rng)
    gcm(tap, rng)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    tap.ok(all(label in page for label in ("redoubt material id v1", "redoubt kms v1")), "the page has the labels")
    tap.ok(first.end() == 0, "the C side ended well")
    tap.finish()


main()
