#!/usr/bin/env python3
"""The processes of `redoubt serve`: told to stop under load, told to read certificates again, started by a service
manager, killed one by one, with a log or a store that somebody takes away."""
import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from kms_load import Caller, Load
from test_kms_kill import in_log, verified

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import REDOUBT, Tap  # noqa: E402
from server import child_of, wait_for  # noqa: E402
from service import Service, certificate  # noqa: E402
from signing import call  # noqa: E402

SECONDS = 60
FIRST_FD = 3


def address(service):
    at = urllib.parse.urlsplit(service.url)
    return at.hostname, at.port


def get(service, path):
    """(status, text) of a page for anybody."""
    connection = http.client.HTTPSConnection(*address(service), timeout=SECONDS,
                                             context=ssl.create_default_context(cafile=service.pem))
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def works(service, name="ListKeys", **body):
    return call(service.env(), "TrentService." + name, body)[0] == 200


def gone(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# ---- stop and reload ----

def stop_under_load(tap, service):
    load = Load(4, random.Random(1))
    for number in range(3):
        service.open()
        load.start(service.env())
        load.wait(100, SECONDS)
        status = service.stop()
        wrong = load.join()
        tap.ok(status == 0 and not wrong, "stop %d under load: what was begun is finished" % number, "%s %s" % (status, wrong))
    service.open()
    wrong = load.check_all(service.env())
    service.stop()
    wrong = wrong or verified(service.data) or in_log(service.data, load.acked)
    tap.ok(not wrong, "everything that was answered is there, and in the log", wrong)


def reload(tap, service):
    service.open()
    first = ssl.get_server_certificate(address(service))
    kept = Caller(service.env(), {})
    kept.good("ListKeys")
    second = certificate(service.folder, "second")
    old = [os.path.join(service.folder, name) for name in ("old.pem", "old.key")]
    for new, path, copy in zip(second, (service.pem, service.key), old):
        shutil.copy(path, copy)
        os.replace(new, path)
    service.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: ssl.get_server_certificate(address(service)) != first), "SIGHUP: new connections get the new certificate")
    kept.good("ListKeys")
    tap.ok(works(service), "an open connection goes on, a new one works")
    new = ssl.get_server_certificate(address(service))
    with open(service.pem, "w", encoding="utf-8") as file:
        file.write("no certificate\n")
    service.process.send_signal(signal.SIGHUP)
    tap.ok(wait_for(lambda: "certificates kept as they were" in service.log()), "a broken file is refused", service.log())
    tap.ok(ssl.get_server_certificate(address(service)) == new, "and the certificate stays")
    for path, copy in zip((service.pem, service.key), old):
        os.replace(copy, path)
    tap.ok(service.stop() == 0, "and it stops well")


# ---- a service manager ----

class Manager:
    """What systemd is to a server: a socket for its words, and one that listens."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.words = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.words.bind(self.path)
        self.words.settimeout(SECONDS)
        self.port = socket.socket()
        self.port.bind(("127.0.0.1", 0))
        self.port.listen(64)

    def start(self, service, fds=1):
        """With the variables that systemd sets; LISTEN_PID is the server's own, so a shell writes it."""
        config = service.config(listen="127.0.0.1:1", passphrase_file=service.words, seal="passphrase")
        command = "LISTEN_PID=$$ exec \"$0\" serve --config \"$1\""
        listening = self.port.fileno()

        def hand_over():
            os.dup2(listening, FIRST_FD, inheritable=True)

        with open(os.path.join(service.folder, "log"), "ab") as log:
            service.process = subprocess.Popen(["/bin/sh", "-c", command, REDOUBT, config], stdout=subprocess.PIPE, stderr=log,
                                               env=dict(os.environ, NOTIFY_SOCKET=self.path, LISTEN_FDS=str(fds)),
                                               preexec_fn=hand_over, close_fds=False)

    def hears(self):
        return self.words.recv(4096).decode()


def managed(tap, service):
    manager = Manager(service.folder)
    service.url = "https://127.0.0.1:%d" % manager.port.getsockname()[1]
    waiting = []
    client = threading.Thread(target=lambda: waiting.append(works(service)))
    client.start()  # before there is a server: the port is the manager's
    manager.start(service)
    said = manager.hears()
    tap.ok(said.startswith("READY=1\n") and "STATUS=serving" in said, "the service manager is told when it is ready", said)
    client.join()
    tap.ok(waiting == [True], "who came before the server did is served, on the manager's socket")
    service.process.send_signal(signal.SIGTERM)
    tap.ok(manager.hears() == "STOPPING=1", "it is told of the end")
    tap.ok(service.process.wait(SECONDS) == 0, "which comes")
    service.process.stdout.close()
    client = threading.Thread(target=lambda: waiting.append(works(service)))
    client.start()
    manager.start(service)
    client.join()
    tap.ok(waiting == [True, True], "between two servers nobody is sent away")
    manager.hears()
    service.stop()
    os.environ["NOTIFY_SOCKET"] = "@redoubt-test-%d" % os.getpid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.bind("\0" + os.environ["NOTIFY_SOCKET"][1:])
        abstract.settimeout(SECONDS)
        service.open()
        tap.ok(abstract.recv(4096).startswith(b"READY=1"), "also at an abstract address")
        service.stop()
    del os.environ["NOTIFY_SOCKET"]


def not_ours(tap, service):
    """Variables that were meant for another process, or that make no sense, are not believed."""
    for pid, fds in (("1", "1"), ("$$", "0"), ("$$", "-1"), ("$$", "99"), ("x", "1"), ("$$", "1x")):
        config = service.config(passphrase_file=service.words, seal="passphrase")
        command = "LISTEN_PID=%s LISTEN_FDS=%s exec \"$0\" serve --config \"$1\"" % (pid, fds)
        service.process = subprocess.Popen(["/bin/sh", "-c", command, REDOUBT, config], stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL)
        service.line = service.process.stdout.readline().decode().strip()
        service.url = service.line.split()[-1] if service.line else ""
        tap.ok(service.url and works(service), "LISTEN_PID=%s LISTEN_FDS=%s: it listens by itself" % (pid, fds), service.line)
        service.stop()


# ---- processes that die ----

def metrics(port, path="/metrics"):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return None


def jobs_die(tap, service, port):
    jobs = child_of(service.process.pid, "redoubt-jobs")
    tap.ok(wait_for(lambda: 'redoubt_kms_calls_total{operation="ListKeys",result="ok"}' in (metrics(port) or "")),
           "metrics count calls", metrics(port))
    tap.ok(metrics(port, "/") is None and metrics(port, "/v1/x") is None, "and there is nothing else")
    os.kill(jobs, signal.SIGKILL)
    tap.ok(works(service), "without jobs keys are served")
    tap.ok(wait_for(lambda: child_of(service.process.pid, "redoubt-jobs") not in (None, jobs)), "jobs are started again")
    tap.ok(wait_for(lambda: "redoubt_kms_calls_total" in (metrics(port) or "")), "and metrics come back")
    tap.ok("the jobs process was ended by signal 9" in service.log(), "which is said", service.log())


def keys_die(tap, service):
    port = free_port()
    service.open(metrics="127.0.0.1:%d" % port)
    works(service)
    jobs_die(tap, service, port)
    jobs = child_of(service.process.pid, "redoubt-jobs")
    os.kill(child_of(service.process.pid, "redoubt-keys"), signal.SIGKILL)
    tap.ok(service.process.wait(SECONDS) == 128 + signal.SIGKILL, "without keys the whole ends, with a status")
    tap.ok(wait_for(lambda: gone(jobs)), "and jobs are gone")
    service.process.stdout.close()
    service.open(metrics="127.0.0.1:%d" % port)
    tap.ok(works(service), "the next start works")
    keys, jobs = (child_of(service.process.pid, "redoubt-" + name) for name in ("keys", "jobs"))
    service.process.kill()
    service.process.wait()
    tap.ok(wait_for(lambda: gone(keys) and gone(jobs)), "without the one who started them both end")
    service.process.stdout.close()
    service.open()
    tap.ok(works(service), "and the next start works")
    service.stop()


# ---- files that are taken away ----

def refused(service, name, **body):
    status, answer = call(service.env(), "TrentService." + name, body)
    return status == 500 and answer["__type"] == "KMSInternalException"


def taken_away(tap, service, what, harm, mend):
    service.open()
    key = call(service.env(), "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    harm()
    tap.ok(wait_for(lambda: get(service, "/readyz")[0] == 503), "%s: not ready" % what)
    tap.ok(refused(service, "Encrypt", KeyId=key, Plaintext="eA==") and refused(service, "DisableKey", KeyId=key)
           and refused(service, "ListKeys"), "%s: no call is answered" % what)
    tap.ok(get(service, "/healthz") == (200, "alive\n"), "%s: though it lives" % what)
    service.stop()
    mend()
    service.open()
    state = call(service.env(), "TrentService.DescribeKey", {"KeyId": key})[1]["KeyMetadata"]["KeyState"]
    tap.ok(works(service, "Encrypt", KeyId=key, Plaintext="eA==") if state == "Enabled" else state == "Disabled",
           "%s: put back, it starts" % what, state)
    service.stop()


def log_taken_away(tap, service):
    audit, away = os.path.join(service.data, "audit"), os.path.join(service.folder, "away")
    segment = os.path.join(audit, "00000000.seg")

    def move_folder():
        os.rename(audit, away)
        shutil.copytree(away, audit)

    def folder_back():
        shutil.rmtree(audit)
        os.rename(away, audit)

    def move_segment():
        os.rename(segment, away)
        shutil.copy(away, segment)

    def segment_back():
        os.rename(away, segment)

    taken_away(tap, service, "the log's folder is replaced by a copy", move_folder, folder_back)
    taken_away(tap, service, "a segment is replaced by a copy", move_segment, segment_back)
    taken_away(tap, service, "a segment is renamed", lambda: os.rename(segment, away), segment_back)

    def unlink():
        os.link(segment, away)  # the only way back
        os.unlink(segment)

    taken_away(tap, service, "a segment is deleted", unlink, segment_back)


def store_taken_away(tap, service):
    """A copy in the store's place: whoever made it could put it back later, so no change goes on beside it."""
    store = os.path.join(service.data, "store.db")
    service.open()
    key = call(service.env(), "TrentService.CreateKey", {})[1]["KeyMetadata"]["KeyId"]
    shutil.copy(store, store + ".copy")
    os.replace(store + ".copy", store)
    got = [call(service.env(), "TrentService.DisableKey", {"KeyId": key}) for _ in range(3)]
    tap.ok(all(status == 500 and "store.db" not in json.dumps(answer) for status, answer in got),
           "the store is replaced by a copy: no more changes", got)
    tap.ok(works(service, "Encrypt", KeyId=key, Plaintext="eA=="), "what changes nothing goes on")
    service.stop()
    tap.ok(not verified(service.data), "the log is good", verified(service.data))


def strangers_take_descriptors(tap, service):
    """Who connects and says nothing does not keep the operator out, nor the log from its next segment."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        service.open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    keys = child_of(service.process.pid, "redoubt-keys")
    idle = [socket.create_connection(address(service), timeout=SECONDS) for _ in range(300)]
    wait_for(lambda: len(os.listdir("/proc/%d/fd" % keys)) >= 100)
    begin = time.monotonic()
    got = service.root("status")
    tap.ok(got.status == 0 and "server: serving" in got.out and time.monotonic() - begin < 10, "300 idle strangers, 200 descriptors: root status", got)
    taken = len(os.listdir("/proc/%d/fd" % keys))
    tap.ok(taken < 120, "descriptors are left", taken)
    for sock in idle:
        sock.close()
    tap.ok(works(service, "CreateKey"), "and once they are gone everybody is served")
    service.stop()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        service = Service(top)
        for part in (stop_under_load, reload, managed, not_ours, keys_die, log_taken_away, store_taken_away,
                     strangers_take_descriptors):
            begin = time.monotonic()
            part(tap, service)
            print("# %s: %.1f s" % (part.__name__, time.monotonic() - begin))
    tap.finish()


if __name__ == "__main__":
    main()
