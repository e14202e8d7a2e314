"""Real PostgreSQL clusters, and servers that only look like one. As root the servers run as the user
postgres, since they refuse to run as root."""
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import FOLDER, bail, closers, free_port, run


def bin_folder():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))
    if found:
        return found[-1]
    path = shutil.which("initdb")
    return os.path.dirname(path) if path else None


def as_server(*command):
    """Servers run as postgres when we are root, else as ourselves; as clients of others they take
    no certificate from anybody's home."""
    command = ["env", "HOME=" + FOLDER, *command]
    if os.geteuid() != 0:
        return command
    user = pwd.getpwnam("postgres")
    return ["setpriv", "--reuid=%d" % user.pw_uid, "--regid=%d" % user.pw_gid, "--clear-groups",
            *command]


# ---- clusters

BIN = bin_folder()


def make_certificates():
    """A CA of our own, and a certificate for localhost and 127.0.0.1."""
    with open(FOLDER + "/ext", "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=test CA",
        "-addext", "basicConstraints=critical,CA:TRUE")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "other.key", "-out", "other.pem", "-days", "30", "-subj", "/CN=other CA")
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-out", "server.pem", "-days", "30", "-extfile", "ext")


class Cluster:
    """One server; its rules and settings are replaced and loaded for each layout. With `follows`, a
    connection string, it is a standby of the server there."""

    def __init__(self, name="data", follows=None):
        self.data = FOLDER + "/" + name
        self.port = free_port()
        os.mkdir(self.data, 0o700)
        for name in ("server.key", "server.pem"):
            shutil.copy(os.path.join(FOLDER, name), FOLDER + "/pg-" + name)
            os.chmod(FOLDER + "/pg-" + name, 0o600)
        if os.geteuid() == 0:
            os.chmod(FOLDER, 0o711)
            for path in (self.data, FOLDER + "/pg-server.key", FOLDER + "/pg-server.pem"):
                shutil.chown(path, "postgres", "postgres")
        if follows is None:
            run(*as_server(BIN + "/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                           "--locale=C", "--no-sync"))
        else:
            run(*as_server(BIN + "/pg_basebackup", "-D", self.data, "-R", "-c", "fast", "--no-sync", "-d", follows))
        self.settings(ssl=False)
        self.rules("host all all all trust")
        closers.insert(0, self.stop)  # one that follows another stops first
        self.process = subprocess.Popen(
            as_server(BIN + "/postgres", "-D", self.data), cwd=FOLDER,
            stdout=open(FOLDER + "/log", "ab"), stderr=subprocess.STDOUT)
        for _ in range(200):
            if subprocess.run([BIN + "/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
                              ).returncode == 0:
                return
            time.sleep(0.1)
        bail("PostgreSQL did not start: " + open(FOLDER + "/log").read()[-500:])

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "w") as f:
            f.write(text)
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")
        past = time.time() - 60  # so that the file is not newer than what is loaded
        os.utime(path, (past, past))

    def settings(self, ssl, **more):
        lines = ["listen_addresses = '127.0.0.1, 127.0.0.2'", "port = %d" % self.port,
                 "unix_socket_directories = ''", "fsync = off", "shared_buffers = 16MB",
                 "wal_level = logical",
                 "ssl = %s" % ("on" if ssl else "off"), "log_min_messages = fatal",
                 "ssl_cert_file = '%s/pg-server.pem'" % FOLDER,
                 "ssl_key_file = '%s/pg-server.key'" % FOLDER]
        lines += ["%s = '%s'" % item for item in more.items()]
        self.write("postgresql.conf", "\n".join(lines) + "\n")

    def rules(self, text):
        self.write("pg_hba.conf", text + "\n")

    def load(self, rules, ssl=True, **more):
        self.settings(ssl, **more)
        self.rules(rules)
        self.reload()

    def reload(self):
        """Loaded means loaded: a new connection shows the time of the load that we asked for."""
        os.kill(self.process.pid, signal.SIGHUP)
        time.sleep(0.4)

    def sql(self, text, database="postgres", sslmode="prefer"):
        return run(BIN + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text,
                   "host=127.0.0.1 port=%d user=postgres dbname=%s sslmode=%s"
                   % (self.port, database, sslmode))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


# ---- broken servers

class Fake:
    """Answers each connection with the same bytes, then waits (or closes)."""

    def __init__(self, answer, close=False, answer_ssl=None, host="127.0.0.1", port=0):
        self.answer, self.close, self.answer_ssl = answer, close, answer_ssl
        self.listener = socket.socket()
        self.listener.bind((host, port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.held = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        try:
            asked = peer.recv(4096)
            is_ssl = asked == bytes.fromhex("0000000804d2162f")
            answer = self.answer_ssl if is_ssl and self.answer_ssl is not None else self.answer
            peer.sendall(answer)
        except OSError:
            pass
        if self.close:
            peer.close()
        else:
            self.held.append(peer)


def error_message(sqlstate, routine="ClientAuthentication"):
    body = b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0Mno\0R" + routine.encode() + b"\0\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


class Forward:
    """A port of one address only, behind which another one answers."""

    def __init__(self, to, host="127.0.0.1", port=0):
        self.to = to
        self.listener = socket.socket()
        self.listener.bind((host, port))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            behind = socket.create_connection(("127.0.0.1", self.to))
            for pair in ((peer, behind), (behind, peer)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while True:
                bytes_ = source.recv(4096)
                if not bytes_:
                    break
                sink.sendall(bytes_)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
