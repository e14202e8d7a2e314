#!/usr/bin/env python3
"""The HTTPS server's HTTP over real sockets: what must be refused, bodies, pipelining, 100-continue,
slow, half-closed and vanished peers, exchanges answered late. Prints TAP."""
import os
import random
import socket
import ssl
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import finish  # noqa: E402
from hostile import HOSTILE, SMUGGLED  # noqa: E402
from server_case import *  # noqa: E402,F401,F403

BODY_MAX = 256 * 1024
HEAD_MAX = 16384



def refused(server, name, request, status):
    """One answer with an error, then the end; what came behind it is no request."""
    before = server.counts()
    with server.connect() as sock:
        sock.sendall(request + SMUGGLED)
        reader = Reader(sock)
        answer = reader.answer()
        good = answer is not None and (answer.status == status if status else answer.status >= 400)
        good = good and answer.fields.get("Connection") == "close" and reader.at_end()
    after = server.counts()
    good = good and after["requests"] == before["requests"] and after["bad_requests"] == before["bad_requests"] + 1
    result(good, "refused over %s: %s" % ("TLS" if server.tls else "plain", name), "%s\n%s" % (answer, after))


def test_answers(server):
    answer = talk(server, get("/echo?a=b"))
    result(answer.status == 200 and answer.text.startswith("GET /echo?a=b body=0 "), "a request is answered", answer)
    result(list(answer.fields) == ["Date", "Content-Type", "Content-Length"] and answer.fields["Date"].endswith(" GMT"),
           "with these fields and no others", answer)
    stamp = time.mktime(time.strptime(answer.fields["Date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    result(abs(stamp - time.time()) < 3600, "the date is today's", answer)
    answer = talk(server, get("/fields"))
    result((answer.fields.get("X-One"), answer.fields.get("X-Two")) == ("1", "2"), "the caller's fields are there", answer)
    with server.connect() as sock:
        sock.sendall(get("/echo", method="HEAD") + get("/next"))
        reader = Reader(sock)
        first, second = reader.answer(bare=True), reader.answer()
        result(int(first.fields["Content-Length"]) > 0 and second.text.startswith("GET /next"),
               "HEAD has a length and no body", (first, second))
    for status in (204, 304):
        with server.connect() as sock:
            sock.sendall(get("/status?%d" % status) + get("/next"))
            reader = Reader(sock)
            first, second = reader.answer(), reader.answer()
            result(first.status == status and "Content-Length" not in first.fields and second.text.startswith("GET /next"),
                   "%d has no body" % status, (first, second))
    result(talk(server, get("/status?99")).status == 500, "a status that is none becomes 500")
    with server.connect() as sock:
        sock.sendall(get("/close"))
        reader = Reader(sock)
        answer = reader.answer()
        result(answer.fields.get("Connection") == "close" and reader.at_end(), "the caller may close", answer)
    with server.connect() as sock:
        sock.sendall(b"GET /old HTTP/1.0\r\nHost: localhost\r\n\r\n")
        reader = Reader(sock)
        answer = reader.answer()
        result(answer.status == 200 and answer.fields.get("Connection") == "close" and reader.at_end(),
               "HTTP/1.0 is answered and closed", answer)
    for n in (1, 16000, 16384, 100000, 5000000):
        answer = talk(server, get("/big?%d" % n))
        want = b"".join(b"0123456789abcdef"[k % 16:k % 16 + 1] for k in range(16, 0, -1))
        want = (want * (n // 16 + 2))[16 - n % 16:][:n] if n % 16 else (want * (n // 16 + 1))[:n]
        result(answer.body == want, "an answer of %d bytes arrives whole" % n)


def test_bodies(server):
    for n in (1, 200, HEAD_MAX - 70, HEAD_MAX, 70000, BODY_MAX):
        body = os.urandom(n)
        answer = talk(server, get("/body", method="POST", body=body))
        result(answer.body == body, "a body of %d bytes comes back" % n, len(answer.body))
    before = server.counts()["requests"]
    with server.connect() as sock:
        sock.sendall(get("/body", "Content-Length: %d" % (BODY_MAX + 1), method="POST"))
        reader = Reader(sock)
        answer = reader.answer()
        result(answer.status == 413 and reader.at_end(), "a body over the limit: 413 before a byte of it came", answer)
    with server.connect() as sock:
        sock.sendall(get("/body", method="POST", body=b"x" * (2 * BODY_MAX)))
        answer = Reader(sock).answer()
        result(answer.status == 413, "413 also reaches a peer that sends all of it first", answer)
    result(server.counts()["requests"] == before, "neither reached the caller")
    with server.connect() as sock:
        for byte in get("/body", method="POST", body=b"hello"):
            sock.sendall(bytes([byte]))
        result(Reader(sock).answer().text == "hello", "a request in single bytes")
    with server.connect() as sock:
        body = os.urandom(70000)
        sock.sendall(get("/body", method="POST", body=body) + get("/next"))
        reader = Reader(sock)
        result(reader.answer().body == body and reader.answer().text.startswith("GET /next"),
               "a request right behind a large body")


def test_continue(server):
    expect = ("Expect: 100-continue", "Content-Length: 5")
    with server.connect() as sock:
        sock.sendall(get("/body", *expect, method="POST"))
        reader = Reader(sock)
        result(reader.head()[0] == 100, "100 Continue comes before the body")
        sock.sendall(b"hello")
        result(reader.answer().text == "hello", "and the answer after it")
        sock.sendall(get("/body", *expect, method="POST") + b"hello")
        answer = reader.answer()
        result(answer.status == 200 and answer.text == "hello", "a body that came along needs no 100", answer)
    with server.connect() as sock:
        sock.sendall(get("/body", "Expect: 100-continue", "Content-Length: %d" % (BODY_MAX + 1), method="POST"))
        reader = Reader(sock)
        answer = reader.answer()
        result(answer.status == 413 and reader.at_end(), "a body over the limit gets 413, no 100", answer)
    with server.connect() as sock:
        sock.sendall(get("/body", "Expect: 100-continue", "Content-Length: 70000", method="POST"))
        reader = Reader(sock)
        head = reader.head()
        sock.sendall(b"y" * 70000)
        result(head[0] == 100 and reader.answer().body == b"y" * 70000, "100 Continue for a large body")


def test_pipelining(server):
    with server.connect() as sock:
        sock.sendall(b"".join(get("/n?%d" % i) for i in range(100)))
        reader = Reader(sock)
        got = [reader.answer().text.split()[1] for i in range(100)]
        result(got == ["/n?%d" % i for i in range(100)], "100 requests at once, answered in order", got)
        kinds = ["/later", "/n", "/big", "/body"]
        sock.sendall(b"".join(get("%s?%d" % (kinds[i % 4], i * 50), method="POST", body=b"b" * (i * 900)) for i in range(40)))
        got = [reader.answer() for i in range(40)]
        sizes = [i * 50 if i % 4 == 2 else i * 900 if i % 4 == 3 else len(a.body) for i, a in enumerate(got)]
        result([len(a.body) for a in got] == sizes, "mixed with exchanges answered late", got)
    with server.connect() as sock:
        sock.sendall(get("/one") + get("/close") + get("/three"))
        reader = Reader(sock)
        reader.answer()
        result(reader.answer().fields.get("Connection") == "close" and reader.at_end(), "nothing is read behind a close")


def test_splits(server):
    """However the bytes are cut, the answers are the same."""
    source = random.Random(3)
    for round_n in range(25):
        sizes = [source.choice((0, 1, 50, 5000, 16000, 17000, 60000)) for _ in range(6)]
        kinds = [source.choice(("/body", "/later", "/big?%d" % (n * 3), "/echo")) for n in sizes]
        stream = b"".join(get(kind, method="POST", body=b"%x" % (i + 1) * n) for i, (kind, n) in enumerate(zip(kinds, sizes)))
        cuts = sorted(source.randrange(len(stream)) for _ in range(source.randrange(1, 40)))
        with server.connect() as sock:
            for start, end in zip([0] + cuts, cuts + [len(stream)]):
                sock.sendall(stream[start:end])
            reader = Reader(sock)
            got = [reader.answer() for _ in sizes]
        bad = [(kind, n, a) for i, (kind, n, a) in enumerate(zip(kinds, sizes, got))
               if not (a.body == b"%x" % (i + 1) * n if kind == "/body" else len(a.body) == n * 3 if kind[:4] == "/big"
                       else " body=%d " % n in a.text)]
        if bad:
            break
    result(not bad, "25 streams of 6 requests, cut at random", bad)


def test_half_close(server):
    if not server.tls:
        with server.connect() as sock:
            sock.sendall(get("/later"))
            sock.shutdown(socket.SHUT_WR)
            reader = Reader(sock)
            answer = reader.answer()
            result(answer.text.startswith("GET /later") and reader.at_end(), "half-closed: the answer still comes", answer)
        with server.connect() as sock:
            sock.sendall(get("/later")[:-2])
            sock.shutdown(socket.SHUT_WR)
            result(Reader(sock).at_end(), "half-closed in the head: closed")
        result(closed(server) and "request cut short" in server.reasons(), "and counted")
        return
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = client()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with server.connect(wrap=False) as sock:
        def step(what):
            while True:
                try:
                    got = what()
                    sock.sendall(outgoing.read())
                    return got
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    data = sock.recv(65536)
                    if not data:
                        return None
                    incoming.write(data)
        step(tls.do_handshake)
        tls.write(get("/later"))
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        sock.sendall(outgoing.read())
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            data = sock.recv(65536)
            if not data:
                break
            got += data
        result(len(got) > 150, "close_notify behind the request: the answer still comes", len(got))
    result(closed(server), "and the connection ends")


def test_vanished(server):
    start = server.counts()["requests"]
    socks = [server.connect() for _ in range(20)]
    for sock in socks:
        sock.sendall(get("/keep", method="POST", body=b"x" * 50000))
    result(eventually(lambda: server.counts()["requests"] == start + 20), "20 exchanges are kept")
    before = server.counts()["requests"]
    for sock in socks[:10]:
        reset(sock)
    result(eventually(lambda: server.counts()["open"] == 10), "a reset while kept frees the connection")
    for sock in socks[10:15]:
        sock.close()
    result(server.ask("release") == "released", "they are answered")
    answers = [Reader(sock).answer() for sock in socks[15:]]
    result(all(a.text.startswith("POST /keep? body=50000") for a in answers), "those who are there get theirs", answers)
    for sock in socks[15:]:
        sock.close()
    result(closed(server) and server.counts()["requests"] == before, "nothing is left")
    with server.connect() as sock:
        sock.sendall(get("/big?16000000"))
        sock.recv(1000)
        reset(sock)
    result(closed(server), "a reset in the middle of an answer")
    server.reasons()
    with server.connect() as sock:
        sock.sendall(get("/"))
        Reader(sock).answer()  # and the session's ticket: unread bytes would make the close a reset
        sock.sendall(get("/body", "Content-Length: 1000", method="POST") + b"x")
    result(closed(server) and server.reasons() == "request cut short", "a body cut short is counted")


def test_slow(server):
    """The server's limits are shortened; what is asserted is how it ends, not when."""
    def drip(sock, data, name, reason):
        answer = None
        try:
            for i in range(3000):
                sock.sendall(data[i % len(data):i % len(data) + 1])
                sock.settimeout(0.02)
                try:
                    answer = Reader(sock).answer()
                    break
                except TimeoutError:
                    pass
        except (ConnectionError, ssl.SSLError):
            pass
        result(answer is not None and answer.status == 408, name, answer)
        result(reason in server.reasons(), name + ": counted")

    for what in ("head", "body"):
        with server.connect() as sock:
            if what == "head":
                sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            else:
                sock.sendall(get("/", "Content-Length: 100000", method="POST"))
            drip(sock, b"aaaaaaa", "a %s that drips is cut" % what, "request not in time")
    with server.connect() as sock:
        sock.sendall(get("/", "Content-Length: 10", method="POST"))
        reader = Reader(sock)
        answer = reader.answer()
        result(answer.status == 408 and reader.at_end(), "a body that never comes", answer)
    with server.connect(wrap=False) as sock:
        result(sock.recv(100) == b"", "a connection that says nothing")
    with server.connect() as sock:
        sock.sendall(get("/"))
        reader = Reader(sock)
        result(reader.answer().status == 200 and reader.at_end(), "an idle connection is closed")
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(get("/big?16000000"))
        result(closed(server), "an answer that is not taken is given up")


def test_linger(server):
    with server.connect() as sock:
        sock.sendall(b"bad\r\n\r\n")
        reader = Reader(sock)
        result(reader.answer().status == 400, "an error is answered")
        try:
            for _ in range(400):
                sock.sendall(b"x" * 16384)
        except (ConnectionError, ssl.SSLError):
            pass
        result(closed(server), "a peer that goes on sending is cut off")


def main():
    certificates()
    server = Server()
    for vector in HOSTILE:
        refused(server, *vector)
    test_answers(server)
    test_bodies(server)
    test_continue(server)
    test_pipelining(server)
    test_splits(server)
    test_half_close(server)
    test_vanished(server)
    test_linger(server)
    last = server.stop()
    result(last["open"] == 0, "it stops", last)
    server = Server(tls=False)
    for vector in HOSTILE:
        refused(server, *vector)
    test_bodies(server)
    test_pipelining(server)
    test_splits(server)
    test_half_close(server)
    test_vanished(server)
    test_linger(server)
    server.stop()
    server = Server("--hurry", "10")
    test_slow(server)
    server.stop()
    return finish()


sys.exit(main())
