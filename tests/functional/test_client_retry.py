#!/usr/bin/env python3
"""What the client sends again and what it does not, against servers that misbehave: too busy, gone in the middle, no key
service at all. Prints TAP.
"""
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt  # noqa: E402
import server  # noqa: E402,F401  (takes AWS variables out of the environment)

THROTTLED = (400, {"__type": "ThrottlingException", "message": "too many changes at once; try again"})
REPLAY = (400, {"__type": "ThrottlingException", "message": "this signed request was already carried out; sign it again"})
GOOD = (200, {})
TRIES = 4   # RDT_CLIENT_TRIES_MAX


class Fake:
    """Answers one after the other; the last one again and again. An answer is (status, JSON), bytes for the whole, or
    None: the connection is closed."""

    def __init__(self, folder):
        self.answers, self.seen = [], []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fake.seen.append((dict(self.headers), body))
                answer = fake.answers[min(len(fake.seen), len(fake.answers)) - 1]
                if answer is None or isinstance(answer, bytes):
                    self.wfile.write(answer or b"")
                    self.close_connection = True
                    return
                text = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(text)))
                self.send_header("x-amzn-RequestId", "11111111-2222-4333-8444-555555555555")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "s.pem"), os.path.join(folder, "s.key"))
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.env = {"AWS_ENDPOINT_URL": "https://127.0.0.1:%d" % self.http.server_port, "AWS_REGION": "local-1",
                    "AWS_CA_BUNDLE": os.path.join(folder, "s.pem"), "AWS_ACCESS_KEY_ID": "RDTAX",
                    "AWS_SECRET_ACCESS_KEY": "secret"}

    def run(self, *answers):
        self.answers, self.seen = list(answers), []
        return redoubt("principal", "disable", "bob", env=self.env)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        os.path.join(folder, "s.key"), "-out", os.path.join(folder, "s.pem")], check=True, stderr=subprocess.DEVNULL)
        fake = Fake(folder)
        got = fake.run(GOOD)
        tap.ok(got.status == 0 and len(fake.seen) == 1, "a good answer: asked once", got)
        headers, body = fake.seen[0]
        tap.ok(headers["x-amz-target"] == "Redoubt.PrincipalUpdate" and "Expect" not in headers and "Accept-Encoding" not in headers
               and json.loads(body) == {"Principal": "bob", "Enabled": False}, "what is sent", headers)
        got = fake.run(THROTTLED, THROTTLED, GOOD)
        signatures = {h["authorization"] for h, _ in fake.seen}
        tap.ok(got.status == 0 and len(fake.seen) == 3 and len(signatures) == 3, "too busy: tried again, each time signed anew", got)
        got = fake.run(THROTTLED)
        tap.ok(got.status == 3 and len(fake.seen) == TRIES and "ThrottlingException" in got.err, "not for ever", got)
        got = fake.run(REPLAY)
        tap.ok(got.status == 4 and len(fake.seen) == 1 and "it was done" in got.err, "what was carried out is not done again", got)
        got = fake.run(None)
        tap.ok(got.status == 4 and len(fake.seen) == 1 and "without an answer" in got.err, "closed in the middle: not sent again", got)
        got = fake.run((500, {"__type": "KMSInternalException", "message": "no disk"}))
        tap.ok(got.status == 4 and len(fake.seen) == 1 and "request 11111111-" in got.err, "a fault within: not sent again", got)
        got = fake.run((302, {}))
        tap.ok(got.status == 4 and len(fake.seen) == 1 and "AWS_ENDPOINT_URL" in got.err, "a redirect is not followed", got)
        got = fake.run(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\n<html></html")
        tap.ok(got.status == 4 and "502" in got.err, "a gateway's page", got)
        got = fake.run(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":1,,}")
        tap.ok(got.status == 4 and "PrincipalUpdate" in got.err, "an answer that is no JSON", got)
        got = fake.run(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        tap.ok(got.status == 4 and "cut short" in got.err, "an answer cut short", got)
        got = fake.run(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20000 + b"Content-Length: 2\r\n\r\n{}")
        tap.ok(got.status in (3, 4) and "larger than" in got.err, "a head without end", got)
        got = fake.run((400, {"__type": "\u001b[31mRed", "message": "a\u001b[2Jb\nc"}))
        tap.ok(got.status == 4 and "\u001b" not in got.err, "a server's words cannot move the terminal", got)
        got = fake.run(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{")
        tap.ok(got.status in (3, 4) and len(fake.seen) == 1, "a body that is announced as too large", got)
        fake.http.shutdown()
    tap.finish()


if __name__ == "__main__":
    main()
