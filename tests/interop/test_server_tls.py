#!/usr/bin/env python3
"""The HTTPS server's TLS: versions, what must be refused, client certificates, sessions, certificates
read again under load. Prints TAP."""
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import finish, write  # noqa: E402
from server_case import *  # noqa: E402,F401,F403


def s_client(server, *options, text=""):
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, *options], input=text,
                          capture_output=True, text=True, timeout=SECONDS, cwd=FOLDER)
    return done.stdout + done.stderr


def shake(server, **kwargs):
    """Whether the peer can have an answer: with TLS 1.3 a client learns of its refusal by reading."""
    try:
        return talk(server, get("/echo"), **kwargs)
    except (ssl.SSLError, ConnectionError) as e:
        return e


def test_versions(server):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with server.connect(client(version=version)) as sock:
            sock.sendall(get("/"))
            answer = Reader(sock).answer()
            result(answer.status == 200 and sock.version() == name, name + " is spoken", answer)
    for option in ("-tls1", "-tls1_1"):
        said = s_client(server, option, "-cipher", "DEFAULT:@SECLEVEL=0")
        result("protocol version" in said and "Cipher is (NONE)" in said, "%s is refused by an alert" % option, said[-600:])
    for suite in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        said = s_client(server, "-tls1_2", "-cipher", suite)
        result("handshake failure" in said, "%s is refused" % suite, said[-600:])
    said = s_client(server, "-tls1_2", text="R\n")
    result("no renegotiation" in said, "renegotiation is refused", said[-600:])
    said = s_client(server, "-tls1_2", text="Q\n")
    result("Compression: NONE" in said and "Secure Renegotiation IS supported" in said, "no compression", said[-600:])
    # the server's flight comes before our "Q", the session's ticket after it: -sess_out would miss it
    said = s_client(server, "-tls1_3", "-ign_eof", text=get("/close").decode())
    result("Max Early Data: 0" in said and "Early data was not sent" in said, "no early data", said[-600:])
    said = s_client(server, "-alpn", "h2,http/1.1", text="Q\n")
    result("ALPN protocol: http/1.1" in said, "ALPN: http/1.1", said[-600:])
    said = s_client(server, "-alpn", "h2", text="Q\n")
    result("no application protocol" in said, "ALPN without http/1.1 is refused", said[-600:])
    with server.connect(wrap=False) as sock:
        sock.sendall(get("/"))
        got = sock.recv(1000)
        result(got == b"" or got[0] == 21, "a plain request gets an alert or nothing", got)
    result("http request" in server.reasons(), "and is counted")
    with server.connect(wrap=False) as sock:
        sock.sendall(b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\xfc" + b"\xff" * 16380)
        result(Reader(sock).more() or True, "a hello that is none")
    result(closed(server), "nothing of these is left")


def fingerprint(name):
    text = run("openssl", "x509", "-in", name + ".pem", "-noout", "-fingerprint", "-sha256")
    return text.strip().split("=")[1].replace(":", "").lower()


def client_certs():
    make_ca("other")
    make_cert("ann", "DNS:ann")
    make_cert("eve", "DNS:eve", issuer="other")
    make_cert("late", "DNS:late", start=-10, days=5)
    make_cert("early", "DNS:early", start=5, days=5)
    make_cert("large", "DNS:large", key=("rsa", "4224"))
    make_cert("small", "DNS:small", key=("rsa", "1024"))
    issuer = "root"
    for i in range(5):
        make_ca("below%d" % i, issuer)
        issuer = "below%d" % i
        make_cert("deep%d" % i, "DNS:deep", issuer=issuer)
        chain = "".join(open(path(name + ".pem"), encoding="ascii").read()
                        for name in ["deep%d" % i] + ["below%d" % j for j in range(i, -1, -1)])
        write("deep%d.pem" % i, chain)
    make_cert("fat", ",".join("DNS:name-%d.example.com" % i for i in range(1000)))


def test_client_certs(server, version, name):
    def known(cert):
        got = shake(server, context=client(cert, version))
        return got.text.split("cert=")[1] if isinstance(got, Answer) else got

    result(known(None) == "", name + ": no certificate is fine", known(None))
    result(known("ann") == fingerprint("ann"), name + ": a good one is known by its fingerprint", known("ann"))
    result(known("deep0") == fingerprint("deep0"), name + ": one below an intermediate CA", known("deep0"))
    result(known("deep2") == fingerprint("deep2"), name + ": a chain of 4", known("deep2"))
    server.reasons()
    for cert, why in (("eve", "of another CA"), ("late", "expired"), ("early", "not yet good"), ("large", "of 4224 bits"),
                      ("small", "of 1024 bits"), ("deep3", "below 4 intermediates"), ("fat", "with too many bytes")):
        before = server.counts()
        try:
            got = known(cert)
        except ssl.SSLError as e:  # our own library refuses to use it
            got = e
        after = server.counts()
        good = isinstance(got, Exception) and after["requests"] == before["requests"]
        result(good, "%s: a certificate %s ends the handshake" % (name, why), "%s %s" % (got, after))
    result("certificate verify failed" in server.reasons(), name + ": and is counted")


def resume(server, context, n=1):
    """Whether each of n connections resumes the session of the one before; the answers' words."""
    session, resumed, texts = None, [], []
    for _ in range(n + 1):
        with server.connect(context, session=session) as sock:
            sock.sendall(get("/echo"))
            texts.append(Reader(sock).answer().text)
            session = sock.session
            resumed.append(sock.session_reused)
    return resumed, texts


def test_sessions(server, version, name, cert):
    context = client(cert, version)
    before = server.counts()
    resumed, texts = resume(server, context, 4)
    after = server.counts()
    result(resumed == [False, True, True, True, True], "%s: sessions are resumed%s" % (name, " with a certificate" if cert else ""), resumed)
    result(after["resumed"] - before["resumed"] == 4 and after["handshakes"] - before["handshakes"] == 5, name + ": and counted", after)
    want = fingerprint(cert) if cert else ""
    result(all(t.split("cert=")[1] == want for t in texts), name + ": with the certificate of the first", texts)


def test_session_life(version, name):
    """Each resumption gives a new session; all of them together live as long as the first."""
    server = Server("--ca", path("root.pem"), "--hurry", "10")
    context, session, resumed = client("ann", version), None, []
    for _ in range(20):
        with server.connect(context, session=session) as sock:
            sock.sendall(get("/echo"))
            Reader(sock).answer()
            session = sock.session
            resumed.append(sock.session_reused)
        time.sleep(0.5)
    result(not all(resumed[1:]) and any(resumed), name + ": resuming does not make sessions live on", resumed)
    server.stop()


def test_session_reload():
    """A session made under one client CA is worth nothing under the next."""
    shutil.copy(path("root.pem"), path("clients.pem"))
    server = Server("--ca", path("clients.pem"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        shutil.copy(path("root.pem"), path("clients.pem"))
        server.ask("reload")
        context = client("ann", version)
        eventually(lambda: isinstance(shake(server, context=context), Answer), 5)
        with server.connect(context) as sock:
            sock.sendall(get("/echo"))
            Reader(sock).answer()
            session = sock.session
        shutil.copy(path("other.pem"), path("clients.pem"))
        said = server.ask("reload")
        gone = eventually(lambda: not isinstance(shake(server, context=context, session=session), Answer), 5)
        result(gone, "%s: a session does not outlive the client CA" % version.name, said)
    server.stop()


def test_cert_runs_out():
    make_cert("brief", "DNS:brief", start=-1, days=1 + 4 / 86400)
    server = Server("--ca", path("root.pem"))
    with server.connect(client("brief")) as sock:
        reader = Reader(sock)
        sock.sendall(get("/echo"))
        first = reader.answer()
        for _ in range(40):
            time.sleep(0.5)
            sock.sendall(get("/echo"))
            last = reader.answer()
            if last.fields.get("Connection") == "close":
                break
        result(first.text.split("cert=")[1] == fingerprint("brief") and last.text.endswith("cert=") and reader.at_end(),
               "a certificate that runs out on an open connection is none any more", (first, last))
    server.stop()


def test_key_update(server):
    process = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-tls1_3"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for _ in range(3):
        for words in (b"K\n", b"k\n", get("/echo")):  # its commands stand in a read of their own
            time.sleep(0.3)
            process.stdin.write(words)
            process.stdin.flush()
    time.sleep(0.3)
    out = process.communicate(b"Q\n", timeout=SECONDS)[0].decode()
    result(out.count("HTTP/1.1 200 OK") == 3 and "KEYUPDATE" in out, "new keys, asked for by the peer", out[-1500:])


def load(server, stop, failures, answers):
    """Connections one after the other, some requests on each."""
    while not stop.is_set():
        try:
            with server.connect(client(check=False)) as sock:
                reader = Reader(sock)
                for _ in range(5):
                    sock.sendall(get("/later"))
                    if reader.answer().status == 200:
                        answers.append(1)
        except (OSError, ValueError, AttributeError) as e:
            failures.append(repr(e))


def served(server):
    with server.connect(client(check=False)) as sock:
        return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)).strip()


def test_reload():
    make_cert("next", "DNS:localhost,IP:127.0.0.1", key=("rsa", "2048"))
    first, second = (open(path(n + ".pem"), encoding="ascii").read().strip() for n in ("server", "next"))
    for suffix in (".pem", ".key"):
        shutil.copy(path("server" + suffix), path("live" + suffix))
    server = Server("--loops", "2", cert="live")
    old = server.connect()
    stop, failures, answers = threading.Event(), [], []
    threads = [threading.Thread(target=load, args=(server, stop, failures, answers)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(6):
        for suffix in (".pem", ".key"):
            shutil.copy(path(("next", "server")[i % 2] + suffix), path("live" + suffix))
        said = server.ask("reload")
        good = said == "reload done" and eventually(lambda: served(server) == (second, first)[i % 2], 5)
        result(good, "reload %d under load: new connections get the new certificate" % i, said)
    shutil.copy(path("next.key"), path("live.key"))
    said = server.ask("reload")
    result("does not fit" in said and served(server) == first, "a key that does not fit changes nothing", said)
    write("live.pem", "nonsense")
    said = server.ask("reload")
    result("no certificate" in said and served(server) == first, "nor does a file without a certificate", said)
    os.remove(path("live.pem"))
    said = server.ask("reload")
    result("reload" in said and "done" not in said and served(server) == first, "nor a file that is gone", said)
    stop.set()
    for thread in threads:
        thread.join()
    result(not failures and answers, "no connection and no request failed meanwhile (%d answers)" % len(answers), failures[:5])
    old.sendall(get("/"))
    result(Reader(old).answer().status == 200, "the connection from before still works")
    old.close()
    server.stop()


def refuses(options, words, name):
    done = subprocess.run([PROGRAM, *options, "127.0.0.1:0"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=SECONDS, cwd=FOLDER)
    result(done.returncode != 0 and words in done.stderr, "does not start: " + name, done.stderr)


def test_start():
    write("empty.pem", "")
    write("odd.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    run("openssl", "ec", "-in", "server.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
    good = ["--cert", "server.pem", "--key", "server.key"]
    refuses(["--cert", "server.pem", "--key", "root.key"], "does not fit", "another certificate's key")
    refuses(["--cert", "empty.pem", "--key", "server.key"], "no certificate", "an empty certificate file")
    refuses(["--cert", "odd.pem", "--key", "server.key"], "server certificate", "a damaged certificate")
    refuses(["--cert", "server.pem", "--key", "locked.key"], "no private key", "a key under a password")
    refuses(["--cert", "server.pem", "--key", "nowhere.key"], "nowhere.key", "no such key")
    refuses(["--cert", "server.pem"], "needs a certificate and its key", "no key at all")
    refuses(good + ["--ca", "empty.pem"], "empty", "an empty client CA")
    refuses(good + ["--ca", "server.key"], "client CA", "a client CA without certificates")
    refuses(good + ["--loops", "0"], "threads", "no threads")
    refuses(good + ["--loops", "65"], "threads", "too many threads")
    for address in ("localhost:0", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:", "::1:0", "[127.0.0.1]:0", "unix:", ":0", ""):
        refuses(good + [address], "not an address" if address != "unix:" else "path", "address '%s'" % address)


def main():
    certificates()
    client_certs()
    test_start()
    server = Server()
    test_versions(server)
    test_key_update(server)
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        test_sessions(server, version, name, None)
    server.stop()
    server = Server("--ca", path("root.pem"))
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        test_client_certs(server, version, name)
        test_sessions(server, version, name, "ann")
    server.stop()
    test_session_life(ssl.TLSVersion.TLSv1_3, "TLSv1.3")
    test_session_life(ssl.TLSVersion.TLSv1_2, "TLSv1.2")
    test_session_reload()
    test_cert_runs_out()
    test_reload()
    return finish()


sys.exit(main())
