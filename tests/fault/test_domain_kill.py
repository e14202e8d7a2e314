#!/usr/bin/env python3
"""The key service killed while its domain key changes under load, with and without what was not synced: no key, no
ciphertext and no credential is lost, and in the end one domain key is left with those made ahead of time."""
import os
import random
import re
import signal
import subprocess
import sys
import time

from rounds import Tap
from test_kms_kill import Life, KILLED, SEED, WAIT, keep_some

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import REDOUBT, SANITIZED  # noqa: E402
from rounds import DROPPED  # noqa: E402
from server import child_of, wait_for  # noqa: E402

ROUNDS = 3 if SANITIZED else 8
AHEAD = 4  # RDT_DOMAINS_AHEAD_MAX


def items(data):
    """Numbers of the domain keys in root.json, which is whole at any time."""
    with open(os.path.join(data, "root.json"), encoding="utf-8") as file:
        return sorted(int(n) for n in re.findall(r'"domain/([0-9]+)"', file.read()))


class Changing(Life):
    changed = 0

    def round(self):
        try:
            server = self.server()
        except RuntimeError as error:
            return str(error)
        keys = child_of(server.process.pid, "redoubt-keys")
        self.load.start(self.env(server))
        came = self.load.wait(5, WAIT)
        before = items(self.data)
        asked = subprocess.Popen([REDOUBT, "root", "rotate", "--data", self.data], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        if self.changed < 2 or self.chance.random() < 0.7:  # a few rounds have to have changed something
            asked.wait(WAIT)
            self.changed += items(self.data) != before
        time.sleep(self.chance.choice((0, 0.01, 0.1, 0.8, 1.2, 2.2)) * self.chance.random())
        os.kill(keys, self.number)
        status = server.wait(WAIT)
        asked.wait(WAIT)
        wrong = self.load.join()
        if wrong or not came or status != (DROPPED if self.preload is not None else KILLED):
            return wrong or "status %s, answers came: %s\n%s" % (status, came, server.words())
        return None

    def settles(self):
        """What is under way comes to its end, on a server that is left alone."""
        try:
            server = self.server()
        except RuntimeError as error:
            return str(error)
        done = wait_for(lambda: len(items(self.data)) <= AHEAD + 1, WAIT)
        status = server.stop()
        return None if done and status == 0 else "items left: %s, status %s" % (items(self.data), status)


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print("# seed %d (FAULT_SEED)" % SEED)
    for name, life in (("%d kills" % ROUNDS, Changing(chance, signal.SIGKILL)),
                       ("%d kills that lose what was not synced" % ROUNDS, Changing(chance, signal.SIGUSR2, keep_some))):
        begin = time.monotonic()
        wrong = life.rounds(ROUNDS) or life.settles() or life.end()
        print("# %d acknowledged calls, domain keys %s, %d changes, %.0f s" % (
            len(life.load.acked), items(life.data), life.changed, time.monotonic() - begin))
        tap.ok(not wrong and life.changed > 1, name, wrong)
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
