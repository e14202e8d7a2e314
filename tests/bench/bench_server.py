#!/usr/bin/env python3
"""What one HTTPS request costs the server, beside nginx with `return 200` of the same size, the same
certificate and TLS 1.3: CPU microseconds for each request at 1, 16 and 64 connections, keep-alive.

Servers run on the first processor, wrk on the second. The figure is run time of the server's threads
by the scheduler's count, divided by the requests that wrk saw answered: on a machine with other work
it is worth more than a rate. Prints TAP; the last words of each line are `ratio N.NN`, nginx's cost
over ours: over 1.00 we are cheaper. With REDOUBT_BENCH_QUICK=1 it only shows that it works.
"""
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CANNED = os.environ["REDOUBT_SERVER_CANNED"]
QUICK = os.environ.get("REDOUBT_BENCH_QUICK") == "1"
SIZE = 225  # bytes: an answer of Encrypt
SECONDS = 1 if QUICK else 4
ROUNDS = 1 if QUICK else 3
CONNECTIONS = (1, 16, 64)
POST = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/x-amz-json-1.1"
wrk.headers["X-Amz-Target"] = "TrentService.Encrypt"
"""
NGINX = """
daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 1000000000; client_body_buffer_size 16k;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    server {
        listen 127.0.0.1:%d ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
        default_type application/x-amz-json-1.1;
        location / { return 200 "%s"; }
    }
}
"""


def missing():
    return [name for name in ("wrk", "nginx", "openssl", "taskset") if shutil.which(name) is None]


def pinned(cpu, *command):
    cpus = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cpus[min(cpu, len(cpus) - 1)])] + list(command)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run_ns(pids):
    """Time on a processor of all threads of these processes."""
    total = 0
    for pid in pids:
        for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total


def load(folder, port, connections):
    """Requests answered, the rate, and wrk's own words."""
    out = subprocess.run(pinned(1, "wrk", "-t1", "-c%d" % connections, "-d%ds" % SECONDS, "--latency", "-s",
                                os.path.join(folder, "post.lua"), "https://127.0.0.1:%d/" % port),
                         capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+) requests in", out).group(1)), "Non-2xx" in out or "Socket errors" in out, out


class Server:
    def __init__(self, name, process, port):
        self.name, self.process, self.port = name, process, port

    def pids(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            return [self.process.pid] + [int(word) for word in file.read().split()]

    def measure(self, folder, connections):
        before, start = run_ns(self.pids()), time.monotonic()
        n, wrong, out = load(folder, self.port, connections)
        used, took = run_ns(self.pids()) - before, time.monotonic() - start
        p99 = re.search(r"99%\s+(\S+)", out)
        return used / 1000.0 / max(1, n), n / took, p99.group(1) if p99 else "?", wrong


def start_ours(folder):
    process = subprocess.Popen(pinned(0, CANNED, "cert.pem", "key.pem", str(SIZE)), cwd=folder, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    return Server("redoubt", process, int(process.stdout.readline().split()[1]))


def start_nginx(folder):
    port = free_port()
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as file:
        file.write(NGINX % (port, "x" * SIZE))
    os.chmod(folder, 0o755)
    process = subprocess.Popen(pinned(0, "nginx", "-p", folder, "-e", "error.log", "-c", "nginx.conf"), cwd=folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    return Server("nginx", process, port)


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if missing():
        print("1..0 # SKIP not installed: " + ", ".join(missing()))
        return 0
    print("1..%d" % len(CONNECTIONS))
    bad = False
    with tempfile.TemporaryDirectory(prefix="redoubt-bench-") as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"], cwd=folder, check=True,
                       stderr=subprocess.DEVNULL)
        with open(os.path.join(folder, "post.lua"), "w", encoding="ascii") as file:
            file.write(POST % ("x" * 200))
        servers = [start_ours(folder), start_nginx(folder)]
        try:
            for i, connections in enumerate(CONNECTIONS):
                best, failed = {}, False
                for _ in range(ROUNDS):
                    for server in servers:
                        got = server.measure(folder, connections)
                        failed = failed or got[3]
                        best[server.name] = min(best.get(server.name, got), got)
                ours, theirs = best["redoubt"], best["nginx"]
                print("%s %d - %d connections: redoubt %.1f us/request (%.0f/s, p99 %s), nginx %.1f us/request (%.0f/s, p99 %s), "
                      "ratio %.2f" % ("not ok" if failed else "ok", i + 1, connections, *ours[:3], *theirs[:3], theirs[0] / ours[0]))
                sys.stdout.flush()
                bad = bad or failed
        finally:
            servers[0].process.stdin.close()
            servers[0].process.wait(10)
            servers[1].process.terminate()
            servers[1].process.wait(10)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
