#!/usr/bin/env python3
"""The C code and the decoder written from docs/formats/field.md agree: on the vectors, and on random
values in both directions. Prints TAP.
"""
import json
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import field_values as second  # noqa: E402
from harness import ROOT, Tap  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "field.json")
PAGE = os.path.join(ROOT, "docs", "formats", "field.md")
ROUNDS = 80


class First:
    """The C code, asked over a pipe: bytes, or the word of a fault."""

    def __init__(self):
        self.child = subprocess.Popen([os.environ["FIELD_MAIN"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, verb, *words):
        self.child.stdin.write(" ".join([verb] + [w.hex() or "-" for w in words]) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        if answer == "refused":
            return answer
        if answer.startswith("fault "):
            return second.FAULTS[int(answer[6:])]
        return b"" if answer == "-" else bytes.fromhex(answer)

    def value(self, verb, place, row, value):
        return self.ask(verb, place.kek, place.words(), row, value)

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def read(v):
    place = second.Place(bytes.fromhex(v["kek"]), v["handle"], v["epoch"], bytes.fromhex(v["tenant"]),
                         bytes.fromhex(v["column"]), v["row_bound"], v["bucket"])
    return place, bytes.fromhex(v["row"]), bytes.fromhex(v["value"])


def of_vectors(tap, first, vectors):
    wrong = []
    for v in vectors["open"]:
        place, row, value = read(v)
        if first.value("open", place, row, value) != bytes.fromhex(v["plain"]) or first.value("verify", place, row, value) != b"":
            wrong.append(v["name"])
        if first.ask("text", value) != v["text"].encode() or first.ask("value", v["text"].encode()) != value:
            wrong.append("text of " + v["name"])
    tap.ok(not wrong and len(vectors["open"]) >= 13, "vectors open, verify and are text", wrong)
    wrong = []
    for v in vectors["refuse"]:
        place, row, value = read(v)
        if first.value("open", place, row, value) != v["fault"]:
            wrong.append((v["name"], v["fault"], first.value("open", place, row, value)))
        if first.value("verify", place, row, value) != (b"" if v["fault"] == "body" else v["fault"]):
            wrong.append(("verify", v["name"]))
    tap.ok(not wrong and len(vectors["refuse"]) >= 20, "vectors that must be refused are, each for its reason", wrong)
    tap.ok({v["fault"] for v in vectors["refuse"]} == {"not-rf1", "suite", "tenant", "key", "place", "body", "row"},
           "every reason has a vector")
    wrong = [words for words in vectors["texts"] if first.ask("value", words.encode()) != "refused"]
    tap.ok(not wrong and len(vectors["texts"]) >= 6, "a value has one text", wrong)


def at_random(tap, first, rng):
    wrong = []
    for n in range(ROUNDS):
        bound = rng.random() < .5
        place = second.Place(rng.randbytes(32), rng.randrange(1 << 32), rng.randrange(1, 1 << 16), rng.randbytes(16),
                             rng.randbytes(16), bound, rng.choice((0, 0, 2, 16, 64)), rng.random() < .3)
        row = rng.randbytes(rng.choice((1, 8, 16, 32, 33, 200))) if bound else b""
        plain = rng.randbytes(rng.choice((0, 1, 15, 16, 17, 64, 333)))
        ours, theirs = first.value("seal", place, row, plain), second.seal(place, row, plain, rng.randbytes(24))
        if second.reason(place, row, ours) != "ok" or second.unseal(place, row, ours) != plain:
            wrong.append("C to Python %d" % n)
        if first.value("open", place, row, theirs) != plain or len(ours) != len(theirs):
            wrong.append("Python to C %d" % n)
        at = rng.randrange(len(ours))
        changed = second.flip(ours, at, 1 << rng.randrange(8))
        if first.value("open", place, row, changed) != second.reason(place, row, changed):
            wrong.append("changed at %d" % at)
        if first.value("seal", place, row, plain)[8:32] == ours[8:32]:
            wrong.append("salt and IV twice")
        cut = rng.randrange(len(ours))
        if first.value("open", place, row, ours[:cut]) != second.reason(place, row, ours[:cut]):
            wrong.append("cut at %d" % cut)
    tap.ok(not wrong, "%d random values, both ways; one changed bit, one cut each" % ROUNDS, "\n".join(wrong[:9]))


def main():
    tap, first = Tap(), First()
    seed = random.SystemRandom().randrange(1 << 32)
    print("# seed %d" % seed)
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    tap.ok(vectors == second.vectors(), "the vectors are those that the decoder makes")
    of_vectors(tap, first, vectors)
    at_random(tap, first, random.Random(seed))
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    tap.ok(all("redoubt/rf1/" + label in page for label in ("encrypt", "verify", "hedge")), "the page has the labels")
    tap.ok(first.end() == 0, "the C side ended well")
    tap.finish()


main()
