#!/usr/bin/env python3
"""A key service that cannot start: its files are damaged, something that it needs is missing or taken, the disk is
full. Each is one clear line with a hint, and nothing in its folder changes. What a writer of the database does is in
functional/test_kms_start.py."""
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import REDOUBT, Tap, write  # noqa: E402
from server import tree_hash, wait_for  # noqa: E402
from service import Service, certificate, secret_file  # noqa: E402
from signing import call  # noqa: E402

FULL = 80 << 20  # bytes of a disk that a service fills


class Case:
    """A stopped service, and copies of its folder that are harmed."""

    def __init__(self, tap, top):
        self.tap, self.top = tap, top
        self.good = Service(top).open()
        call(self.good.env(), "TrentService.CreateKey", {})
        self.good.stop()

    def start(self, data, preexec=None, **fields):
        fields = dict({"data": data, "passphrase_file": self.good.words, "seal": "passphrase"}, **fields)
        done = subprocess.run([REDOUBT, "serve", "--config", self.good.config(**fields)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, preexec_fn=preexec, text=True)
        return done.returncode, done.stdout, done.stderr

    def refused(self, what, word, status=4, harm=None, data=None, **more):
        copy = data or os.path.join(self.top, "copy")
        if data is None:
            shutil.copytree(self.good.data, copy)
        if harm:
            harm(copy)
        before = tree_hash(copy)
        try:
            got, out, err = self.start(copy, **more)
        except subprocess.TimeoutExpired:
            got, out, err = None, "", "it started"
        lines = [line for line in err.splitlines() if line.startswith("redoubt: error: ")]
        hints = [line for line in err.splitlines() if line.startswith("redoubt: hint: ")]
        self.tap.ok(got == status and out == "" and len(lines) == 1 and word in lines[0] and len(hints) <= 1
                    and tree_hash(copy) == before, "%s: refused in one line, nothing changed" % what, "%s %s" % (got, err))
        self.tap.ok(len(hints) == 1, "%s: with a hint" % what, err)
        if data is None:
            shutil.rmtree(copy)


def cut(name, n):
    def harm(folder):
        with open(os.path.join(folder, name), "r+b") as file:
            file.truncate(n)
    return harm


def flip(name, at):
    def harm(folder):
        with open(os.path.join(folder, name), "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 1]))
    return harm


def limited(bytes_):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


def files(case):
    segment = os.path.join("audit", "00000000.seg")
    case.refused("the root is cut", "root.json", 3, cut("root.json", 100))
    case.refused("the root is empty", "root.json: is empty", 3, cut("root.json", 0))
    case.refused("the store is empty", "too short", harm=cut("store.db", 0))
    case.refused("the store is cut", "end is missing", harm=cut("store.db", 5000))
    case.refused("a byte of the log is another", "audit log", harm=flip(segment, 4096 + 100))
    case.refused("a byte of a segment's header is another", "audit log", harm=flip(segment, 60))
    case.refused("the log is empty", "segment", harm=cut(segment, 0))
    case.refused("the log is short", "5000 bytes", harm=cut(segment, 5000))
    case.refused("a segment of the log is missing", "is missing",
                 harm=lambda f: write(os.path.join(f, "audit", "00000007.seg"), "x"))
    case.refused("the log's public key is missing", "audit.pub", harm=lambda f: os.unlink(os.path.join(f, "audit", "audit.pub")))
    case.refused("the folder is empty", "root.json", 3, harm=lambda f: (shutil.rmtree(f), os.mkdir(f)))


def configuration(case, taken):
    none = os.path.join(case.top, "none.pem")
    other = certificate(case.top, "other")
    case.refused("the certificate is missing", none, 3, certificate=none)
    case.refused("the certificate's key is missing", none, 3, key=none)
    case.refused("the key is another's", "does not fit", 3, key=other[1])
    case.refused("the clients' CA is missing", none, 3, client_ca=none)
    case.refused("the clients' CA is no certificate", "no certificate", 3, client_ca=write(os.path.join(case.top, "no"), "x\n"))
    case.refused("the port is taken", "in use", listen=taken)
    case.refused("the address is none", "not an address", 3, listen="nowhere")
    case.refused("the passphrase's file is missing", none, 3, passphrase_file=none)
    case.refused("the passphrase is wrong", "passphrase is wrong",
                 passphrase_file=secret_file(os.path.join(case.top, "wrong"), "not these words\n"))
    case.refused("there is no such seal", "no seal", 3, seal="nobody")
    case.refused("files may not grow", "4096 bytes", preexec=limited(4096))


def full_disk(case):
    data = os.path.join(case.top, "full")
    os.mkdir(data)
    mount = ["mount", "-t", "tmpfs", "-o", "size=%d" % FULL, "none", data]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        case.tap.skip("a full disk", "mount needs root")
        return
    try:
        shutil.copytree(case.good.data, data, dirs_exist_ok=True)
        with open(os.path.join(data, "other"), "wb", buffering=0) as file:
            try:
                while file.write(b"\1" * 4096):
                    pass
            except OSError:
                pass
        case.refused("the disk is full", "no room", data=data)
        os.unlink(os.path.join(data, "other"))
        starts(case, "with room again it starts", data)
    finally:
        subprocess.run(["umount", "-l", data], check=True)


def starts(case, what, data, **fields):
    server = case.good
    server.start(data=data, passphrase_file=server.words, seal="passphrase", **fields)
    ok = server.line.startswith("ready ") and call(server.env(), "TrentService.ListKeys", {})[0] == 200
    case.tap.ok(ok, what, server.log())
    return server.stop()


def metrics(case, taken):
    """Metrics are not what keys wait for: they are tried again, later each time."""
    before = len(case.good.log())
    server = case.good.open(metrics=taken)
    wait_for(lambda: case.good.log()[before:].count("in use") >= 2)
    case.tap.ok(server.line.startswith("ready ") and call(server.env(), "TrentService.ListKeys", {})[0] == 200,
                "the metrics' port is taken: keys are served", case.good.log())
    said = case.good.log()[before:]
    case.tap.ok("jobs: listen at '%s': Address already in use" % taken in said and "ended by" not in said,
                "and it says so", said)
    server.stop()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top, socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        taken = "127.0.0.1:%d" % port.getsockname()[1]
        case = Case(tap, top)
        files(case)
        configuration(case, taken)
        full_disk(case)
        metrics(case, taken)
        starts(case, "untouched, it starts", case.good.data)
    tap.finish()


main()
