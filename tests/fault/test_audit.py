#!/usr/bin/env python3
"""The audit log loses no record and no checkpoint that it acknowledged, when it is killed and with it
everything that was not synced; it opens again, verifies, and goes on. And the same tests fail where syncs do
nothing, which proves that they can."""
import os
import random
import re
import signal
import subprocess
import sys

from rounds import BUILD, DROPPED, SECONDS, Run, Tap, drop, folder, preloaded

AUDIT_MAIN = os.environ.get("AUDIT_MAIN") or os.path.join(BUILD, "tests", "fault", "audit_main")
ROUNDS = 200
SEED = int(os.environ.get("FAULT_SEED") or random.randrange(1 << 31))
MOMENTS_MAX = 2000
FRAME_TOP = 9
ON_THE_WAY = 6


def check(where, mark):
    """Records of a whole log, or (None, why). Preloaded for speed: no sync is real."""
    done = subprocess.run([AUDIT_MAIN, "check", where] + ([mark] if mark else []), env=preloaded(where),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    found = re.match(r"records (\d+)$", done.stdout.strip())
    if done.returncode != 0 or not found:
        return None, "exit %d: %s" % (done.returncode, done.stderr.strip())
    return int(found.group(1)), None


class Life:
    """What was acknowledged so far, over all lives of one log."""

    def __init__(self, where):
        self.where, self.acked, self.mark, self.acks = where, 0, None, 0

    def after(self, run, ahead):
        """Take in what a writer said; a complaint about what it left, or None."""
        before = max(self.acked, run.last("open"))
        self.acked = max(before, run.last("ack"))
        self.acks += sum(words[0] == "ack" for words in run.lines)
        for words in run.lines:
            self.mark = words[1] if words[0] == "mark" else self.mark
        records, why = check(self.where, self.mark)
        if records is None:
            return why
        if records < self.acked:
            return "%d records, acknowledged were %d" % (records, self.acked)
        if records > self.acked + ahead * FRAME_TOP:
            return "%d records, no more than %d were tried" % (records, self.acked + ahead * FRAME_TOP)
        self.acked = records  # a frame that was synced, but not acknowledged, may stay
        return None


def killed_rounds(rounds, chance, how, ahead, **settings):
    """Kill the writer of one log again and again; the complaints, and the acknowledgements."""
    life, wrong = Life(folder()), []
    for number in range(rounds):
        kept = {"keep": chance.choice((0, 20, 50, 80))} if number % 2 and not settings else {}
        seed = chance.randrange(1 << 31)
        args = ["0"] + ([life.mark] if life.mark else [])
        run = Run([AUDIT_MAIN, how, life.where] + args, preloaded(life.where, seed=seed, **kept, **settings))
        run.read(chance.choice((1, 2, 3, 6, 40, 120)))
        drop(run)
        bad = life.after(run, ahead) if run.status == DROPPED else "status %d: %s" % (run.status, run.err)
        if bad:
            wrong.append("round %d, keep %s, seed %d: %s" % (number, kept.get("keep", 0), seed, bad))
            break  # nothing to go on with
    return wrong, life.acks


def killed_plainly(rounds, chance):
    """kill -9 alone: the page cache stays, threads die anywhere."""
    life, wrong = Life(folder()), []
    for number in range(rounds):
        run = Run([AUDIT_MAIN, "thread", life.where, "0"] + ([life.mark] if life.mark else []))
        run.read(chance.choice((1, 2, 3, 6, 40, 120)))
        run.end(signal.SIGKILL)
        bad = life.after(run, ON_THE_WAY) if run.status == -signal.SIGKILL else run.err
        if bad:
            return ["round %d: %s" % (number, bad)], life.acks
    return wrong, life.acks


def every_moment(before, frames, **settings):
    """Die before each watched call of a life: of a log's making, or of one that goes into a next segment."""
    wrong = []
    for moment in range(1, MOMENTS_MAX):
        life = Life(folder())
        if before:
            first = Run([AUDIT_MAIN, "append", life.where, str(before)], preloaded(life.where)).end()
            wrong += filter(None, [life.after(first, 0)])
        args = [str(frames)] + ([life.mark] if life.mark else [])
        env = preloaded(life.where, after=moment, seed=moment, **settings)
        run = Run([AUDIT_MAIN, "append", life.where] + args, env).end()
        bad = "status %d: %s" % (run.status, run.err) if run.status not in (0, DROPPED) else life.after(run, 1)
        if not bad:  # and it goes on from there
            args = ["3"] + ([life.mark] if life.mark else [])
            more = Run([AUDIT_MAIN, "append", life.where] + args, preloaded(life.where)).end()
            bad = more.err if more.status != 0 else life.after(more, 0)
        if bad:
            wrong.append("before call %d: %s" % (moment, bad))
        segments = sum(name.endswith(".seg") for name in os.listdir(life.where))
        folder.kept.pop().cleanup()
        if run.status == 0:
            return wrong + ["it never went into another segment"] * (before > 0 and segments < 2), moment - 1
    return wrong + ["it never ended by itself"], MOMENTS_MAX


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print("# seed %d (FAULT_SEED)" % SEED)
    for how, ahead in (("append", 1), ("thread", ON_THE_WAY)):
        wrong, acks = killed_rounds(ROUNDS, chance, how, ahead)
        print("# %d acknowledged frames in %d rounds" % (acks, ROUNDS))
        tap.ok(not wrong and acks > ROUNDS, "%d kills that lose what was not synced, %s" % (ROUNDS, how),
               "\n".join(wrong))
    wrong, acks = killed_plainly(50, chance)
    print("# %d acknowledged frames" % acks)
    tap.ok(not wrong and acks > 50, "50 plain kills", "\n".join(wrong))
    for name, before, frames, least in (("a new log", 0, 9, 20), ("into the next segment", 15, 24, 40)):
        for keep in (0, 50):
            wrong, moments = every_moment(before, frames, keep=keep)
            print("# %d moments" % moments)
            tap.ok(not wrong and moments > least, "%s: cut off before every single call, %d %% of the rest "
                   "survive" % (name, keep), "\n".join(wrong))
    wrong, acks = killed_rounds(10, chance, "append", 1, deaf=1)
    tap.ok(wrong and acks > 0, "where syncs do nothing the same test fails", "it did not")
    print("# " + "\n# ".join(wrong[:2]))
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
