#!/usr/bin/env python3
"""test_verify - `redoubt verify` from end to end: plans and targets in a folder, real PostgreSQL clusters and
real nginx behind them, broken servers beside them; what comes out, how it ends, how long it takes.

Needs postgresql, nginx and openssl; REDOUBT names the program.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clusters import BIN, Cluster, Fake, make_certificates  # noqa: E402
from harness import (FOLDER, alert, finish, free_port, front, http, https, make_ca, make_cert, result,  # noqa: E402
                     own_hosts, read_hello, relay, reset, say, scripted, stall, start_nginx, wait_for, write)

REDOUBT = os.environ.get("REDOUBT", "build/redoubt")
SOURCE = os.environ.get("REDOUBT_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
STATE = os.path.join(FOLDER, "state")
LAST_RUN = os.path.join(STATE, "redoubt", "last-run.json")
TIMEOUT_S = 4
SLACK_S = 4  # over the time limit: only a hang has to be caught on a busy machine
PASSWORD = "Tr0ub4dor-and-3"
NEVER = [PASSWORD, "hunter2", "correcthorse"]  # what no output may hold
written = []  # everything that the program wrote, for the search at the end


# ---- plans

STORE = """  %s:
    kind: postgres
    holds: [account]
    at_rest:
      volume: { algorithm: aes-256, key: db-volume }
      fields: [{ data: [account], algorithm: aes-256-gcm, key: record }]
"""
FLOW = "  app-%s: { from: app, to: %s, carries: [account], tls: { min: tls1.2 } }\n"


def make_plan(name, targets, more_stores=(), web_min="tls1.2"):
    """The example for beginners with an environment `test`, and more stores like its db when asked for."""
    with open(os.path.join(SOURCE, "examples", "minimal", "redoubt.yaml"), encoding="utf-8") as file:
        text = file.read()
    stores = "".join(STORE % s for s in more_stores)
    flows = "".join(FLOW % (s, s) for s in more_stores)
    text = text.replace("\nflows:\n", "\nflows:\n" + flows)
    text = text.replace("  backups:", stores + "  backups:")
    text = text.replace("backup_of: [db]", "backup_of: [%s]" % ", ".join(["db", *more_stores]))
    text = text.replace("tls: { min: tls1.2, cert: edge }", "tls: { min: %s, cert: edge }" % web_min)
    text += "\nenvironments:\n  test: { targets: targets/test.yaml }\n"
    write(os.path.join(name, "targets", "test.yaml"), json.dumps(targets, indent=1))
    for ca in ("root.pem", "ca.pem"):
        shutil.copy(os.path.join(FOLDER, ca), os.path.join(FOLDER, name, ca))
    return write(os.path.join(name, "redoubt.yaml"), text)


def line_of(plan, pattern):
    with open(plan, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if re.match(pattern, line):
                return number
    return 0


def postgres(port, **more):
    return {"postgres": {"host": "127.0.0.1", "port": port, "databases": ["app"], "user": "app", **more}}


def web(port, http_port, host="localhost", **more):
    return {"https": {"url": "https://%s:%d/" % (host, port), "http_port": http_port, "ca": "root.pem", **more}}


# ---- the program

class Ran:
    def __init__(self, args, env, inside):
        begin = time.monotonic()
        done = subprocess.run([*inside, REDOUBT, *args], capture_output=True, text=True, timeout=120, cwd=FOLDER,
                              env={**os.environ, "XDG_STATE_HOME": STATE, "NO_COLOR": "1", **(env or {})})
        self.took = time.monotonic() - begin
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        written.append("%s\n%s\n%s" % (" ".join(args), self.out, self.err))
        self.json = json.loads(self.out) if self.out.startswith("{") else {}

    def finding(self, rule, subject):
        for f in self.json.get("findings", []):
            if (f["rule"], f["subject"]) == (rule, subject):
                return f
        return {}

    def seen(self, subject, fact):
        for o in self.json.get("observations", []):
            if (o["subject"], o["fact"]) == (subject, fact):
                return o
        return {}

    def __str__(self):
        lines = ["exit %d after %.1f s" % (self.status, self.took), self.err.strip()]
        for f in self.json.get("findings", []):
            if f["verdict"] in ("fail", "drift", "unknown") or f["assurance"] != "A0":
                lines.append("%(rule)s %(subject)s %(verdict)s %(assurance)s " % f + str(f.get("message")))
        return "\n".join(lines + ([] if self.json else [self.out[-1500:]]))


def redoubt(*args, env=None, inside=()):
    return Ran([str(a) for a in args], env, inside)


def verify(plan, *args, env=None, timeout_s=TIMEOUT_S, inside=()):
    ran = redoubt("verify", "--env", "test", "--json", "--all", "--timeout", timeout_s, *args, plan, env=env, inside=inside)
    if os.path.exists(LAST_RUN):
        with open(LAST_RUN, encoding="utf-8") as file:
            written.append(file.read())
    return ran


def expect(name, ran, status=None, within=None, **want):
    """want: RULE_subject (underscores stand for - and .) is too clumsy, so: verdicts={(rule, subject): (verdict, assurance)}."""
    wrong = []
    for (rule, subject), (verdict, assurance) in want.get("verdicts", {}).items():
        f = ran.finding(rule, subject)
        if f.get("verdict") != verdict or (assurance and f.get("assurance") != assurance):
            wrong.append("%s on %s is %s %s, not %s %s" % (rule, subject, f.get("verdict"), f.get("assurance"), verdict, assurance))
    if status is not None and ran.status != status:
        wrong.append("exit %d, not %d" % (ran.status, status))
    if within is not None and ran.took > within:
        wrong.append("took %.1f s" % ran.took)
    result(not wrong, name, "\n".join(wrong + ([str(ran)] if wrong else [])))
    return ran


WEB = ["TRANSIT-1", "TRANSIT-2", "TRANSIT-TLS-FLOOR", "TLS-CERT-EXPIRY", "TLS-CERT-LIFETIME"]


def web_verdicts(verdict, assurance=None, **but):
    """The rules about flows.web that a look at the site decides; but: TRANSIT_2=("drift", None)."""
    verdicts = {(rule, "flows.web"): (verdict, assurance) for rule in WEB}
    verdicts.update({(rule.replace("_", "-"), "flows.web"): value for rule, value in but.items()})
    return verdicts


PG = ("TRANSIT-5", "stores.db")


# ---- tests

def clean(pg, sites):
    """Everything as planned: each verdict with how it is known, its evidence, and the line it belongs to."""
    pg.load("hostssl all all all scram-sha-256")
    plan = make_plan("clean", {
        "stores": {"db": postgres(pg.port)},
        "flows": {"web": web(sites["good"], sites["301"])}})
    ran = expect("a healthy database and site pass", verify(plan), status=0, verdicts={
        PG: ("pass", "A4"), **web_verdicts("pass"),
        ("TRANSIT-1", "flows.web"): ("pass", "A4"), ("TRANSIT-TLS-FLOOR", "flows.web"): ("pass", "A4"),
        ("TRANSIT-2", "flows.web"): ("pass", "A3"), ("TLS-CERT-EXPIRY", "flows.web"): ("pass", "A3")})
    observations = ran.json["observations"]
    wrong = [o["fact"] for o in observations if hashlib.sha256(o["raw"].encode()).hexdigest() != o["sha256"]]
    result(observations and not wrong, "each hash is that of the raw answer beside it", wrong)
    hashes = {o["sha256"] for o in observations}
    proved = [f for f in ran.json["findings"] if f["assurance"] in ("A3", "A4")]
    result(proved and all(f["evidence"] and set(f["evidence"]) <= hashes for f in proved),
           "what was observed names its evidence", [f["rule"] for f in proved if not f["evidence"]])
    result(all(f["assurance"] == "A0" for f in ran.json["findings"] if not f["evidence"]), "nothing else claims to be observed")
    result(ran.json["summary"]["observed"] == 2 and ran.json["run"]["env"] == "test" and ran.json["run"]["live"] is True,
           "the summary counts what was looked at", ran.json["summary"])
    stamps = {o["time"] for o in observations}
    result(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", s) for s in stamps), "observations carry their time", stamps)
    result(ran.finding(*PG)["where"]["line"] == line_of(plan, "  db:"), "a finding names the line of its subject", ran.finding(*PG))
    expect("what was not looked at fails a strict run", verify(plan, "--strict"), status=2)
    expect("a strict run of one rule that was looked at passes", verify(plan, "--strict", "--rule", "TRANSIT-5", "--only", "stores.db"),
           status=0, verdicts={PG: ("pass", "A4")})
    return plan


def drift(pg, sites):
    """Other than planned: both values, the line, the exit status."""
    pg.load("host all all all scram-sha-256")
    plan = make_plan("drift", {
        "stores": {"db": postgres(pg.port)},
        "flows": {"web": web(sites["old"], sites["200"])}})
    ran = expect("an open database and an old site drift", verify(plan), status=1, verdicts={
        PG: ("drift", None), **web_verdicts("drift", TLS_CERT_LIFETIME=("pass", "A3"), TLS_CERT_EXPIRY=("pass", "A3"))})
    for rule, subject, observed, expected in (
            ("TRANSIT-5", "stores.db", "accepted", "refused"), ("TRANSIT-1", "flows.web", "200", "301"),
            ("TRANSIT-2", "flows.web", "no header", "31536000"), ("TRANSIT-TLS-FLOOR", "flows.web", "tls1.0", "tls1.2")):
        f = ran.finding(rule, subject)
        result(observed in f.get("observed", "") and expected in f.get("expected", "") and f["evidence"],
               "%s: drift shows both values" % rule, f)
    f = ran.finding("TRANSIT-TLS-FLOOR", "flows.web")
    result(f["where"]["line"] == line_of(plan, ".*min: tls1.2, cert: edge"), "drift names the line to change", f["where"])
    expect("only what is worse counts with --fail-on", verify(plan, "--fail-on", "critical"), status=1)
    expect("--fail-on critical does not fail for a site", verify(plan, "--fail-on", "critical", "--only", "flows.web"), status=0)
    ran = redoubt("verify", "--env", "test", "--only", "flows.wep", plan)
    result(ran.status == 3 and "did you mean 'flows.web'?" in ran.err, "--only with a name that nothing bears is an error", ran)
    one = verify(plan, "--only", "flows.web")
    result({o["subject"] for o in one.json["observations"]} == {"flows.web"} and
           {f["subject"] for f in one.json["findings"]} == {"flows.web"}, "--only looks at nothing else", one)
    text = redoubt("verify", "--env", "test", plan)
    result(text.status == 1 and "TRANSIT-5 on stores.db" in text.out and "seen plaintext login accepted: app" in
           " ".join(text.out.split()) and all(len(line) <= 80 for line in text.out.splitlines()),
           "the text names rule, subject and what was seen, in 80 columns", text.out)
    glued = re.findall(r"\bon(?:stores|flows|services|keys|plan)\b.*", text.out)
    result(not glued, "words do not run into each other", glued)
    return plan


def databases(pg):
    pg.load("hostssl app all all scram-sha-256\nhost reports all all scram-sha-256")
    plan = make_plan("databases", {"stores": {"db": postgres(pg.port, databases=["app", "reports"])}})
    ran = expect("safe for one database, open for another: drift", verify(plan), status=1, verdicts={PG: ("drift", None)})
    f = ran.finding(*PG)
    result("reports" in f["observed"] and "app" not in f["observed"].replace("reports", ""), "and the open one is named", f)
    value = ran.seen("stores.db", "pg.plaintext")["value"]
    result(value["app"]["verdict"] == "refused" and value["reports"]["verdict"] == "accepted", "the observation keeps both", value)
    plan = make_plan("lenient", {"stores": {"db": postgres(pg.port, databases=["app", "elsewhere"])}})
    expect("one refused, one that takes nobody: unknown, never a pass", verify(plan), verdicts={PG: ("unknown", None)})
    pg.load("hostssl app app all scram-sha-256")
    for name, more in (("nobody", {"user": "stranger"}), ("lost", {"databases": ["elsewhere"]})):
        plan = make_plan(name, {"stores": {"db": postgres(pg.port, **more)}})
        expect("turned down whatever it says (%s): unknown" % name, verify(plan, "--strict"), verdicts={PG: ("unknown", None)}, status=2)
    pg.load("host all all all scram-sha-256", ssl=False)
    plan = make_plan("off", {"stores": {"db": postgres(pg.port)}})
    expect("no TLS at all: drift", verify(plan), verdicts={PG: ("drift", None)}, status=1)


FLOOR_DB = ("TRANSIT-TLS-FLOOR", "flows.app-db")


def fields(pg, audited, env):
    """PG-8, DEK-1: columns that a target names, sampled by the auditor."""
    value = "'\\xf801f0000001%04x" + "ab" * 72 + "'"
    pg.sql("CREATE TABLE person (iban bytea, note text); GRANT SELECT (iban) ON person TO auditor; INSERT INTO person (iban) VALUES (%s)" % value % 2, "app")
    columns, keys = ("REST-2", "stores.db"), ("DEK-AGE", "keys.record")
    named = {"postgres": {**audited["postgres"], "fields": ["public.person.iban"]}}
    plan = make_plan("fields", {"stores": {"db": named}})
    expect("encrypted columns: seen", verify(plan, env=env), status=0, verdicts={columns: ("pass", "A3"), keys: ("unobserved", None)})
    pg.sql("INSERT INTO person (iban) VALUES (%s)" % value % 3, "app")
    expect("values under an older key of the same tenant: drift", verify(plan, env=env), status=1, verdicts={columns: ("pass", "A3"), keys: ("drift", None)})
    pg.sql("INSERT INTO person (iban) VALUES ('DE02 1203')", "app")
    ran = expect("a value that is not encrypted: drift", verify(plan, env=env), status=1, verdicts={columns: ("drift", None)})
    result("public.person.iban" in ran.finding(*columns)["message"] and "1203" not in ran.out + ran.err, "it names the column, and no value", ran)
    named["postgres"]["fields"] = ["public.person.note"]
    expect("a column that the auditor may not read: unknown", verify(make_plan("fields", {"stores": {"db": named}}), env=env), verdicts={columns: ("unknown", None)})
    pg.sql("DROP TABLE person", "app")


def auditors(pg):
    """The auditor's login: by which reference, what it adds, and that its password is nowhere."""
    top = "hostssl all postgres all trust\n"
    pg.load(top + "hostssl all all all scram-sha-256")
    audited = postgres(pg.port, ca="ca.pem", auditor={"user": "auditor", "password": "env:DB_AUDITOR"})
    plan = make_plan("audited", {"stores": {"db": audited}})
    env = {"DB_AUDITOR": PASSWORD}
    ran = expect("by env: the floor is read from the server", verify(plan, env=env), status=0,
                 verdicts={PG: ("pass", "A4"), FLOOR_DB: ("pass", "A3")})
    result({o["fact"] for o in ran.json["observations"]} == {"pg.plaintext", "pg.settings", "pg.hba", "pg.sessions"},
           "all four facts were read", ran.json["observations"])
    fields(pg, audited, env)
    pg.load(top + "hostssl all all all scram-sha-256", ssl_min_protocol_version="TLSv1")
    ran = expect("an old version allowed: drift with both values", verify(plan, env=env), status=1, verdicts={FLOOR_DB: ("drift", None)})
    f = ran.finding(*FLOOR_DB)
    result(f["observed"] == "tls1.0" and "tls1.2" in f["expected"], "tls1.0 seen, tls1.2 planned", f)
    pg.load(top + "hostssl all all 127.0.0.1/32 scram-sha-256\nhost all all 10.0.0.0/8 scram-sha-256")
    expect("a rule for others lets plaintext in: drift, though we were refused", verify(plan, env=env), status=1,
           verdicts={PG: ("drift", None)})
    pg.load(top + "hostssl all all all scram-sha-256")
    expect("a wrong password: PG-1 still counts, the floor is unknown", verify(plan, env={"DB_AUDITOR": "hunter2"}), status=0,
           verdicts={PG: ("pass", "A4"), FLOOR_DB: ("unknown", None)})
    ran = expect("no such variable: unknown", verify(plan), verdicts={FLOOR_DB: ("unknown", None)})
    result("DB_AUDITOR" in ran.finding(*FLOOR_DB)["message"], "and it says which", ran.finding(*FLOOR_DB))
    strange = {"PGPASSWORD": "hunter2", "PGSERVICE": "nowhere", "PGSSLMODE": "disable", "PGHOST": "192.0.2.1", "PGPORT": "1",
               "PGUSER": "postgres", "PGDATABASE": "none", "PGHOSTADDR": "192.0.2.1", "PGSSLROOTCERT": "/none",
               "PGOPTIONS": "-c no.such=1 -c nonsense=2", "PGCHANNELBINDING": "disable", "PGREQUIREPEER": "nobody",
               "PGSSLMAXPROTOCOLVERSION": "TLSv1", "PGCONNECT_TIMEOUT": "1", "PGSSLCRLDIR": "/none", "PGTZ": "nonsense",
               "PGTARGETSESSIONATTRS": "standby", "PGSERVICEFILE": "/none", "PGGSSENCMODE": "require", "HOME": FOLDER}
    write(".pgpass", "*:*:*:*:hunter2\n", 0o600)
    write(".pg_service.conf", "[nowhere]\nhost=192.0.2.1\n")
    for name, value in strange.items():
        ran = verify(plan, env={**env, name: value})
        if ran.finding(*FLOOR_DB).get("verdict") != "pass":
            result(False, "libpq's %s changes nothing" % name, ran)
    expect("libpq's environment changes nothing", verify(plan, env={**strange, **env}), status=0,
           verdicts={PG: ("pass", "A4"), FLOOR_DB: ("pass", "A3")})
    # what a database says of itself to whoever its own settings and objects have fooled
    pg.sql("CREATE SCHEMA trick; GRANT USAGE ON SCHEMA trick TO PUBLIC; CREATE VIEW trick.pg_settings AS "
           "SELECT name, 'TLSv1.3'::text AS setting FROM pg_catalog.pg_settings; GRANT SELECT ON trick.pg_settings TO PUBLIC; "
           "ALTER DATABASE app SET search_path = trick, pg_catalog", "app")
    pg.load(top + "hostssl all all all scram-sha-256", ssl_min_protocol_version="TLSv1")
    expect("a view in the way does not answer for the server", verify(plan, env=env), verdicts={FLOOR_DB: ("drift", None)})
    pg.sql("ALTER DATABASE app RESET search_path; DROP SCHEMA trick CASCADE", "app")
    pg.load(top + "hostssl all all all scram-sha-256")

    by_file = postgres(pg.port, ca="ca.pem", auditor={"user": "auditor", "password": "file:secrets/db"})
    plan = make_plan("byfile", {"stores": {"db": by_file}})
    path = write("byfile/secrets/db", PASSWORD + "\n", 0o600)
    expect("by file: read", verify(plan), status=0, verdicts={FLOOR_DB: ("pass", "A3")})
    os.chmod(path, 0o640)
    ran = expect("a file that others may read is not used", verify(plan), verdicts={FLOOR_DB: ("unknown", None), PG: ("pass", "A4")})
    result("0640" in ran.finding(*FLOOR_DB)["message"], "and its mode is told", ran.finding(*FLOOR_DB))
    os.chmod(path, 0o600)
    other = make_plan("outside", {"stores": {"db": postgres(pg.port, ca="ca.pem", auditor={
        "user": "auditor", "password": "file:../byfile/secrets/db"})}})
    expect("a file outside the plan's folder is not used", verify(other), verdicts={FLOOR_DB: ("unknown", None)})
    bare = make_plan("bare", {"stores": {"db": postgres(pg.port, auditor={"user": "auditor", "password": "correcthorse"})}})
    ran = redoubt("verify", "--env", "test", bare)
    result(ran.status == 3 and "env:" in ran.err, "a password in the targets file is an error, and not repeated", ran)

    slip = make_plan("slip", {})
    write("slip/targets/test.yaml", "hunter2\n")
    ran = redoubt("verify", "--env", "test", slip)
    result(ran.status == 3 and "hunter2" not in ran.err + ran.out, "a password file in the place of the targets is not quoted", ran)

    pg.load("host all postgres all trust\nhost all all all scram-sha-256", ssl=False)
    plan = make_plan("audited-off", {"stores": {"db": audited}})
    ran = expect("a server without TLS gets no password", verify(plan, env=env), status=1,
                 verdicts={PG: ("drift", None), FLOOR_DB: ("unknown", None)})
    echo = echoing(b"password authentication failed, you said: ")
    plan = make_plan("echo", {"stores": {"db": postgres(echo, ca="ca.pem", auditor={"user": "auditor", "password": "env:DB_AUDITOR"})}})
    ran = expect("a server that repeats the password is not quoted", verify(plan, env=env), verdicts={FLOOR_DB: ("unknown", None)})
    result("not shown" in ran.finding(*FLOOR_DB)["message"], "and the reason says so", ran.finding(*FLOOR_DB))


def tls_server(talk):
    """A server that answers SSLRequest by S, shakes hands as localhost, and then talks."""
    import ssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER + "/server.pem", FOLDER + "/server.key")

    def serve(peer):
        if peer.recv(8) == bytes.fromhex("0000000804d2162f"):
            peer.sendall(b"S")
            with context.wrap_socket(peer, server_side=True) as tls:
                talk(tls)
    return scripted(serve)


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def echoing(words):
    """Asks for the password itself, and says it back in its error."""
    def talk(tls):
        tls.recv(4096)
        tls.sendall(message(b"R", b"\0\0\0\3"))
        given = tls.recv(4096)[5:].rstrip(b"\0")
        tls.sendall(message(b"E", b"SFATAL\0VFATAL\0C28P01\0M" + words + given + b"\0\0"))
        tls.recv(1)
    return tls_server(talk)


def scram(rounds):
    """Wants so many rounds of hashing from the client; it may not even know the password."""
    def talk(tls):
        tls.recv(4096)
        tls.sendall(message(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
        nonce = re.search(rb"r=([^,\0]+)", tls.recv(4096)).group(1)
        tls.sendall(message(b"R", b"\0\0\0\x0b" + b"r=%sabc,s=%s,i=%d" % (nonce, base64.b64encode(bytes(16)), rounds)))
        tls.recv(4096)
    return tls_server(talk)


def endless(tls):
    """Takes any login, and answers any question by rows without end."""
    tls.recv(4096)
    tls.sendall(message(b"R", b"\0\0\0\0") + message(b"S", b"server_version\x0015.1\0") + message(b"Z", b"I"))
    tls.recv(4096)
    tls.sendall(message(b"1", b"") + message(b"2", b"") + message(
        b"T", b"\0\1a\0" + bytes(6) + b"\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"))
    rows = message(b"D", b"\0\1\0\0\xea\x60" + b"a" * 60000) * 16
    while True:
        tls.sendall(rows)


def hostile():
    """What libpq would do without an end: PG-1 is still there, the rest is unknown, in time."""
    for name, port in (("wants hashing without end", scram(2000000000)), ("sends rows without end", tls_server(endless))):
        plan = make_plan("hostile-" + name.split()[0], {"stores": {"db": postgres(
            port, ca="ca.pem", auditor={"user": "auditor", "password": "env:DB_AUDITOR"})}})
        ran = expect("a database that " + name, verify(plan, timeout_s=2, env={"DB_AUDITOR": PASSWORD}), status=0,
                     within=2 + SLACK_S, verdicts={PG: ("unknown", None), FLOOR_DB: ("unknown", None)})
        result("in time" in ran.finding(*FLOOR_DB)["message"], "and it says so", ran.finding(*FLOOR_DB))


def certificates(sites):
    for kind, but in {
            "expired": {"TLS_CERT_EXPIRY": ("drift", None)}, "other": {"TLS_CERT_EXPIRY": ("drift", None)},
            "short": {"TRANSIT_2": ("drift", None)}, "weak": {"TLS_CERT_EXPIRY": ("drift", None)}, "tls1.3": {}, "mail": {}}.items():
        plan = make_plan("cert-" + kind.replace(".", "-"), {"flows": {"web": web(sites[kind], sites["301"])}})
        expect("site: " + kind, verify(plan), status=1 if but else 0, verdicts=web_verdicts("pass", **but))
    ran = verify(os.path.join(FOLDER, "cert-expired", "redoubt.yaml"))
    f = ran.finding("TLS-CERT-EXPIRY", "flows.web")
    result("expired" in f["message"] and f["observed"].startswith("until 20"), "an expired certificate is shown with its date", f)
    ran = verify(os.path.join(FOLDER, "cert-mail", "redoubt.yaml"))
    result("someone@private.example" not in ran.out, "a person's address in a certificate is not repeated",
           ran.seen("flows.web", "tls.cert"))
    plan = make_plan("leading", {"flows": {"web": web(sites["good"], sites["token"])}})
    ran = verify(plan)
    result("eyJhbGciOiJIUzI1NiJ9" not in ran.out and ran.seen("flows.web", "http.redirect"),
           "a token in the path of a redirect is not repeated", ran.seen("flows.web", "http.redirect"))
    if sites["six"]:
        plan = make_plan("six", {"flows": {"web": web(sites["six"], sites["closed"], host="[::1]")}})
        expect("over IPv6; browsers keep no HSTS for an address", verify(plan), status=1,
               verdicts=web_verdicts("pass", TRANSIT_2=("drift", None)))
    else:
        result(True, "over IPv6 # SKIP no ::1 here")


def unknowns(sites):
    """Nothing that breaks is a pass, a crash or a hang: unknown with the reason, within the limit."""
    closed = free_port()
    tls_end = b"\x15\x03\x01\x00\x02\x02\x28"
    cases = {
        "port closed": ("127.0.0.1", closed, "refused"),
        "no such name": ("no-such-name.invalid", 443, "no-such-name.invalid"),
        "unreachable": ("192.0.2.1", 443, ""),
        "silent": ("127.0.0.1", scripted(stall()), "in time"),
        "a byte, then silence": ("127.0.0.1", scripted(stall(b"\x16")), "in time"),
        "E, then silence": ("127.0.0.1", scripted(stall(b"E")), ""),
        "garbage": ("127.0.0.1", scripted(say(bytes(range(1, 255)) * 9)), ""),
        "closes at once": ("127.0.0.1", scripted(lambda peer: None), "closed"),
        "resets at once": ("127.0.0.1", scripted(reset), ""),
        "says TLS alert": ("127.0.0.1", scripted(say(tls_end)), ""),
        "floods": ("127.0.0.1", scripted(flood), ""),
    }
    for name, (host, port, words) in cases.items():
        plan = make_plan("u-" + re.sub("[^a-z]", "", name.lower()), {
            "stores": {"db": {"postgres": {"host": host, "port": port, "databases": ["app"], "user": "app", "ca": "ca.pem",
                                           "auditor": {"user": "auditor", "password": "env:DB_AUDITOR"}}}},
            "flows": {"web": web(port, port, host=host)}})
        ran = expect(name + ": unknown", verify(plan, timeout_s=2, env={"DB_AUDITOR": PASSWORD}), status=0, within=2 + SLACK_S,
                     verdicts={PG: ("unknown", None), FLOOR_DB: ("unknown", None), **web_verdicts("unknown")})
        told = [ran.finding(*PG).get("message", ""), ran.finding("TLS-CERT-EXPIRY", "flows.web").get("message", "")]
        result(all(told) and any(words in t for t in told), name + ": with the reason", told)
    def late_flood(peer):
        hello = read_hello(peer)
        if b"http/1.1" in hello:  # not one of those who only ask for versions
            pour(peer)
        relay(peer, sites["good"], hello)
    plan = make_plan("late", {"flows": {"web": web(scripted(late_flood), sites["301"])}})
    expect("floods whoever wants a page", verify(plan, timeout_s=2), status=0, within=2 + SLACK_S,
           verdicts=web_verdicts("pass", TRANSIT_2=("unknown", None)))
    plan = os.path.join(FOLDER, "u-silent", "redoubt.yaml")
    result(redoubt("verify", "--env", "test", "--timeout", "0", plan).status == 3, "a time limit of 0 is refused")
    many = ["s%d" % i for i in range(20)]
    quiet = scripted(stall())
    plan = make_plan("many", {"stores": {s: postgres(quiet) for s in many}}, more_stores=many)
    ran = expect("twenty silent servers at once", verify(plan, timeout_s=3), status=0, within=3 + SLACK_S,
                 verdicts={("TRANSIT-5", "stores." + s): ("unknown", None) for s in many})
    print("# twenty silent servers at --timeout 3: %.1f s" % ran.took)


def pour(peer):
    """Requests for a hello without end, faster than we could: a client passes over each of them."""
    with open(os.path.join(FOLDER, "requests"), "wb") as file:
        file.write((b"\x16\x03\x03\x40\x00" + bytes(16384)) * 1024)
    subprocess.run(["sh", "-c", "while cat requests; do :; done"], cwd=FOLDER, stdout=peer, stderr=subprocess.DEVNULL, timeout=60)


def many_addresses(pg, sites):
    """`addresses: all` is a claim about all of them: more than are looked at are no pass."""
    inside = own_hosts()
    if not inside:
        result(True, "more addresses than are looked at # SKIP no mount namespace of our own here")
        return
    pg.load("hostssl all all all scram-sha-256")
    plan = make_plan("addresses", {"stores": {"db": postgres(pg.port, host="many.test", addresses="all")},
                                   "flows": {"web": web(sites["good"], sites["301"], host="many.test", addresses="all")}})
    ran = expect("more addresses than are looked at", verify(plan, inside=inside), status=0,
                 verdicts={PG: ("unknown", None), **web_verdicts("unknown")})
    result("more than 16 addresses" in ran.finding(*PG)["message"], "and it says so", ran.finding(*PG))
    plan = make_plan("address", {"stores": {"db": postgres(pg.port, host="many.test")}})
    expect("one of many is one", verify(plan, inside=inside), status=0, verdicts={PG: ("pass", "A4")})


def flood(peer):
    peer.recv(4096)
    pour(peer)


def suspicious(sites):
    """Refusals that prove nothing: a server that has stopped answering anybody has not refused a version."""
    open_for = {"n": 1}

    def tired(peer):
        hello = read_hello(peer)
        if open_for["n"] > 0 and hello:
            open_for["n"] -= 1
            relay(peer, sites["all"], hello)
    plan = make_plan("tired", {"flows": {"web": web(scripted(tired), sites["301"])}}, web_min="tls1.2")
    ran = verify(plan)
    open_for["n"] = 1
    floor = ran.finding("TRANSIT-TLS-FLOOR", "flows.web")
    result(floor["verdict"] == "unknown", "a server that hangs up on everybody after the first has not refused old versions", ran)
    port = front(sites["good"], alert(40))
    plan = make_plan("polite", {"flows": {"web": web(port, sites["301"])}})
    expect("one that hangs up on old versions only has", verify(plan), verdicts=web_verdicts("pass"))
    port = front(sites["good"], lambda peer, hello: None)
    plan = make_plan("brusque", {"flows": {"web": web(port, sites["301"])}})
    expect("also without a word", verify(plan), verdicts=web_verdicts("pass"))
    port = scripted(ssl3_beside(sites["good"]))
    plan = make_plan("ssl3", {"flows": {"web": web(port, sites["301"])}})
    ran = expect("SSL 3 beside new versions is no pass", verify(plan), status=1, verdicts={("TRANSIT-TLS-FLOOR", "flows.web"): ("drift", None)})
    result(ran.finding("TRANSIT-TLS-FLOOR", "flows.web").get("observed") == "ssl3", "and it is named", ran)


def ssl3_beside(port):
    """TLS 1.2 and newer, and SSL 3, but nothing between: what an old configuration leaves when 1.0 and 1.1 are struck out."""
    def talk(peer):
        hello = read_hello(peer)
        offered = hello[9:11]
        if not hello or offered >= b"\x03\x03":
            relay(peer, port, hello)
        elif offered == b"\x03\x00":
            body = b"\x03\x00" + bytes(32) + b"\x00\x00\x0a\x00"
            peer.sendall(b"\x16\x03\x00\x00\x2a\x02\x00\x00\x26" + body)
        else:
            alert(70)(peer, hello)
    return talk


def host():
    plan = make_plan("host", {"services": {"app": {"host": "local", "scratch": ["/var/tmp"]}}, "stores": {"db": {"disk": {"path": "/var/lib"}}}})
    ran = verify(plan)
    facts = {o["fact"]: o for o in ran.json["observations"]}
    result(ran.status in (0, 1) and set(facts) == {"host.swap", "host.temp", "host.cores", "host.disk"},
           "this machine: swap, temporary folders, core dumps, disk", ran)
    swaps = sum(1 for _ in open("/proc/swaps", encoding="utf-8")) - 1
    result("unknown" in facts["host.swap"] or len(facts["host.swap"]["value"]) >= swaps, "as many swaps as the kernel tells",
           facts["host.swap"])
    temp = facts["host.temp"]
    result("unknown" in temp or "/var/tmp" in temp["value"], "the scratch folder of the target was looked at", temp)
    result(all(ran.finding(rule, subject).get("verdict") in ("pass", "drift", "unknown") for rule, subject in (
        ("REST-5-SWAP", "services.app"), ("REST-5-TMP", "services.app"), ("REST-5-CORE", "services.app"), ("REST-1", "stores.db"))),
        "each rule about it has a verdict", ran)


def ages(plan):
    ran = expect("an observation from two days before the run's date is unknown", verify(plan, "--at", in_days(2)),
                 verdicts={PG: ("unknown", None), **web_verdicts("unknown")})
    result("24 h" in ran.finding(*PG)["message"], "and says why", ran.finding(*PG))
    verify(plan)
    explain = ["rules", "explain", *PG, "--run", LAST_RUN]
    ran = redoubt(*explain)
    result(re.search(r"verdict +pass", ran.out) and "sha256 " in ran.out, "explain shows the evidence of a stored run", ran)
    ran = redoubt(*explain, "--at", in_days(2))
    result(re.search(r"verdict +unknown", ran.out) and "24 h" in ran.out, "explain judges the same evidence on another day", ran)


def in_days(n):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * 86400 + 86400))


FORMATS = ["text", "json", "sarif", "junit", "csv", "html"]


def reports(plan):
    """What verify wrote and what report makes of the stored run are the same in every format."""
    for form in FORMATS:
        by_verify = redoubt("verify", "--env", "test", "--format", form, plan)
        by_report = redoubt("report", "--format", form)
        a, b = by_verify.out.splitlines(), by_report.out.splitlines()
        different = [(x, y) for x, y in zip(a, b) if x != y]
        result(by_report.status == 0 and a and a == b, "report repeats verify: " + form, different[:3] or by_report.err)
    run = json.load(open(LAST_RUN, encoding="utf-8"))
    result(os.stat(LAST_RUN).st_mode & 0o777 == 0o600, "the stored run is its owner's alone", oct(os.stat(LAST_RUN).st_mode))
    result(all(hashlib.sha256(o["raw"].encode()).hexdigest() == o["sha256"] for o in run["observations"]), "its hashes hold")
    redoubt("report", "--format", "template")


def main():
    for tool in ("nginx", "openssl"):
        if not shutil.which(tool):
            print("1..0 # SKIP no %s here" % tool)
            return 0
    if BIN is None:
        print("1..0 # SKIP needs PostgreSQL's server")
        return 0
    make_certificates()
    make_ca("root")
    here = "DNS:localhost,IP:127.0.0.1,IP:::1"
    make_cert("good", here)
    make_cert("expired", here, start=-100, days=90)
    make_cert("other", "DNS:www.other.example")
    make_cert("weak", here, key=("rsa", "1024"))
    make_cert("mail", here, subject="/CN=mail someone@private.example")
    sites = {"good": https(), "old": https(protocols="TLSv1 TLSv1.1 TLSv1.2", body=""),
             "all": https(protocols="TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"), "expired": https(cert="expired"), "other": https(cert="other"), "mail": https(cert="mail"), "weak": https(cert="weak"),
             "short": https(body='add_header Strict-Transport-Security "max-age=300" always;'),
             "tls1.3": https(protocols="TLSv1.3"), "closed": free_port()}
    sites["301"] = http("return 301 https://$host:%d$request_uri;" % sites["good"])
    sites["200"] = http("return 200 hello;")
    sites["token"] = http("return 301 https://$host:%d/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefABCDEF0123456789;" % sites["good"])
    try:
        sites["six"] = https(listen="[::1]:%d", port=free_port("::1"))
    except OSError:
        sites["six"] = 0
    start_nginx()
    wait_for(sites["token"])
    pg = Cluster()
    for role in ("app", "auditor"):
        pg.sql("CREATE ROLE %s LOGIN PASSWORD '%s'" % (role, PASSWORD))
    pg.sql("GRANT pg_monitor TO auditor")
    for database in ("app", "reports"):
        pg.sql("CREATE DATABASE " + database)
        pg.sql("GRANT SELECT ON pg_hba_file_rules TO auditor; GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO auditor; "
               "GRANT EXECUTE ON FUNCTION pg_stat_file(text) TO auditor", database)

    plan = clean(pg, sites)
    ages(plan)
    reports(drift(pg, sites))
    databases(pg)
    auditors(pg)
    hostile()
    many_addresses(pg, sites)
    certificates(sites)
    unknowns(sites)
    suspicious(sites)
    host()
    told = sorted({secret for secret in NEVER for text in written if secret in text})
    result(not told, "no secret in any output, stored run or report", told)
    return finish()


sys.exit(main())
