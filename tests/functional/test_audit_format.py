#!/usr/bin/env python3
"""docs/formats/audit.md says what the program writes: a second reader, made from it, reads a log of several segments,
finds every check, MAC, root and signature right, and notices a change."""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from audit_reader import Bad, Log, signed  # noqa: E402
from harness import ROOT, Tap  # noqa: E402

BUILD = os.environ.get("REDOUBT_BUILD") or os.path.join(ROOT, "build")
AUDIT_MAIN = os.environ.get("AUDIT_MAIN") or os.path.join(BUILD, "tests", "fault", "audit_main")
CHAIN = b"\x11" * 32  # audit_main's
FRAMES = 60

# RFC 8032, 7.1, tests 2 and 3
VECTORS = (
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
)


def record(i):
    """Record i as tests/fault/audit_main.c makes it."""
    return bytes(0 if k // 700 % 3 == 1 else (i * 31 + k * 7 + k // 251) & 255 for k in range(i * 997 % 3000))


def why(folder, chain=CHAIN):
    try:
        Log(folder, chain)
    except Bad as bad:
        return str(bad)
    return ""


def main():
    tap = Tap()
    raw = [tuple(map(bytes.fromhex, vector)) for vector in VECTORS]
    tap.ok(all(signed(*v) for v in raw) and not any(signed(k, m + b"x", s) for k, m, s in raw),
           "the reader's own signature check")
    with tempfile.TemporaryDirectory(prefix="redoubt-audit-") as folder:
        done = subprocess.run([AUDIT_MAIN, "append", folder, str(FRAMES)], stdout=subprocess.PIPE, text=True, check=True)
        said = [line.split() for line in done.stdout.splitlines()]
        log = Log(folder, CHAIN)
        segments = sum(name.endswith(".seg") for name in os.listdir(folder))
        tap.ok(segments > 1 and log.frames == FRAMES + len(log.checkpoints), "%d frames in %d segments"
               % (log.frames, segments))
        tap.ok(len(log.records) == max(int(words[1]) for words in said if words[0] == "ack") and
               all(found == record(i) for i, found in enumerate(log.records)), "each record is what was appended")
        tap.ok([c.hex() for c in log.checkpoints] == [words[1] for words in said if words[0] == "mark"],
               "each checkpoint is what was handed out")
        tap.ok(not why(folder, None), "the same without the chain")
        tap.ok("MAC" in why(folder, bytes(32)), "another chain is noticed", why(folder, bytes(32)))
        path = os.path.join(folder, "00000000.seg")
        with open(path, "rb") as file:
            good = file.read()
        missed = []
        for at in list(range(0, 130, 9)) + list(range(4050, 4400, 13)):
            with open(path, "wb") as file:
                file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            if not why(folder, None):
                missed.append(at)
        tap.ok(not missed, "changed bytes are noticed", "not at %s" % missed)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
