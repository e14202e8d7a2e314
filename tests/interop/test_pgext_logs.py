#!/usr/bin/env python3
"""test_pgext_logs - planted plaintexts, and where PostgreSQL could have written them: server log, pg_stat_statements, dump, WAL,
temporary files, the data folder. The application encrypts before SQL and binds its values; the log is as talkative as it can be.
Then the same with mistakes: plaintext sent to an encrypted column; the two ways that PostgreSQL has to log it are measured."""
import glob
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import FOLDER, finish, result  # noqa: E402
from pgext_case import BIN, Bound, hexed, searchable, start, value  # noqa: E402

CANARY = b"canary-7Hq2-Ada Lovelace-born 1815-12-10"
MISTAKE = b"mistake-9Zk4-diagnosis F32.1 planted here, long enough to be taken for one of ours by its length alone"
LOUD = {"log_statement": "all", "log_min_error_statement": "debug5", "log_min_messages": "info", "log_duration": "on", "log_min_duration_statement": "0",
        "log_error_verbosity": "verbose", "log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1",
        "auto_explain.log_min_duration": "0", "auto_explain.log_verbose": "on", "auto_explain.log_analyze": "on", "log_temp_files": "0", "work_mem": "64kB"}
QUIET = {"log_statement": "none", "log_min_messages": "error", "log_min_error_statement": "error"}


def forms(plain):
    """As it is, as bytea is printed, as base64 would have it."""
    import base64
    return (plain, plain.hex().encode(), base64.b64encode(plain)[:32], plain.hex().upper().encode())


def seen(data, plain):
    return any(form in data for form in forms(plain))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""  # a file that went away meanwhile


def log_since(start):
    with open(FOLDER + "/log", "rb") as file:
        file.seek(start)
        return file.read()


def log_end():
    return os.path.getsize(FOLDER + "/log")


def set_log(pg, settings):
    pg.load("host all all all trust", ssl=False, **settings)
    return log_end()


def work(pg):
    """What an application does, with its mistakes: (name, error) of each."""
    conn = Bound(pg)
    old, new, token = value(CANARY, epoch=1), value(CANARY, epoch=2), bytes(range(16))
    yield "insert", conn.run("INSERT INTO app.people (id, name, email) VALUES (1, $1, $2)", new, searchable(CANARY, token, epoch=2))
    yield "search", conn.run("SELECT name FROM app.people WHERE redoubt.token(email) = $1", token)
    yield "update", conn.run("UPDATE app.people SET name = $1 WHERE id = 1", new)
    yield "the fence", conn.run("INSERT INTO app.people (id, name) VALUES (2, $1)", old)
    yield "a token twice", conn.run("INSERT INTO app.people (id, email) VALUES (3, $1)", searchable(CANARY, token, epoch=2))
    yield "the primary key twice", conn.run("INSERT INTO app.people (id, name) VALUES (1, $1)", new)
    yield "a value cut", conn.run("INSERT INTO app.people (id, name) VALUES (4, $1)", new[:70])
    yield "a comparison", conn.run("SELECT 1 FROM app.people WHERE name = $1", new)
    yield "a sort on disk", conn.run("SELECT count(*) FROM (SELECT name || $1 FROM app.people, generate_series(1, 3000) ORDER BY 1) a", new)
    yield "facts", conn.run("SELECT redoubt.prove('app.people', 'name', 2)")
    yield "discovery", conn.run("SELECT * FROM redoubt.discover()")
    conn.close()


REFUSED = ("the fence", "a token twice", "the primary key twice", "a value cut", "a comparison")


def canary(pg):
    loud = b""
    for name, settings in (("quiet", QUIET), ("talkative", LOUD)):
        pg.ask("TRUNCATE app.people")
        begin = set_log(pg, settings)
        for what, said in work(pg):
            result((said != "") == (what in REFUSED) and not seen(said.encode(), CANARY), "%s log: %s" % (name, what), said[:300])
        log = log_since(begin)
        result(not seen(log, CANARY), "the %s log has no plaintext" % name)
        result((value(CANARY, epoch=2).hex().encode() in log) == (name == "talkative"), "the %s log %s" % (name, "shows parameters, and they are ciphertext"
                                                                                                          if name == "talkative" else "shows no parameter"))
        loud += log
    result(b"temporary file" in loud and b"Query Text" in loud and b"duration:" in loud, "temporary files and auto_explain did write", loud[-300:])
    stats = pg.sql("SELECT string_agg(query, ' ') FROM pg_stat_statements", database="app").encode()
    result(b"INSERT INTO app.people" in stats and not seen(stats, CANARY), "pg_stat_statements has the statements, and no plaintext")
    done = subprocess.run([BIN + "/pg_dump", "-h", "127.0.0.1", "-p", str(pg.port), "-U", "owner", "app"], capture_output=True)
    result(done.returncode == 0 and value(CANARY, epoch=2).hex().encode() in done.stdout and not seen(done.stdout, CANARY), "a dump has the ciphertext, and no plaintext")
    pg.sql("CHECKPOINT")
    files = [p for p in glob.glob(pg.data + "/**", recursive=True) if os.path.isfile(p)]
    result(any(value(CANARY, epoch=2)[:64] in read(p) for p in files if "/pg_wal/" in p), "the WAL has the ciphertext")
    bad = [p for p in files if seen(read(p), CANARY)]
    result(not bad, "no file of the server has the plaintext: data, WAL, statistics, temporary", bad)


def mistakes(pg):
    """Plaintext sent to an encrypted column."""
    for name, settings in (("quiet", QUIET), ("errors with statements", dict(QUIET, log_statement="none", log_error_verbosity="verbose"))):
        begin = set_log(pg, settings)
        conn = Bound(pg)
        for column in ("name", "email"):
            said = conn.run("INSERT INTO app.people (id, %s) VALUES (9, $1)" % column, MISTAKE)
            result("violates check constraint" in said and not seen(said.encode(), MISTAKE), "%s: plaintext bound to %s is refused without a word of it" % (name, column), said)
        said = conn.run("INSERT INTO app.raw (b) VALUES ($1)", MISTAKE)
        result("fence of" in said and not seen(said.encode(), MISTAKE), name + ": likewise by a fence alone", said)
        conn.close()
        log = log_since(begin)
        result(b"violates check constraint" in log and b"fence of" in log and not seen(log, MISTAKE), name + ": nor is a word of it in the log", log[-500:])
    # What the guide warns of. If PostgreSQL stops doing it, the guide may say so.
    pg.psql("INSERT INTO app.people (id, name) VALUES (9, %s)" % hexed(MISTAKE), user="writer")
    result(seen(log_since(begin), MISTAKE), "a literal in a statement that fails is logged with the statement: bind values")
    begin = set_log(pg, dict(QUIET, log_min_error_statement="panic"))
    pg.psql("INSERT INTO app.people (id, name) VALUES (9, %s)" % hexed(MISTAKE), user="writer")
    result(not seen(log_since(begin), MISTAKE), "log_min_error_statement = panic keeps it out")
    begin = log_end()
    subprocess.run([BIN + "/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(pg.port), "-U", "writer", "-d", "app", "-c", "COPY app.people (id, name) FROM STDIN"],
                   input=b"9\t\\\\x" + MISTAKE.hex().encode() + b"\n", capture_output=True)
    result(seen(log_since(begin), MISTAKE[:20]), "COPY quotes the value that it could not take: encrypt before COPY")
    begin = set_log(pg, dict(QUIET, log_min_error_statement="panic", log_error_verbosity="terse"))
    subprocess.run([BIN + "/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(pg.port), "-U", "writer", "-d", "app", "-c", "COPY app.people (id, name) FROM STDIN"],
                   input=b"9\t\\\\x" + MISTAKE.hex().encode() + b"\n", capture_output=True)
    log = log_since(begin)
    result(b"violates check constraint" in log and not seen(log, MISTAKE[:20]), "log_error_verbosity = terse keeps it out")


def main():
    pg = start()
    pg.install()
    pg.sql("CREATE EXTENSION pg_stat_statements", database="app")
    pg.ask("CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO writer; CREATE TABLE app.people (id int PRIMARY KEY, name redoubt.rf1, email redoubt.searchable);"
           "CREATE TABLE app.raw (b bytea); CREATE UNIQUE INDEX by_email ON app.people (redoubt.token(email)); GRANT ALL ON ALL TABLES IN SCHEMA app TO writer;"
           "SELECT redoubt.fence('app.people', 'name', 2); SELECT redoubt.fence('app.raw', 'b', 1)")
    pg.sql("ALTER ROLE writer SET search_path = app, redoubt")
    canary(pg)
    mistakes(pg)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
