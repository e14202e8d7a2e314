#!/usr/bin/env python3
"""The HTTPS server as a process: graceful stop under load, limits by source, idle connections' memory,
out of descriptors, unix sockets, sockets that were passed, several loops. Prints TAP."""
import os
import resource
import socket
import ssl
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import finish  # noqa: E402
from server_case import *  # noqa: E402,F401,F403

CONNS = 16384
BODY = 256 * 1024
BODIES = 64 << 20
SOURCE_CONNS = 1024
SOURCE_HANDSHAKES = 200
IDLE_KIB = {None: 20, "ann": 28}  # libssl keeps a peer's certificate, taken apart, and its key: 10 KiB
CLOCK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(server):
    with open("/proc/%d/stat" % server.process.pid, encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / CLOCK


def resident_kib(server):
    with open("/proc/%d/status" % server.process.pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Client(threading.Thread):
    """Sends requests on one connection after the other until the server is gone."""

    def __init__(self, server, target):
        super().__init__()
        self.server, self.target, self.answered, self.odd, self.over = server, target, 0, [], False

    def once(self):
        with self.server.connect(client(check=False)) as sock:
            sock.settimeout(SECONDS)
            reader = Reader(sock)
            while True:
                sock.sendall(get(self.target, method="POST", body=b"x" * 300))
                answer = reader.answer()
                if answer is None:
                    return
                self.answered += 1
                if answer.fields.get("Connection") == "close":
                    return

    def run(self):
        while not self.over:
            try:
                self.once()
            except ConnectionRefusedError:
                return
            except (ConnectionError, ssl.SSLError):
                continue  # an idle connection that was closed, or one cut off in the handshake
            except (OSError, ValueError) as e:
                self.odd.append(repr(e))


def test_stop_under_load(options, target):
    server = Server(*options)
    idle = [server.connect() for _ in range(5)]
    for sock in idle:
        sock.sendall(get("/echo"))
        Reader(sock).answer()
    clients = [Client(server, target) for _ in range(8)]
    for one in clients:
        one.start()
    eventually(lambda: server.counts()["requests"] > 500)
    last = server.stop(20000)
    for one in clients:
        one.over = True
        one.join()
    answered = sum(one.answered for one in clients) + len(idle)
    odd = [e for one in clients for e in one.odd]
    result(answered == last["requests"] and not odd, "%s %s: stop under load: each request taken was answered (%d of %d)" %
           (" ".join(options), target, answered, last["requests"]), odd[:5])
    result(all(Reader(sock).at_end() for sock in idle) and last["open"] == 0, "and idle connections were closed", last)


def test_stop_kept():
    server = Server()
    kept, half = server.connect(), server.connect()
    kept.sendall(get("/keep"))
    half.sendall(get("/body", "Content-Length: 5", method="POST") + b"he")
    eventually(lambda: server.counts()["requests"] == 1)
    server.tell("stop 20000")
    time.sleep(0.2)  # the stop is under way: what follows has to happen in spite of it
    half.sendall(b"llo")
    answer = Reader(half).answer()
    result(answer.text == "hello" and answer.fields["Connection"] == "close", "a request half sent is answered after the stop", answer)
    kept.close()
    half.close()
    server.process.kill()
    server.process.wait()
    server = Server()
    kept = server.connect()
    kept.sendall(get("/keep"))
    eventually(lambda: server.counts()["requests"] == 1)
    last = server.stop(200)
    result(last["open"] == 0 and Reader(kept).at_end(), "what is kept for ever is cut off after the grace", last)
    server = Server()
    silent = [server.connect(wrap=False) for _ in range(3)]
    eventually(lambda: server.counts()["accepted"] == 3)
    started_at = time.monotonic()
    server.stop(60000)
    result(time.monotonic() - started_at < 50, "silent connections do not hold up the stop")
    for sock in silent + [kept]:
        sock.close()


def test_sources():
    server = Server(tls=False)
    socks = [server.connect() for _ in range(SOURCE_CONNS + 6)]
    good = eventually(lambda: server.counts()["refused_limit"] == 6)
    counts = server.counts()
    result(good and counts["open"] == SOURCE_CONNS, "connections of one source are limited", counts)
    result(socks[-1].recv(10) == b"", "one too many is closed")
    for sock in socks:
        sock.close()
    closed(server)
    result(talk(server, get("/")).status == 200, "and when they have gone there is room again")
    server.stop()
    server = Server()
    socks = [server.connect(wrap=False) for _ in range(SOURCE_HANDSHAKES + 5)]
    good = eventually(lambda: server.counts()["refused_limit"] == 5)
    result(good, "unfinished handshakes of one source are limited", server.counts())
    for sock in socks:
        sock.close()
    closed(server)
    socks = [server.connect() for _ in range(SOURCE_HANDSHAKES + 5)]
    counts = server.counts()
    result(counts["refused_limit"] == 5 and counts["open"] == len(socks), "finished ones are not counted", counts)
    for sock in socks:
        sock.close()
    server.stop()


def test_bodies():
    server = Server(tls=False)
    large = get("/body", "Content-Length: %d" % BODY, method="POST") + b"x"
    socks = [server.connect() for _ in range(BODIES // BODY)]
    for sock in socks:
        sock.sendall(large)
    answer = None
    for _ in range(100):  # until the server has seen all of them
        with server.connect() as sock:
            sock.settimeout(0.1)
            try:
                sock.sendall(large)
                answer = Reader(sock).answer()
                break
            except TimeoutError:
                pass
    result(answer is not None and answer.status == 503, "large bodies are limited in all", answer)
    answer = talk(server, get("/body", method="POST", body=b"y" * 5000))
    result(answer.body == b"y" * 5000, "small ones are not concerned", answer)
    for sock in socks[:2]:
        sock.close()
    for sock in socks[2:]:
        sock.sendall(b"x" * (BODY - 1))
    good = all(Reader(sock).answer().body == b"x" * BODY for sock in socks[2:])
    result(good, "each that was begun is answered")
    result(talk(server, get("/body", method="POST", body=b"z" * BODY)).status == 200, "and then there is room again")
    for sock in socks:
        sock.close()
    server.stop()


def test_most():
    """The oldest of a loop's connections makes room; they come from many sources."""
    server = Server(tls=False)
    socks = []
    for i in range(CONNS + 3):
        sock = socket.socket()
        sock.bind(("127.0.%d.1" % (1 + i // 1000), 0))
        sock.connect(("127.0.0.1", server.port))
        socks.append(sock)
    gone = eventually(lambda: server.counts()["accepted"] == len(socks) and server.counts()["open"] == CONNS)
    result(gone, "%d connections, not more" % CONNS, server.counts())
    result(all(Reader(sock).at_end() for sock in socks[:3]), "the oldest have gone")
    answers = []
    for sock in (socks[3], socks[-1]):
        sock.sendall(get("/echo"))
        answers.append(Reader(sock).answer().status)
    result(answers == [200, 200], "the others are served", answers)
    for sock in socks:
        sock.close()
    result(closed(server), "and all can leave at once")
    server.stop()


def test_idle_memory(options, cert):
    n = 1000
    server = Server(*options)
    context = client(cert)
    talk(server, get("/"), context=context)
    before = resident_kib(server)
    socks = []
    for _ in range(n):
        sock = server.connect(context)
        sock.sendall(get("/echo"))
        Reader(sock).answer()
        socks.append(sock)

    def each():
        return (resident_kib(server) - before) / n

    name = "%d idle connections%s" % (n, " with certificates" if cert else "")
    if SANITIZED:
        print("# memory under a sanitizer is not the program's own")
    else:
        good = eventually(lambda: each() < IDLE_KIB[cert], 5)
        result(good, "%s: under %d KiB each" % (name, IDLE_KIB[cert]), "%.1f KiB" % each())
        print("# %.1f KiB each" % each())
    used = cpu_seconds(server)
    time.sleep(1)
    used = cpu_seconds(server) - used
    result(used < 0.2, name + ": no time on the processor", used)
    socks[500].sendall(get("/later"))
    result(Reader(socks[500]).answer().status == 200, name + ": one of them wakes up")
    for sock in socks:
        sock.close()
    result(closed(server), name + ": all are gone")
    server.stop()


def test_descriptors():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    server = Server(preexec_fn=few)
    socks = [server.connect(wrap=False) for _ in range(120)]
    answers = []
    for sock in socks:
        sock.settimeout(SECONDS)
    used = cpu_seconds(server)
    time.sleep(1)
    used = cpu_seconds(server) - used
    result(used < 0.5, "out of descriptors: no spinning", used)
    taken = [int(fd) for fd in os.listdir("/proc/%d/fd" % server.process.pid)]
    result(max(taken) < 40, "half of few descriptors are kept from strangers", sorted(taken))
    for sock in socks[:80]:
        sock.close()
    for sock in socks[80:]:
        with client().wrap_socket(sock, server_hostname="localhost") as tls:
            tls.sendall(get("/"))
            answers.append(Reader(tls).answer().status)
    result(answers == [200] * 40, "those who wait are served when others have left", answers)
    idle = []
    for _ in range(120):
        sock = server.connect()
        sock.sendall(get("/"))
        idle.append(Reader(sock).answer().status)
        answers.append(sock)
    result(idle == [200] * 120, "the oldest idle connections make room for new ones", idle)
    for sock in answers[40:]:
        sock.close()
    server.stop()


def test_sockets():
    name = path("server.sock")
    server = Server(listen=("unix:" + name, "127.0.0.1:0"), tls=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(name)
        sock.sendall(get("/echo"))
        answer = Reader(sock).answer()
        result(answer.status == 200, "a unix socket", answer)
    server.process.kill()
    server.process.wait()
    result(os.path.exists(name), "a killed server leaves its socket")
    server = Server(listen=("unix:" + name,), tls=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(name)
        sock.sendall(get("/echo"))
        result(Reader(sock).answer().status == 200, "which the next one replaces")
    second = subprocess_fails(["--plain", "unix:" + name])
    result("in use" in second, "but not while it answers", second)
    server.stop()
    result(not os.path.exists(name), "and removes when it stops")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        os.set_inheritable(listener.fileno(), True)
        port = listener.getsockname()[1]
        server = Server("--fd", str(listener.fileno()), listen=(), pass_fds=(listener.fileno(),))
        result(server.port == port and talk(server, get("/")).status == 200, "a listening socket that was passed", server.port)
        server.stop()
        result(socket.create_connection(("127.0.0.1", port), SECONDS) is not None, "which stays open for the next server")
    server = Server(tls=False)
    second = subprocess_fails(["--plain", "127.0.0.1:%d" % server.port])
    result("in use" in second, "a port that is taken is refused", second)
    server.stop()
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") and "lo" in open("/proc/net/if_inet6", encoding="ascii").read():
        server = Server(listen=("[::1]:0",), tls=False)
        with socket.create_connection(("::1", server.port), SECONDS) as sock:
            sock.sendall(get("/"))
            result(Reader(sock).answer().status == 200, "IPv6")
        server.stop()


def subprocess_fails(options):
    import subprocess
    done = subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    return done.stderr if done.returncode != 0 else "it started"


def test_loops():
    server = Server("--loops", "4")
    socks = [server.connect() for _ in range(16)]
    for i in range(20):
        for sock in socks:
            sock.sendall(get("/later?%d" % i))
        good = all(Reader(sock).answer().text.startswith("GET /later?%d " % i) for sock in socks)
        if not good:
            break
    result(good, "4 loops, 16 connections, answers of each")
    for sock in socks:
        sock.close()
    result(closed(server), "and all are closed")
    server.stop()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    certificates()
    make_cert("ann", "DNS:ann")
    test_loops()
    test_sockets()
    for options in ((), ("--loops", "2")):
        for target in ("/echo", "/later"):
            test_stop_under_load(options, target)
    test_stop_kept()
    test_descriptors()
    test_bodies()
    if hard >= CONNS + 500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (CONNS + 500, hard))
        test_most()
    else:
        print("# %d descriptors are too few for the limit of a loop" % hard)
    if min(8192, hard) < 2 * SOURCE_CONNS + 100:
        print("# %d descriptors are too few for the limits by source" % hard)
    else:
        test_sources()
        test_idle_memory((), None)
        test_idle_memory(("--ca", path("root.pem")), "ann")
    return finish()


sys.exit(main())
