"""A cluster with Redoubt's SQL in it, and values to put there. Three roles: postgres, whom only the server's own things need;
owner, an ordinary user who owns the tables; writer, the application, who may only read and write them."""
import ctypes
import ctypes.util
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../functional")]
from clusters import BIN, Cluster, make_certificates  # noqa: E402
from field_values import Place, fixed, seal, text  # noqa: E402
from harness import bail  # noqa: E402

PGEXT = os.path.join(HERE, "../../pgext")
SCRIPTS = ("redoubt--1.0.sql", "redoubt--1.0--1.1.sql")
TENANT, OTHER = 4026531841, 7  # handles: one that is negative as a signed number


class Served(Cluster):
    """With the modules whose logs are looked into."""

    def settings(self, ssl, **more):
        super().settings(ssl, shared_preload_libraries="pg_stat_statements, auto_explain", max_replication_slots="4", **more)

    def psql(self, text, user="owner", database="app", options="", file=None):
        """(status, output, errors)"""
        done = subprocess.run(
            [BIN + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *(["-f", file] if file else ["-c", text]),
             "host=127.0.0.1 port=%d user=%s dbname=%s" % (self.port, user, database)],
            capture_output=True, text=True, env={**os.environ, "PGOPTIONS": options})
        return done.returncode, done.stdout.strip(), done.stderr

    def ask(self, text, **how):
        status, out, errors = self.psql(text, **how)
        if status != 0:
            bail("%s: %s" % (text[:200], errors))
        return out

    def script(self, name, **how):
        return self.psql(None, file=os.path.join(PGEXT, name), **how)

    def install(self, database="app", scripts=SCRIPTS, user="owner"):
        for name in scripts:
            status, _, errors = self.script(name, database=database, user=user)
            if status != 0:
                bail("%s: %s" % (name, errors))

    def make_database(self, name):
        """Owned by nobody of ours: owner may only create schemas in it."""
        self.sql("CREATE DATABASE %s" % name)
        self.sql("GRANT CREATE ON DATABASE %s TO owner" % name)


def start():
    make_certificates()
    pg = Served()
    pg.sql("CREATE ROLE owner LOGIN")
    pg.sql("CREATE ROLE writer LOGIN")
    pg.make_database("app")
    return pg


def value(plain, handle=TENANT, epoch=1, column="column", row=b"", label=None):
    """RF1, as the library makes it; the same arguments give the same bytes."""
    place = Place(fixed("kek %d %d" % (handle, epoch), 32), handle, epoch, fixed("tenant", 16), fixed(column, 16), row_bound=bool(row))
    return seal(place, row, plain, fixed("%s %s %d %d" % (label or plain.hex(), column, handle, epoch), 24))


def searchable(plain, token, index_epoch=1, kind=1, **how):
    return bytes([0xF9, kind]) + index_epoch.to_bytes(2, "big") + token + value(plain, **how)


def hexed(data):
    """A literal."""
    return "NULL" if data is None else "'\\x%s'" % data.hex()


def rd1(plain, **how):
    return text(value(plain, **how))


class Bound:
    """libpq with bind parameters, as applications use it; binary ones."""

    def __init__(self, pg, user="writer", database="app"):
        self.pq = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
        for name in ("PQconnectdb", "PQexecParams", "PQexec"):
            getattr(self.pq, name).restype = ctypes.c_void_p
        self.pq.PQerrorMessage.restype = ctypes.c_char_p
        self.at = ctypes.c_void_p(self.pq.PQconnectdb(b"host=127.0.0.1 port=%d user=%s dbname=%s" % (pg.port, user.encode(), database.encode())))
        if self.pq.PQstatus(self.at) != 0:
            bail("libpq does not connect")

    def run(self, sql, *values):
        """The error's text, empty when there was none."""
        n = len(values)
        data = (ctypes.c_char_p * n)(*values)
        done = ctypes.c_void_p(self.pq.PQexecParams(
            self.at, sql.encode(), n, None, data, (ctypes.c_int * n)(*[len(v) if v is not None else 0 for v in values]),
            (ctypes.c_int * n)(*[1] * n), 0))
        good = self.pq.PQresultStatus(done) in (1, 2)
        self.pq.PQclear(done)
        return "" if good else self.pq.PQerrorMessage(self.at).decode()

    def close(self):
        self.pq.PQfinish(self.at)
