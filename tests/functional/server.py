"""A server in a folder of its own, for the functional tests: `redoubt serve --dev` on a port that the
kernel picks."""
import hashlib
import os
import signal
import subprocess
import time

from harness import REDOUBT, redoubt

START_SECONDS = 60
AWS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_CA_BUNDLE", "AWS_ACCESS_KEY_ID",
       "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
for name in AWS:
    os.environ.pop(name, None)  # nobody's own server


def env_file(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


CLOSED = ("store.db-shm", "store.db-wal", ".lock")


def tree_hash(folder):
    """Over the names and bytes of all files."""
    total = hashlib.sha256()
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            if name.endswith(CLOSED) and os.path.getsize(path) == 0:
                continue  # what a lock leaves
            total.update(os.path.relpath(path, folder).encode() + b"\0")
            with open(path, "rb") as file:
                total.update(hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def child_of(parent, name):
    """The process of that name that another one started, or None."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8", errors="replace") as file:
                comm, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue  # gone meanwhile
        if comm == name and int(rest.split()[1]) == parent:
            return int(pid)
    return None


class Server:
    """env: more variables of its environment."""

    def __init__(self, folder, *args, env=None):
        self.data = folder
        self.args = args
        self.more = env or {}
        self.process = None
        self.url = ""

    def start(self, listen="127.0.0.1:0"):
        words = [REDOUBT, "serve", "--dev", "--data", self.data, "--listen", listen]
        # the words to a file: a full pipe would stop the server
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen(words + list(self.args), stdout=subprocess.PIPE, stderr=self.log,
                                        env=dict(os.environ, **self.more))
        line = self.process.stdout.readline().decode()
        if not line.startswith("ready "):
            self.stop()
            raise RuntimeError("the server does not start: %s%s" % (line, self.words()))
        self.url = line.split()[1]
        return self

    def words(self):
        """What it said last, over all its starts."""
        with open(self.data + ".log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        return self.wait(START_SECONDS)

    def wait(self, seconds):
        """Its exit status, when somebody else ends it."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def env(self, who="dev"):
        """Of the administrator, or of the application ("app")."""
        env = env_file(os.path.join(self.data, who + ".env"))
        env["AWS_ENDPOINT_URL"] = self.url
        return env

    def admin(self, *args, **more):
        return redoubt(*args, env=dict(self.env(), **more.pop("env", {})), **more)


def wait_for(what, seconds=30):
    """Until what() is true, or the time is up."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()
