#!/usr/bin/env python3
"""test_pg - the PostgreSQL probe against real clusters in many layouts, and against broken servers.

Everything listens on 127.0.0.1, on ports that the system gives out; no Unix sockets. Needs
postgresql and openssl; PROBE_MAIN names the program that runs one probe. As root the servers run
as the user postgres, since they refuse to run as root.
"""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clusters import BIN, Cluster, Fake, Forward, error_message, make_certificates  # noqa: E402
from harness import FOLDER, finish, free_port, result  # noqa: E402

PROBE = os.environ.get("PROBE_MAIN", "build/tests/interop/probe_main")
TIMEOUT_MS = 6000
ADDRESSES_MAX = 16  # RDT_ADDRS_MAX
PASSWORD = "Tr0ub4dor-and-3"
SECRET = "0f-the-string"  # a password in a connection string that nothing may show
AUDITOR = {"user": "auditor", "password": "env:PG_AUDITOR"}


# ---- running the probe

def probe(port, timeout_ms=TIMEOUT_MS, env=None, inside=(), **spec):
    spec = {"host": "127.0.0.1", "port": port, "databases": ["app"], "user": "app", **spec}
    spec = {key: value for key, value in spec.items() if value is not None}
    start = time.monotonic()
    done = subprocess.run([*inside, PROBE, "postgres", json.dumps(spec), FOLDER, str(timeout_ms), "stores.db"],
                          capture_output=True, text=True, timeout=timeout_ms / 1000 + 10,
                          env={**os.environ, **(env or {})})
    took_ms = (time.monotonic() - start) * 1000
    if done.returncode != 0:
        return {"failed": done.stderr, "status": done.returncode, "ms": took_ms, "facts": {}}
    facts = {}
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        facts[seen["fact"]] = seen
    return {"facts": facts, "ms": took_ms, "text": done.stdout + done.stderr}


def shown(got):
    return json.dumps({key: value for key, value in got.items() if key != "text"}, indent=1)


def expect(name, got, timeout_ms=TIMEOUT_MS, **want):
    """want: database -> (verdict, words in why)."""
    value = got.get("facts", {}).get("pg.plaintext", {}).get("value", {})
    good = got["ms"] < timeout_ms + 1000 and set(value) == set(want)
    for database, (verdict, words) in want.items():
        one = value.get(database, {})
        good = good and one.get("verdict") == verdict and words in one.get("why", "")
    result(good, name, shown(got))


def expect_unknown(name, got, fact, words, timeout_ms=TIMEOUT_MS):
    seen = got.get("facts", {}).get(fact, {})
    good = "value" not in seen and words in seen.get("unknown", "") and got["ms"] < timeout_ms + 1000
    result(good, name, shown(got))


def expect_value(name, got, fact, **want):
    value = got.get("facts", {}).get(fact, {}).get("value", {})
    good = all(value.get(key) == expected for key, expected in want.items())
    result(good, name, shown(got))


# ---- tests

def layouts(pg):
    pg.load("host all all all scram-sha-256", ssl=False)
    expect("ssl off: accepted", probe(pg.port), app=("accepted", "SASL"))
    pg.load("host all all 10.9.9.9/32 scram-sha-256\nhost all postgres all trust", ssl=False)
    expect("ssl off and the user turned down: still no TLS", probe(pg.port),
           app=("accepted", "no TLS"))
    pg.load("host all all all scram-sha-256")
    expect("ssl on with host lines: accepted", probe(pg.port), app=("accepted", "SASL"))
    pg.load("host all all all trust")
    expect("trust: accepted", probe(pg.port), app=("accepted", "trust"))
    pg.load("hostssl all all all scram-sha-256")
    got = probe(pg.port)
    expect("hostssl only: refused", got, app=("refused", "TLSv1.3"))
    raw = got["facts"]["pg.plaintext"]["raw"]
    result("E 28000 ClientAuthentication" in raw and "0x53" in raw, "the raw answer is kept", raw)
    result(got["facts"]["pg.plaintext"]["collector"] == "pg/1", "the collector is named")
    expect("without the application's user a refusal proves nothing", probe(pg.port, user=None),
           app=("undecided", "names no user"))
    pg.load("hostssl app all all scram-sha-256\nhost reports all all scram-sha-256\n"
            "host postgres postgres all trust")
    expect("safe for one database, open for another", probe(pg.port, databases=["app", "reports"]),
           app=("refused", ""), reports=("accepted", ""))
    pg.load("hostnossl all all all reject\nhost all all all scram-sha-256")
    expect("hostnossl reject first: refused", probe(pg.port), app=("refused", ""))
    pg.load("hostssl all postgres all trust\nhostssl app owner all scram-sha-256")
    expect("turned down with TLS too: undecided", probe(pg.port), app=("undecided", "with TLS too"))
    pg.load("hostssl all all all scram-sha-256\nhost app app all ident")
    expect("ident that fails in clear is a login in clear, though the SQLSTATE is the same",
           probe(pg.port), app=("accepted", "failed"))
    pg.load("hostssl all all all scram-sha-256", ssl_min_protocol_version="TLSv1.3")
    expect("TLS 1.3 only: refused", probe(pg.port), app=("refused", "TLSv1.3"))
    pg.load("hostssl all all all cert\nhostssl all all all trust")
    expect("a client certificate is wanted: undecided", probe(pg.port), app=("undecided", ""))


def addresses(pg):
    pg.load("hostssl all all all scram-sha-256")
    expect("a name whose server answers", probe(pg.port, host="localhost"), app=("refused", ""))
    # A name with two addresses needs a hosts file of our own, seen by the probe only.
    with open(FOLDER + "/hosts", "w") as f:
        f.write("127.0.0.1 localhost many.test\n127.0.0.2 many.test\n")
        f.writelines("127.0.0.%d crowd.test\n" % (n + 1) for n in range(ADDRESSES_MAX + 1))
    inside = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"',
              FOLDER + "/hosts"]
    if subprocess.run(inside + ["true"], capture_output=True).returncode != 0:
        result(True, "several addresses # SKIP this machine allows no mount namespaces")
        return

    def many(port, **spec):
        return probe(port, inside=inside, host="many.test", **spec)

    expect("all addresses refuse", many(pg.port, addresses="all"), app=("refused", ""))
    half = Forward(pg.port)
    expect("the first that answers", many(half.port), app=("refused", ""))
    expect("one that was not reached did not refuse", many(half.port, addresses="all"),
           app=("undecided", "127.0.0.2:"))
    expect_unknown("none is reached", many(free_port(), addresses="all"), "pg.plaintext", "127.0.0.")
    for safe, open_ in (("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")):
        port = Forward(pg.port, host=safe).port
        Fake(b"R\0\0\0\x08\0\0\0\5", host=open_, port=port)
        expect("only %s is open: the worst counts" % open_, many(port, addresses="all"),
               app=("accepted", open_ + ":"))

    port = Forward(pg.port).port
    for n in range(1, ADDRESSES_MAX + 1):
        Forward(pg.port, host="127.0.0.%d" % (n + 1), port=port)
    crowd = {"inside": inside, "host": "crowd.test", "timeout_ms": 20000}
    expect("more addresses than are tried: undecided, though each of those refuses",
           probe(port, addresses="all", **crowd), 20000, app=("undecided", "more than 16 addresses"))
    expect("one of them is enough where one is wanted", probe(port, **crowd), 20000, app=("refused", ""))


def broken(pg):
    port = free_port()
    expect_unknown("closed port: unknown", probe(port), "pg.plaintext", "Connection refused")
    expect_unknown("no such name: unknown", probe(port, host="no-such-name.invalid", timeout_ms=3000),
                   "pg.plaintext", "no-such-name.invalid", 3000)
    expect("one byte, then silence: undecided within the time-out",
           probe(Fake(b"E").port, timeout_ms=1500), 1500, app=("undecided", "no answer in time"))
    expect("silence: undecided within the time-out, for each database",
           probe(Fake(b"").port, timeout_ms=1500, databases=["a", "b", "c"]), 1500,
           a=("undecided", "in time"), b=("undecided", "in time"), c=("undecided", "in time"))
    env = {"PG_AUDITOR": PASSWORD}
    stalled = probe(Fake(b"").port, timeout_ms=1500, env=env, auditor=AUDITOR)
    expect_unknown("silence towards an auditor too: unknown within the time-out", stalled, "pg.hba",
                   "in time", 1500)
    nameless = probe(5432, host="no-such-name.invalid", timeout_ms=3000, env=env, auditor=AUDITOR)
    for fact in ("pg.plaintext", "pg.settings", "pg.hba", "pg.sessions"):
        expect_unknown("no such name: %s unknown" % fact, nameless, fact, "no-such-name", 3000)
    expect("closed at once: undecided", probe(Fake(b"", close=True).port), app=("undecided", "closed"))
    for name, bytes_ in (("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
                         ("a word that begins with R", b"RTSP/1.0 400 Bad Request\r\n\r\n" * 99),
                         ("R with a length only", b"R\0\0\0\4"), ("E with no fields", b"E\0\0\0\5\0"),
                         ("zeroes", bytes(4096)), ("an endless message", b"E\x7f\xff\xff\xff" * 99),
                         ("an E without a SQLSTATE", b"E\0\0\0\x0aMno\0\0\0")):
        expect(name + ": undecided", probe(Fake(bytes_, close=True).port), app=("undecided", ""))
    for sqlstate in ("53300", "57P03", "08P01", "3D000"):
        expect("SQLSTATE %s: undecided" % sqlstate,
               probe(Fake(error_message(sqlstate), answer_ssl=b"S").port, timeout_ms=1500), 1500,
               app=("undecided", sqlstate))
    refusal = error_message("28000")
    expect("refused, then N: no TLS", probe(Fake(refusal, answer_ssl=b"N").port),
           app=("accepted", "no TLS"))
    expect("refused, then S and silence: undecided",
           probe(Fake(refusal, answer_ssl=b"S").port, timeout_ms=1500), 1500,
           app=("undecided", "TLS could not be tried"))
    expect("refused, then S and a login in clear behind it: undecided",
           probe(Fake(refusal, answer_ssl=b"SR\0\0\0\x08\0\0\0\0").port),
           app=("undecided", "TLS could not be tried"))
    expect("refused, then garbage: undecided", probe(Fake(refusal, answer_ssl=b"x").port),
           app=("undecided", "TLS could not be tried"))


def audit(pg):
    env = {"PG_AUDITOR": PASSWORD}
    top = "hostssl all postgres all trust\n"
    pg.load(top + "hostssl app all all scram-sha-256\nhost reports all all scram-sha-256")
    got = probe(pg.port, env=env, databases=["app", "reports"], host="localhost", ca="ca.pem",
                auditor=AUDITOR)
    expect_value("settings", got, "pg.settings", ssl=True, min_protocol="tls1.2",
                 password_encryption="scram-sha-256")
    value = got["facts"]["pg.hba"].get("value", {})
    result(value.get("app", {}).get("plaintext") is False
           and value.get("reports", {}).get("plaintext") is True
           and value["reports"].get("line") == 3 and value["reports"].get("stale") is False
           and value["reports"].get("rule") == "host reports all all scram-sha-256",
           "rules: safe for one database, open for another", shown(got))
    expect_value("sessions", got, "pg.sessions", total=0, plaintext=0, replication_plaintext=0)
    result(PASSWORD not in got["text"], "the password appears nowhere")

    pg.load("host all all all trust")
    plain = subprocess.Popen(
        [BIN + "/psql", "-X", "-q", "host=127.0.0.1 port=%d user=app dbname=app sslmode=disable" % pg.port,
         "-c", "SELECT pg_sleep(8)"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    got = probe(pg.port, env=env, ca="ca.pem", auditor=AUDITOR)
    expect_value("a session in clear is counted; the server's address is in its certificate", got,
                 "pg.sessions", total=1, plaintext=1)
    plain.terminate()
    plain.wait(10)

    pg.load(top + "hostssl all all all scram-sha-256")
    got = probe(pg.port, env=env, auditor=AUDITOR)
    expect_value("without a CA the login is bound to the channel", got, "pg.settings", ssl=True)
    hostile = {"PGSSLMODE": "disable", "PGHOST": "192.0.2.1", "PGHOSTADDR": "192.0.2.1",
               "PGPASSWORD": "wrong", "PGOPTIONS": "-c no.such=1 -c search_path=x -x",
               "PGCHANNELBINDING": "disable", "PGGSSENCMODE": "require", "PGUSER": "nobody",
               "PGSSLROOTCERT": FOLDER + "/other.pem", "PGSSLCERT": FOLDER + "/other.pem"}
    got = probe(pg.port, env={**env, **hostile}, auditor=AUDITOR)
    expect_value("libpq's variables in the environment change nothing", got, "pg.settings", ssl=True)
    pg.rules("host all all all trust")
    os.utime(pg.data + "/pg_hba.conf")
    got = probe(pg.port, env=env, auditor=AUDITOR)
    value = got["facts"]["pg.hba"].get("value", {}).get("app", {})
    result(value.get("stale") is True and value.get("plaintext") is True,
           "rules that were changed and not loaded are stale", shown(got))
    pg.rules("host all all all no-such-method")
    got = probe(pg.port, env=env, auditor=AUDITOR)
    expect_unknown("a file with errors is not what is loaded", got, "pg.hba", "has errors")

    pg.load(top + "hostssl all all all scram-sha-256")
    low = {"user": "lowly", "password": "env:PG_AUDITOR"}
    got = probe(pg.port, env=env, auditor=low)
    expect_value("a user without rights sees some settings", got, "pg.settings", ssl=True)
    result(not {"ciphers", "min_protocol"} & set(got["facts"]["pg.settings"]["value"]),
           "and what it may not see is left out")
    expect_unknown("a user without rights: rules unknown", got, "pg.hba", "SQLSTATE 42501")
    expect_unknown("a user without rights: sessions unknown", got, "pg.sessions", "pg_monitor")

    def refuse(name, words, env=env, auditor=AUDITOR, port=pg.port, **more):
        got = probe(port, env=env, auditor=auditor, **more)
        for fact in ("pg.settings", "pg.hba", "pg.sessions"):
            expect_unknown("%s: %s unknown" % (name, fact), got, fact, words)
        result("pg.plaintext" in got["facts"] and PASSWORD not in got["text"],
               name + ": PG-1 is still there, and the password nowhere", got["text"])

    refuse("wrong password", "password authentication failed", env={"PG_AUDITOR": "wrong"})
    refuse("no password", "not set", env={"PG_AUDITOR": ""})
    refuse("wrong CA", "certificate verify failed", ca="other.pem")
    refuse("a CA that is not there", "ca", ca="none.pem")
    refuse("a CA outside the plan's folder", "leaves the plan's folder", ca="../../etc/passwd")
    refuse("a password in the target itself", "env:NAME", auditor={"user": "auditor", "password": PASSWORD})

    fields(pg, env, probe)

    with open(FOLDER + "/pw", "w") as f:
        f.write(PASSWORD + "\n")
    by_file = {"user": "auditor", "password": "file:pw"}
    os.chmod(FOLDER + "/pw", 0o644)
    refuse("a password file for everybody", "mode 0644", auditor=by_file)
    os.chmod(FOLDER + "/pw", 0o600)
    got = probe(pg.port, auditor=by_file)
    expect_value("a password file of ours", got, "pg.settings", ssl=True)

    pg.load("host all all all password")
    refuse("no CA, and the server wants the password itself", "channel binding")
    pg.load("host all all all scram-sha-256", ssl=False)
    refuse("a server without TLS gets no password", "SSL")
    wants_password = Fake(b"R\0\0\0\x08\0\0\0\3", answer_ssl=b"N")
    refuse("a man in the middle without TLS gets no password", "SSL", port=wants_password.port)


def fields(pg, env, probe):
    """PG-8: counts of a sample, where the auditor may read the column."""
    one = "f801f000000100%02x" + "ab" * 72  # a handle above the signed ones, an epoch
    token = "f901" + "0001" + "cd" * 16 + one % 9
    text = "rd1." + base64.urlsafe_b64encode(bytes.fromhex(one % 4)).decode().rstrip("=")
    pg.sql("CREATE SCHEMA f; GRANT USAGE ON SCHEMA f TO auditor; CREATE TABLE f.good (a bytea, b text, \"C d\" bytea, e bytea, n int);"
           "CREATE TABLE f.bad (a bytea, b text); CREATE TABLE f.shut (a bytea); CREATE TABLE f.guarded (a bytea); CREATE VIEW f.view AS SELECT a FROM f.good;"
           "ALTER TABLE f.guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON f.guarded USING (true);"
           "INSERT INTO f.good VALUES ('\\x%s', '%s', '\\x%s', NULL), ('\\x%s', NULL, NULL, NULL);" % (one % 3, text, token, one % 7)
           + "INSERT INTO f.bad VALUES ('Ada', '%s'), ('\\x%s', 'Ada');" % (text, one % 3)
           + "GRANT SELECT (a, b, \"C d\", e) ON f.good TO auditor; GRANT SELECT ON f.bad, f.view, f.guarded TO auditor", "app")
    names = ["f.good.a", "f.good.b", "f.good.\"C d\"", "f.good.e", "f.bad.a", "f.bad.b", "f.shut.a", "f.guarded.a", "f.view.a", "f.good.n", "f.none.a", "good.a", "a'b"]
    got = probe(pg.port, env=env, auditor=AUDITOR, fields=names)
    value = got["facts"].get("pg.fields", {}).get("value", {})

    def counted(n, plain, handles, oldest, newest):
        return {"n": n, "plain": plain, "handles": handles, "mixed": int(oldest != newest), "oldest": oldest, "newest": newest}

    for name, want in (("f.good.a", counted(2, 0, 1, 3, 7)), ("f.good.b", counted(1, 0, 1, 4, 4)), ("f.good.\"C d\"", counted(1, 0, 1, 9, 9)),
                       ("f.good.e", counted(0, 0, 0, 0, 0)), ("f.bad.a", counted(2, 1, 1, 3, 3)), ("f.bad.b", counted(2, 1, 1, 4, 4))):
        result(value.get(name) == want, "a sample of %s" % name, shown(got))
    for name, words in (("f.shut.a", "42501"), ("f.guarded.a", "row-level security"), ("f.view.a", "no table has"), ("f.good.n", "no table has"), ("f.none.a", "no table has"),
                        ("good.a", "no table has"), ("a'b", "SQLSTATE 22")):
        result(list(value.get(name, {})) == ["why"] and words in value[name]["why"], "%s is not looked at, and why" % name, shown(got))
    result("Ada" not in got["text"] and "abababab" not in got["text"], "no value leaves the server", got["text"])
    got = probe(pg.port, env={"PG_AUDITOR": "wrong"}, auditor=AUDITOR, fields=names)
    expect_unknown("nobody looked at the columns", got, "pg.fields", "password authentication failed")
    result("pg.fields" not in probe(pg.port, env=env, auditor=AUDITOR)["facts"], "where no column is named there is no such fact")


def wait_for(good, seconds=15):
    until = time.monotonic() + seconds
    while not good() and time.monotonic() < until:
        time.sleep(0.2)
    return good()


def subscriptions(pg):
    """Two servers that really replicate; the probe looks at the one that receives."""
    trust = "hostssl all auditor all scram-sha-256\nhost all all all trust"
    pg.load(trust)
    pg.sql("CREATE TABLE t (x int); CREATE PUBLICATION p FOR TABLE t", "app")
    receiver = Cluster("receiver")
    receiver.load(trust)
    receiver.sql("CREATE DATABASE app")
    receiver.sql("CREATE ROLE auditor LOGIN PASSWORD '%s' IN ROLE pg_monitor" % PASSWORD)
    receiver.sql("GRANT SELECT (subconninfo) ON pg_subscription TO auditor; CREATE TABLE t (x int)", "app")

    def subscribe(name, options):
        receiver.sql("CREATE SUBSCRIPTION %s CONNECTION 'host=127.0.0.1 port=%d user=postgres dbname=app "
                     "password=%s %s' PUBLICATION p" % (name, pg.port, SECRET, options), "app")

    def look(server=receiver):
        return probe(server.port, env={"PG_AUDITOR": PASSWORD}, ca="ca.pem", auditor=AUDITOR)

    expect_value("no subscription, no receiver", look(), "pg.sessions", subscriptions={}, wal_receiver="none")
    subscribe("clear", "sslmode=disable")
    pg.sql("INSERT INTO t VALUES (1)", "app")
    result(wait_for(lambda: receiver.sql("SELECT count(*) FROM t", "app").strip() == "1"), "rows arrive in clear")
    got = look()
    expect_value("a subscription in clear", got, "pg.sessions", subscriptions={"disable": 1})
    result(SECRET not in got["text"] and "host=" not in got["text"], "no part of the connection string is given out", got["text"])
    expect_value("and the other side sees it too", look(pg), "pg.sessions", replication_plaintext=1)
    subscribe("verified", "sslmode=verify-full sslrootcert=%s/ca.pem" % FOLDER)
    pg.sql("INSERT INTO t VALUES (2)", "app")
    result(wait_for(lambda: receiver.sql("SELECT count(*) FROM t WHERE x = 2", "app").strip() == "2"),
           "rows arrive over TLS as well")
    expect_value("two subscriptions", look(), "pg.sessions", subscriptions={"disable": 1, "verify-full": 1})
    receiver.sql("DROP SUBSCRIPTION clear", "app")
    expect_value("the one that is verified", look(), "pg.sessions", subscriptions={"verify-full": 1})
    expect_value("nothing is in clear any more", look(pg), "pg.sessions", replication_plaintext=0)
    receiver.sql("REVOKE SELECT (subconninfo) ON pg_subscription FROM auditor", "app")
    got = look()
    value = got["facts"]["pg.sessions"].get("value", {})
    result("subscriptions" not in value and "GRANT SELECT (subconninfo)" in value.get("subscriptions_why", "")
           and value.get("total") == 0 and value.get("wal_receiver") == "none",
           "who may not read the strings is told what is missing, and the rest is there", shown(got))
    receiver.sql("DROP SUBSCRIPTION verified", "app")


def standby(pg):
    pg.load("hostssl all auditor all scram-sha-256\nhost replication all all trust\nhost all all all trust")
    for options, want in (("sslmode=prefer", "prefer"), ("sslmode=verify-full sslrootcert=%s/ca.pem" % FOLDER, "verify-full")):
        copy = Cluster("standby-" + want, "host=127.0.0.1 port=%d user=postgres password=%s application_name=%s %s"
                       % (pg.port, SECRET, want, options))
        copy.load("hostssl all auditor all scram-sha-256\nhost all all all trust")
        wait_for(lambda: copy.sql("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'").strip() == "1")
        got = probe(copy.port, env={"PG_AUDITOR": PASSWORD}, ca="ca.pem", auditor=AUDITOR)
        expect_value("a standby that follows by sslmode=" + want, got, "pg.sessions", wal_receiver=want)
        result(SECRET not in got["text"] and "host=" not in got["text"], "and nothing else of its string", got["text"])
        copy.stop()
        expect_value("the primary is no standby",
                     probe(pg.port, env={"PG_AUDITOR": PASSWORD}, ca="ca.pem", auditor=AUDITOR),
                     "pg.sessions", wal_receiver="none")


def speed(pg):
    pg.load("hostssl all all all scram-sha-256")
    times = sorted(probe(pg.port)["ms"] for _ in range(9))
    many = probe(pg.port, databases=["app"] * 1 + ["reports"])["ms"]
    print("# PG-1 for one database over loopback, with the program's start: median %.0f ms, "
          "worst %.0f ms; for two: %.0f ms" % (times[4], times[-1], many))
    result(times[4] < 1000, "PG-1 takes less than a second")


def main():
    if BIN is None or shutil.which("openssl") is None:
        print("1..0 # SKIP needs PostgreSQL's server and openssl")
        return 0
    make_certificates()
    pg = Cluster()
    pg.sql("CREATE ROLE app LOGIN PASSWORD '%s'" % PASSWORD)
    pg.sql("CREATE ROLE lowly LOGIN PASSWORD '%s'" % PASSWORD)
    pg.sql("CREATE ROLE auditor LOGIN PASSWORD '%s' IN ROLE pg_monitor" % PASSWORD)
    for database in ("app", "reports"):
        pg.sql("CREATE DATABASE " + database)
        pg.sql("GRANT SELECT ON pg_hba_file_rules TO auditor; "
               "GRANT EXECUTE ON FUNCTION pg_hba_file_rules() TO auditor; "
               "GRANT EXECUTE ON FUNCTION pg_stat_file(text) TO auditor", database)
    for part in (layouts, addresses, broken, audit, subscriptions, standby, speed):
        part(pg)
    return finish()


sys.exit(main())
