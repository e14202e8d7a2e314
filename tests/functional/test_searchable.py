#!/usr/bin/env python3
"""The C code and what was written from docs/formats/searchable.md agree on tokens and normalisers: on
the vectors, on every character of Unicode that has a case or a decomposition, and on random text.
Prints TAP.
"""
import json
import os
import random
import subprocess
import sys
import unicodedata

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import searchable_values as second  # noqa: E402
from harness import ROOT, Tap  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "searchable.json")
PAGE = os.path.join(ROOT, "docs", "formats", "searchable.md")
HEADER = os.path.join(ROOT, "include", "redoubt", "redoubt.h")
ROUNDS = 2000
WORDS = {"RDT_FIELD_TOO_LONG": "too-long", "RDT_FIELD_NO_ROOM": "no-room", "RDT_FIELD_INTERNAL": "internal", "RDT_FIELD_INDEX": "index", "RDT_FIELD_RISK": "risk",
         "RDT_FIELD_TEXT": "text", "RDT_FIELD_FORM": "form", "RDT_FIELD_UNCLEAR": "unclear", "RDT_FIELD_TOKEN": "token"}


def faults():
    """Number -> word, from the public header."""
    with open(HEADER, encoding="utf-8") as file:
        body = file.read().split("enum rdt_field_fault {")[1].split("}")[0]
    names = [line.split(",")[0].strip() for line in body.splitlines() if line.strip().startswith("RDT_")]
    return {number: WORDS.get(name, name) for number, name in enumerate(names)}


class First:
    """The C code, asked over a pipe: bytes, or the word of a fault."""

    def __init__(self):
        self.faults = faults()
        self.child = subprocess.Popen([os.environ["SEARCHABLE_MAIN"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, verb, *words):
        self.child.stdin.write(" ".join([verb] + [w.hex() or "-" for w in words]) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        if answer == "refused":
            return answer
        if answer.startswith("fault "):
            return self.faults[int(answer[6:])]
        return b"" if answer == "-" else bytes.fromhex(answer)

    def index(self, verb, kek, index, value):
        return self.ask(verb, kek, index.words(), index.name, value)

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def read_rule(v):
    return second.Rule(v["rule"], v["version"], v["local"], v["country"], v["trunk"], v["order"])


def read_index(v):
    return second.Index(bytes.fromhex(v["tenant"]), bytes.fromhex(v["domain"]), v["kind"], v["bits"], bytes.fromhex(v["name"]), read_rule(v["normaliser"]),
                        v["risk_accepted"], v["epoch"])


def of_normalisers(tap, first, vectors):
    wrong = []
    for v in vectors["normal"]:
        rule, typed, want = read_rule(v["normaliser"]), bytes.fromhex(v["typed"]), bytes.fromhex(v["normal"])
        got = first.ask("normal", rule.words(), typed)
        if got != want:
            wrong.append((v["shown"], got))
        again = first.ask("normal", rule.words(), want)
        if again != want:
            wrong.append(("twice", v["shown"], again))
    tap.ok(not wrong and len(vectors["normal"]) >= 60, "vectors are normalised, and once more changes nothing", wrong)
    wrong = []
    for v in vectors["refuse"]:
        got = first.ask("normal", read_rule(v["normaliser"]).words(), bytes.fromhex(v["typed"]))
        if got != v["fault"] or v["fault"] == "ok":
            wrong.append((bytes.fromhex(v["typed"])[:40], v["fault"], got))
    tap.ok(not wrong and len(vectors["refuse"]) >= 80, "what is none of its kind is refused, each for its reason", wrong)


def of_tokens(tap, first, vectors):
    kek = bytes.fromhex(vectors["kek"])
    wrong = [v["name"] for v in vectors["tokens"] for verb, want in (("token", v["token"]), ("front", v["front"]))
             if first.index(verb, kek, read_index(v["index"]), bytes.fromhex(v["value"])) != bytes.fromhex(want)]
    tap.ok(not wrong and len(vectors["tokens"]) >= 15, "tokens are those of the vectors", wrong)
    tokens = [v["token"] for v in vectors["tokens"] if v["index"]["kind"] == second.UNIQUE]
    tap.ok(len(set(tokens)) == len(tokens), "another tenant, domain, name or rule makes another token")
    wrong = [v["name"] for v in vectors["no_tokens"] if first.index("token", kek, read_index(v["index"]), b"x") != v["fault"]]
    tap.ok(not wrong and len(vectors["no_tokens"]) >= 13, "definitions that may not be used are refused", wrong)
    wrong = [v["shown"] for v in vectors["parts"] if first.index("parts", kek, read_index(v["index"]), bytes.fromhex(v["value"])) != bytes.fromhex(v["tokens"])]
    for v in vectors["ask"]:
        got = first.index("ask", kek, read_index(v["index"]), bytes.fromhex(v["part"]))
        if got != (bytes.fromhex(v["token"]) if v["fault"] == "ok" else v["fault"]):
            wrong.append((v["part"], got))
    tap.ok(not wrong and len(vectors["ask"]) >= 11, "prefixes and words: tokens, and what is asked for", wrong)
    wrong = []
    for v in vectors["values"]:
        value = bytes.fromhex(v["value"])
        if first.ask("read", value) != (second.read(value) if v["searchable"] else "refused"):
            wrong.append(v["name"])
    tap.ok(not wrong and len(vectors["values"]) >= 13, "searchable values are taken apart, others refused", wrong)


def interesting():
    """Assigned characters without ideographs, syllables of Hangul and private ones."""
    for point in range(0x20, 0x110000):
        if 0x3400 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7A3 or 0xD800 <= point <= 0xF8FF or 0x17000 <= point <= 0x18CFF or 0x20000 <= point <= 0x2F7FF or 0x30000 <= point <= 0xE00FF or point >= 0xF0000:
            continue
        if unicodedata.category(chr(point)) not in ("Cn", "Cc"):
            yield chr(point)


def same(first, rule, text, wrong):
    raw = text.encode()
    got, fault = first.ask("normal", rule.words(), raw), second.reason(second.normal, rule, raw)
    if got != (second.normal(rule, raw) if fault == "ok" else fault):
        wrong.append((rule.rule, text[:60], got, fault))


def of_unicode(tap, first):
    wrong, chars, per = [], list(interesting()), 60
    for at in range(0, len(chars), per):
        some = chars[at:at + per]
        same(first, second.NAMES, "\u0301x ".join(some), wrong)
        same(first, second.MAIL, "\u0345\u0301".join(c for c in some if c != "@") + "@x.org", wrong)
        if len(wrong) > 9:
            break
    tap.ok(not wrong and len(chars) > 30000, "%d characters fold and compose as the other Unicode tables have it" % len(chars), "\n".join(map(repr, wrong[:9])))


def at_random(tap, first, rng):
    wrong = []
    pool = {
        second.MAIL: "aA@.+ \u00dc\u0308\u0323\u1e9e\u200b\ufb01\u0000", second.MAIL_TAG: "aA@.+b", second.MAIL_KEEP: "aA\u00c5\u030a@.b",
        second.ANY: "+00123456789()-. ", second.GERMAN: "+00149()-. 5", second.US: "+0112345().- ", second.DIGIT: "0123456789-. a\u0661",
        second.NAMES: "aA \t\u3000\u00df\u0130\u0345\u03b1\u0301\u0327\u1100\u1161\u11a8\ufdfa\u200d\u0378\u202a", second.DATES: "0123456789--..//0", second.DAYS: "0123-./ ",
        second.MONTHS: "0123-./ ",
    }
    for n in range(ROUNDS):
        rule = rng.choice(list(pool))
        text = "".join(rng.choice(pool[rule]) for _ in range(rng.choice((3, 8, 10, 14, 40, 200))))
        if rule.rule == second.PHONE and rng.random() < .5:
            text = rng.choice(("+", "00", "0", "(+")) + text
        if rule.rule == second.DATE and rng.random() < .8:
            sign = rng.choice("-/.")
            text = sign.join([str(rng.randrange(34)), str(rng.randrange(15)), str(rng.choice((1, 1900, 2000, 2023, 2024, 9999)))][::rng.choice((1, -1))])
        same(first, rule, text, wrong)
    tap.ok(not wrong, "%d random texts: the same result or the same refusal" % ROUNDS, "\n".join(map(repr, wrong[:9])))
    wrong = []
    for n in range(200):
        kind = rng.choice((1, 1, 2, 3, 4, rng.randrange(256)))
        bits = rng.choice((128, rng.randrange(1, 41), rng.randrange(256)))
        index = second.Index(rng.randbytes(16), rng.randbytes(16), kind, bits, rng.randbytes(rng.choice((1, 20, 63))), rng.choice(list(pool)), rng.random() < .8, rng.randrange(1, 65536))
        value = "".join(rng.choice("ab \u00e9\u5c71-") for _ in range(rng.choice((0, 2, 3, 9, 30, 51, 52, 120)))).encode()
        kek = rng.randbytes(32)
        for verb, call in (("token", second.token), ("front", second.front), ("parts", second.parts), ("ask", second.ask)):
            fault = second.reason(call, kek, index, value)
            if first.index(verb, kek, index, value) != (call(kek, index, value) if fault == "ok" else fault):
                wrong.append((verb, kind, bits, value))
    tap.ok(not wrong, "200 random indexes: the same tokens", "\n".join(map(repr, wrong[:9])))


def main():
    tap, first = Tap(), First()
    seed = random.SystemRandom().randrange(1 << 32)
    print("# seed %d" % seed)
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    tap.ok(vectors == second.vectors(), "the vectors are those that the page's reader makes")
    of_normalisers(tap, first, vectors)
    of_tokens(tap, first, vectors)
    of_unicode(tap, first)
    at_random(tap, first, random.Random(seed))
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    example = vectors["tokens"][0]
    tap.ok("redoubt/index/token" in page and example["token"] in page and vectors["kek"] in page, "the page has the label and one of the vectors")
    tap.ok(first.end() == 0, "the C side ended well")
    tap.finish()


main()
