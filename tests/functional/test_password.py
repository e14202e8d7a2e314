#!/usr/bin/env python3
"""The C code and the reader written from docs/formats/password.md agree: on the vectors, and on random
passwords, keys and webhooks in both directions. The page's patterns find API keys. Prints TAP.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import password_values as second  # noqa: E402
from harness import ROOT, Tap  # noqa: E402

VECTORS = os.path.join(ROOT, "tests", "vectors", "password.json")
PAGE = os.path.join(ROOT, "docs", "formats", "password.md")
KEY_VERDICTS = ("no-match", "match", "malformed", "other", "stored-bad")
ROUNDS = 60


class First:
    """The C code, asked over a pipe: bytes, "refused", or a verdict."""

    def __init__(self):
        self.child = subprocess.Popen([os.environ["PASSWORD_MAIN"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self, verb, *words):
        words = [w.encode() if isinstance(w, str) else w for w in words]
        self.child.stdin.write(" ".join([verb] + [w.hex() or "-" for w in words]) + "\n")
        self.child.stdin.flush()
        return self.child.stdout.readline().strip()

    def ask(self, verb, *words):
        answer = self.line(verb, *words)
        return answer if answer == "refused" else b"" if answer == "-" else bytes.fromhex(answer)

    def verdict(self, names, verb, *words):
        answer = self.line(verb, *words)
        return names[int(answer)] if answer.isdigit() and int(answer) < len(names) else answer

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=30)


def passwords(tap, first, vectors):
    wrong = []
    for v in vectors["passwords"]:
        got = first.verdict(second.VERDICTS, "check", bytes.fromhex(v["password"]), v["stored"])
        if got != v["verdict"]:
            wrong.append((v["name"], v["stored"], got, v["verdict"]))
    tap.ok(not wrong and len(vectors["passwords"]) > 50, "stored strings, right and wrong passwords", wrong)
    seen = {v["verdict"] for v in vectors["passwords"]}
    tap.ok(seen == set(second.VERDICTS) - {"seal"}, "every verdict has a vector", seen)


def made(tap, first, rng):
    """argon2(1) makes of it the same hash; a salt that its command line cannot say is drawn again."""
    if not shutil.which("argon2"):
        tap.skip("new strings are what argon2(1) makes", "no argon2 here")
        return
    wrong, done = [], 0
    while done < 6:
        password = rng.randbytes(rng.choice((1, 8, 60, 127)))
        stored = first.ask("make", password)
        try:
            done += 1
            for typed in (password, password[:-1] + b"x" if password[-1:] != b"x" else b"y"):
                if second.check(typed, stored) != first.verdict(second.VERDICTS, "check", typed, stored):
                    wrong.append((typed, stored))
            if second.check(password, stored) != "match":
                wrong.append((password, stored))
        except second.NotHere:
            done -= 1
    tap.ok(not wrong, "new strings are what argon2(1) makes", wrong)
    tap.ok(first.ask("make", b"") == first.ask("make", b"x" * 4097) == "refused", "no password, and one too long, are refused")


def mutated(tap, first, rng, vectors):
    """Strings that differ in a byte are of the same form, or none, to both."""
    names = ("unknown", "cost", "unfit")
    wrong = []
    cheap = [v["stored"] for v in vectors["passwords"] if v["verdict"] == "rehash" and re.search("m=256|^.2a|i=6400|sha256.6400", v["stored"])]
    for _ in range(ROUNDS):
        text = bytearray(rng.choice(cheap).encode())
        text[rng.randrange(min(len(text), 34))] = rng.choice(b"$,=0123456789abimtpv+-/. \0\xff")
        text = bytes(text)
        if re.search(rb"m=[0-9]{5}|t=[3-9]|i=[0-9]{5}|\$[0-9]{5}|2.\$(0[6-9]|[1-9])", text):
            continue  # not worth the seconds
        try:
            theirs = second.check(b"password", text)
        except second.NotHere:
            continue
        ours = first.verdict(second.VERDICTS, "check", b"password", text)
        if ours != theirs and (ours in names or theirs in names):
            wrong.append((text, ours, theirs))
    tap.ok(not wrong, "a changed byte is the same to both", wrong)


def keys(tap, first, rng, vectors):
    wrong = [v for v in vectors["keys"] if first.ask("key-read", v["text"]) != ("refused" if v["prefix"] is None else v["prefix"].encode())]
    tap.ok(not wrong and len(vectors["keys"]) >= 14, "API keys are read without a database", wrong)
    wrong = []
    for v in vectors["stored-keys"]:
        kek, place, stored = (bytes.fromhex(v[n]) for n in ("kek", "place", "stored"))
        if first.ask("key-store", kek, place, v["text"]) != stored:
            wrong.append(v)
    for n in range(ROUNDS):
        kek, place = rng.randbytes(32), rng.randbytes(38)
        text = first.ask("key-make", "acme_live").decode()
        mine = second.api_key("k9", rng.randbytes(32))
        if second.read_key(text) != "acme_live" or first.ask("key-read", mine) != b"k9":
            wrong.append((text, mine))
        stored = second.store_key(kek, place, mine)
        if first.ask("key-store", kek, place, mine) != stored or first.verdict(KEY_VERDICTS, "key-check", kek, place, mine, stored) != "match":
            wrong.append(("stored", n))
        if first.verdict(KEY_VERDICTS, "key-check", kek, place, text, stored) != "no-match":
            wrong.append(("another key", n))
        other = place[:5] + bytes([place[5] ^ 1]) + place[6:]
        if first.verdict(KEY_VERDICTS, "key-check", kek, other, mine, stored) != "other":
            wrong.append(("another epoch", n))
    tap.ok(not wrong, "what is stored of API keys; %d at random, both ways" % ROUNDS, wrong)


def patterns(tap, first, page):
    found = dict(re.findall(r"<!-- regex: (\w+) -->\n```\n(.*)\n```", page))
    if not tap.ok(set(found) == {"acme_live", "any"}, "the page has the patterns", found):
        return
    live, any_prefix = (re.compile(found[n]) for n in ("acme_live", "any"))
    made = [first.ask("key-make", p).decode() for p in ("acme_live", "a", "a1_b2", "abcdefghijklmnopqrst") for _ in range(20)]
    text = "curl -H 'x-api-key: %s'\nkey=%s;%s,\"%s\"" % tuple(made[:4])
    tap.ok(live.findall(text) == made[:4] and all(any_prefix.fullmatch(k) for k in made), "they find keys in a text")
    others = ["acme_live_" + "a" * 48, "acme_live_" + "a" * 50, "xacme_live_" + "a" * 49, "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
              "AKIAIOSFODNN7EXAMPLE", "a" * 200, "acme__live_" + "a" * 49, "sk_live_" + "4" * 24]
    tap.ok(not any(live.search(o) for o in others), "and nothing else")
    tap.ok(not any(first.ask("key-read", o) != "refused" for o in others), "the sum tells them apart, too")


def hook(first, secrets, ident, stamp, signature, body, now):
    return first.verdict(second.HOOK_VERDICTS, "hook", ident, stamp, signature, body, now.to_bytes(8, "big"), *secrets)


def webhooks(tap, first, rng, vectors):
    wrong = []
    for v in vectors["webhooks"]:
        got = hook(first, v["secrets"], v["id"], v["timestamp"], v["signature"], bytes.fromhex(v["body"]), v["now"])
        if got != v["verdict"]:
            wrong.append((v["name"], got, v["verdict"]))
    tap.ok(not wrong and {v["verdict"] for v in vectors["webhooks"]} == set(second.HOOK_VERDICTS), "webhooks, the standard's own among them",
           wrong)
    wrong = [v for v in vectors["secrets"] if first.ask("secret", v["text"]) != (bytes.fromhex(v["secret"]) if v["secret"] else "refused")]
    for v in vectors["derived"]:
        kek, place = bytes.fromhex(v["kek"]), bytes(6) + bytes.fromhex(v["tenant"] + v["column"])
        if first.ask("derive", kek, place, bytes.fromhex(v["endpoint"])) != v["text"].encode():
            wrong.append(v)
    tap.ok(not wrong and len(vectors["secrets"]) >= 8, "their secrets, read and derived", wrong)
    wrong = []
    for n in range(ROUNDS):
        raw = [rng.randbytes(rng.randrange(24, 65)) for _ in range(rng.randrange(1, 5))]
        secrets = ["whsec_" + second.base64.b64encode(r).decode() for r in raw]
        ident, body, now = "msg_%x" % rng.getrandbits(64), rng.randbytes(rng.choice((0, 1, 100, 5000))), rng.randrange(1 << 33)
        signature = first.ask("sign", ident, str(now), body, *secrets).decode()
        if signature != second.sign(raw, ident, str(now), body):
            wrong.append(("sign", n))
        one = rng.choice(signature.split(" "))
        if hook(first, [rng.choice(secrets)], ident, str(now), signature, body, now) != "match" or hook(
                first, secrets, ident, str(now), one, body, now) != "match":
            wrong.append(("check", n))
        if hook(first, secrets, ident, str(now), one, body + b"\n", now) != "no-match":
            wrong.append(("body", n))
    tap.ok(not wrong, "%d at random: the same signatures, any secret of any list" % ROUNDS, wrong)


def main():
    tap, first = Tap(), First()
    seed = random.SystemRandom().randrange(1 << 32)
    print("# seed %d" % seed)
    rng = random.Random(seed)
    with open(VECTORS, encoding="utf-8") as file:
        vectors = json.load(file)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    try:
        tap.ok(vectors == second.vectors(), "the vectors are those that the second reader makes")
    except second.NotHere as what:
        tap.skip("the vectors are those that the second reader makes", "no %s here" % what)
    passwords(tap, first, vectors)
    made(tap, first, rng)
    mutated(tap, first, rng, vectors)
    keys(tap, first, rng, vectors)
    patterns(tap, first, page)
    webhooks(tap, first, rng, vectors)
    labels = ("api-key/look-up", "api-key/proof", "webhook/secret", "webhook/endpoint")
    tap.ok(all("redoubt/" + label in page for label in labels), "the page has the labels")
    tap.ok(first.end() == 0, "the C side ended well")
    tap.finish()


main()
