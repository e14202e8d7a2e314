#!/usr/bin/env python3
"""Age files: the published vectors (C2SP/CCTV), and round trips with the program `age`, both ways,
by keys and by passphrase. Prints TAP.
"""
import glob
import hashlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap, write  # noqa: E402

VECTORS = os.path.join(ROOT, "..", "shared", "vectors", "age")
AGE_MAIN = os.environ["AGE_MAIN"]
VECTORS_MIN = 143
HYBRID = "AGE-SECRET-KEY-PQ-"
HYBRID_WHY = "needs ML-KEM, which this OpenSSL lacks (3.5 has it)"
CHUNK = 65536
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17)
SECONDS = 60


class Vector:
    def __init__(self, path):
        with open(path, "rb") as file:
            head, _, self.file = file.read().partition(b"\n\n")
        self.name, self.words = os.path.basename(path), {}
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            self.words.setdefault(name, []).append(value)
        if self.one("compressed") == "zlib":
            self.file = zlib.decompress(self.file)

    def one(self, name):
        return self.words.get(name, [None])[0]


def run(*words, given=b""):
    return subprocess.run([AGE_MAIN, *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)


def has_hybrid():
    return run("has").stdout == b"hybrid\n"


def ended(done):
    return done.stderr.decode().partition("\n")[0]


def open_vector(scratch, vector, portion):
    words = ["open", "portion=%d" % portion]
    words.append("armor=%s" % ("armored" if vector.one("armored") else "binary"))
    keys = vector.words.get("identity", [])
    if keys:
        words.append("identity=" + write(os.path.join(scratch, "identity"), "\n".join(keys) + "\n"))
    if vector.one("passphrase"):
        words.append("passphrase=" + write(os.path.join(scratch, "passphrase"), vector.one("passphrase")))
    for word in words:
        if word.startswith(("identity=", "passphrase=")):
            os.chmod(word.partition("=")[2], 0o600)
    return run(*words, given=vector.file)


def wrong_with(vector, done):
    want = vector.one("expect")
    if ended(done) != want:
        return "%s: %s, not %s" % (vector.name, ended(done), want)
    if vector.one("payload") and hashlib.sha256(done.stdout).hexdigest() != vector.one("payload"):
        return "%s: %d bytes of plaintext are others" % (vector.name, len(done.stdout))
    if not vector.one("payload") and done.stdout:
        return "%s: gave plaintext" % vector.name
    return None


def needs_hybrid(vector):
    """Whether it takes a hybrid key to come to the end that is wanted; what is wrong about the form of a
    stanza is found without."""
    if not any(key.startswith(HYBRID) for key in vector.words.get("identity", [])):
        return False
    return vector.one("expect") != "header failure" or vector.name in ("hybrid_low_order", "hybrid_identity")


def of_vectors(tap, scratch):
    paths = sorted(glob.glob(os.path.join(VECTORS, "*")))
    if not paths:
        tap.skip("vectors of age", "no ../shared/vectors/age beside the checkout")
        return
    vectors = [Vector(path) for path in paths]
    hybrid = [] if has_hybrid() else [v for v in vectors if needs_hybrid(v)]
    for expect in sorted({v.one("expect") for v in vectors}):
        mine = [v for v in vectors if v not in hybrid and v.one("expect") == expect]
        wrong = [wrong_with(v, open_vector(scratch, v, 0)) for v in mine]
        tap.ok(mine and not any(wrong), "vectors: %s (%d)" % (expect, len(mine)), "\n".join(filter(None, wrong)))
    by_bits = [v for v in vectors if v not in hybrid and len(v.file) < 4096]
    wrong = [wrong_with(v, open_vector(scratch, v, 1)) for v in by_bits]
    tap.ok(not any(wrong), "the same, byte by byte (%d)" % len(by_bits), "\n".join(filter(None, wrong)))
    by_bits = [v for v in vectors if v not in hybrid and len(v.file) > CHUNK]
    wrong = [wrong_with(v, open_vector(scratch, v, 40007)) for v in by_bits]
    tap.ok(not any(wrong), "the same, in odd portions (%d)" % len(by_bits), "\n".join(filter(None, wrong)))
    tap.ok(len(vectors) >= VECTORS_MIN, "%d vectors" % len(vectors))
    for v in hybrid:
        tap.skip("vector %s" % v.name, HYBRID_WHY)


# ---- the program ----

def on_terminal(args, answers):
    """Run a program with a terminal of its own, answering each prompt that ends in a colon."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(args[0], args)
    said, until = b"", time.monotonic() + SECONDS
    while time.monotonic() < until:
        if select.select([terminal], [], [], 1)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:  # the other side is gone
                break
            if answers and said.rstrip(b" ").endswith(b":"):
                os.write(terminal, answers.pop(0).encode() + b"\n")
                said += b"\n"
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status), said.decode(errors="replace")


def patterns(size):
    return hashlib.shake_128(b"age").digest(size)


class Party:
    """One key pair, the text that both programs know."""

    def __init__(self, scratch, name, text):
        self.file = write(os.path.join(scratch, name), text)
        os.chmod(self.file, 0o600)
        self.to = re.search(r"age1[0-9a-z]+", text).group(0)


def by_age(*args, given):
    done = subprocess.run(["age", *args], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS)
    return done.stdout if done.returncode == 0 else done.stderr


def with_keys(tap, scratch):
    ours = Party(scratch, "ours", run("keygen").stdout.decode())
    theirs = Party(scratch, "theirs", subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout)
    wrong = []
    for size in SIZES:
        for armor in ("binary", "armored"):
            plain = patterns(size)
            made = run("seal", "to=" + ours.to, "to=" + theirs.to, "armor=" + armor, given=plain).stdout
            read = [by_age("-d", "-i", party.file, given=made) for party in (ours, theirs)]
            made = by_age("-r", theirs.to, "-r", ours.to, *(["-a"] if armor == "armored" else []), given=plain)
            read += [run("open", "identity=" + party.file, given=made).stdout for party in (ours, theirs)]
            wrong += ["%d %s: %s" % (size, armor, i) for i, r in enumerate(read) if r != plain]
    tap.ok(not wrong, "keys: ours to age, age to ours, two recipients, binary and armored", "\n".join(wrong))
    derived = subprocess.run(["age-keygen", "-y", ours.file], capture_output=True, text=True, check=True).stdout.strip()
    tap.ok(derived == ours.to, "age-keygen has the same public key for our private one", derived)
    other = Party(scratch, "other", run("keygen").stdout.decode())
    done = run("open", "identity=" + other.file, given=by_age("-r", ours.to, given=b"x"))
    tap.ok(done.returncode == 1 and ended(done) == "no match", "another key opens nothing", done)


def with_passphrase(tap, scratch):
    phrase = "correct horse battery staple"
    file = write(os.path.join(scratch, "phrase"), phrase)
    os.chmod(file, 0o600)
    plain, name, back = patterns(CHUNK + 5), os.path.join(scratch, "file.age"), os.path.join(scratch, "back")
    write(name, run("seal", "passphrase=" + file, "log=12", "armor=armored", given=plain).stdout)
    status, said = on_terminal(["age", "-d", "-o", back, name], [phrase])
    good = status == 0 and open(back, "rb").read() == plain
    tap.ok(good, "passphrase: age opens what we wrote", said)
    write(back, plain)
    os.path.exists(name) and os.unlink(name)
    status, said = on_terminal(["age", "-p", "-o", name, back], [phrase, phrase])
    made = open(name, "rb").read() if status == 0 else b""
    done = run("open", "passphrase=" + file, given=made)
    tap.ok(status == 0 and done.stdout == plain and ended(done) == "success", "passphrase: we open what age wrote",
           said + done.stderr.decode())
    done = run("open", "passphrase=" + file, "log=10", given=made)
    tap.ok(ended(done) == "header failure" and b"2^18" in done.stderr, "a cost above the cap is refused", done)
    done = run("open", "passphrase=" + write(file, phrase + "r"), given=made)
    tap.ok(ended(done) == "no match", "another passphrase opens nothing", done)


def with_hybrid_keys(tap, scratch):
    """With ourselves alone: Debian's age has no such keys."""
    if not has_hybrid():
        done = run("seal", "to=" + "age1pq1" + "q" * 1952, given=b"x")
        tap.ok(done.returncode == 2, "a hybrid key that nobody made is refused", done)
        tap.skip("round trip by hybrid keys", HYBRID_WHY)
        return
    made = [run("keygen-hybrid").stdout.decode() for _ in range(3)]
    parties = [Party(scratch, "hybrid-%d" % i, text) for i, text in enumerate(made)]
    plain = patterns(CHUNK + 1)
    file = run("seal", "to=" + parties[0].to, "to=" + parties[1].to, given=plain).stdout
    read = [run("open", "identity=" + party.file, given=file) for party in parties]
    tap.ok([r.stdout for r in read] == [plain, plain, b""] and ended(read[2]) == "no match", "hybrid keys: there and back", read[2])
    other = Party(scratch, "beside", run("keygen").stdout.decode())
    done = run("seal", "to=" + parties[0].to, "to=" + other.to, given=plain)
    tap.ok(done.returncode == 2 and not done.stdout, "not beside an X25519 key", done.stderr)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        of_vectors(tap, scratch)
        with_hybrid_keys(tap, scratch)
        if shutil.which("age"):
            with_keys(tap, scratch)
            with_passphrase(tap, scratch)
        else:
            tap.skip("round trips with age", "age is not installed")
    tap.finish()


main()
