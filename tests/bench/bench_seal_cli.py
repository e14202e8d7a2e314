#!/usr/bin/env python3
"""seal and open of one large file, beside age, openssl enc and gpg in the same run, interleaved: from memory to null (CPU
seconds; bar 1.8 GB per CPU second) and to a synced file (wall; the others followed by sync), peak memory.
REDOUBT_BENCH_QUICK=1: 32 MiB; REDOUBT_BENCH_LARGE=1: 8 GiB."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

REDOUBT = os.environ.get("REDOUBT", "redoubt")
MIB = 1 << 20
QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
SIZE = 32 * MIB if QUICK else 8192 * MIB if os.environ.get("REDOUBT_BENCH_LARGE") == "1" else 1024 * MIB
ROUNDS = 2 if QUICK else 3
BAR = 1.8e9


def measure(words, stdout=subprocess.DEVNULL):
    """(wall seconds, CPU seconds, peak KiB)"""
    begin = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("failed: %s" % " ".join(words))
    return time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss


def commands(folder, plain):
    """name -> (words to standard output, words to a file)"""
    key, sealed, secret = (os.path.join(folder, name) for name in ("key", "sealed", "secret"))
    public = subprocess.run([REDOUBT, "seal", "keygen", "-o", key], check=True, stdout=subprocess.PIPE).stdout.decode().strip()
    subprocess.run([REDOUBT, "seal", "-q", "-r", public, "-o", sealed, plain], check=True)
    with open(secret, "w", encoding="utf-8") as file:
        file.write("correct horse battery staple\n")
    os.chmod(secret, 0o600)
    all_of = {"redoubt seal": [REDOUBT, "seal", "-q", "-r", public, plain], "redoubt open": [REDOUBT, "open", "-q", "-i", key, sealed]}
    if shutil.which("age"):
        all_of["age"] = ["age", "-r", public, plain]
    if shutil.which("openssl"):
        all_of["openssl ctr"] = ["openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-iter", "1", "-pass", "file:" + secret, "-in", plain]
    if shutil.which("gpg"):
        all_of["gpg"] = ["gpg", "--homedir", folder, "--batch", "-q", "--pinentry-mode", "loopback", "--passphrase-file", secret, "-z", "0",
                         "-c", "-o", "-", plain]
    return all_of


def to_file(name, words, out):
    """Wall seconds until it is on the disk."""
    if name.startswith("redoubt"):
        return measure(words[:2] + ["-o", out] + words[2:])[0]
    begin = time.monotonic()
    with open(out, "wb") as file:
        measure(words, file)
    subprocess.run(["sync", out], check=True)
    return time.monotonic() - begin


def main():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 3 * SIZE else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, tempfile.TemporaryDirectory() as disk:
        plain = os.path.join(folder, "plain")
        with open(plain, "wb") as file:
            for _ in range(SIZE // MIB):
                file.write(os.urandom(MIB))
        best, walls, all_of = {}, {}, commands(folder, plain)
        for _ in range(ROUNDS):
            for name, words in all_of.items():
                got = measure(words)
                best[name] = got if name not in best or got[1] < best[name][1] else best[name]
                out = os.path.join(disk, "out")
                wall = to_file(name, words, out)
                walls[name] = min(wall, walls.get(name, wall))
                os.unlink(out)
        report(best, walls)


def report(best, walls):
    print("# %d MiB, best of %d, interleaved" % (SIZE // MIB, ROUNDS))
    for name, (wall, cpu, peak) in best.items():
        print("# %-13s to null %6.0f MB/s wall, %6.0f MB per CPU s, peak %5.1f MiB; to a synced file %6.0f MB/s"
              % (name, SIZE / wall / 1e6, SIZE / cpu / 1e6, peak / 1024, SIZE / walls[name] / 1e6))
    for name in ("redoubt seal", "redoubt open"):
        print("# %s: %.2f of the bar (1.8 GB per CPU s)" % (name, SIZE / best[name][1] / BAR))
        for other in best:
            if not other.startswith("redoubt"):
                print("#   %.2f x %s in CPU, %.2f x to a synced file" % (best[other][1] / best[name][1], other, walls[other] / walls[name]))
    print("ok 1 - all of them were timed")
    print("1..1")


if __name__ == "__main__":
    main()
