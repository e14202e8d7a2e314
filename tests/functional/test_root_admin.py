#!/usr/bin/env python3
"""A service made with `root init`: its first administrator, a server on a socket that it was given as systemd gives one,
and administrators that are made again when all are lost. Prints TAP.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, Tap, redoubt, write  # noqa: E402
from server import env_file  # noqa: E402

CONFIG = "data: %s/d\nlisten: 127.0.0.1:1\ncertificate: %s/server.pem\nkey: %s/server.key\nseal: passphrase\npassphrase_file: %s/pass\n"


def make_files(folder):
    write(os.path.join(folder, "pass"), "correct horse battery staple")
    write(os.path.join(folder, "wrong"), "wrong horse battery staple")
    os.chmod(os.path.join(folder, "pass"), 0o600)
    os.chmod(os.path.join(folder, "wrong"), 0o600)
    write(os.path.join(folder, "server.yaml"), CONFIG % (folder, folder, folder, folder))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    os.path.join(folder, "server.key"), "-out", os.path.join(folder, "server.pem")],
                   check=True, stderr=subprocess.DEVNULL)


def start(folder):
    """(process, port): the socket is bound here and handed over as descriptor 3."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    log = open(os.path.join(folder, "log"), "ab")
    process = subprocess.Popen(
        ["sh", "-c", 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "%s" serve --config "%s/server.yaml"' % (
            listening.fileno(), REDOUBT, folder)],
        pass_fds=[listening.fileno()], stdout=subprocess.PIPE, stderr=log)
    line = process.stdout.readline().decode()
    port = listening.getsockname()[1]
    listening.close()
    log.close()
    return process, port, line


def env_of(folder, name, port):
    return dict(env_file(os.path.join(folder, name)), AWS_REGION="local-1", AWS_ENDPOINT_URL="https://127.0.0.1:%d" % port,
                AWS_CA_BUNDLE=os.path.join(folder, "server.pem"))


def stop(process):
    process.terminate()
    status = process.wait(60)
    process.stdout.close()
    return status


def test_first(tap, folder):
    data, pass_file = os.path.join(folder, "d"), os.path.join(folder, "pass")
    got = redoubt("root", "admin", "alice", "--data", data, "--passphrase-file", pass_file)
    tap.ok(got.status == 3, "there is no service yet", got)
    got = redoubt("root", "init", "--data", data, "--seal", "passphrase", "--seal", "shamir", "--passphrase-file", pass_file,
                  "--shares-dir", os.path.join(folder, "shares"), "--argon-memory", "64")
    tap.ok(got.status == 0, "root init", got)
    got = redoubt("root", "admin", "alice", "--data", data, "--passphrase-file", os.path.join(folder, "wrong"))
    tap.ok(got.status == 4 and "AWS_SECRET" not in got.out, "a wrong passphrase makes no administrator", got)
    got = redoubt("root", "admin", "alice", "--data", data, "--passphrase-file", pass_file, "-o", os.path.join(folder, "alice.env"))
    tap.ok(got.status == 0 and os.stat(os.path.join(folder, "alice.env")).st_mode & 0o777 == 0o600, "root admin", got)
    got = redoubt("root", "admin", "a b", "--data", data, "--passphrase-file", pass_file)
    tap.ok(got.status != 0 and "ValidationException" in got.err, "a name with a blank is refused", got)
    got = redoubt("root", "admin", "alice")
    tap.ok(got.status == 3 and "--data" in got.err, "--data has to be given", got)


def test_server(tap, folder):
    data = os.path.join(folder, "d")
    process, port, line = start(folder)
    tap.ok(line == "ready https://127.0.0.1:%d\n" % port, "a server on the socket that it was given", line)
    alice = env_of(folder, "alice.env", port)
    got = redoubt("principal", "list", env=alice)
    tap.ok(got.status == 0 and "alice" in got.out, "alice is an administrator", got)
    got = redoubt("root", "admin", "mallory", "--data", data, "--passphrase-file", os.path.join(folder, "pass"))
    tap.ok(got.status == 4 and "stop the server" in got.err, "beside a running server: refused, with a hint", got)
    got = redoubt("principal", "disable", "alice", env=alice)
    tap.ok(got.status == 0 and redoubt("principal", "list", env=alice).status == 4, "alice locks herself out", got)
    tap.ok(stop(process) == 0, "the server stops")
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
        tap.ok(True, "and nobody keeps its port")


def test_again(tap, folder):
    data, shares = os.path.join(folder, "d"), os.path.join(folder, "shares")
    files = [os.path.join(shares, name) for name in sorted(os.listdir(shares))]
    with_shares = lambda n: [word for file in files[:n] for word in ("--share-file", file)]
    got = redoubt("root", "admin", "alice", "--data", data, *with_shares(2))
    tap.ok(got.status in (3, 4), "two shares of three are not enough", got)
    got = redoubt("root", "admin", "alice", "--data", data, *with_shares(3), "-o", os.path.join(folder, "again.env"))
    tap.ok(got.status == 0, "three shares bring alice back", got)
    process, port, _ = start(folder)
    got = redoubt("principal", "show", "alice", env=env_of(folder, "again.env", port))
    tap.ok(got.status == 0 and re.search(r"state +enabled", got.out) and len(re.findall("access key", got.out)) == 2,
           "she is enabled, and has two access keys", got)
    got = redoubt("audit", "search", "--operation", "CredentialCreate", env=env_of(folder, "again.env", port))
    tap.ok(got.status == 0 and len(got.out.splitlines()) == 3, "both are in the audit log", got)
    stop(process)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        test_first(tap, folder)
        test_server(tap, folder)
        test_again(tap, folder)
    tap.finish()


if __name__ == "__main__":
    main()
