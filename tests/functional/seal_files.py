"""What the tests of sealed files share: key pairs, plaintexts that are easy to find again, and damage."""
import os
import random
import re
import subprocess

from harness import REDOUBT, redoubt

CHUNK, SEALED = 16384, 16400
CHEAP = ["--argon-memory", "19", "--argon-passes", "1"]


def keygen(folder, name):
    """(file, public key)"""
    path = os.path.join(folder, name)
    got = redoubt("seal", "keygen", "-o", path)
    assert got.status == 0, got
    return path, got.out.strip()


def some_bytes(n, seed=1):
    return random.Random(seed).randbytes(n)


def text_bytes(n, seed=1):
    """Bytes that compress."""
    words = [b"select ", b"insert ", b"into ", b"orders ", b"values ", b"(1, 'a')", b";\n"]
    out, rng = bytearray(), random.Random(seed)
    while len(out) < n:
        out += rng.choice(words)
    return bytes(out[:n])


def run(*args, data=None, env=None, **more):
    """As redoubt(), but for bytes."""
    return subprocess.run([REDOUBT] + list(args), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          env=dict(os.environ, **(env or {})), **more)


def put(path, data, mode=0o600):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def get(path):
    with open(path, "rb") as file:
        return file.read()


def body_at(sealed):
    """Offset of the first chunk: docs/formats/sealed-file.md."""
    slot, policy = int.from_bytes(sealed[6:10], "big"), int.from_bytes(sealed[26:28], "big")
    return 28 + policy + 2 * slot + 56


def public_of(path):
    return re.search(r"age1\S+", get(path).decode()).group(0)
