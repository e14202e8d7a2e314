"""A key service made with `root init`, and the server on it, for the functional tests: a passphrase and three
shares of five open its root."""
import os
import signal
import subprocess
import time

from harness import REDOUBT, redoubt, write
from server import env_file

WORDS = "correct horse battery staple"
CHEAP = ["--argon-memory", "19", "--argon-passes", "1"]


def secret_file(path, text):
    write(path, text)
    os.chmod(path, 0o600)
    return path


def certificate(folder, name="server"):
    """NAME.pem and NAME.key for 127.0.0.1, signed by itself."""
    pem, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem],
                   check=True, stderr=subprocess.DEVNULL)
    return pem, key


class Service:
    """Everything lies in one folder: data (the server's), words, shares/, server.pem, server.yaml, alice.env."""

    def __init__(self, folder, seals=("passphrase", "shamir")):
        self.folder, self.data = folder, os.path.join(folder, "data")
        self.words = secret_file(os.path.join(folder, "words"), WORDS + "\n")
        self.pem, self.key = certificate(folder)
        self.process, self.line, self.url = None, "", ""
        args = [word for seal in seals for word in ("--seal", seal)]
        got = redoubt("root", "init", "--data", self.data, "--passphrase-file", self.words, "--shares-dir",
                      os.path.join(folder, "shares"), *args, *CHEAP)
        assert got.status == 0, got
        got = redoubt("root", "admin", "alice", "--data", self.data, "--person", "Alice A", "--open-with", "passphrase", "--passphrase-file", self.words,
                      "-o", os.path.join(folder, "alice.env"))
        assert got.status == 0, got

    def shares(self):
        shares = os.path.join(self.folder, "shares")
        return [os.path.join(shares, name) for name in sorted(os.listdir(shares))]

    def config(self, **fields):
        """server.yaml; a field that is None is left out."""
        all_fields = dict({"data": self.data, "listen": "127.0.0.1:0", "certificate": self.pem, "key": self.key}, **fields)
        return write(os.path.join(self.folder, "server.yaml"),
                     "".join("%s: %s\n" % (k, v) for k, v in all_fields.items() if v is not None))

    def start(self, env=None, **fields):
        """Sealed unless passphrase_file is given; waits for its first line."""
        return self.start_file(self.config(**fields), env)

    def start_file(self, config, env=None):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([REDOUBT, "serve", "--config", config], stdout=subprocess.PIPE, stderr=log,
                                            env=dict(os.environ, **(env or {})))
        self.line = self.process.stdout.readline().decode().strip()
        self.url = self.line.split()[-1] if self.line else ""
        return self

    def open(self, **fields):
        return self.start(passphrase_file=self.words, seal="passphrase", **fields)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return status

    def env(self, name="alice.env"):
        return dict(env_file(os.path.join(self.folder, name)), AWS_ENDPOINT_URL=self.url, AWS_REGION="local-1",
                    AWS_CA_BUNDLE=self.pem)

    def admin(self, *args, **more):
        return redoubt(*args, env=self.env(), **more)

    def root(self, verb, *args, **more):
        return redoubt("root", verb, "--data", self.data, *args, preexec=os.setsid, **more)


def children(pid):
    """The processes below one: those of a server."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if parent == pid:
                found.append(int(name))
    return found


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()
