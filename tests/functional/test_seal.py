#!/usr/bin/env python3
"""`redoubt seal`, `open`, `reseal`, `rekey`, `inspect`: files, pipes, programs, and what is refused. Prints TAP."""
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, SANITIZED, Tap, redoubt  # noqa: E402
from seal_files import CHEAP, CHUNK, SEALED, body_at, get, keygen, put, run, some_bytes, text_bytes  # noqa: E402

SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 32 * CHUNK - 1, 32 * CHUNK, 32 * CHUNK + 1, 3 * 32 * CHUNK + 77)
MIB = 1 << 20
HYBRID = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"  # of C2SP age.md


class Case:
    def __init__(self, tap, folder):
        self.tap, self.folder = tap, folder
        self.key, self.public = keygen(folder, "key.txt")
        self.other, self.other_public = keygen(folder, "other.txt")
        self.n = 0

    def path(self, name=None):
        self.n += 1
        return os.path.join(self.folder, name or "f%d" % self.n)

    def sealed(self, data, *args):
        out = self.path()
        got = run("seal", "-q", "-r", self.public, "-o", out, *args, data=data)
        assert got.returncode == 0, got.stderr
        return out

    def opened(self, path, *args):
        return run("open", "-i", self.key, *args, path)

    def refused(self, data, words, name, *args):
        """An -o file that cannot be had is not there, not even in part."""
        path, out = put(self.path(), data), self.path()
        got = self.opened(path, "-o", out, *args)
        good = got.returncode in (3, 4) and words in got.stderr.decode() and not os.path.exists(out) and \
            not os.path.exists(out + ".partial")
        return self.tap.ok(good, name, "status %d: %s" % (got.returncode, got.stderr.decode()))


def sizes(case):
    wrong = []
    for size in SIZES:
        for options in ((), ("--hash", "--verify"), ("--zstd", "--hash")):
            for data in (some_bytes(size),) if not options else (text_bytes(size),):
                path = case.sealed(data, *options)
                got = case.opened(path)
                if got.returncode != 0 or got.stdout != data:
                    wrong.append((size, options, got.stderr))
    case.tap.ok(not wrong, "what is sealed is opened, at every size around a chunk and a unit", wrong)
    data = some_bytes(2 * MIB + 5)
    piped = subprocess.run("'%s' seal -q -r %s | '%s' open -i %s" % (REDOUBT, case.public, REDOUBT, case.key), shell=True, input=data,
                           stdout=subprocess.PIPE, check=True).stdout
    case.tap.ok(piped == data, "from pipe to pipe")
    packed = text_bytes(3 * MIB + 5)
    path = case.sealed(packed, "--zstd")
    got = run("open", "-i", case.key, data=get(path))
    case.tap.ok(got.stdout == packed and os.path.getsize(path) < len(packed) // 3, "compressed, out of a pipe", got.stderr)
    mode = os.stat(path).st_mode & 0o777
    case.tap.ok(mode == 0o600, "a sealed file is its owner's")


def ranges(case):
    data = some_bytes(5 * CHUNK + 100)
    path = case.sealed(data)
    wrong = []
    for text, want in (("0-0", data[:1]), ("0-", data), ("16383-16384", data[16383:16385]), ("100-40000", data[100:40001]),
                       ("82019-", data[82019:]), ("82020-", b""), ("82000-99999999", data[82000:])):
        got = case.opened(path, "--range", text)
        if got.stdout != want or got.returncode != 0:
            wrong.append((text, len(got.stdout), got.stderr))
    case.tap.ok(not wrong, "--range gives just these bytes", wrong)
    for text, status in (("82021-", 3), ("9-3", 3), ("-5", 3), ("x", 3), ("", 3), ("1-2-3", 3)):
        got = case.opened(path, "--range", text)
        case.tap.ok(got.returncode == status and not got.stdout, "--range '%s' is refused" % text, got.stderr)
    got = run("open", "-i", case.key, "--range", "1-2", data=get(path))
    case.tap.ok(got.returncode == 4, "--range of a pipe is refused", got.stderr)


def damage(case):
    data = some_bytes(40 * CHUNK + 999)
    sealed = get(case.sealed(data))
    begin = body_at(sealed)
    chunks = [sealed[at:at + SEALED] for at in range(begin, len(sealed), SEALED)]
    for name, wrong, words in (
            ("no file at all", b"", "not a sealed file"),
            ("a text", b"-- PostgreSQL database dump\n" * 100, "not a sealed file"),
            ("cut in the head", sealed[:100], "head"),
            ("cut before the body", sealed[:begin - 10], "never finished"),
            ("cut between chunks", sealed[:begin + 3 * SEALED], "never finished"),
            ("cut between units", sealed[:begin + 32 * SEALED], "never finished"),
            ("cut in a chunk", sealed[:begin + 3 * SEALED + 100], "damaged or cut"),
            ("the last byte missing", sealed[:-1], "damaged or cut"),
            ("one byte more", sealed + b"x", "damaged or cut"),
            ("a later version", sealed[:4] + b"\x02" + sealed[5:], "later version"),
            ("two chunks in the other's place", sealed[:begin] + b"".join([chunks[1], chunks[0]] + chunks[2:]), "damaged or cut"),
            ("a chunk twice", sealed[:begin] + b"".join([chunks[0]] + chunks), "damaged or cut"),
            ("a chunk missing", sealed[:begin] + b"".join(chunks[:5] + chunks[6:]), "damaged or cut"),
            ("the last chunk missing", sealed[:begin] + b"".join(chunks[:-1]), "never finished"),
            ("zeroes behind", sealed + bytes(SEALED), "damaged or cut")):
        case.refused(wrong, words, "refused: " + name)
    flips, bad = [5, 6, 27, 40, begin - 60, begin - 20, begin, begin + 17 * SEALED, len(sealed) - 20], []
    for at in flips:
        flipped = sealed[:at] + bytes([sealed[at] ^ 4]) + sealed[at + 1:]
        out = case.path()
        got = case.opened(put(case.path(), flipped), "-o", out)
        twin = 28 <= at < begin - 56 and got.returncode == 0  # the other list of recipients is whole
        if (got.returncode == 0 and not twin) or (got.returncode != 0 and os.path.exists(out)):
            bad.append((at, got.stderr))
    case.tap.ok(not bad, "a flipped bit is refused wherever it is, or the other list of recipients serves", bad)
    small = get(case.sealed(b"small"))
    bad = [n for n in list(range(0, 200, 7)) + list(range(len(small) - 300, len(small), 11))
           if run("open", "-i", case.key, data=small[:n]).returncode == 0]
    case.tap.ok(not bad, "a file cut anywhere is refused", bad)
    part = put(case.path(), sealed[:begin + 33 * SEALED])
    out = case.path()
    got = case.opened(part, "--keep-partial", "-o", out)
    kept = get(out + ".partial")
    case.tap.ok(got.returncode == 4 and not os.path.exists(out) and kept == data[:len(kept)],
                "--keep-partial leaves what was proved, under another name", got.stderr)


def keys(case):
    tap, data = case.tap, some_bytes(1000)
    path = case.sealed(data)
    got = run("open", "-i", case.other, path)
    tap.ok(got.returncode == 4 and b"none of the keys" in got.stderr and not got.stdout, "another's key is refused", got.stderr)
    got = run("open", path)
    tap.ok(got.returncode == 4 and b"private key (-i)" in got.stderr, "no key: the hint says what would open it", got.stderr)
    words, wrong = put(case.path(), b"correct horse\n"), put(case.path(), b"wrong horse\n")
    sealed = case.path()
    got = run("seal", "-q", "--passphrase-file", words, *CHEAP, "-o", sealed, data=data)
    tap.ok(got.returncode == 0 and run("open", "--passphrase-file", words, sealed).stdout == data, "a passphrase", got.stderr)
    got = run("open", "--passphrase-file", wrong, sealed)
    tap.ok(got.returncode == 4 and not got.stdout, "a wrong passphrase is refused", got.stderr)
    got = run("seal", "--passphrase-file", words, "-r", case.public, data=data)
    tap.ok(got.returncode == 3 and b"stands alone" in got.stderr and not got.stdout, "a passphrase stands alone", got.stderr)
    got = run("seal", data=data)
    tap.ok(got.returncode == 3 and not got.stdout, "without a recipient nothing is written", got.stderr)
    for word in ("age1xyz", "AGE-SECRET-KEY-1QQQ", "kms:", "tenant:a", "pkcs11:token=x", "somebody"):
        got = run("seal", "-r", word, data=data)
        tap.ok(got.returncode == 3 and not got.stdout, "'%s' is no recipient" % word, got.stderr)
    got = run("seal", "-r", case.public, "-r", case.public, data=data)
    tap.ok(got.returncode == 3 and b"twice" in got.stderr, "one recipient twice is a mistake", got.stderr)
    holders = [keygen(case.folder, "holder%d" % i) for i in range(3)]
    glass = "2:" + ",".join(public for _, public in holders)
    both = case.sealed(data, "--break-glass", glass)
    one = run("open", "-i", holders[0][0], both)
    two = run("open", "-i", holders[0][0], "-i", holders[2][0], both)
    tap.ok(one.returncode == 4 and two.stdout == data and case.opened(both).stdout == data,
           "two of three holders open it together, one alone does not", one.stderr + two.stderr)
    got = run("seal", "-r", case.public, "--break-glass", "4:" + glass[2:], data=data)
    tap.ok(got.returncode == 3, "four of three is refused", got.stderr)


def programs(case):
    tap = case.tap
    out = case.path()
    got = run("seal", "-q", "-r", case.public, "--exec", "sh -c 'echo one; echo two'", "-o", out)
    tap.ok(got.returncode == 0 and case.opened(out).stdout == b"one\ntwo\n", "--exec seals what a program writes", got.stderr)
    got = run("seal", "-q", "-r", case.public, "--", "sh", "-c", "echo $A-$B-$HOME", env={"A": "1", "B": "2", "HOME": "/h"})
    tap.ok(run("open", "-i", case.key, data=got.stdout).stdout == b"--/h\n", "words behind --; a clean environment", got.stderr)
    got = run("seal", "-q", "-r", case.public, "--env", "B", "--", "sh", "-c", "echo $A-$B", env={"A": "1", "B": "2"})
    tap.ok(run("open", "-i", case.key, data=got.stdout).stdout == b"-2\n", "--env passes a variable on", got.stderr)
    for script, words in (("head -c 700000 /dev/zero; exit 3", b"status 3"), ("echo x; kill -9 $$", b"signal 9"), ("exit 1", b"status 1")):
        out = case.path()
        got = run("seal", "-r", case.public, "-o", out, "--", "sh", "-c", script)
        tap.ok(got.returncode == 4 and words in got.stderr and not os.path.exists(out) and not os.path.exists(out + ".partial"),
               "a program that fails (%s) leaves no file" % script, got.stderr)
        got = run("seal", "-r", case.public, "--", "sh", "-c", script)
        read = run("open", "-i", case.key, data=got.stdout)
        tap.ok(got.returncode == 4 and read.returncode == 4 and b"never finished" in read.stderr,
               "and a pipe nobody takes for whole", read.stderr)
    for words, status in ((["--exec", "no-such-program-here"], 3), (["--exec", "a | b"], 3), (["--exec", "a 'b"], 3),
                          (["--exec", "a", "file"], 3), (["--exec", "a", "--", "b"], 3), (["--env", "X"], 3)):
        got = run("seal", "-r", case.public, *words)
        tap.ok(got.returncode == status and not got.stdout, "refused: seal %s" % " ".join(words), got.stderr)


def places(case):
    tap, data = case.tap, some_bytes(300000)
    path = case.sealed(data)
    before = get(path)
    got = run("seal", "-r", case.public, "-o", path, data=b"x")
    tap.ok(got.returncode == 4 and get(path) == before, "a file that is there stays", got.stderr)
    got = run("seal", "-q", "-r", case.public, "--force", "-o", path, data=b"x")
    tap.ok(got.returncode == 0 and case.opened(path).stdout == b"x", "--force puts the new one in its place")
    out = case.path()
    limit = lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000)))  # noqa: E731
    got = run("seal", "-r", case.public, "-o", out, data=data, preexec_fn=limit)
    tap.ok(got.returncode == 4 and b"too large" in got.stderr and not os.path.exists(out) and not os.path.exists(out + ".partial"),
           "a full disk: a clear error, nothing left", got.stderr)
    whole = case.sealed(data)
    got = case.opened(whole, "-o", "/dev/full")
    tap.ok(got.returncode == 4 and b"No space" in got.stderr, "likewise when opening", got.stderr)
    main, sub = os.openpty()
    got = subprocess.run([REDOUBT, "seal", "-r", case.public], input=b"x", stdout=sub, stderr=subprocess.PIPE, timeout=60)
    os.close(main)
    os.close(sub)
    tap.ok(got.returncode == 4 and b"terminal" in got.stderr, "no binary on a terminal", got.stderr)
    for name, status in (("/no/such/folder/x", 3), (case.folder, 4)):
        got = run("seal", "-r", case.public, "-o", name, data=b"x")
        tap.ok(got.returncode == status, "refused: -o %s" % name.replace(case.folder, "FOLDER"), got.stderr)


def change(case):
    tap, data = case.tap, text_bytes(100000)
    path = case.sealed(data, "--asset", "orders", "--level", "high", "--expires", "30d", "--zstd")
    told = json.loads(redoubt("inspect", "--json", path).out)
    tap.ok(told["asset"] == "orders" and told["level"] == "high" and told["proof"] == "FORMAT" and
           told["recipients"] == [{"kind": "x25519", "key": case.public}], "inspect tells without a key", told)
    proved = json.loads(redoubt("inspect", "--json", "--deep", "-i", case.key, path).out)
    tap.ok(proved["proof"] == "PROVEN" and proved["plain_bytes"] == len(data), "with --deep it is proved", proved)
    got = redoubt("inspect", "--deep", path)
    tap.ok(got.status == 3, "--deep without a key is refused", got)
    got = redoubt("reseal", "-i", case.key, "-r", case.other_public, path)
    tap.ok(got.status == 0 and "revokes nothing" in got.err, "reseal says that it revokes nothing", got)
    new, old = run("open", "-i", case.other, path), case.opened(path)
    tap.ok(new.stdout == data and old.returncode == 4, "reseal: the new recipient opens it, the old one does not", old.stderr)
    after = json.loads(redoubt("inspect", "--json", "--deep", "-i", case.other, path).out)
    tap.ok(after["generation"] == 2 and after["digest"] == proved["digest"], "the digest stays", after)
    got = redoubt("reseal", "-i", case.key, "-r", case.public, path)
    tap.ok(got.status == 4, "who cannot open it cannot reseal it", got)
    out = case.path()
    got = redoubt("rekey", "-i", case.other, "-r", case.public, "--verify", "-o", out, path)
    again = json.loads(redoubt("inspect", "--json", "--deep", "-i", case.key, out).out)
    tap.ok(got.status == 0 and case.opened(out).stdout == data and again["file"] != after["file"] and again["asset"] == "orders",
           "rekey: another file of the same content", got)
    torn = put(case.path(), get(path)[:200] + bytes(300) + get(path)[500:])
    got = run("open", "-i", case.other, torn)
    tap.ok(got.stdout == data, "one torn list of recipients: the other serves", got.stderr)
    got = redoubt("reseal", "-i", case.other, "-r", case.public, torn)
    tap.ok(got.status == 0 and case.opened(torn).stdout == data, "and reseal mends it", got)


def killed(case):
    """kill -9 at any time: nothing under the final name that is not whole."""
    tap, bad = case.tap, []
    data = some_bytes(24 * MIB)
    plain, sealed = put(case.path(), data), case.path()
    assert run("seal", "-q", "-r", case.public, "-o", sealed, plain).returncode == 0
    for i in range(8):
        for words in (["seal", "-q", "-r", case.public, plain], ["open", "-i", case.key, sealed]):
            out = case.path()
            with subprocess.Popen([REDOUBT] + words + ["-o", out], stderr=subprocess.DEVNULL) as process:
                time.sleep(0.004 * (i + 1))
                process.send_signal(signal.SIGKILL)
            if os.path.exists(out):
                whole = get(out) == data if words[0] == "open" else case.opened(out).stdout == data
                bad += [] if whole else [words[0]]
            got = run(*words, "-o", out, "--force")
            if got.returncode != 0:
                bad.append((words[0], "again", got.stderr))
            os.unlink(out)
    tap.ok(not bad, "seal and open killed: what has its name is whole, and a second run works", bad)
    out = case.path()
    with subprocess.Popen([REDOUBT, "seal", "-r", case.public, "-o", out], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdin.write(b"x" * MIB)
        time.sleep(0.3)
        was = os.path.exists(out + ".partial")
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    tap.ok(was and not os.path.exists(out + ".partial") and process.returncode == -signal.SIGTERM, "a signal leaves nothing")
    bad, path = [], case.sealed(b"hello")
    people = [(case.key, case.public), (case.other, case.other_public)]
    for i in range(16):
        with subprocess.Popen([REDOUBT, "reseal", "-i", case.key, "-i", case.other, "-r", people[i % 2][1], path],
                              stderr=subprocess.DEVNULL) as process:
            time.sleep(0.002 * i)
            process.send_signal(signal.SIGKILL)
        got = run("open", "-i", case.key, "-i", case.other, path)
        if got.stdout != b"hello":
            bad.append((i, got.stderr))
    tap.ok(not bad, "reseal killed: the file can be opened", bad)


def age(case):
    tap, data = case.tap, some_bytes(200000)
    path = case.sealed(data, "--format", "age")
    tap.ok(get(path).startswith(b"age-encryption.org/v1") and case.opened(path).stdout == data, "age v1, both ways")
    text = case.sealed(data, "--format", "age", "--armor")
    tap.ok(get(text).startswith(b"-----BEGIN AGE") and case.opened(text).stdout == data, "and armored")
    case.refused(get(path)[:-1], "", "refused: an age file that was cut")
    hybrid = put(case.path(), HYBRID.encode() + b"\n")
    both = put(case.path(), HYBRID.encode() + b"\n" + get(case.key))
    got = [run("open", "-i", both, file).stdout for file in (path, case.sealed(data))]
    tap.ok(got == [data, data], "a hybrid key beside the one that is needed does no harm")
    got = run("open", "-i", hybrid, path)
    tap.ok(got.returncode == 4 and not got.stdout and b"no key that was given" in got.stderr, "a hybrid key does not open a file for an X25519 key", got.stderr)
    got = run("seal", "-r", "age1pq1" + case.public[4:], "--format", "age", data=data)
    tap.ok(got.returncode == 3 and not got.stdout, "a hybrid recipient that was mistyped is refused", got.stderr)
    got = run("seal", "-r", case.public, "--format", "age", "--zstd", data=data)
    tap.ok(got.returncode == 3 and not got.stdout, "what age has not is refused", got.stderr)
    got = run("seal", "-r", case.public, "--format", "age", "--", "sh", "-c", "echo x; exit 2")
    tap.ok(got.returncode == 4 and run("open", "-i", case.key, data=got.stdout).returncode == 4,
           "a program that fails leaves no whole age file", got.stderr)


def receipts(case):
    tap, data = case.tap, some_bytes(100000)
    pem = [case.path() for _ in range(2)]
    for path in pem:
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, stderr=subprocess.DEVNULL)
        os.chmod(path, 0o600)
    public = [subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout[-32:].hex() for path in pem]
    signers = put(case.path(), ("# who\nalice %s\n" % public[0]).encode())
    receipt, other = case.path(), case.path()
    path = case.sealed(data, "--receipt", receipt, "--sign-key", pem[0])
    forged = case.sealed(some_bytes(100000, 2), "--receipt", other, "--sign-key", pem[1])
    ask = ["--require-receipt", receipt, "--signers", signers]
    out = case.path()
    got = case.opened(path, *ask, "-o", out)
    tap.ok(got.returncode == 0 and get(out) == data, "a file that alice signed for", got.stderr)
    tap.ok(case.opened(path, *ask).stdout == data, "likewise to a pipe")
    got = case.opened(forged, *ask)
    tap.ok(got.returncode == 4 and not got.stdout and b"not the file" in got.stderr, "another file is refused before a byte of it", got.stderr)
    got = case.opened(forged, *ask, "-o", case.path())
    tap.ok(got.returncode == 4, "and gets no name", got.stderr)
    got = case.opened(forged, "--require-receipt", other, "--signers", signers)
    tap.ok(got.returncode == 4 and b"nobody" in got.stderr, "a receipt that somebody else signed is refused", got.stderr)
    damaged = json.loads(get(receipt))
    damaged["signature"] = "A" * 86 + "=="
    got = case.opened(path, "--require-receipt", put(case.path(), json.dumps(damaged).encode()), "--signers", signers)
    tap.ok(got.returncode == 4 and not got.stdout, "a wrong signature is refused", got.stderr)
    got = run("open", "-i", case.key, *ask, data=get(path))
    tap.ok(got.returncode == 4 and not got.stdout, "a pipe to a pipe cannot be compared first", got.stderr)
    redoubt("reseal", "-i", case.key, "-r", case.other_public, path)
    got = run("open", "-i", case.other, *ask, path)
    tap.ok(got.stdout == data, "the receipt holds after a reseal", got.stderr)


if __name__ == "__main__":
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        case = Case(tap, folder)
        for test in (sizes, ranges, damage, keys, programs, places, change, killed, age, receipts):
            test(case)
    tap.finish()
