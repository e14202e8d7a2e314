#!/usr/bin/env python3
"""The store loses nothing that it acknowledged, when it is killed and with it everything that was not
synced; nor does it show half a change. And the same tests fail where syncs are left out, which proves that
they can."""
import os
import random
import re
import sqlite3
import subprocess
import sys

from rounds import DROPPED, SECONDS, STORE_MAIN, Run, Tap, drop, folder, preloaded

ROUNDS = 200
SEED = int(os.environ.get("FAULT_SEED") or random.randrange(1 << 31))
MOMENTS_MAX = 2000


def check(path):
    """(revision, mark) of a whole store, or (None, why). Preloaded for speed: no sync is real."""
    done = subprocess.run([STORE_MAIN, "check", path], env=preloaded(os.path.dirname(path)),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    found = re.match(r"revision (\d+) mark (\d+)$", done.stdout.strip())
    if done.returncode != 0 or not found:
        return None, "exit %d: %s" % (done.returncode, done.stderr.strip())
    return int(found.group(1)), int(found.group(2))


def complaint(run, path):
    """What is wrong with a store after its writer ended; None if nothing is."""
    revision, mark = check(path)
    if revision is None:
        never = not run.lines and "No such file" in mark
        return None if never else mark
    if revision < run.last("ack"):
        return "revision %d, acknowledged were %d" % (revision, run.last("ack"))
    if revision > max(run.last("ack"), run.last("open")) + 1:
        return "revision %d, the last one tried was %d" % (revision, run.last("ack") + 1)
    if mark < run.last("mark"):
        return "value %d, acknowledged was %d" % (mark, run.last("mark"))
    return None


def killed_rounds(rounds, chance, *writer, **settings):
    """Kill the writer of one store again and again; the complaints."""
    where = folder()
    path = os.path.join(where, "store.db")
    wrong, acks = [], 0
    for number in range(rounds):
        kept = {"keep": chance.choice((0, 20, 50, 80))} if number % 2 and not settings else {}
        seed = chance.randrange(1 << 31)
        run = Run([STORE_MAIN, "write", path] + list(writer),
                  preloaded(where, seed=seed, **kept, **settings))
        run.read(chance.choice((2, 3, 6, 40, 400, 900)))
        drop(run)
        acks += sum(words[0] == "ack" for words in run.lines)
        bad = complaint(run, path) if run.status == DROPPED else "status %d: %s" % (run.status, run.err)
        if bad:
            wrong.append("round %d, keep %s, seed %d: %s" % (number, kept.get("keep", 0), seed, bad))
            if check(path)[0] is None:
                break  # nothing to go on with
    return wrong, acks


def every_moment(count, **settings):
    """Die before each watched call of a short life, from the making of the file to its closing."""
    wrong = []
    for moment in range(1, MOMENTS_MAX):
        where = folder()
        path = os.path.join(where, "store.db")
        env = preloaded(where, after=moment, seed=moment, **settings)
        run = Run([STORE_MAIN, "write", path, str(count)], env).end()
        if run.status not in (0, DROPPED):
            wrong.append("before call %d: status %d: %s" % (moment, run.status, run.err))
        bad = complaint(run, path)
        if not bad:  # and it goes on from there
            more = Run([STORE_MAIN, "write", path, "3"], preloaded(where)).end()
            bad = more.err if more.status != 0 else complaint(more, path)
        if bad:
            wrong.append("before call %d: %s" % (moment, bad))
        folder.kept.pop().cleanup()
        if run.status == 0:
            return wrong, moment - 1
    return wrong + ["it never ended by itself"], MOMENTS_MAX


def expected(now):
    """The tables of store_main's store at a revision, as docs/formats/store.md lays them out."""
    def number(value):
        return value.to_bytes(8, "little")

    def body(revision):
        return bytes((revision * 31 + i * 7 + i // 251) & 0xff for i in range(revision * 997 % 9000))

    none = bytes(32)
    rows = [(1, b"count", now, number(now), none)]
    rows += [(2, number(r % 23), r, body(r), none) for r in range(now - 22, now + 1)]
    rows += [(3, number(r), r, number(r), none) for r in range(now - 7, now + 1)]
    outbox = [(r, n, number(r) + number(n), number(r), none) for r in range(now - 4, now + 1) for n in (0, 1)]
    return {"rdt_head": [(1, now)], "rdt_row": sorted(rows), "rdt_outbox": outbox,
            "rdt_value": [("mark", number(now // 3 * 3))]}


def second_reader(path, now):
    """What a reader that knows the document alone finds otherwise than it should be."""
    with open(path, "rb") as file:
        header = file.read(100)
    if header[60:64] != b"\0\0\0\1" or header[68:72] != b"RDTS" or header[18:20] != b"\2\2":
        return "header: %r" % header
    if sorted(os.listdir(os.path.dirname(path))) != [os.path.basename(path)]:
        return "a closed store is more than one file"
    db = sqlite3.connect("file:%s?mode=ro&immutable=1" % path, uri=True)
    for table, want in expected(now).items():
        got = db.execute("SELECT * FROM %s ORDER BY 1, 2" % table).fetchall()
        if got != want:
            return "%s: %d rows, wanted are %d" % (table, len(got), len(want))
    return None


def main():
    tap = Tap()
    path = os.path.join(folder(), "store.db")
    done = Run([STORE_MAIN, "write", path, "40"]).end()
    bad = done.err if done.status != 0 else second_reader(path, 40)
    tap.ok(not bad, "a second reader, from the document alone, finds what was written", bad)
    chance = random.Random(SEED)
    print("# seed %d (FAULT_SEED)" % SEED)
    wrong, acks = killed_rounds(ROUNDS, chance)
    print("# %d acknowledged commits in %d rounds" % (acks, ROUNDS))
    tap.ok(not wrong and acks > ROUNDS, "%d kills that lose what was not synced" % ROUNDS, "\n".join(wrong))
    for keep in (0, 50):
        wrong, moments = every_moment(7, keep=keep)
        print("# %d moments" % moments)
        tap.ok(not wrong and moments > 100, "cut off before every single call, %d %% of the rest survive" % keep,
               "\n".join(wrong))
    wrong, acks = killed_rounds(10, chance, "0", "off")
    tap.ok(wrong and acks > 0, "with synchronous=OFF the same test fails", "it did not: dropsync is of no use")
    print("# " + "\n# ".join(wrong[:2]))
    wrong, acks = killed_rounds(10, chance, deaf=1)
    tap.ok(wrong and acks > 0, "where syncs do nothing the same test fails", "it did not")
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
