#!/usr/bin/env python3
"""`redoubt field` against a running server: its values open by the second implementation and the other
way round, what must not open, many values in lines. Prints TAP.
"""
import base64
import json
import os
import re
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import field_values as second  # noqa: E402
import searchable_values as blind  # noqa: E402
from harness import Tap, redoubt, write  # noqa: E402
from server import Server  # noqa: E402
from test_tenants import Client, allow, principal  # noqa: E402

DIAGNOSIS, NOTES, PLAIN, SURNAME, PARTS, DOMAIN = (str(uuid.UUID(int=i + (4 << 76) + (8 << 60))) for i in range(1, 7))
CATALOGUE = """catalogue: 1
rings: { field: alias/records, index: alias/found }
columns:
  clinic.patients.diagnosis: { id: %s, tenant: { column: hospital }, row: id, padded: 64, critical: true }
  clinic.visits.notes: { id: %s, tenant: { column: hospital }, row: [hospital, visit] }
  clinic.staff.phone: { id: %s, tenant: { name: bolt } }
  clinic.staff.surname: { id: %s, tenant: { column: hospital }, index: { kind: unique, domain: %s, name: surname, normaliser: name } }
  clinic.staff.parts: { id: %s, tenant: { column: hospital }, index: { kind: prefix, bits: 32, domain: %s, name: parts, normaliser: name, risk_accepted: EX-9 } }
""" % (DIAGNOSIS, NOTES, PLAIN, SURNAME, DOMAIN, PARTS, DOMAIN)
SECRET = "planted-plaintext-93b1"


class Fields:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.catalogue = write(os.path.join(folder, "fields.yaml"), CATALOGUE)
        self.all = ""  # what went to standard error

    def run(self, verb, column, *args, stdin="", env=None):
        got = self.server.admin("field", verb, "--catalogue", self.catalogue, "--column", column, *args, stdin=stdin,
                                env=env or {})
        self.all += got.err
        return got

    def ids(self, verb, *args, stdin=""):
        got = self.server.admin("field", verb, *args, stdin=stdin)
        self.all += got.err
        return got


def tenant(server, name):
    got = json.loads(server.admin("tenant", "show", name, "--json").out)
    ring = re.search(r"\"KeyId\": *\"([^\"]*)\"", server.admin("key", "show", "records", "--json").out).group(1)
    at = next(r for r in got["Rings"] if r["KeyId"] == ring)
    return got["TenantId"], at["Handle"], at["Epoch"]


def place(server, name, column, epoch=None, **more):
    own, handle, current = tenant(server, name)
    epoch = epoch or current
    kek = Client(server.env()).kek("alias/records", Tenant=name, Epoch=epoch)
    return second.Place(kek, handle, epoch, uuid.UUID(own).bytes, uuid.UUID(column).bytes, **more)


def test_second(tap, server, fields):
    """Both ways with the second implementation."""
    got = fields.run("encrypt", "clinic.patients.diagnosis", "--tenant", "acme", "--row", "17", "--text", stdin=SECRET)
    tap.ok(got.status == 0 and got.out.startswith("rd1.") and got.out.endswith("\n"), "field encrypt --text", got)
    at = place(server, "acme", DIAGNOSIS, row_bound=True, bucket=64)
    value = second.untext(got.out.strip())
    tap.ok(second.unseal(at, b"17", value) == SECRET.encode(), "the second implementation opens it")
    back = fields.run("decrypt", "clinic.patients.diagnosis", "--tenant", "acme", "--row", "17", stdin=got.out)
    tap.ok(back.status == 0 and back.out == SECRET, "field decrypt", back)
    its = second.seal(at, b"17", b"\xff\0of its own", os.urandom(24))
    back = fields.run("decrypt", "clinic.patients.diagnosis", "--tenant", "acme", "--row", "17", "--json", stdin=its)
    tap.ok(back.status == 0 and base64.b64decode(json.loads(back.out)["bytes"]) == b"\xff\0of its own",
           "what it encrypted is decrypted, from bytes; what is no text is bytes in JSON", back)
    two = second.row_bytes  # a row of two columns: u16 length and bytes of each
    row = b"\0\4acme\0\x0242"
    tap.ok(len(two(second.Place(b"", 0, 0, b"", b"", row_bound=True), row)) == 1 + len(row), "a row of two columns")
    at = place(server, "acme", NOTES, row_bound=True)
    back = fields.run("decrypt", "visits.notes", "--tenant", "acme", "--row", "acme", "--row", "42",
                      stdin=second.text(second.seal(at, row, b"notes", os.urandom(24))))
    tap.ok(back.status == 0 and back.out == "notes", "its values open", back)
    return value


def test_refused(tap, server, fields, value):
    words = second.text(value)
    cases = [
        ("another row", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "18"], words, 4, "column or row"),
        ("another tenant", "clinic.patients.diagnosis", ["--tenant", "bolt", "--row", "17"], words, 4, "another tenant"),
        ("another column", "clinic.visits.notes", ["--tenant", "acme", "--row", "1", "--row", "7"], words, 4, "not encrypted as"),
        ("no row", "clinic.patients.diagnosis", ["--tenant", "acme"], words, 3, "not 0"),
        ("two for one", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "1", "--row", "7"], words, 3, "not 2"),
        ("a row where none is", "clinic.staff.phone", ["--row", "1"], words, 3, "no row"),
        ("no tenant", "clinic.patients.diagnosis", ["--row", "17"], words, 3, "--tenant"),
        ("another than the catalogue's", "clinic.staff.phone", ["--tenant", "acme"], words, 3, "another tenant"),
        ("nobody", "clinic.patients.diagnosis", ["--tenant", "nobody", "--row", "17"], words, 3, "NotFound"),
        ("no such column", "clinic.patients.diagnose", ["--tenant", "acme"], words, 3, "diagnosis"),
        ("damaged", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], second.flip(value, 70), 4, "damaged"),
        ("cut", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], value[:79], 3, "not an encrypted value"),
        ("text with a blank", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], words + " ", 3, "not an encrypted"),
        ("an epoch that is not", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], second.flip(value, 6), 3, "epoch"),
        ("an epoch of 0", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], value[:6] + b"\0\0" + value[8:], 3, "not an"),
        ("nothing", "clinic.patients.diagnosis", ["--tenant", "acme", "--row", "17"], "", 3, "not an encrypted value"),
        ("ids beside a catalogue", "clinic.patients.diagnosis", ["--tenant", "acme", "--column-id", PLAIN], words, 3, "catalogue"),
    ]
    for name, column, args, stdin, status, word in cases:
        got = fields.run("decrypt", column, *args, stdin=stdin)
        tap.ok(got.status == status and word in got.err and not got.out, "refused: %s" % name, got)
    got = fields.ids("decrypt", "--ring", "records", "--tenant-id", "acme", "--column-id", PLAIN)
    tap.ok(got.status == 3 and "no UUID" in got.err, "refused: a name for an id", got)
    got = fields.ids("encrypt", stdin=SECRET)
    tap.ok(got.status == 3 and "--catalogue" in got.err, "refused: no place at all", got)
    env = principal(server, fields.folder, "only-bolt", [
        allow(["redoubt:KekExport"], Condition={"StringEquals": {"kms:EncryptionContext:tenant": "bolt"}})])
    got = fields.run("decrypt", "clinic.patients.diagnosis", "--tenant", "acme", "--row", "17", stdin=words, env=env)
    tap.ok(got.status == 4 and "AccessDenied" in got.err, "refused: who may not have the key", got)
    got = fields.run("encrypt", "clinic.staff.phone", "--text", stdin="1", env=env)
    tap.ok(got.status == 0, "who may have another tenant's has that one", got)


def test_lines(tap, server, fields):
    lines = ["", "one", "zwei \u00e4", SECRET] * 50
    out = os.path.join(fields.folder, "values")
    got = fields.run("encrypt", "clinic.staff.phone", "--lines", "-o", out, stdin="\n".join(lines) + "\n")
    tap.ok(got.status == 0, "200 lines are encrypted", got)
    at = place(server, "bolt", PLAIN)
    with open(out, encoding="utf-8") as file:
        values = file.read().split("\n")
    tap.ok([second.unseal(at, b"", second.untext(v)).decode() for v in values[:-1]] == lines, "each for itself")
    tap.ok(len(set(values)) == 201, "and none like another")
    plain = os.path.join(fields.folder, "plain")
    got = fields.run("decrypt", "clinic.staff.phone", out, "--lines", "-o", plain)
    with open(plain, encoding="utf-8") as file:
        tap.ok(got.status == 0 and file.read() == "\n".join(lines) + "\n", "and decrypted again", got)
    tap.ok(os.stat(plain).st_mode & 0o777 == 0o600, "plaintexts are for their owner alone")
    os.unlink(plain)
    values[150] = values[150][:-1] + ("A" if values[150][-1] != "A" else "B")
    got = fields.run("decrypt", "clinic.staff.phone", "--lines", "-o", plain, stdin="\n".join(values))
    tap.ok(got.status != 0 and ":151:" in got.err and not os.path.exists(plain), "one that is damaged: its line is named, "
           "and nothing is written", got)
    got = fields.run("encrypt", "clinic.staff.phone", "--text", stdin="a\nb")
    got = fields.run("decrypt", "clinic.staff.phone", "--lines", stdin=got.out)
    tap.ok(got.status == 4 and "--json" in got.err, "a plaintext of two lines does not become two", got)


def test_json(tap, fields):
    rows = [{"row": "1", "value": SECRET}, {"row": ["2"], "value": "a\nb"}, {"row": 3, "bytes": "/wA="}]
    got = fields.run("encrypt", "patients.diagnosis", "--tenant", "acme", "--lines", "--json",
                     stdin="".join(json.dumps(r) + "\n" for r in rows))
    tap.ok(got.status == 0 and [json.loads(l)["row"] for l in got.out.splitlines()] == ["1", ["2"], 3],
           "lines of JSON, each with its row", got)
    back = fields.run("decrypt", "patients.diagnosis", "--tenant", "acme", "--lines", "--json", stdin=got.out)
    tap.ok([json.loads(l) for l in back.out.splitlines()] == rows, "and back", back)
    one, two = (json.loads(l) for l in got.out.splitlines()[:2])
    swapped = json.dumps({"row": "2", "value": one["value"]})
    back = fields.run("decrypt", "patients.diagnosis", "--tenant", "acme", "--lines", "--json", stdin=swapped)
    tap.ok(back.status == 4 and "column or row" in json.loads(back.out)["errors"][0]["message"], "a value under another row", back)
    for name, line in (("no object", "[]"), ("no JSON", SECRET), ("no value", "{\"row\":\"1\"}"), ("a number", "{\"row\":\"1\",\"value\":1}"),
                       ("both", "{\"row\":\"1\",\"value\":\"a\",\"bytes\":\"\"}"), ("no base64", "{\"row\":\"1\",\"bytes\":\"%s\"}" % SECRET),
                       ("no row", "{\"value\":\"%s\"}" % SECRET), ("nine parts", json.dumps({"row": ["1"] * 9, "value": "a"})),
                       ("a row in a row", json.dumps({"row": [["1"]], "value": "a"})), ("no line", "\n")):
        got = fields.run("encrypt", "patients.diagnosis", "--tenant", "acme", "--lines", "--json", stdin=line)
        tap.ok(got.status == 3 and ":1:" in got.out and SECRET not in got.out, "refused: %s" % name, got)


def test_epochs(tap, server, fields):
    old = fields.run("encrypt", "clinic.staff.phone", "--text", stdin="old").out
    server.admin("tenant", "rotate", "bolt")
    new = fields.run("encrypt", "clinic.staff.phone", "--text", stdin="new").out
    got = [json.loads(l) for l in redoubt("field", "inspect", "--lines", "--json", stdin=old + new).out.splitlines()]
    tap.ok(got[1]["epoch"] == got[0]["epoch"] + 1 and got[0]["handle"] == got[1]["handle"], "new values are of the new epoch", got)
    before = len(exports(server))
    back = fields.run("decrypt", "clinic.staff.phone", "--lines", stdin=(old + new) * 20)
    tap.ok(back.out == "old\nnew\n" * 20, "values of both are decrypted", back)
    tap.ok(len(exports(server)) == before + 2, "and each key was asked for once")


def exports(server):
    return server.admin("audit", "search", "--operation", "KekExport", "--limit", "1000", "--json").out.splitlines()


def test_inspect(tap, server, fields, value):
    handle = tenant(server, "acme")[1]
    want = {"format": "RF1", "text": False, "suite": "0xc1", "cipher": "AES-256-GCM", "padded": True, "row_bound": True,
            "handle": handle, "epoch": 1, "bytes": 144, "plaintext_bytes": 63}
    got = redoubt("field", "inspect", "--json", stdin=value)
    tap.ok(got.status == 0 and json.loads(got.out) == want, "field inspect --json, of bytes, without a server", got)
    got = redoubt("field", "inspect", write(os.path.join(fields.folder, "one"), second.text(value) + "\n"))
    tap.ok(got.status == 0 and "%08x" % handle in got.out and "at most 63 bytes" in got.out and "as text" in got.out,
           "field inspect, of text in a file", got)
    for name, words in (("nothing", b""), ("a plaintext", SECRET), ("cut", value[:79]), ("text, cut", "rd1." + "A" * 40)):
        got = redoubt("field", "inspect", stdin=words)
        tap.ok(got.status == 3 and "not an encrypted value" in got.err and SECRET not in got.err, "refused: %s" % name, got)


def test_tokens(tap, server, fields):
    """A searchable column: value and token by the second implementation, what a wrong token does."""
    own = uuid.UUID(tenant(server, "acme")[0]).bytes
    kek = Client(server.env()).kek("alias/found", Tenant="acme")
    index = blind.Index(own, uuid.UUID(DOMAIN).bytes, blind.UNIQUE, 128, b"surname", blind.Rule(blind.NAME))
    prefixes = blind.Index(own, uuid.UUID(DOMAIN).bytes, blind.PREFIX, 32, b"parts", blind.Rule(blind.NAME), risk=True)
    got = fields.run("token", "clinic.staff.surname", "--tenant", "acme", stdin="  M\u00dcLLER ")
    plain = blind.normal(index.rule, "m\u00fcller".encode())
    tap.ok(got.status == 0 and got.out == blind.token(kek, index, plain).hex() + "\n", "field token, of another spelling", got)
    got = fields.run("token", "clinic.staff.surname", "--tenant", "acme", "--lines", "--json", stdin="m\u00fcller\nada\n")
    tap.ok([json.loads(l)["tokens"] for l in got.out.splitlines()] ==
           [[blind.token(kek, index, v).hex()] for v in (plain, b"ada")], "in lines of JSON", got)
    got = fields.run("token", "clinic.staff.parts", "--tenant", "acme", stdin="lovelace")
    want = blind.parts(kek, prefixes, b"lovelace")
    tap.ok(got.out.split() == [want[i:i + 16].hex() for i in range(0, len(want), 16)], "a prefix index gives several", got)
    got = fields.run("token", "clinic.staff.parts", "--tenant", "acme", "--search", stdin="love")
    tap.ok(got.out == blind.ask(kek, prefixes, b"love").hex() + "\n", "or the one to look for", got)
    got = fields.run("encrypt", "clinic.staff.surname", "--tenant", "acme", "--text", stdin="M\u00fcller")
    value, at = second.untext(got.out.strip()), place(server, "acme", SURNAME)
    tap.ok(value[:20] == blind.front(kek, index, plain) and second.unseal(at, b"", value[20:]) == "M\u00fcller".encode(),
           "a searchable value: its token, and RF1 behind it", got)
    back = fields.run("decrypt", "clinic.staff.surname", "--tenant", "acme", stdin=got.out)
    tap.ok(back.out == "M\u00fcller", "is decrypted", back)
    seen = json.loads(redoubt("field", "inspect", "--json", stdin=value).out)
    tap.ok(seen["format"] == "searchable RF1" and seen["token"] == value[4:20].hex() and seen["index_epoch"] == 1
           and seen["handle"] == at.handle, "and inspected", seen)
    for name, column, verb, stdin, status, word in (
            ("a token of another value", "surname", "decrypt", second.flip(value, 19), 4, "token"),
            ("RF1 without a token", "surname", "decrypt", value[20:], 3, "not an encrypted value"),
            ("a column without an index", "phone", "token", SECRET, 4, "no index"),
            ("what is no UTF-8", "surname", "encrypt", b"\xff", 3, "UTF-8")):
        args = ["--tenant", "acme"] if column == "surname" else []
        got = fields.run(verb, "clinic.staff." + column, *args, stdin=stdin)
        tap.ok(got.status == status and word in got.err and not got.out, "refused: %s" % name, got)


def test_ids(tap, server, fields):
    own = tenant(server, "acme")[0]
    where = ["--ring", "records", "--tenant-id", own, "--column-id", DIAGNOSIS]
    got = fields.ids("encrypt", *where, "--row", "17", "--text", stdin="by ids")
    at = place(server, "acme", DIAGNOSIS, row_bound=True)
    tap.ok(second.unseal(at, b"17", second.untext(got.out.strip())) == b"by ids", "by ids instead of a catalogue", got)
    padded = second.text(second.seal(place(server, "acme", DIAGNOSIS, row_bound=True, bucket=32), b"17", b"padded", os.urandom(24)))
    back = fields.ids("decrypt", *where, "--row", "17", stdin=padded)
    tap.ok(back.out == "padded", "which reads padded values, too", back)
    got = fields.ids("encrypt", *where, "--row-bound", "--lines", "--json", stdin='{"row":"9","value":"x"}')
    tap.ok(got.status == 0, "--row-bound for rows in lines", got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        with Server(os.path.join(folder, "data")) as server:
            server.admin("key", "create", "--alias", "records")
            server.admin("key", "ring", "records")
            server.admin("key", "create", "--alias", "found")
            server.admin("key", "ring", "found")
            for name in ("acme", "bolt"):
                server.admin("tenant", "create", name, "records")
            server.admin("tenant", "create", "acme", "found")
            fields = Fields(server, folder)
            value = test_second(tap, server, fields)
            test_refused(tap, server, fields, value)
            test_lines(tap, server, fields)
            test_json(tap, fields)
            test_epochs(tap, server, fields)
            test_inspect(tap, server, fields, value)
            test_tokens(tap, server, fields)
            test_ids(tap, server, fields)
            tap.ok(SECRET not in fields.all, "no plaintext was in any message")
    tap.finish()


if __name__ == "__main__":
    main()
