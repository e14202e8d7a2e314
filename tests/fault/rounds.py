"""What the fault tests share: running a program under dropsync.so until it dies, and its last words."""
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import ROOT, Tap  # noqa: E402,F401

BUILD = os.environ.get("REDOUBT_BUILD") or os.path.join(ROOT, "build")
DROPSYNC = os.environ.get("DROPSYNC") or os.path.join(BUILD, "tests", "fault", "dropsync.so")
STORE_MAIN = os.environ.get("STORE_MAIN") or os.path.join(BUILD, "tests", "fault", "store_main")
DROPPED = 99  # how a program ends that dropsync.so ended
SECONDS = 60


def folder():
    """A new folder that goes with the process."""
    made = tempfile.TemporaryDirectory(prefix="redoubt-fault-")
    folder.kept.append(made)
    return made.name


folder.kept = []


def preload(path):
    """A name for LD_PRELOAD, where a blank in a path would begin another one."""
    name = os.path.join(folder(), "preloaded.so")
    os.symlink(path, name)
    return name


def preloaded(where, **settings):
    """The environment that makes a program lose what it did not sync below `where`."""
    env = dict(os.environ, LD_PRELOAD=preloaded.name, DROPSYNC_DIR=where)
    env.update({"DROPSYNC_" + name.upper(): str(value) for name, value in settings.items()})
    return env


preloaded.name = preload(DROPSYNC)


class Run:
    """A program's lines as they come; its end."""

    def __init__(self, args, env=None):
        self.lines = []
        self.words = tempfile.TemporaryFile("w+")  # a pipe could fill while nobody reads it
        self.child = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=self.words, text=True)

    def read(self, n):
        """Up to n lines more; fewer when it ended."""
        for _ in range(n):
            line = self.child.stdout.readline()
            if not line:
                return
            self.lines.append(line.split())

    def end(self, number=None):
        """Send a signal, take what it still says, and wait."""
        if number is not None:
            self.child.send_signal(number)
        self.lines += [line.split() for line in self.child.stdout]
        self.status = self.child.wait(timeout=SECONDS)
        self.words.seek(0)
        self.err = self.words.read()
        return self

    def last(self, word):
        """The number in the last line that starts with the word; 0 if there is none."""
        return max([int(words[1]) for words in self.lines if words[0] == word], default=0)


def drop(run):
    return run.end(signal.SIGUSR2)
