#!/usr/bin/env python3
"""`serve --config`: each field, what is wrong in one (with its line), and certificates that are read again on SIGHUP, seen
by a real client. Prints TAP.
"""
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, Tap, write  # noqa: E402
from service import Service, certificate, until  # noqa: E402
from signing import call  # noqa: E402


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def refused(service, text):
    path = write(os.path.join(service.folder, "bad.yaml"), text)
    done = subprocess.run([REDOUBT, "serve", "--config", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stderr.decode(), done.stdout.decode()


def test_bad(tap, service):
    good = {"data": service.data, "listen": "127.0.0.1:0", "certificate": service.pem, "key": service.key,
            "passphrase_file": service.words, "seal": "passphrase"}
    text = lambda **changed: "".join("%s: %s\n" % (k, v) for k, v in dict(good, **changed).items() if v is not None)
    nowhere = os.path.join(service.folder, "nowhere")
    cases = [("nothing", "", 3, ""), ("a list", "- data\n", 3, "fields"), ("no YAML", "data: [\n", 3, "")]
    cases += [("without " + name, text(**{name: None}), 3, "'%s' is missing" % name) for name in ("data", "listen", "certificate", "key")]
    cases += [
        ("a field that is none", text() + "metricz: x\n", 3, "no field 'metricz'"), ("a field twice", text() + "data: x\n", 3, ""),
        ("no number of workers", text(workers="many"), 3, "workers: a number from 1 to 64"), ("none", text(workers=0), 3, "1 to 64"),
        ("too many", text(workers=65), 3, "1 to 64"), ("half a one", text(workers=1.5), 3, "1 to 64"),
        ("an empty data", text(data='""'), 3, "data: text was expected"), ("data that is a list", text(data="[a]"), 3, "data: text"),
        ("no addresses", text(listen="[]"), 3, "an address"), ("nine addresses", text(listen="[%s]" % ", ".join(["127.0.0.1:0"] * 9)), 3, "at most 8"),
        ("an address without a port", text(listen="127.0.0.1"), 3, "listen at"), ("a port that is none", text(listen="127.0.0.1:99999"), 3, "listen at"),
        ("a folder that is not there", text(data=nowhere), 3, ""), ("no certificate there", text(certificate=nowhere), 3, ""),
        ("no key there", text(key=nowhere), 3, ""), ("another's key", text(key=certificate(service.folder, "other")[1]), 3, ""),
        ("no client CA there", text(client_ca=nowhere), 3, ""), ("a client CA that is none", text(client_ca=service.words), 3, ""),
        ("a seal that is none", text(seal="nobody"), 3, "nobody"), ("no passphrase there", text(passphrase_file=nowhere), 3, ""),
        ("a passphrase that others read", text(passphrase_file=service.pem), 4, ""),
    ]
    for name, config, status, word in cases:
        got = refused(service, config)
        tap.ok(got[0] in (status, 4) and word in got[1] and "ready" not in got[2] and got[1].count("error") >= 1, "refused: " + name, got)


def test_good(tap, service):
    ports = [free_port(), free_port(), free_port()]
    service.open(listen="[127.0.0.1:%d, 127.0.0.1:%d]" % tuple(ports[:2]), client_ca=service.pem, metrics="127.0.0.1:%d" % ports[2], workers=2)
    tap.ok(service.line == "ready https://127.0.0.1:%d" % ports[0], "every field at once", service.log()[-800:])
    for port in ports[:2]:
        got = call(dict(service.env(), AWS_ENDPOINT_URL="https://127.0.0.1:%d" % port), "TrentService.ListKeys", {})
        tap.ok(got[0] == 200, "it answers at each address", got)

    def metrics():
        try:
            return urllib.request.urlopen("http://127.0.0.1:%d/metrics" % ports[2], timeout=10).read().decode()
        except OSError:
            return ""
    tap.ok(until(lambda: "redoubt_sealed 0" in metrics()), "and gives metrics at theirs", metrics()[:300])
    service.stop()


def seen(service):
    """The certificate that a client gets: SHA-256 of its DER."""
    host, port = service.url.split("//")[1].split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port)), timeout=10) as raw, context.wrap_socket(raw) as tls:
        return hashlib.sha256(tls.getpeercert(True)).hexdigest()


def test_reload(tap, service):
    service.open()
    first = seen(service)
    host, port = service.url.split("//")[1].split(":")
    old = ssl.create_default_context(cafile=service.pem).wrap_socket(socket.create_connection((host, int(port))), server_hostname="127.0.0.1")
    new_pem, new_key = certificate(service.folder, "renewed")
    shutil.copy(service.pem, service.pem + ".old")
    for made, place in ((new_key, service.key), (new_pem, service.pem)):
        os.replace(made, place)
    tap.ok(seen(service) == first, "a renewed certificate counts from SIGHUP on")
    service.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: seen(service) != first), "then new connections get it", service.log()[-300:])
    tap.ok(call(service.env(), "TrentService.ListKeys", {})[0] == 200, "and clients verify it")
    old.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    tap.ok(old.recv(4096).startswith(b"HTTP/1.1 200"), "a connection that was open goes on")
    old.close()
    second = seen(service)
    write(service.pem, "this is no certificate\n")
    service.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: "kept as they were" in service.log()), "one that is none is refused", service.log()[-300:])
    tap.ok(seen(service) == second, "and the old one stays")
    tap.ok(service.stop() == 0, "the server stops as ever")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as top:
        service = Service(top)
        try:
            test_bad(tap, service)
            test_good(tap, service)
            test_reload(tap, service)
        finally:
            service.stop()
    tap.finish()


main()
