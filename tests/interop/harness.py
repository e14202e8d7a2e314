"""What the tests that start real servers share: TAP, a folder that goes away, ports, certificates,
nginx, and servers of our own that misbehave. Everything listens on the loopback interface, on ports
that the system gives out."""
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = tempfile.mkdtemp(prefix="redoubt-interop-")
started = []
closers = []
taken = []
counted = {"tests": 0, "failed": 0}


def clean_up():
    for close in closers:
        close()
    for process in started:
        if process.poll() is None:
            process.terminate()
    for process in started:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(clean_up)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
os.environ["PATH"] += ":/usr/sbin:/sbin"


# ---- TAP

def result(good, name, detail=""):
    counted["tests"] += 1
    counted["failed"] += not good
    print("%s %d - %s" % ("ok" if good else "not ok", counted["tests"], name))
    if not good and detail:
        print("\n".join("# " + line for line in str(detail).splitlines()))
    sys.stdout.flush()


def bail(words):
    print("Bail out! " + words.strip().replace("\n", " "))
    sys.exit(1)


def finish():
    """The plan line; the exit status of the test."""
    print("1..%d" % counted["tests"])
    return 1 if counted["failed"] else 0


# ---- files, commands, ports

def write(name, text, mode=None):
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if mode is not None:
        os.chmod(path, mode)
    return path


def run(*command, **kwargs):
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        bail("%s: %s" % (" ".join(command[:6]), done.stderr + done.stdout))
    return done.stdout


def free_port(host="127.0.0.1"):
    """A port that stays bound by nobody but is not given out twice by this run."""
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
            s.bind((host, 0))
            port = s.getsockname()[1]
        if port not in taken:
            taken.append(port)
            return port


def wait_for(port, host="127.0.0.1"):
    for _ in range(100):
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    log = os.path.join(FOLDER, "error.log")
    bail("no server on port %d: %s" % (port, open(log).read()[-300:] if os.path.exists(log) else ""))


# ---- certificates

CA_CONF = """
[ca]
default_ca = one
[one]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
email_in_dn = no
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


def make_ca(name, issuer=None):
    if not os.path.exists(os.path.join(FOLDER, "ca.conf")):
        write("ca.conf", CA_CONF)
        write("index.txt", "")
        write("serial", "1000\n")
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")
    extensions = "basicConstraints=critical,CA:TRUE"
    if issuer is None:
        run("openssl", "req", "-x509", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-days", "3650",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", name + ".pem")
        return
    write(name + ".ext", extensions)
    run("openssl", "req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out", name + ".csr")
    run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key",
        "-CAcreateserial", "-days", "3650", "-extfile", name + ".ext", "-out", name + ".pem")


def make_cert(name, names, issuer="root", key=("ec", "prime256v1"), start=-1, days=90, digest="sha256", subject=None):
    """names: subjectAltName; start: days from now. NAME.pem and NAME.key."""
    if key[0] == "ec":
        run("openssl", "ecparam", "-name", key[1], "-genkey", "-noout", "-out", name + ".key")
    else:
        run("openssl", "genrsa", "-out", name + ".key", key[1])
    run("openssl", "req", "-new", "-key", name + ".key", "-subj", subject or "/CN=" + name, "-addext",
        "subjectAltName=" + names, "-out", name + ".csr")
    moments = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * d)) for d in (start, start + days)]
    command = ["openssl", "ca", "-batch", "-notext", "-config", "ca.conf", "-in", name + ".csr", "-out", name + ".pem",
               "-startdate", moments[0], "-enddate", moments[1], "-md", digest]
    if issuer is None:
        command += ["-selfsign", "-keyfile", name + ".key"]
    else:
        command += ["-cert", issuer + ".pem", "-keyfile", issuer + ".key"]
    run(*command)


# ---- nginx

GOOD_HSTS = 'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;'
NGINX = """
daemon off;
pid nginx.pid;
error_log error.log;
worker_processes 1;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
%s
}
"""
servers = []


def https(cert="good", protocols="TLSv1.2 TLSv1.3", body=GOOD_HSTS, listen="127.0.0.1:%d", port=None, rest=""):
    port = port or free_port()
    chain = "full" if cert == "full" else cert
    key = "below" if cert == "full" else cert
    weak = "ssl_ciphers ALL:@SECLEVEL=0;" if "TLSv1 " in protocols + " " or cert in ("weak", "sha1") else ""
    servers.append("server { listen %s ssl; ssl_certificate %s.pem; ssl_certificate_key %s.key; ssl_protocols %s; %s %s %s "
                   "location / { return 200 hello; } }" % (listen % port, chain, key, protocols, weak, rest, body))
    return port


def http(answer):
    port = free_port()
    servers.append("server { listen 127.0.0.1:%d; %s }" % (port, answer))
    return port


def start_nginx():
    write("nginx.conf", NGINX % "\n".join(servers))
    # As root nginx drops to nobody, who must be able to enter the folder.
    os.chmod(FOLDER, 0o755)
    started.append(subprocess.Popen(["nginx", "-p", FOLDER, "-e", "error.log", "-c", "nginx.conf"], cwd=FOLDER,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


# ---- servers that misbehave

def scripted(talk, address=("127.0.0.1", 0)):
    """A server of our own: talk(socket) for each connection, in threads."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(64)
    taken.append(listener.getsockname()[1])

    def serve(peer):
        try:
            talk(peer)
        except OSError:
            pass
        finally:
            peer.close()

    def loop():
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def say(*parts, pause=0.0):
    """Read the request first: unread bytes would turn our close into a reset."""
    def talk(peer):
        peer.recv(65536)
        for part in parts:
            peer.sendall(part)
            time.sleep(pause)
    return talk


def stall(first=b""):
    def talk(peer):
        if first:
            peer.sendall(first)
        time.sleep(60)
    return talk


def drip(peer):
    peer.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.1)


def drip_tls(peer):
    """A record that claims 16 KiB and arrives one byte at a time."""
    peer.recv(65536)
    for byte in b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\x03\x03" + b"A" * 16000:
        peer.sendall(bytes([byte]))
        time.sleep(0.05)


def read_hello(peer):
    hello = b""
    while len(hello) < 5 or len(hello) < 5 + int.from_bytes(hello[3:5], "big"):
        data = peer.recv(65536)
        if not data:
            break
        hello += data
    return hello


def relay(peer, port, first=b""):
    """Hands a connection on to the server at port."""
    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    with socket.create_connection(("127.0.0.1", port)) as behind:
        behind.sendall(first)
        threading.Thread(target=pump, args=(behind, peer), daemon=True).start()
        pump(peer, behind)
        time.sleep(0.2)


def front(port, on_old):
    """Hands TLS 1.2 and newer to the server at port; on_old(socket, hello) answers older hellos."""
    def talk(peer):
        hello = read_hello(peer)
        if hello and hello[9:11] < b"\x03\x03":
            on_old(peer, hello)
        elif hello:
            relay(peer, port, hello)
    return scripted(talk)


def reset(peer, _hello=None):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def alert(code, level=2):
    return lambda peer, _hello: peer.sendall(bytes([0x15, 3, 1, 0, 2, level, code]))


def s_server(*options):
    port = free_port()
    started.append(subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", "good.pem", "-key", "good.key",
                                     "-quiet", *options], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL))
    return port


# ---- names with several addresses

TWO = "127.0.0.1 two.test\n127.0.0.2 two.test\n"
MANY = "".join("127.0.0.%d many.test\n" % i for i in range(1, 18))


def own_hosts():
    """A command that runs another with our own /etc/hosts, so that a name has two addresses; or None."""
    write("hosts", TWO + MANY)
    bind = ["sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', os.path.join(FOLDER, "hosts")]
    for unshare in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        try:
            seen = subprocess.run([*unshare, *bind, "getent", "ahosts", "two.test"], capture_output=True, text=True)
        except OSError:
            return None
        if seen.returncode == 0 and "127.0.0.1" in seen.stdout and "127.0.0.2" in seen.stdout:
            return [*unshare, *bind]
    return None
