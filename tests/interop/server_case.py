"""What the tests of the HTTPS server share: certificates, server_main with its commands, TLS
connections of several kinds, and a strict reader of answers."""
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import FOLDER, bail, make_ca, make_cert, result, run, started  # noqa: E402

PROGRAM = os.environ.get("SERVER_MAIN", "server_main")
SANITIZED = os.environ.get("REDOUBT_SANITIZED") == "1"
SECONDS = 30
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) ([^\r\n]+)\r\n((?:[A-Za-z-]+: [^\r\n]*\r\n)*)\r\n")


def path(name):
    return os.path.join(FOLDER, name)


def certificates():
    make_ca("root")
    make_cert("server", "DNS:localhost,IP:127.0.0.1")


class Server:
    def __init__(self, *options, listen=("127.0.0.1:0",), cert="server", tls=True, **kwargs):
        command = [PROGRAM, *options]
        if tls:
            command += ["--cert", path(cert + ".pem"), "--key", path(cert + ".key")]
        else:
            command += ["--plain"]
        self.tls = tls
        self.process = subprocess.Popen(command + list(listen), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        cwd=FOLDER, **kwargs)
        started.append(self.process)
        ready = self.process.stdout.readline().split()
        if not ready or ready[0] != "ready":
            bail("server_main %s did not start" % " ".join(options))
        self.port = int(ready[1])

    def tell(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def ask(self, words):
        self.tell(words)
        return self.process.stdout.readline().strip()

    def counts(self):
        return json.loads(self.ask("counts"))

    def reasons(self):
        return self.ask("refused")[len("refused"):].strip()

    def stop(self, grace_ms=5000):
        """The last counts; 0 must be how it exits, which under a sanitizer is also its verdict."""
        last = json.loads(self.ask("stop %d" % grace_ms))
        status = self.process.wait(SECONDS)
        if status != 0:
            bail("server_main ended with %s" % status)
        return last

    def connect(self, context=None, session=None, wrap=True):
        sock = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        if not self.tls or not wrap:
            return sock
        context = context or client()
        return context.wrap_socket(sock, server_hostname="localhost", session=session)


def client(cert=None, version=None, check=True):
    context = ssl.create_default_context(cafile=path("root.pem"))
    if not check:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        context.load_cert_chain(path(cert + ".pem"), path(cert + ".key"))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def get(target="/", *lines, method="GET", body=b""):
    """A request's bytes."""
    head = ["%s %s HTTP/1.1" % (method, target), "Host: localhost", *lines]
    if body:
        head.append("Content-Length: %d" % len(body))
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


class Answer:
    def __init__(self, status, words, fields, body):
        self.status, self.words, self.fields, self.body = status, words, fields, body
        self.text = body.decode("latin-1")

    def __repr__(self):
        return "%d %s %s %s" % (self.status, self.words, self.fields, self.text[:120])


class Reader:
    """Answers out of a connection, one after the other; anything odd is an error."""

    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def more(self):
        got = self.sock.recv(65536)
        self.held += got
        return bool(got)

    def head(self):
        while b"\r\n\r\n" not in self.held:
            if not self.more():
                return None
        m = HEAD.match(self.held)
        if not m:
            raise ValueError("not an answer: %r" % self.held[:200])
        self.held = self.held[m.end():]
        fields = dict(line.split(": ", 1) for line in m.group(3).decode().splitlines())
        return int(m.group(1)), m.group(2).decode(), fields

    def answer(self, bare=False):
        """The next one, or None when the server closed instead."""
        head = self.head()
        if head is None:
            return None
        n = 0 if bare else int(head[2].get("Content-Length", 0))
        while len(self.held) < n:
            if not self.more():
                raise ValueError("body cut short: %d of %d" % (len(self.held), n))
        body, self.held = self.held[:n], self.held[n:]
        if b"user memory is not zero" in body:
            raise ValueError("the caller's memory is not wiped")
        return Answer(*head, body)

    def at_end(self):
        """Whether the server has closed and sent nothing further."""
        try:
            return not self.held and not self.more()
        except (ConnectionResetError, ssl.SSLEOFError):
            return not self.held


def talk(server, request, bare=False, **kwargs):
    """One request on a connection of its own: the answer."""
    with server.connect(**kwargs) as sock:
        sock.sendall(request)
        return Reader(sock).answer(bare)


def reset(sock):
    """Close so that the peer sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def eventually(condition, seconds=SECONDS):
    """Whether it becomes true; for what another process does soon."""
    import time
    for _ in range(seconds * 20):
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def closed(server):
    return eventually(lambda: server.counts()["open"] == 0)


__all__ = ["Answer", "FOLDER", "PROGRAM", "Reader", "SANITIZED", "SECONDS", "Server", "bail", "certificates", "client", "closed",
           "eventually", "get", "make_ca", "make_cert", "path", "reset", "result", "run", "talk"]
