#!/usr/bin/env python3
"""Encrypt, Decrypt and GenerateDataKey at 1, 16 and 64 connections kept open, each call signed and its audit record
on disk before the answer, beside a peer in the same run: at 64 nginx with a canned answer of the same size, at 1 and
16 our HTTPS server with a canned answer that appends a record of the same size to a log of the same kind.

Every server has the first processor, one worker, the same certificate and TLS 1.3; the load generator (load.c, which
takes turns of a quarter of a second and replays requests signed beforehand, as wrk cannot) has the second. Rates,
times and the ratio of the rates are medians of turns that are taken one beside the other. The design's bar is a ratio
of 0.80. With REDOUBT_BENCH_QUICK=1 it only shows that it works. Prints TAP; each line ends with `ratio N.NN`.
"""
import base64
import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from bench_server import NGINX, Server, free_port, missing, pinned
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
import audit_reader  # noqa: E402
import signing  # noqa: E402

REDOUBT = os.environ.get("REDOUBT", "redoubt")
CANNED = os.environ["REDOUBT_SERVER_CANNED"]
LOAD = os.environ["REDOUBT_LOAD"]
QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
TURNS, TURN_MS = (2, 20) if QUICK else (7, 250)
CONNECTIONS = (1, 16, 64)
OPERATIONS = ("Encrypt", "Decrypt", "GenerateDataKey")
KEYS, TEXTS = 8, 64  # requests of one operation that differ
BAR = 0.80


def say(text):
    print("# " + text)
    sys.stdout.flush()


# ---- the key service ----

def env_of(folder, who):
    with open(os.path.join(folder, who + ".env"), encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)


def call(env, operation, body):
    status, answer = signing.call(env, "TrentService." + operation, body)
    if status != 200:
        raise RuntimeError("%s: %s" % (operation, answer))
    return answer


def context(i):
    return {"tenant": "clinic-%d" % (i % 16)}


def data_dir(folder):
    """Made by `serve --dev`; keys in it, and the bodies of the requests that will be asked."""
    data = os.path.join(folder, "data")
    server = Redoubt([REDOUBT, "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0"], folder)
    try:
        admin, app = env_of(data, "dev"), env_of(data, "app")
        admin["AWS_ENDPOINT_URL"] = app["AWS_ENDPOINT_URL"] = server.url
        keys = [call(admin, "CreateKey", {})["KeyMetadata"]["KeyId"] for _ in range(KEYS)]
        plain = base64.b64encode(b"32 bytes, as a data key would be").decode()
        bodies = {name: [] for name in OPERATIONS}
        for i in range(TEXTS):
            key = keys[i % KEYS]
            bodies["Encrypt"].append({"KeyId": key, "Plaintext": plain, "EncryptionContext": context(i)})
            bodies["GenerateDataKey"].append({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context(i)})
            if i < 2 * KEYS:
                blob = call(app, "Encrypt", bodies["Encrypt"][i])["CiphertextBlob"]
            bodies["Decrypt"].append({"CiphertextBlob": blob, "EncryptionContext": context(min(i, 2 * KEYS - 1))})
        sizes = {name: len(json.dumps(call(app, name, bodies[name][0]), separators=(",", ":"))) for name in OPERATIONS}
    finally:
        server.stop()
    records = audit_reader.Log(os.path.join(data, "audit")).records[-len(OPERATIONS):]
    return data, bodies, dict(zip(OPERATIONS, zip((sizes[name] for name in OPERATIONS), map(len, records))))


class Redoubt(Server):
    def __init__(self, words, folder):
        self.log = open(os.path.join(folder, "redoubt.log"), "ab")
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = process.stdout.readline()
        if not line.startswith("ready "):
            with open(self.log.name, encoding="utf-8", errors="replace") as file:
                raise RuntimeError("the server does not start: " + file.read()[-1000:])
        self.url = line.split()[1]
        super().__init__("redoubt", process, urllib.parse.urlsplit(self.url).port)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stdout.close()
        self.log.close()


def start_ours(folder, data, metrics):
    config = os.path.join(folder, "redoubt.yaml")
    with open(config, "w", encoding="ascii") as file:
        file.write("data: %s\nlisten: 127.0.0.1:%d\ncertificate: %s/server.pem\nkey: %s/server.key\nclient_ca: %s/ca.pem\n"
                   "workers: 1\nmetrics: 127.0.0.1:%d\n" % (data, free_port(), data, data, data, metrics))
    return Redoubt(pinned(0, REDOUBT, "serve", "--config", config), folder)


def syncs(metrics):
    """fdatasync calls of the log so far, and their median in us; the server tells once a second."""
    time.sleep(0 if QUICK else 1.2)
    for _ in range(50):
        try:
            text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % metrics, timeout=10).read().decode()
            break
        except OSError:  # it has not told yet
            time.sleep(0.1)
    count = re.search(r"^redoubt_audit_syncs_total (\d+)", text, re.M)
    median = re.search(r'^redoubt_audit_sync_seconds{quantile="0.5"} (\S+)', text, re.M)
    records = re.search(r"^redoubt_audit_records_total (\d+)", text, re.M)
    return int(count.group(1)), int(records.group(1)), float(median.group(1)) * 1e6


# ---- peers ----

class Canned(Server):
    def __init__(self, folder, data, size, record):
        with tempfile.TemporaryDirectory(dir=folder) as log:
            self.folder = log
        os.mkdir(self.folder)
        process = subprocess.Popen(
            pinned(0, CANNED, data + "/server.pem", data + "/server.key", str(size), "1", str(record), self.folder),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        super().__init__("canned", process, int(process.stdout.readline().split()[1]))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Nginx(Server):
    extra = ""  # directives for the server; %s is the data folder

    def __init__(self, folder, data, size, _record):
        where = tempfile.mkdtemp(dir=folder)
        port = free_port()
        with open(os.path.join(where, "nginx.conf"), "w", encoding="ascii") as file:
            text = (NGINX % (port, "x" * size)).replace("cert.pem", data + "/server.pem")
            text = text.replace("key.pem", data + "/server.key")
            file.write(text.replace("default_type", self.extra.replace("%s", data) + " default_type"))
        process = subprocess.Popen(pinned(0, "nginx", "-p", where, "-e", "error.log", "-c", "nginx.conf"), cwd=where,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().__init__("nginx", process, port)
        for _ in range(200):
            with open("/proc/net/tcp", encoding="ascii") as file:
                if re.search(r"^ *\d+: [0-9A-F]{8}:%04X \S+ 0A " % port, file.read(), re.M):
                    return
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


# ---- one line ----

def requests_of(folder, name, bodies, env, port):
    """Signed now: good for five minutes."""
    path = os.path.join(folder, name)
    host = "127.0.0.1:%d" % port
    with open(path, "wb") as file:
        for body in bodies:
            raw = json.dumps(body).encode()
            headers = signing.headers_of(env, "TrentService." + name, raw, host)
            head = "POST / HTTP/1.1\r\n" + "".join("%s: %s\r\n" % pair for pair in headers.items())
            whole = (head + "content-length: %d\r\n\r\n" % len(raw)).encode() + raw
            file.write(struct.pack(">I", len(whole)) + whole)
    return path


def family(pid):
    yield pid
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        for word in file.read().split():
            yield from family(int(word))


def measure(servers, requests, ca, connections):
    """name -> the medians of its turns; and the median of the turns' ratios of rates."""
    words = [LOAD, ca, str(connections), str(TURNS), str(TURN_MS), "keep"]
    for server in servers:
        words.append("%s=%d=%s=%s" % (server.name, server.port, requests, ",".join(map(str, family(server.process.pid)))))
    out = subprocess.run(pinned(1, *words), capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise RuntimeError(out.stderr)
    turns = {server.name: [] for server in servers}
    for line in out.stdout.splitlines():
        name, *numbers = line.split()
        n, us, cpu, p50, p99, own, refused, _ = map(int, numbers)
        turns[name].append((1e6 * n / us, p50, p99, cpu / n, own / us, refused))
    ours, theirs = (turns[server.name] for server in servers)
    ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))
    return [[statistics.median(column) for column in zip(*turns[server.name])] for server in servers], ratio


def line(number, name, connections, servers, requests, ca):
    (ours, theirs), ratio = measure(servers, requests, ca, connections)
    refused = ours[5] + theirs[5]
    print("%s %d - %s, %d connections: %.0f/s, p50 %.2f ms, p99 %.2f ms, CPU %.1f us/request; %s %.0f/s, p50 %.2f ms, "
          "p99 %.2f ms, CPU %.1f us/request; load generator %.0f %% and %.0f %% busy; bar %.2f, ratio %.2f" % (
              "not ok" if refused else "ok", number, name, connections, ours[0], ours[1] / 1e3, ours[2] / 1e3, ours[3],
              servers[1].name, theirs[0], theirs[1] / 1e3, theirs[2] / 1e3, theirs[3], 100 * ours[4], 100 * theirs[4], BAR,
              ratio))
    sys.stdout.flush()
    return not refused


def run(folder):
    data, bodies, sizes = data_dir(folder)
    metrics = free_port()
    ours = start_ours(folder, data, metrics)
    env, good, number = env_of(data, "app"), True, 0
    say("bytes of an answer and of its audit record: " + ", ".join("%s %d and %d" % (name, *sizes[name])
                                                                  for name in OPERATIONS))
    try:
        for connections in CONNECTIONS:
            before = syncs(metrics)
            for name in OPERATIONS:
                number += 1
                peer = (Nginx if connections == 64 else Canned)(folder, data, *sizes[name])
                try:
                    requests = requests_of(folder, name, bodies[name], env, ours.port)
                    good = line(number, name, connections, (ours, peer), requests, data + "/ca.pem") and good
                finally:
                    peer.stop()
            after = syncs(metrics)
            calls, records = after[0] - before[0], after[1] - before[1]
            say("%d connections: %d fdatasync calls for %d records (%.1f each), p50 %.0f us" % (
                connections, calls, records, records / max(1, calls), after[2]))
    finally:
        ours.stop()
    return 0 if good else 1


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    lacking = [name for name in missing() if name != "wrk"]
    if lacking:
        print("1..0 # SKIP not installed: " + ", ".join(lacking))
        return 0
    print("1..%d" % (len(CONNECTIONS) * len(OPERATIONS)))
    # on a disk: /tmp may be memory, where a sync costs nothing
    with tempfile.TemporaryDirectory(prefix="redoubt-bench-", dir=os.environ.get("REDOUBT_BENCH_DIR", "/var/tmp")) as folder:
        os.chmod(folder, 0o755)
        return run(folder)


if __name__ == "__main__":
    sys.exit(main())
