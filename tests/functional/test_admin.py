#!/usr/bin/env python3
"""The administration commands against a running server: keys, policies, principals, credentials,
certificates; and what they say when the credential, the CA or the server is not the right one.
Prints TAP.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Tap, redoubt, write  # noqa: E402
from server import Server, env_file  # noqa: E402

UUID = re.compile(r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":"*"}]}'


def rows(got):
    """The cells of a table, by its heads."""
    lines = [re.split(r" {2,}", line) for line in got.out.rstrip("\n").split("\n")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def facts(got):
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in got.out.splitlines() if "  " in line)


def test_keys(tap, server, folder):
    admin = server.admin
    got = admin("key", "list")
    tap.ok(got.status == 0 and "there is no key yet" in got.err and len(got.out.splitlines()) == 1,
           "no keys: a head and a word", got)
    got = admin("key", "create", "--alias", "pay", "--description", "card data", "--tag", "team=a",
                "--tag", "x=y=z", "--rotation", "90")
    key = got.out.strip()
    tap.ok(got.status == 0 and UUID.match(key) and got.err == "", "key create prints the id alone", got)
    got = admin("key", "create", "--alias", "alias/pay")
    tap.ok(got.status == 4 and "there is a key with this alias" in got.err, "an alias that is taken is refused", got)
    got = admin("key", "list")
    tap.ok([r["KEY"] for r in rows(got)] == [key] and rows(got)[0]["ALIAS"] == "pay"
           and rows(got)[0]["STATE"] == "Enabled" and rows(got)[0]["ROTATION"] == "90 d",
           "key list: one key, and no other was made", got)
    for word in (key, "pay", "alias/pay", "arn:aws:kms:local-1:000000000000:alias/pay",
                 "arn:aws:kms:local-1:000000000000:key/" + key):
        shown = facts(admin("key", "show", word))
        tap.ok(shown.get("key") == key and shown.get("description") == "card data" and shown.get("alias") == "alias/pay"
               and shown.get("rotation") == "every 90 days", "key show %s" % word, shown)
    got = admin("key", "show", "pay", "--json")
    tap.ok(json.loads(got.out)["KeyMetadata"]["KeyId"] == key, "key show --json is the server's answer", got)
    got = admin("key", "list", "--json")
    tap.ok([k["KeyId"] for k in json.loads(got.out)["Keys"]] == [key], "key list --json", got)
    for word, state in (("disable", "Disabled"), ("enable", "Enabled"), ("rotate", "Enabled")):
        got = admin("key", word, "pay")
        tap.ok(got.status == 0 and got.out.startswith(key), "key %s" % word, got)
        tap.ok(facts(admin("key", "show", key)).get("state") == state, "it is %s" % state)
    tap.ok(rows(admin("key", "list"))[0]["VERSION"] == "2", "rotate made version 2")
    got = admin("key", "versions", "pay")
    versions = rows(got)
    tap.ok([(v["VERSION"], v["STATE"]) for v in versions] == [("1", "retained"), ("2", "current")]
           and versions[0]["MATERIAL"] != versions[1]["MATERIAL"], "key versions", got)
    got = json.loads(admin("key", "versions", key, "--json").out)
    tap.ok(got["KeyId"] == key and [v["Version"] for v in got["Versions"]] == [1, 2], "key versions --json", got)
    got = admin("key", "schedule-deletion", "pay", "--days", "7")
    tap.ok(got.status == 0 and "7 days" in got.out, "key schedule-deletion", got)
    tap.ok(facts(admin("key", "show", key)).get("state") == "PendingDeletion", "it is pending")
    got = admin("key", "enable", "pay")
    tap.ok(got.status == 4 and "KMSInvalidStateException" in got.err and "(request " in got.err,
           "a refusal names the fault and the request", got)
    got = admin("key", "cancel-deletion", key)
    tap.ok(got.status == 0 and facts(admin("key", "show", key)).get("state") == "Disabled", "key cancel-deletion", got)
    got = admin("key", "show", "nothing")
    tap.ok(got.status == 3 and "NotFoundException" in got.err, "no such key: exit 3", got)
    got = admin("key", "show", "nothing", "--json")
    tap.ok(got.status == 3 and "NotFoundException" in json.loads(got.out)["errors"][0]["message"],
           "the same as JSON", got)
    for args in (("schedule-deletion", key, "--days", "0"), ("schedule-deletion", key, "--days", "1x"),
                 ("create", "--tag", "novalue"), ("create", "--rotation", "-5")):
        got = admin("key", *args)
        tap.ok(got.status == 3 and "hint" not in got.err.split("\n")[0], "refused: key %s" % " ".join(args), got)
    got = admin("key", "schedule-deletion", key, "--days", "31")
    tap.ok(got.status == 3 and "ValidationException" in got.err, "31 days are the server's to refuse", got)
    tap.ok(len(rows(admin("key", "list"))) == 1, "refused creations made no key")
    return key


def test_many(tap, server):
    """More than a page of aliases."""
    admin = server.admin
    made = {admin("key", "create", "--alias", "k%03d" % i).out.strip() for i in range(105)}
    listed = rows(admin("key", "list"))
    tap.ok(len(made) == 105 and made <= {r["KEY"] for r in listed}, "105 keys are listed", len(listed))
    tap.ok({r["ALIAS"] for r in listed} == {"k%03d" % i for i in range(105)} | {"pay"}, "with their aliases")


def test_policies(tap, server, folder, key):
    admin = server.admin
    got = admin("policy", "get", key)
    tap.ok(got.status == 0 and json.loads(got.out)["Id"] == "key-default-1", "policy get", got)
    policy = json.loads(got.out)
    policy["Id"] = "mine"
    path = write(os.path.join(folder, "policy.json"), json.dumps(policy))
    got = admin("policy", "put", key, path)
    tap.ok(got.status == 0, "policy put", got)
    out = os.path.join(folder, "got.json")
    got = admin("policy", "get", "pay", "-o", out)
    with open(out, encoding="utf-8") as file:
        tap.ok(got.status == 0 and json.load(file)["Id"] == "mine", "it was changed; -o writes a file", got)
    got = admin("policy", "put", key, write(os.path.join(folder, "bad.json"), "{"))
    tap.ok(got.status == 3 and "MalformedPolicyDocumentException" in got.err, "no policy: refused", got)
    got = admin("policy", "put", key, os.path.join(folder, "nothing.json"))
    tap.ok(got.status == 3 and "nothing.json" in got.err, "no such file", got)


def test_principals(tap, server, folder, key):
    admin = server.admin
    got = admin("principal", "list")
    tap.ok({r["PRINCIPAL"] for r in rows(got)} == {"admin", "app"}, "principal list", got)
    policy = write(os.path.join(folder, "read.json"), ALLOW % '["kms:DescribeKey"]')
    got = admin("principal", "create", "bob", "--person", "Bob B", "--policy", policy)
    tap.ok(got.status == 0, "principal create", got)
    got = admin("principal", "create", "bob")
    tap.ok(got.status == 4 and "AlreadyExistsException" in got.err, "a second bob is refused", got)
    got = admin("principal", "create", "b b")
    tap.ok(got.status == 3, "a name with a blank is refused", got)
    env = os.path.join(folder, "bob.env")
    got = admin("principal", "credential", "bob", "-o", env)
    bob = env_file(env)
    tap.ok(got.status == 0 and got.out == "" and set(bob) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
           and os.stat(env).st_mode & 0o777 == 0o600, "principal credential -o: a file for its owner only", got)
    shown = admin("principal", "show", "bob")
    tap.ok(bob["AWS_ACCESS_KEY_ID"] in shown.out and bob["AWS_SECRET_ACCESS_KEY"] not in shown.out
           and "good" in shown.out, "principal show has the id, not the secret", shown)
    got = admin("key", "show", key, env=bob)
    tap.ok(got.status == 0 and facts(got)["key"] == key and "tag" not in facts(got),
           "bob sees what his policy lets him see", got)
    got = admin("key", "disable", key, env=bob)
    tap.ok(got.status == 4 and "AccessDeniedException" in got.err and "hint" in got.err, "and may change nothing", got)
    got = admin("key", "list", env=bob)
    tap.ok(got.status == 4 and "redoubt:KeyList" in got.err, "the refusal names the action", got)
    got = admin("principal", "policy", "bob", write(os.path.join(folder, "w.json"), ALLOW % '["kms:*","redoubt:KeyList"]'))
    tap.ok(got.status == 0 and admin("key", "list", env=bob).status == 0, "a policy is replaced, and counts at once", got)
    got = admin("principal", "policy", "bob")
    tap.ok("redoubt:KeyList" in json.loads(got.out)["Statement"][0]["Action"], "principal policy prints it", got)
    got = admin("principal", "policy", "nobody")
    tap.ok(got.status == 3 and "NotFoundException" in got.err, "no such principal", got)
    admin("principal", "disable", "bob")
    got = admin("key", "list", env=bob)
    tap.ok(got.status == 4 and "UnrecognizedClientException" in got.err, "disabled: refused at once", got)
    admin("principal", "enable", "bob")
    tap.ok(admin("key", "list", env=bob).status == 0, "enabled again")
    got = admin("principal", "revoke", bob["AWS_ACCESS_KEY_ID"])
    tap.ok(got.status == 0, "principal revoke", got)
    got = admin("key", "list", env=bob)
    tap.ok(got.status == 4 and "UnrecognizedClientException" in got.err and "revoked" in got.err, "refused, with a hint", got)
    tap.ok("revoked" in admin("principal", "show", "bob").out, "and shown as revoked")
    got = admin("principal", "credential", "bob", "--days", "1", "--json")
    answer = json.loads(got.out)
    tap.ok(answer["Expires"] > 0 and answer["SecretAccessKey"], "a credential that expires, as JSON", got)
    tap.ok("expired" in admin("principal", "show", "bob", "--at", "2099-01-01").out, "shown as expired when it is")
    got = admin("principal", "revoke", "RDTANOTHINGATALL")
    tap.ok(got.status == 3, "no such credential", got)


def test_own_operations(tap, server, folder, key):
    """Key policies written for AWS and Redoubt's own operations: docs/adr/0016-own-operations-in-key-policies.md."""
    admin = server.admin
    arn = "arn:aws:iam::000000000000:%s"
    allow = lambda who, actions: {"Effect": "Allow", "Principal": {"AWS": arn % who}, "Action": actions, "Resource": "*"}
    deny = lambda who, actions: dict(allow(who, actions), Effect="Deny")
    admin("principal", "create", "dan")
    path = os.path.join(folder, "dan.env")
    admin("principal", "credential", "dan", "-o", path)
    dan = env_file(path)
    owner = allow("user/admin", "kms:*")
    cases = [
        # the key's policy beside the owner's, the identity's actions, whether dan may
        ([allow("root", "kms:*")], ["redoubt:*"], True),
        ([allow("root", "kms:*")], ["kms:*"], False),
        ([allow("user/dan", "kms:*")], ["redoubt:KeyVersions"], True),
        ([allow("user/dan", "kms:*")], ["kms:ListKeys"], False),
        ([allow("user/dan", "kms:Encrypt")], ["redoubt:*"], False),
        ([], ["redoubt:*"], False),
        ([allow("user/dan", "redoubt:KeyVersions")], ["kms:ListKeys"], True),
        ([allow("root", "kms:*"), deny("user/dan", "kms:*")], ["redoubt:*"], False),
        ([allow("root", "kms:*"), deny("user/dan", "redoubt:*")], ["redoubt:*"], False),
        ([allow("user/dan", "redoubt:*"), deny("user/dan", "kms:Key*")], ["redoubt:*"], False),
    ]
    for statements, actions, may in cases:
        text = json.dumps({"Version": "2012-10-17", "Statement": [owner] + statements})
        put = admin("policy", "put", key, write(os.path.join(folder, "key.json"), text))
        named = admin("principal", "policy", "dan", write(os.path.join(folder, "dan.json"), ALLOW % json.dumps(actions)))
        got = admin("key", "versions", key, env=dan)
        tap.ok(put.status == 0 and named.status == 0 and got.status == (0 if may else 4) and (may or "AccessDenied" in got.err),
               "%s: key policy %s, own policy %s" % ("may" if may else "may not", [
                   (s["Effect"], s["Principal"]["AWS"].split("::")[1][13:], s["Action"]) for s in statements], actions), got)


def make_cert(folder, data, name, signed=True):
    """A client certificate under the server's own CA, or under none."""
    path = os.path.join(folder, name)
    run = lambda *args: subprocess.run(("openssl",) + args, check=True, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
    run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
        "-keyout", path + ".key", "-out", path + ".csr")
    write(path + ".ext", "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n")
    by = ["-CA", os.path.join(data, "ca.pem"), "-CAkey", os.path.join(data, "ca.key"), "-CAcreateserial",
          "-CAserial", path + ".srl"] if signed else ["-signkey", path + ".key"]
    run("x509", "-req", "-in", path + ".csr", "-days", "2", "-extfile", path + ".ext", "-out", path + ".pem", *by)
    return path + ".pem", path + ".key"


def test_certificates(tap, server, folder):
    admin = server.admin
    cert, key = make_cert(folder, server.data, "carol")
    nobody = {name: "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")}
    with_cert = lambda *args: admin(*args, "--cert", cert, "--key", key, env=nobody)
    policy = write(os.path.join(folder, "list.json"), ALLOW % '["redoubt:KeyList","kms:ListAliases"]')
    admin("principal", "create", "carol", "--policy", policy)
    got = with_cert("key", "list")
    tap.ok(got.status == 4 and "UnrecognizedClientException" in got.err, "a certificate that is not bound is refused", got)
    got = admin("principal", "bind-cert", "carol", cert)
    digits = re.search(r"[0-9a-f]{64}", got.out)
    tap.ok(got.status == 0 and digits, "principal bind-cert", got)
    got = with_cert("key", "list")
    tap.ok(got.status == 0 and "pay" in got.out, "a call by certificate alone", got)
    tap.ok(digits and digits.group(0) in admin("principal", "show", "carol").out, "principal show has the fingerprint")
    got = admin("principal", "bind-cert", "carol", cert)
    tap.ok(got.status == 4 and "AlreadyExists" in got.err, "bound once", got)
    got = admin("principal", "bind-cert", "carol", key)
    tap.ok(got.status == 3, "a key is no certificate", got)
    got = admin("principal", "revoke", digits.group(0))
    tap.ok(got.status == 0 and with_cert("key", "list").status == 4, "revoked: refused at once", got)
    other, other_key = make_cert(folder, server.data, "mallory", signed=False)
    got = admin("key", "list", "--cert", other, "--key", other_key, env=nobody)
    tap.ok(got.status == 4 and "CA of your certificate" in got.err, "a certificate of an unknown CA: a hint", got)
    got = admin("key", "list", "--cert", cert, env=nobody)
    tap.ok(got.status == 3, "a certificate without its key", got)
    got = admin("key", "list", "--cert", cert, "--key", other_key, env=nobody)
    tap.ok(got.status == 3 and "belong together" in got.err, "a certificate with another's key", got)


def test_wrong(tap, server, folder):
    """Each wrong setting: what it says, and that no secret is in it."""
    env = server.env()
    other = Server(os.path.join(folder, "other"))
    with other:
        other_ca = other.env()["AWS_CA_BUNDLE"]
    secret = env["AWS_SECRET_ACCESS_KEY"]
    changed = ("A" if secret[0] != "A" else "B") + secret[1:]
    host = server.url.replace("127.0.0.1", "other.localhost")   # leads here, and is not in the certificate
    cases = [
        ({"AWS_SECRET_ACCESS_KEY": changed}, 4, "InvalidSignatureException", "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "RDTAAAAAAAAAAAAAAAAA"}, 4, "UnrecognizedClientException", "unknown"),
        ({"AWS_REGION": "us-east-1"}, 4, "InvalidSignatureException", "AWS_REGION"),
        ({"AWS_CA_BUNDLE": other_ca}, 4, "not to be trusted", "AWS_CA_BUNDLE"),
        ({"AWS_CA_BUNDLE": ""}, 4, "not to be trusted", "AWS_CA_BUNDLE"),
        ({"AWS_CA_BUNDLE": "/nowhere/ca.pem"}, 3, "/nowhere/ca.pem", None),
        ({"AWS_CA_BUNDLE": __file__}, 3, "CA bundle", "PEM"),
        ({"AWS_ENDPOINT_URL": host}, 4, "not to be trusted", "a name that stands in it"),
        ({"AWS_ENDPOINT_URL": ""}, 3, "no server is named", "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "ftp://x"}, 3, "AWS_ENDPOINT_URL", None),
        ({"AWS_ENDPOINT_URL": server.url.replace("https", "http")}, 3, "https only", None),
        ({"AWS_ENDPOINT_URL": "https://no-such-host.invalid"}, 4, "no such host", "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL_KMS": "https://no-such-host.invalid"}, 4, "no such host", None),
        ({"AWS_ACCESS_KEY_ID": ""}, 3, "no credential", "--cert"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, 3, "without its secret", None),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, 3, "region", "AWS_REGION"),
    ]
    for change, status, text, hint in cases:
        got = redoubt("key", "list", env=dict(env, **change))
        lines = got.err.split("redoubt: hint: ")
        tap.ok(got.status == status and (text is None or text in lines[0]) and secret not in got.err
               and changed not in got.err and (hint is None or hint in lines[-1]),
               "wrong %s" % ", ".join("%s=%s" % (k, v[:20]) for k, v in change.items() if k != "AWS_SECRET_ACCESS_KEY"), got)
    tap.ok(redoubt("key", "list", env=dict(env, https_proxy="http://127.0.0.1:1", HTTPS_PROXY="http://127.0.0.1:1",
                                           ALL_PROXY="http://127.0.0.1:1")).status == 0, "no proxy is asked")


def test_stopped(tap, env):
    got = redoubt("key", "list", env=env)
    tap.ok(got.status == 4 and "Connection refused" in got.err and "is the server running?" in got.err,
           "a stopped server: asks whether it runs", got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with Server(os.path.join(folder, "data")) as server:
            env = server.env()
            key = test_keys(tap, server, folder)
            test_many(tap, server)
            test_policies(tap, server, folder, key)
            test_principals(tap, server, folder, key)
            test_own_operations(tap, server, folder, key)
            test_certificates(tap, server, folder)
            test_wrong(tap, server, folder)
        test_stopped(tap, env)
    tap.finish()


if __name__ == "__main__":
    main()
