#!/usr/bin/env python3
"""The key service with much of everything: how long a start takes and what memory it needs at rest with 10,000 keys
(bars of the design: under 64 MB and under 1 s) and with 1,000,000 (beside a hundred times as much); calls by 10,000 access keys in turn beside
as many by one; new connections with a client's certificate each second, full and resumed, beside nginx.

The folder is made by `redoubt serve --dev` and filled by many_keys.c, through the handlers of the calls. A start is
timed from the command to `ready`; memory is the proportional share (PSS) of the server's processes together. Servers
have the first processor and one worker where calls or connections are counted, load.c the second. With
REDOUBT_BENCH_QUICK=1 it only shows that it works. Prints TAP; each line ends with `ratio N.NN`, over 1.00 is better
than the bar or the peer.
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import bench_kms as kms
from bench_server import pinned

MANY_KEYS = os.environ["REDOUBT_MANY_KEYS"]
QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
SIZES = (1000, 2000) if QUICK else (10000, 1000000)
PRINCIPALS = 100 if QUICK else 10000
STARTS = 1 if QUICK else 3
TURNS, TURN_MS = (2, 50) if QUICK else (9, 400)
BAR_S, BAR_MB = 1.0, 64  # with 10,000 keys
IN_FLIGHT = 16  # handshakes

count = failed = 0


def tell(good, text, ratio):
    global count, failed
    count += 1
    failed += not good
    print("%s %d - %s, ratio %.2f" % ("ok" if good else "not ok", count, text, ratio))
    sys.stdout.flush()


def memory_of(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def serve(data, folder):
    return kms.Redoubt([kms.REDOUBT, "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0"], folder)


def one_start(data, folder):
    """Seconds until it answers, and bytes once it rests."""
    begin = time.perf_counter()
    server = serve(data, folder)
    took = time.perf_counter() - begin
    time.sleep(1.5)  # its first ticks
    used = sum(memory_of(pid) for pid in kms.family(server.process.pid))
    server.stop()
    return took, used


def starts(data, folder):
    have, first = 0, None
    for n in SIZES:
        begin = time.perf_counter()
        out = subprocess.run([MANY_KEYS, data, str(n - have), "0"], capture_output=True, text=True, check=False)
        if out.returncode != 0:
            raise RuntimeError(out.stderr)
        have = n
        kms.say("%d keys made in %.1f s; the store has %.0f MB" % (
            n, time.perf_counter() - begin, os.path.getsize(os.path.join(data, "store.db")) / 1e6))
        got = [one_start(data, folder) for _ in range(STARTS)]
        took, used = (statistics.median(column) for column in zip(*got))
        if n == SIZES[0]:
            first = (n, took, used)
            limit_s, limit_mb, what = BAR_S, BAR_MB, "bar"
        else:
            times = n / first[0]
            limit_s, limit_mb, what = first[1] * times, first[2] * times / 1e6, "%.0f times that of %d" % (times, first[0])
        tell(True, "start with %d keys: %.2f s; %s %.2f s" % (n, took, what, limit_s), limit_s / took)
        tell(True, "memory at rest with %d keys: %.1f MB, %.0f bytes a key; %s %.0f MB" % (
            n, used / 1e6, used / n, what, limit_mb), limit_mb * 1e6 / used)


# ---- many principals ----

def write_requests(path, requests):
    with open(path, "wb") as file:
        for request in requests:
            file.write(struct.pack(">I", len(request)) + request)
    return path


def signed_by(env, port, body):
    raw = json.dumps(body).encode()
    headers = kms.signing.headers_of(env, "TrentService.Encrypt", raw, "127.0.0.1:%d" % port)
    head = "POST / HTTP/1.1\r\n" + "".join("%s: %s\r\n" % pair for pair in headers.items())
    return (head + "content-length: %d\r\n\r\n" % len(raw)).encode() + raw


def load(how, ca, connections, servers):
    """[(name, rate, cpu us a request, p50 us, share that resumed)] of each; medians of the turns; good."""
    words = [kms.LOAD, ca, str(connections), str(TURNS), str(TURN_MS), how]
    for name, server, requests in servers:
        words.append("%s=%d=%s=%s" % (name, server.port, requests, ",".join(map(str, kms.family(server.process.pid)))))
    out = subprocess.run(pinned(1, *words), capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise RuntimeError(out.stderr)
    turns, good = {name: [] for name, _, _ in servers}, True
    for line in out.stdout.splitlines():
        name, *numbers = line.split()
        n, us, cpu, p50, _, _, refused, resumed = map(int, numbers)
        good = good and refused == 0
        turns[name].append((1e6 * n / us, cpu / n, p50, resumed / n))
    first, second = (turns[name] for name, _, _ in servers)
    ratio = statistics.median(a[0] / b[0] for a, b in zip(first, second))
    return [[statistics.median(column) for column in zip(*turns[name])] for name, _, _ in servers], ratio, good


def many_principals(data, folder):
    out = subprocess.run([MANY_KEYS, data, "0", str(PRINCIPALS)], capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise RuntimeError(out.stderr)
    app = kms.env_of(data, "app")
    server = kms.start_ours(folder, data, kms.free_port())
    try:
        app["AWS_ENDPOINT_URL"] = server.url
        admin = dict(kms.env_of(data, "dev"), AWS_ENDPOINT_URL=server.url)
        key = kms.call(admin, "CreateKey", {})["KeyMetadata"]["KeyId"]
        body = {"KeyId": key, "Plaintext": "MzIgYnl0ZXMsIGFzIGEgZGF0YSBrZXkgd291bGQgYmU=",
                "EncryptionContext": {"tenant": "clinic-7"}}
        credentials = [line.split() for line in out.stdout.splitlines()]
        envs = [dict(app, AWS_ACCESS_KEY_ID=id_, AWS_SECRET_ACCESS_KEY=secret) for id_, secret in credentials]
        many = write_requests(os.path.join(folder, "many"), [signed_by(env, server.port, body) for env in envs])
        one = write_requests(os.path.join(folder, "one"), [signed_by(envs[0], server.port, body) for _ in range(64)])
        (ours, theirs), ratio, good = load("keep", data + "/ca.pem", 64,
                                           [("many", server, many), ("one", server, one)])
        tell(good, "Encrypt by %d access keys in turn, 64 connections: %.0f/s, p50 %.2f ms, CPU %.1f us/request; by one: "
             "%.0f/s, CPU %.1f us/request" % (len(envs), ours[0], ours[2] / 1e3, ours[1], theirs[0], theirs[1]), ratio)
    finally:
        server.stop()


# ---- new connections ----

def client_certificate(data, folder):
    """A certificate of the service's CA, and its key, in one file."""
    def openssl(*words):
        subprocess.run(("openssl",) + words, cwd=folder, check=True, capture_output=True)
    with open(os.path.join(folder, "client.ext"), "w", encoding="ascii") as file:
        file.write("extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "client.key", "-out",
            "client.csr", "-subj", "/CN=service")
    openssl("x509", "-req", "-in", "client.csr", "-CA", data + "/ca.pem", "-CAkey", data + "/ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "client.ext", "-out", "client.crt")
    path = os.path.join(folder, "client.pem")
    with open(path, "w", encoding="ascii") as file:
        for part in ("client.crt", "client.key"):
            with open(os.path.join(folder, part), encoding="ascii") as one:
                file.write(one.read())
    return path


class Nginx(kms.Nginx):
    """Asks for a client's certificate and keeps sessions itself, as our server does."""
    extra = ("ssl_client_certificate %s/ca.pem; ssl_verify_client optional; ssl_session_tickets off; "
             "ssl_session_cache shared:bench:16m; ssl_session_timeout 30s;")


def connections(data, folder):
    client = client_certificate(data, folder)
    requests = write_requests(os.path.join(folder, "healthz"), [b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"])
    ours = kms.start_ours(folder, data, kms.free_port())
    theirs = Nginx(folder, data, 6, 0)
    try:
        for how, words in (("full", "full"), ("resume", "resumed")):
            (a, b), ratio, good = load("%s=%s" % (how, client), data + "/ca.pem", IN_FLIGHT,
                                       [("redoubt", ours, requests), ("nginx", theirs, requests)])
            tell(good, "new mTLS connections, %s (%.0f %%), with one request each: %.0f/s, p50 %.2f ms, CPU %.0f us; nginx "
                 "%.0f/s (%.0f %%), p50 %.2f ms, CPU %.0f us" % (words, 100 * (a[3] if how == "resume" else 1 - a[3]), a[0],
                                                                a[2] / 1e3, a[1], b[0],
                                                                100 * (b[3] if how == "resume" else 1 - b[3]), b[2] / 1e3,
                                                                b[1]), ratio)
    finally:
        theirs.stop()
        ours.stop()


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    lacking = [name for name in kms.missing() if name != "wrk"]
    if lacking:
        print("1..0 # SKIP not installed: " + ", ".join(lacking))
        return 0
    with tempfile.TemporaryDirectory(prefix="redoubt-bench-", dir=os.environ.get("REDOUBT_BENCH_DIR", "/var/tmp")) as folder:
        os.chmod(folder, 0o755)
        data = os.path.join(folder, "data")
        serve(data, folder).stop()
        connections(data, folder)
        many_principals(data, folder)
        starts(data, folder)
    print("1..%d" % count)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
