"""An application with encrypted columns: a PostgreSQL with Redoubt's SQL, a key service with a ring and two tenants, a table,
and a writer that goes on. Its values are made by the second implementation (tests/functional/field_values.py)."""
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
# Two files are called harness: the key service's helpers take theirs first, then those of the clusters.
sys.path.insert(0, os.path.join(HERE, "../functional"))
from harness import redoubt  # noqa: E402
from server import Server, wait_for  # noqa: E402
from test_tenants import Client, rows  # noqa: E402
del sys.modules["harness"]
sys.path.insert(0, HERE)
import pgext_case  # noqa: E402
from clusters import as_server  # noqa: E402
from field_values import Place, seal, unseal  # noqa: E402
from harness import FOLDER, result  # noqa: E402
from pgext_case import Bound  # noqa: E402

COLUMN = "3f0ab2d4-6c1e-4b7a-9d52-8e41f07c6a11"
CATALOGUE = """catalogue: 1
rings: { field: alias/fields }
columns:
  app.patients.diagnosis: { id: %s, tenant: { column: hospital }, row: id, padded: 32 }
""" % COLUMN


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class App:
    """tenants: names of the ring's."""

    def __init__(self, pg, server, tenants=("acme", "bolt")):
        self.pg, self.server, self.tenants = pg, server, tenants
        self.catalogue = write("fields.yaml", CATALOGUE)
        self.db = "host=127.0.0.1 port=%d user=owner dbname=app" % pg.port
        self.keys, self.env, self.clock = {}, {}, None
        self.client = Client(server.env())
        self.ring = server.admin("key", "create", "--alias", "fields").out.strip()
        server.admin("key", "ring", "fields")
        for name in tenants:
            server.admin("tenant", "create", name, "fields")
        pg.ask("CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO writer;"
               "CREATE TABLE app.patients (id bigint PRIMARY KEY, hospital text NOT NULL, diagnosis redoubt.rf1, visits int NOT NULL DEFAULT 0);"
               "GRANT SELECT, INSERT, UPDATE, DELETE ON app.patients TO writer")

    def table(self):
        return {r["TENANT"]: r for r in rows(self.server.admin("tenant", "list")) if r["RING"] == self.ring}

    def epoch(self, tenant):
        return int(self.table()[tenant]["EPOCH"])

    def rotate(self):
        """The ring, and until every tenant is there."""
        before = self.table()
        self.server.admin("key", "rotate", "fields")
        wait_for(lambda: all(int(r["EPOCH"]) > int(before[t]["EPOCH"]) for t, r in self.table().items()))

    def place(self, tenant, epoch):
        if (tenant, epoch) not in self.keys:
            self.keys[tenant, epoch] = self.client.kek("alias/fields", Tenant=tenant, Epoch=epoch)
            at = self.table()[tenant]
            self.handles = dict(getattr(self, "handles", {}), **{tenant: int(at["HANDLE"], 16)})
            shown = json.loads(self.server.admin("tenant", "show", tenant, "--json").out)
            self.ids = dict(getattr(self, "ids", {}), **{tenant: uuid.UUID(shown["TenantId"]).bytes})
        return Place(self.keys[tenant, epoch], self.handles[tenant], epoch, self.ids[tenant], uuid.UUID(COLUMN).bytes,
                     row_bound=True, bucket=32)

    def value(self, tenant, epoch, row, plain):
        return seal(self.place(tenant, epoch), str(row).encode(), plain, secrets.token_bytes(24))

    def fill(self, n, epoch=1, first=1):
        """Rows, NULL in each tenth."""
        lines = []
        for i in range(first, first + n):
            tenant = self.tenants[i % len(self.tenants)]
            value = None if i % 10 == 0 else self.value(tenant, epoch, i, b"diagnosis %d" % i)
            lines.append("(%d, '%s', %s)" % (i, tenant, pgext_case.hexed(value)))
        for at in range(0, n, 100):
            self.pg.ask("INSERT INTO app.patients (id, hospital, diagnosis) VALUES " + ",".join(lines[at:at + 100]))

    def read(self):
        """Every value as (tenant, epoch, plaintext or the fault) by its row."""
        got = {}
        text = self.pg.ask("SELECT id, hospital, encode(diagnosis, 'hex') FROM app.patients WHERE diagnosis IS NOT NULL")
        for line in text.splitlines():
            row, tenant, data = line.split("|")
            data = bytes.fromhex(data)
            epoch = int.from_bytes(data[6:8], "big")
            try:
                plain = unseal(self.place(tenant, epoch), row.encode(), data)
            except Exception as fault:  # noqa: BLE001: told, not raised
                plain = "%s" % fault
            got[int(row)] = (tenant, epoch, plain)
        return got

    def column(self, verb, *args, **more):
        env = dict(self.server.env(), **self.env, **more.pop("env", {}))
        return redoubt("column", verb, *args, "--catalogue", self.catalogue, "--db", more.pop("db", self.db), env=env, **more)

    def column_alone(self, verb, *args):
        """One that needs neither catalogue nor key service."""
        return redoubt("column", verb, *args)

    def credited(self):
        return json.loads(self.server.admin("clock", "status", "--json", env=self.env).out)["CreditedSeconds"]

    def pass_time(self, seconds):
        """For the programs of self.env; until the service has counted it, which it does by itself."""
        before = self.credited()
        with open(self.clock, "ab") as file:
            file.write(bytes(seconds + 10))
        wait_for(lambda: self.credited() >= before + seconds)


def stop(pg):
    pg.process.send_signal(signal.SIGINT)
    pg.process.wait(20)


def start_again(pg):
    pg.process = subprocess.Popen(as_server(pgext_case.BIN + "/postgres", "-D", pg.data), cwd=FOLDER,
                                  stdout=open(FOLDER + "/log", "ab"), stderr=subprocess.STDOUT)


class Writer:
    """The application while something else goes on: changes and inserts rows of its own epoch, one statement after the other."""

    def __init__(self, app, epoch, first):
        self.app, self.epoch, self.next = app, epoch, first
        self.errors, self.wrote, self.times, self.stop = [], {}, [], threading.Event()
        self.bound = Bound(app.pg)
        app.place("acme", epoch)
        self.thread = threading.Thread(target=self.run)

    def do(self, sql, *values):
        start = time.monotonic()
        done = self.bound.run(sql, *values)
        self.times.append(time.monotonic() - start)
        if done:
            self.errors.append(done)

    def run(self):
        i = 0
        while not self.stop.is_set():
            i += 1
            row = 2 * (i % 200) + 2  # of acme, as all even ones
            plain = b"changed %d" % i
            self.do("UPDATE app.patients SET diagnosis = $1::bytea, visits = visits + 1 WHERE id = %d" % row,
                    self.app.value("acme", self.epoch, row, plain))
            self.wrote[row] = plain
            self.do("UPDATE app.patients SET visits = visits + 1 WHERE id = %d" % (row + 1))
            self.do("INSERT INTO app.patients (id, hospital, diagnosis) VALUES (%d, 'acme', $1::bytea)" % self.next,
                    self.app.value("acme", self.epoch, self.next, b"new"))
            self.wrote[self.next] = b"new"
            self.next += 2

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self.bound.close()


def shifted_clock():
    """The environment of programs for which time can pass: so many seconds as the file there has bytes."""
    path = os.path.join(FOLDER, "clock")
    with open(path, "wb"):
        pass
    library = os.path.join(FOLDER, "clockshift.so")  # a blank in a path would begin another one
    shutil.copy(os.environ.get("CLOCKSHIFT") or os.path.join(os.environ["REDOUBT_BUILD"], "tests/fault/clockshift.so"), library)
    return path, {"LD_PRELOAD": library, "CLOCKSHIFT_FILE": path,
                  "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def start(tenants=("acme", "bolt"), shifted=False):
    """The cluster, the server and the application on both."""
    pg = pgext_case.start()
    pg.install()
    clock, env = shifted_clock() if shifted else (None, {})
    server = Server(os.path.join(FOLDER, "service"), env=env).start()
    app = App(pg, server, tenants)
    app.clock, app.env = clock, env
    return app
