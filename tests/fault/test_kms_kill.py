#!/usr/bin/env python3
"""The key service killed again and again under load, with and without what was not synced: every acknowledged
change is there, every acknowledged call is in the audit log, no key is lost, old ciphertexts decrypt. And the same
test fails where syncs do nothing, which proves that it can."""
import os
import random
import re
import signal
import subprocess
import sys
import time

from kms_load import Load
from rounds import DROPPED, Tap, folder, preloaded

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from audit_reader import Bad, Log  # noqa: E402
from harness import REDOUBT, SANITIZED  # noqa: E402
from server import Server, child_of, env_file  # noqa: E402

ROUNDS = 20 if SANITIZED else 200
CLIENTS = 4
SEED = int(os.environ.get("FAULT_SEED") or random.randrange(1 << 31))
WAIT = 60
KILLED = 128 + signal.SIGKILL
REVISION = 19  # fields of an audit record: docs/formats/audit-record.md
ID, OPERATION, FAULT = 3, 4, 13


class Life:
    """One folder, one server after the other."""

    def __init__(self, chance, number, preload=None):
        self.data = os.path.join(folder(), "data")
        os.mkdir(self.data)  # dropsync.so watches what is there
        self.chance, self.number, self.preload = chance, number, preload
        self.load = Load(CLIENTS, chance)

    def server(self):
        more = {}
        if self.preload is not None:
            more = preloaded(self.data, seed=self.chance.randrange(1 << 31), **self.preload(self.chance))
            more["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        server = Server(self.data, env=more)
        server.start()
        return server

    def env(self, server):
        return dict(env_file(os.path.join(self.data, "dev.env")), AWS_ENDPOINT_URL=server.url)

    def round(self):
        """Start, load, kill; a complaint, or None."""
        try:
            server = self.server()
        except RuntimeError as error:
            return str(error)
        keys = child_of(server.process.pid, "redoubt-keys")
        self.load.start(self.env(server))
        came = self.load.wait(self.chance.choice((1, 2, 5, 20, 60, 120)), WAIT)
        time.sleep(self.chance.random() / 500)  # not always right behind an answer
        os.kill(keys, self.number)
        status = server.wait(WAIT)
        wrong = self.load.join()
        want = DROPPED if self.preload is not None else KILLED
        if wrong or not came or status != want:
            return wrong or "status %s, answers came: %s\n%s" % (status, came, server.words())
        return None

    def rounds(self, n):
        for number in range(n):
            wrong = self.round()
            if wrong:
                return "round %d: %s" % (number, wrong)
        return None

    def end(self):
        """Everything, once more, on a server that is left alone and stopped well."""
        try:
            server = self.server()
        except RuntimeError as error:
            return str(error)
        wrong = self.load.check_all(self.env(server))
        status = server.stop()
        if status != 0:
            return wrong or "stopped with status %s" % status
        return wrong or verified(self.data) or in_log(self.data, self.load.acked)


def verified(data):
    done = subprocess.run([REDOUBT, "audit", "verify", "--data", data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=WAIT)
    return None if done.returncode == 0 else "audit verify: %d %s" % (done.returncode, done.stdout)


class Fast(Log):
    """Checkpoints are left to `audit verify`: this reader takes its time over each signature."""

    def take_checkpoint(self, bytes_):
        self.checkpoints.append(bytes_)


def fields(record):
    at, out = 0, {}
    while at < len(record):
        n = int.from_bytes(record[at + 1:at + 4], "big")
        out[record[at]] = record[at + 4:at + 4 + n]
        at += 4 + n
    return out


def in_log(data, acked):
    """What is wrong with the log beside what was answered."""
    try:
        records = [fields(record) for record in Fast(os.path.join(data, "audit")).records]
    except Bad as error:
        return "the log: %s" % error
    there = {}
    for record in records:
        if there.setdefault(record.get(ID), record) is not record:
            return "a record is there twice: %s" % record
    for id_, (operation, fault) in acked.items():
        record = there.get(id_)
        if record is None:
            return "%s %s, answered with %s, is not in the log" % (operation, id_.hex(), fault or "success")
        if record[OPERATION].decode() != operation or record.get(FAULT, b"").decode() != (fault or ""):
            return "%s %s, answered with %s, is recorded as %s" % (operation, id_.hex(), fault or "success", record)
    changes = [int.from_bytes(record[REVISION], "big") for record in records if REVISION in record]
    if changes != list(range(1, len(changes) + 1)):
        return "the records' revisions are not one after the other"
    return None


def keep_some(chance):
    """Half of the rounds lose all that was not synced, half a part of it. Syncs take their time, so that an answer
    that does not wait for them is caught."""
    return dict({"keep": chance.choice((20, 50, 80))} if chance.random() < 0.5 else {}, slow=1000)


def main():
    tap = Tap()
    chance = random.Random(SEED)
    print("# seed %d (FAULT_SEED)" % SEED)
    for name, life in (("%d kills" % ROUNDS, Life(chance, signal.SIGKILL)),
                       ("%d kills that lose what was not synced" % ROUNDS, Life(chance, signal.SIGUSR2, keep_some))):
        begin = time.monotonic()
        wrong = life.rounds(ROUNDS) or life.end()
        print("# %d acknowledged calls, %.0f s" % (len(life.load.acked), time.monotonic() - begin))
        tap.ok(not wrong and len(life.load.acked) > 10 * ROUNDS, name, wrong)
    life = Life(chance, signal.SIGUSR2, lambda _: {"deaf": 1})
    wrong = life.rounds(10) or life.end()
    tap.ok(wrong, "where syncs do nothing the same test fails", "it did not")
    print("# " + re.sub(r"\s+", " ", wrong or "")[:300])
    tap.finish()


if __name__ == "__main__":
    sys.exit(main())
