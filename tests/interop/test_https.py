#!/usr/bin/env python3
"""test_https - the HTTPS probe against real nginx and OpenSSL servers, and against broken ones.

Everything listens on the loopback interface, on ports that the system gives out. Needs nginx and
openssl; PROBE_MAIN names the program that runs one probe.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import (FOLDER, GOOD_HSTS, alert, drip, drip_tls, finish, free_port, front, http, https, make_ca,  # noqa: E402
                     make_cert, own_hosts, reset, result, s_server, say, scripted, stall, start_nginx, wait_for, write)

PROBE = os.environ.get("PROBE_MAIN", "build/tests/interop/probe_main")
TIMEOUT_MS = 4000
SLACK_S = 2  # a busy machine, a build with sanitizers


def make_certificates():
    make_ca("root")
    make_ca("middle", "root")
    make_ca("stranger")
    here = "DNS:localhost,DNS:two.test,IP:127.0.0.1,IP:::1"
    make_cert("good", here)
    make_cert("rsa", here, key=("rsa", "2048"))
    make_cert("expired", here, start=-100, days=90)
    make_cert("future", here, start=2, days=90)
    make_cert("other", "DNS:www.other.example,DNS:*.localhost")
    make_cert("self", here, issuer=None)
    make_cert("weak", here, key=("rsa", "1024"))
    make_cert("sha1", here, digest="sha1")
    make_cert("long", here, days=800, key=("ec", "secp384r1"))
    make_cert("below", here, issuer="middle")
    with open(os.path.join(FOLDER, "full.pem"), "w", encoding="utf-8") as out:
        for part in ("below.pem", "middle.pem"):
            with open(os.path.join(FOLDER, part), encoding="utf-8") as file:
                out.write(file.read())
    write("none.pem", "no certificate\n")


def rc4_only(peer, hello):
    """Speaks TLS 1.0 with RC4-SHA and nothing else, and says 40 to those who lack it."""
    n = 44 + hello[43]
    suites = hello[n + 2:n + 2 + int.from_bytes(hello[n:n + 2], "big")]
    if hello[9:11] != b"\x03\x01":
        alert(70)(peer, hello)
    elif b"\x00\x05" in (suites[i:i + 2] for i in range(0, len(suites), 2)):
        body = b"\x03\x01" + os.urandom(32) + b"\x00\x00\x05\x00"
        peer.sendall(b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26" + body)
    else:
        alert(40)(peer, hello)


# ---- looking

def look(port, timeout_ms=TIMEOUT_MS, host="localhost", env=None, under=(), **spec):
    spec = {"url": "https://%s:%d/" % (host, port), "ca": "root.pem", **spec}
    spec = {k: v for k, v in spec.items() if v is not None}
    begin = time.monotonic()
    done = subprocess.run([*under, PROBE, "https", json.dumps(spec), FOLDER, str(timeout_ms), "flows.web"], capture_output=True,
                          text=True, env={**os.environ, **(env or {})}, timeout=60)
    took = time.monotonic() - begin
    facts = {}
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        facts[seen["fact"]] = seen
    return facts, took, done


FACTS = {"http.redirect", "tls.versions", "tls.cert", "http.hsts"}


def differs(seen, want):
    """want: a dict of members, or a text that the reason must hold."""
    if isinstance(want, str):
        if "unknown" not in seen:
            return "is known: %s" % seen.get("value")
        return None if want in seen["unknown"] else "unknown for another reason: %s" % seen["unknown"]
    if "value" not in seen:
        return "unknown: %s" % seen.get("unknown")
    for key, value in want.items():
        got = seen["value"].get(key)
        if callable(value):
            if not value(got):
                return "%s is %r" % (key, got)
        elif got != value:
            return "%s is %r, not %r" % (key, got, value)
    return None


def expect(name, port, want, limit_s=TIMEOUT_MS / 1000 + SLACK_S, **spec):
    facts, took, done = look(port, **spec)
    wrong = []
    if done.returncode != 0:
        wrong.append("exit %d: %s" % (done.returncode, done.stderr))
    if done.returncode == 0 and set(facts) != FACTS:
        wrong.append("facts: %s" % sorted(facts))
    if took > limit_s:
        wrong.append("took %.2f s" % took)
    for fact, wanted in want.items():
        problem = differs(facts[fact], wanted) if fact in facts else "missing"
        if problem:
            wrong.append("%s: %s\n%s" % (fact, problem, facts.get(fact, {}).get("raw", "")))
    result(not wrong, name, "\n".join(wrong))
    return facts


def versions(t10, t11, t12, t13):
    words = {"a": "accepted", "r": "refused", "u": "undecided"}
    return dict(zip(("tls1.0", "tls1.1", "tls1.2", "tls1.3"), (words[t] for t in (t10, t11, t12, t13))))


MODERN = versions("r", "r", "a", "a")
REDIRECTED = {"closed": False, "https": True}
UNSAFE = {"closed": False, "https": False}
HAS_HSTS = {"present": True, "max_age": 31536000, "subdomains": True}
NO_HSTS = {"present": False, "max_age": 0, "subdomains": False}
TRUSTED = {"host": True, "chain": True, "why": ""}


def main():
    for tool in ("nginx", "openssl"):
        if not (shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")):
            print("1..0 # SKIP no %s here" % tool)
            return 0
    make_certificates()
    today = int(time.time()) // 86400

    modern = https()
    site = {kind: https(**options) for kind, options in {
        "old": dict(cert="rsa", protocols="TLSv1 TLSv1.1 TLSv1.2"),
        "tls1.1": dict(protocols="TLSv1.1 TLSv1.2 TLSv1.3", rest="ssl_ciphers ALL:@SECLEVEL=0;"),
        "tls1.3": dict(protocols="TLSv1.3"), "tls1.0": dict(protocols="TLSv1"),
        "expired": dict(cert="expired"), "future": dict(cert="future"), "other": dict(cert="other"),
        "self": dict(cert="self"), "weak": dict(cert="weak"), "sha1": dict(cert="sha1"), "long": dict(cert="long"),
        "leaf only": dict(cert="below"), "full": dict(cert="full"),
        "no hsts": dict(body=""),
        "short": dict(body='add_header Strict-Transport-Security "max-age=300" always;'),
        "quoted": dict(body="add_header Strict-Transport-Security 'max-age=\"31536000\"; includeSubDomains' always;"),
        "twice": dict(body='add_header Strict-Transport-Security "max-age=60"; ' + GOOD_HSTS),
        "broken": dict(body='add_header Strict-Transport-Security "max-age=31536000, includeSubDomains";'),
        "login": dict(body="location = / { return 302 /login; } location = /login { %s return 200 x; }" % GOOD_HSTS),
        "login bare": dict(body="location = / { %s return 302 /login; } location = /login { return 200 x; }" % GOOD_HSTS),
        "to www": dict(body="location = / { %s return 301 https://www.other.example/; }" % GOOD_HSTS),
        "loop": dict(body="location = / { %s return 302 /; }" % GOOD_HSTS),
        "mutual": dict(rest="ssl_client_certificate root.pem; ssl_verify_client on;"),
    }.items()}
    plain = {kind: http(answer) for kind, answer in {
        "301": "return 301 https://$host:%d$request_uri;" % modern,
        "308": "return 308 https://$host:%d$request_uri;" % modern,
        "302": "return 302 https://$host:%d$request_uri;" % modern,
        "303": "return 303 https://$host:%d$request_uri;" % modern,
        "200": "return 200 hello;",
        "other": "return 301 https://www.other.example/;",
        "http": "return 301 http://$host:%d/x;" % modern,
        "hsts": GOOD_HSTS + " return 301 https://$host:%d/;" % modern,
        "token": "return 301 https://$host/x?session=Zm9vYmFyYmF6cXV4cXV1eA;",
    }.items()}
    ipv6 = socket.has_ipv6
    try:
        six = https(listen="[::1]:%d", port=free_port("::1")) if ipv6 else 0
    except OSError:
        ipv6 = False
    uneven = https()
    https(cert="rsa", protocols="TLSv1 TLSv1.2", body="", listen="127.0.0.2:%d", port=uneven)
    both_ways = https()
    scripted(stall(), ("127.0.0.2", both_ways))
    old_second = scripted(stall())
    https(protocols="TLSv1 TLSv1.1 TLSv1.2", listen="127.0.0.2:%d", port=old_second)
    start_nginx()
    wait_for(plain["token"])
    closed = free_port()

    # -- a healthy site
    facts = expect("a healthy site", modern, {
        "http.redirect": {**REDIRECTED, "status": 301, "location": "https://localhost:%d/" % modern},
        "tls.versions": MODERN, "http.hsts": {**HAS_HSTS, "preload": False},
        "tls.cert": {**TRUSTED, "subject": "CN=good", "issuer": "CN=root", "key": "ecdsa-p256", "lifetime": 90,
                     "not_before": today - 1, "not_after": today + 89}}, http_port=plain["301"])
    result(all(f["collector"] == "https/1" and f["subject"] == "flows.web" for f in facts.values()), "collector and subject")
    result("alert 70" in facts["tls.versions"]["raw"] and "127.0.0.1:%d" % modern in facts["tls.versions"]["raw"],
           "the raw answer names address and alert", facts["tls.versions"]["raw"])
    expect("proxies of the environment are not asked", modern, {"http.redirect": REDIRECTED, "http.hsts": HAS_HSTS},
           http_port=plain["301"], env={v: "http://127.0.0.1:%d" % closed for v in ("http_proxy", "https_proxy", "ALL_PROXY")})
    expect("by address instead of name", modern, {"tls.cert": TRUSTED, "tls.versions": MODERN}, host="127.0.0.1", http_port=closed)
    if ipv6:
        expect("over IPv6", six, {"tls.cert": TRUSTED, "tls.versions": MODERN, "http.hsts": {**NO_HSTS, "why": lambda w: "address" in w}, "http.redirect": {"closed": True}},
               host="[::1]", http_port=closed)
    else:
        result(True, "over IPv6 # SKIP no ::1 here")
    times = sorted(look(modern, http_port=plain["301"])[1] for _ in range(9))
    print("# a healthy site takes %.0f ms (median of 9, the program's start included)" % (times[4] * 1000))
    result(times[4] < 1.0, "a healthy site takes under a second")

    # -- HTTP-1
    for kind, want in {"308": {**REDIRECTED, "status": 308}, "302": {**REDIRECTED, "status": 302}, "303": {**UNSAFE, "status": 303},
                       "200": {**UNSAFE, "status": 200}, "other": {**UNSAFE, "location": "https://www.other.example/"},
                       "http": UNSAFE}.items():
        expect("port 80 answers: " + kind, modern, {"http.redirect": want}, http_port=plain[kind])
    expect("port 80 closed", modern, {"http.redirect": {"closed": True, "https": False}}, http_port=closed)
    facts = expect("a query is not shown", modern, {"http.redirect": {"location": "https://localhost/x"}}, http_port=plain["token"])
    result("Zm9v" not in json.dumps(facts), "nor in a raw answer")
    redirect = b"HTTP/1.1 301 x\r\nLocation: https://localhost/\r\n\r\n"
    for kind, talk, want in (
            ("stalls", stall(), "no answer in time"),
            ("stalls after a byte", stall(b"H"), "no answer in time"),
            ("drips", drip, "no answer in time"),
            ("garbage", say(os.urandom(300)), "no HTTP answer"),
            ("HTTP/0.9", say(b"<html>"), "no HTTP answer"),
            ("closes", say(), "closed the connection"),
            ("TLS on the plain port", say(b"\x15\x03\x01\x00\x02\x02\x46"), "no HTTP answer"),
            ("a head without end", say(b"HTTP/1.1 200 OK\r\n" + b"X-A: bbbbbbbbbbbbbbbb\r\n" * 8192), "larger than"),
            ("half a head", say(b"HTTP/1.1 301 x\r\nLocation: https://localhost/\r\n"), ""),
            ("a hint first", say(b"HTTP/1.1 103 Early Hints\r\nLocation: http://x/\r\n\r\n" + redirect), REDIRECTED),
            ("no body comes", say(b"HTTP/1.1 301 x\r\nContent-Length: 9\r\nLocation: https://localhost/\r\n\r\n", pause=5), REDIRECTED),
            ("Location with a password", say(b"HTTP/1.1 301 x\r\nLocation: https://a:hunter2@localhost/\r\n\r\n"), UNSAFE),
            ("odd Location", say(b"HTTP/1.1 301 x\r\nLocation: https://localhost\\@evil/\r\n\r\n"), {"closed": False}),
            ("LOCALHOST", say(b"HTTP/1.1 301 x\r\nlocation: HTTPS://LOCALHOST/\r\n\r\n"), REDIRECTED),
            ("localhost.evil.example", say(b"HTTP/1.1 301 x\r\nlocation: https://localhost.evil.example/\r\n\r\n"), UNSAFE),
            ("two Locations", say(b"HTTP/1.1 301 x\r\nLocation: http://localhost/\r\nLocation: https://localhost/\r\n\r\n"), UNSAFE),
    ):
        facts = expect("port 80: " + kind, modern, {"http.redirect": want, "tls.versions": MODERN}, http_port=scripted(talk),
                       **(dict(timeout_ms=9000, limit_s=3.5) if kind == "no body comes" else {}))
        result("hunter2" not in json.dumps(facts), "port 80: %s: no secret kept" % kind)

    # -- HTTP-2
    for kind, want in {"no hsts": NO_HSTS, "short": {"present": True, "max_age": 300, "subdomains": False}, "quoted": HAS_HSTS,
                       "twice": {"present": True, "max_age": 60, "subdomains": False, "why": lambda w: "twice" in w},
                       "broken": {**NO_HSTS, "why": lambda w: "ignore" in w}, "login": HAS_HSTS, "login bare": NO_HSTS,
                       "to www": HAS_HSTS, "loop": "redirects", "old": HAS_HSTS, "expired": HAS_HSTS}.items():
        expect("HSTS: " + kind, site[kind], {"http.hsts": want}, http_port=closed)
    expect("HSTS: over http only", site["no hsts"], {"http.hsts": NO_HSTS}, http_port=plain["hsts"])

    # -- TLS versions
    expect("TLS 1.0 to 1.2", site["old"], {"tls.versions": versions("a", "a", "a", "r"), "tls.cert": {"key": "rsa-2048"}}, http_port=closed)
    write("openssl.cnf", "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1.2\n"
          "Protocol = -TLSv1,-TLSv1.1\nCipherString = DEFAULT:@SECLEVEL=2\n")
    expect("TLS 1.0 to 1.2, where openssl.cnf forbids asking", site["old"], {"tls.versions": versions("a", "a", "a", "r"), "http.hsts": HAS_HSTS},
           http_port=closed, env={"OPENSSL_CONF": os.path.join(FOLDER, "openssl.cnf")})
    expect("TLS 1.0 only, where openssl.cnf forbids it", site["tls1.0"], {
        "tls.versions": versions("a", "r", "r", "r"), "tls.cert": TRUSTED, "http.hsts": HAS_HSTS},
        http_port=closed, env={"OPENSSL_CONF": os.path.join(FOLDER, "openssl.cnf")})
    expect("TLS 1.1 to 1.3", site["tls1.1"], {"tls.versions": versions("r", "a", "a", "a")}, http_port=closed)
    expect("TLS 1.3 only", site["tls1.3"], {"tls.versions": versions("r", "r", "r", "a")}, http_port=closed)
    for kind, on_old, want in (
            ("hangs up", lambda peer, hello: None, "r"), ("resets", reset, "r"), ("says 40", alert(40), "r"),
            ("says 80", alert(80), "r"), ("says 112", alert(112), "u"), ("warns and closes", alert(112, level=1), "r"),
            ("says nothing", lambda peer, hello: time.sleep(20), "u"), ("talks HTTP", lambda peer, hello: peer.sendall(b"HTTP/1.1 400 x\r\n\r\n"), "u")):
        expect("an old hello: the server " + kind, front(modern, on_old),
               {"tls.versions": versions(want, want, "a", "a"), "tls.cert": TRUSTED}, http_port=closed, timeout_ms=8000, limit_s=8 + SLACK_S)
    facts = expect("TLS 1.0 with RC4 alone is found", front(modern, rc4_only), {"tls.versions": versions("a", "r", "a", "a")}, http_port=closed)
    result("suite 0x0005" in facts["tls.versions"]["raw"], "the raw answer names the suite", facts["tls.versions"]["raw"])
    strict = s_server("-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", "root.pem")
    wait_for(strict)
    expect("a server that wants our certificate", strict,
           {"tls.versions": versions("r", "r", "a", "r"), "tls.cert": TRUSTED, "http.hsts": ""}, http_port=closed)
    expect("nginx that wants our certificate", site["mutual"], {"tls.versions": MODERN, "tls.cert": TRUSTED}, http_port=closed)

    # -- certificates
    for kind, want in {
            "expired": {"host": True, "chain": False, "not_after": today - 10, "why": lambda w: "expired" in w},
            "future": {"host": True, "chain": False, "not_before": today + 2, "why": lambda w: "not yet valid" in w},
            "other": {"host": False, "chain": True, "why": lambda w: "other names" in w},
            "self": {"host": True, "chain": False, "why": lambda w: "self-signed" in w},
            "weak": {"key": "rsa-1024", "chain": True},
            "sha1": {"chain": False, "why": lambda w: "weak" in w},
            "long": {"key": "ecdsa-p384", "lifetime": 800},
            "leaf only": {"chain": False, "why": lambda w: "issuer" in w},
            "full": {**TRUSTED, "issuer": "CN=middle"}}.items():
        expect("certificate: " + kind, site[kind], {"tls.cert": want, "tls.versions": MODERN}, http_port=closed)
    expect("certificate: another CA", modern, {"tls.cert": {"host": True, "chain": False}}, ca="stranger.pem", http_port=closed)
    expect("certificate: itself in the CA file", site["self"], {"tls.cert": TRUSTED}, ca="self.pem", http_port=closed)
    expect("certificate: no CA file", modern, {"tls.cert": "CA file: absent.pem"}, ca="absent.pem", http_port=closed)
    expect("certificate: CA file without one", modern, {"tls.cert": "no certificate"}, ca="none.pem", http_port=closed)
    expect("certificate: CA file outside the folder", modern, {"tls.cert": "leaves the plan"}, ca="/etc/hostname", http_port=closed)
    expect("certificate: CA file by dots", modern, {"tls.cert": "leaves the plan"}, ca="../../etc/hostname", http_port=closed)
    system_has_roots = any(n.endswith(".0") for n in os.listdir("/etc/ssl/certs")) if os.path.isdir("/etc/ssl/certs") else False
    expect("certificate: the system's roots", modern, {"tls.cert": {"chain": False} if system_has_roots else "no trusted roots"},
           ca="system", http_port=closed)
    empty = os.path.join(FOLDER, "empty")
    os.mkdir(empty)
    expect("certificate: a system without roots", modern, {"tls.cert": "no trusted roots"}, ca="system", http_port=closed,
           env={"SSL_CERT_DIR": empty, "SSL_CERT_FILE": os.path.join(empty, "none")})

    # -- several addresses
    under = own_hosts()
    if under:
        two = dict(host="two.test", under=under, http_port=closed)
        facts = expect("addresses: all, one is worse", uneven, {
            "tls.versions": versions("a", "r", "a", "r"), "http.hsts": NO_HSTS, "tls.cert": {**TRUSTED, "key": "rsa-2048"},
            "http.redirect": {"closed": True}}, addresses="all", **two)
        result(all(a in facts["tls.versions"]["raw"] for a in ("127.0.0.1:", "127.0.0.2:")), "the raw answer names both",
               facts["tls.versions"]["raw"])
        expect("addresses: all, one stalls", both_ways, {"tls.versions": versions("u", "u", "a", "u"), "http.hsts": "127.0.0.2"},
               addresses="all", **two)
        expect("addresses: all, the first stalls, the second is old", old_second, {"tls.versions": versions("a", "a", "a", "r")},
               addresses="all", **two)
        expect("addresses: one", uneven, {"tls.versions": MODERN, "http.hsts": HAS_HSTS}, **two)
        expect("addresses: all, one is down", modern, {
            "tls.versions": versions("u", "u", "a", "u"), "http.hsts": "127.0.0.2", "tls.cert": "127.0.0.2",
            "http.redirect": "127.0.0.2"}, addresses="all", **two)
        expect("addresses: all, one is down, an old version on the other", site["old"], {
            "tls.versions": versions("a", "a", "a", "r")}, addresses="all", **two)
    else:
        result(True, "several addresses # SKIP no mount namespace of our own here")

    # -- no healthy site there: unknown, with the reason, in time
    for kind, port, why in (
            ("stalls after accept", scripted(stall()), "no answer in time"),
            ("stalls after a byte", scripted(stall(b"\x16")), "no answer in time"),
            ("drips a record", scripted(drip_tls), "no answer in time"),
            ("garbage", scripted(say(os.urandom(300))), "no TLS answer"),
            ("plain HTTP", plain["200"], "no TLS answer"),
            ("closes", scripted(say()), "closed the connection"),
            ("closed port", closed, "refused")):
        expect("TLS: " + kind, port, {"tls.versions": why, "tls.cert": why, "http.hsts": ""}, http_port=plain["301"])
    expect("all closed: port 80 proves nothing", closed, {"http.redirect": "so is the https port"}, http_port=closed)
    expect("no such name", modern, {f: "" for f in FACTS}, host="nothing.invalid", http_port=closed)
    expect("an url without TLS", modern, {f: "not https" for f in FACTS}, url="http://localhost:%d/" % modern)
    facts = expect("an url with a password", modern, {f: "password" for f in FACTS}, url="https://a:hunter2@localhost/")
    result("hunter2" not in json.dumps(facts), "the password is not told")
    expect("no url", modern, {f: "no url" for f in FACTS}, url=None)
    expect("an odd port", modern, {f: "no port" for f in FACTS}, http_port="8x")
    expect("hardly any time", scripted(stall()), {f: "" for f in FACTS}, timeout_ms=50, limit_s=SLACK_S, http_port=scripted(stall()))

    return finish()


sys.exit(main())
