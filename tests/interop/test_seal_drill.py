#!/usr/bin/env python3
"""`redoubt seal drill` on a real PostgreSQL server, and `verify` with what it recorded. Prints TAP."""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from clusters import BIN, Cluster, make_certificates  # noqa: E402
from harness import FOLDER, finish, result as ok  # noqa: E402

REDOUBT = os.environ["REDOUBT"]


def run(*args, env=None):
    return subprocess.run([REDOUBT] + list(args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          env=dict(os.environ, **(env or {})))


def get(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def keygen(folder, name):
    """(file, public key)"""
    path = os.path.join(folder, name)
    return path, run("seal", "keygen", "-o", path).stdout.decode().strip()



def signer(name):
    """(PEM file, public key in hexadecimal digits)"""
    path = os.path.join(FOLDER, name + ".pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, stderr=subprocess.DEVNULL)
    os.chmod(path, 0o600)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    return path, public[-32:].hex()


def main():
    make_certificates()
    pg = Cluster()
    env = {"PGHOST": "127.0.0.1", "PGPORT": str(pg.port), "PGUSER": "postgres", "PATH": BIN + ":" + os.environ["PATH"]}
    pg.sql("CREATE DATABASE shop")
    pg.sql("CREATE TABLE orders (id int PRIMARY KEY, what text); INSERT INTO orders SELECT n, 'thing ' || n FROM generate_series(1, 1000) n", database="shop")
    key, public = keygen(FOLDER, "key.txt")
    alice, alice_public = signer("alice")
    mallory, _ = signer("mallory")
    signers = put(os.path.join(FOLDER, "signers"), ("alice %s\n" % alice_public).encode())
    dump = ["--env", "PGHOST", "--env", "PGPORT", "--env", "PGUSER", "--env", "PATH", "--"]
    record = os.path.join(FOLDER, "drill.json")
    drill = ["seal", "drill", "-i", key, "--signers", signers, "--record", record, "--sign-key", alice, "--for-key", "backup"]

    def backup(name, who, *words):
        path = os.path.join(FOLDER, name)
        got = run("seal", "-q", "-r", public, "--receipt", path + ".receipt", "--sign-key", who, "-o", path, *dump, *words, env=env)
        ok(got.returncode == 0, "a dump is sealed: " + " ".join(words), got.stderr.decode())
        return path

    def databases():
        return pg.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'redoubt_drill%'").strip()

    for words in (("pg_dump", "-Fc", "shop"), ("pg_dump", "shop")):
        path = backup("backup-%d.rbf" % len(words), alice, *words)
        got = run(*drill, "--sql", "SELECT count(*) = 1000 FROM orders", path, env=env)
        told = json.loads(json.loads(get(record))["drill"]) if os.path.exists(record) else {}
        ok(got.returncode == 0 and told["passed"] and told["rows"] == 1000 and told["tables"] == 1 and told["made_by"] == "alice",
           "and restored, counted and asked", got.stderr.decode())
    got = run(*drill, "--newest", os.path.join(FOLDER, "backup-*"), env=env)
    ok(got.returncode == 0 and b"backup-2.rbf" in got.stdout, "--newest takes the one that changed last", got.stderr.decode())
    got = run(*drill, "--sql", "SELECT count(*) > 1000 FROM orders", path, env=env)
    ok(got.returncode == 4 and not json.loads(json.loads(get(record))["drill"])["passed"], "a check that is not true fails, and is recorded so",
       got.stderr.decode())
    forged = backup("forged.rbf", mallory, "pg_dump", "shop")
    got = run(*drill, forged, env=env)
    ok(got.returncode == 4 and b"nobody" in got.stderr, "a backup that nobody of the signers made is refused", got.stderr.decode())
    bad = put(os.path.join(FOLDER, "cut.rbf"), get(path)[:-100])
    put(bad + ".receipt", get(path + ".receipt"))
    got = run(*drill, bad, env=env)
    ok(got.returncode == 4, "a cut one is refused before the database sees any of it", got.stderr.decode())
    ok(databases() == "0", "no database is left behind", databases())


main()
finish()
