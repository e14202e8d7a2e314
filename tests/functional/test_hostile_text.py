#!/usr/bin/env python3
"""Text that strangers wrote (plans, packs, file names, stored runs, arguments) cannot steer the
terminal, reader or spreadsheet that a person looks with. Each output is searched for what a
terminal obeys, for what turns or hides text, and for markup of the text's own."""
import json
import os
import re
import shutil
import tempfile
import unicodedata
import xml.etree.ElementTree as xml

from harness import Tap, redoubt, write

# ESC sequences, C1, bidirectional override and isolate, zero width, BOM, a tag character
EVIL = "E\x1b[2J\x07\u009b31m\u202e\u2066\u200b\ufeff\U000e0041<script>alert(1)</script>'\"`|\\"
YAML = json.dumps(EVIL)  # a JSON string is a YAML string
FORMULA = "=cmd|' /C calc'!A0"

PLAN = """redoubt: 1
product: {id: x, name: %(evil)s, owner: %(evil)s, tenancy: single, about: %(evil)s}
policy: {disable: {GAP-BACKUP: %(evil)s}}
services:
  s: {zone: %(evil)s, note: %(evil)s}
  t: {zone: a}
data:
  d: {level: critical, kinds: [pii], owner: %(evil)s, category: %(evil)s}
keys:
  k: {purpose: %(evil)s, type: symmetric, algorithm: aes-256-gcm, custody: {provider: aws-kms, account: %(formula)s}, rotation: {every: 90d, how: manual, procedure: %(evil)s}, access: {principals: [%(evil)s]}}
stores:
  st: {kind: postgres, holds: [d], at_rest: {volume: {algorithm: none}}, host: %(evil)s}
flows:
  f: {from: s, to: st, carries: [d]}
exceptions:
  EX-1: {rule: TRANSIT-TLS-FLOOR, subject: flows.f, reason: %(evil)s, owner: %(evil)s, approved_by: [%(evil)s, b], granted: 2026-11-01, expires: 2026-12-01, ticket: %(evil)s}
attestations:
  AT-1: {covers: [GAP-2], statement: %(evil)s, by: %(evil)s, signed: 2026-11-01, expires: 2027-01-01}
environments:
  e: {patch: {product: {about: %(evil)s}}}
"""

PACK = """rule {
  id = "ACME-1", title = "Site's own", severity = "high", source = {}, subjects = { "stores", "flows", "services", "data" },
  decided = { "plan" }, why = "because", fix = "so",
  check = function(s)
    local t = %s
    if s.section == "stores" then return fail { message = t .. (plan.product.name or ""), observed = t, expected = { t, t } } end
    if s.section == "flows" then return unknown(t) end
    if s.section == "services" then return na(t) end
    error(t)
  end,
  tests = { { subject = "stores.db", expect = "fail" } },
}
"""


def lua(text):
    return '"' + "".join("\\%d" % byte if byte < 0x20 or byte > 0x7e or byte in b'"\\' else chr(byte)
                         for byte in text.encode()).replace("\\7", "\\007").replace("\\27", "\\027") + '"'


def obeyed(text, keep="\n"):
    """The characters of a text that must not reach a reader's screen."""
    return sorted({"U+%04X" % ord(c) for c in text if c not in keep and
                   (unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn"))})


def fit(tap, name, got, statuses=(0, 1), keep="\n"):
    bad = obeyed(got.out, keep) + obeyed(got.err)
    tap.ok(not bad and got.status in statuses, name, "%s\n%s" % (bad, got))


class Page:
    """What a browser would make of the markup: every tag and attribute."""
    def __init__(self, text):
        from html.parser import HTMLParser
        page = self
        page.tags, page.attributes = [], []

        class Reader(HTMLParser):
            def handle_starttag(self, tag, attrs):
                page.tags.append(tag)
                page.attributes += attrs
        Reader(convert_charrefs=True).feed(text)

    def harm(self):
        bad = [t for t in self.tags if t in ("script", "iframe", "object", "embed", "foreignobject", "link", "base",
                                             "form", "image", "img", "animate", "set", "use")]
        for name, value in self.attributes:
            value = (value or "").strip().lower()
            if name.startswith("on") or (name in ("href", "xlink:href", "src", "action") and not value.startswith("#")
                                         and not value.startswith("https://")):
                bad.append("%s=%s" % (name, value))
        return bad


def texts(tap, plan, pack):
    for name, args in (
            ("check", ["check", plan]), ("check --all", ["check", "--all", plan]),
            ("check with a pack", ["check", "--all", "--pack", pack, plan]),
            ("report", ["report", "--all"]), ("report of a framework", ["report", "--framework", "soc2"]),
            ("explain", ["rules", "explain", "TRANSIT-TLS-FLOOR", "flows.f", plan]),
            ("explain of a pack", ["rules", "explain", "--pack", pack, "ACME-1", "stores.st", plan]),
            ("explain of a pack's error", ["rules", "explain", "--pack", pack, "ACME-1", "data.d", plan]),
            ("rules list", ["rules", "list", "--pack", pack]), ("rules show", ["rules", "show", "--pack", pack, "ACME-1"]),
            ("rules test", ["rules", "test", "--pack", pack, "--rule", "ACME-1"]),
            ("plan show --resolved", ["plan", "show", "--resolved", plan]),
            ("template as Markdown", ["report", "--format", "template"])):
        fit(tap, name, redoubt(*args))
    for name in ("json", "sarif"):
        got = redoubt("check", "--all", "--pack", pack, "--format", name, plan)
        fit(tap, name, got)
        held = json.dumps(json.loads(got.out))
        tap.ok("\\u202e" in held or "?" in held, "%s is JSON" % name, held[:500])
    fit(tap, "plan show --json", redoubt("plan", "show", "--json", plan))


def markup(tap, plan, pack, folder):
    got = redoubt("check", "--all", "--pack", pack, "--format", "junit", plan)
    try:
        root = xml.fromstring(got.out)
        tap.ok(len(root) > 0, "junit is XML", got)
    except xml.ParseError as why:
        tap.ok(False, "junit is XML", why)
    for name, args in (("html", ["--format", "html"]), ("template", ["--format", "template", "-o", "t.html"])):
        got = redoubt("report", *args, cwd=folder)
        text = got.out or open(os.path.join(folder, "t.html"), encoding="utf-8").read()
        page = Page(text)
        tap.ok(not page.harm() and "<script>alert" not in text, name + " runs nothing", page.harm())
        tap.ok(re.search(r"Content-Security-Policy[^>]*default-src 'none'", text) is not None,
               name + " forbids what it does not need", text[:600])
    got = redoubt("plan", "map", "-o", "map.dot", "--pack", pack, plan, cwd=folder)
    dot = open(os.path.join(folder, "map.dot"), encoding="utf-8").read()
    bare = re.sub(r'"(\\.|[^"\\])*"', "TEXT", dot)
    tap.ok(got.status == 0 and not re.search(r"(?i)<|URL|image|href|script", bare) and not obeyed(dot),
           "DOT: hostile text stays inside of its quotes", bare[:800])
    if shutil.which("dot"):
        got = redoubt("plan", "map", plan, cwd=folder)
        tap.ok(not Page(got.out).harm() and got.status == 0, "SVG runs nothing", Page(got.out).harm())
    else:
        tap.skip("SVG", "Graphviz is not installed")


def sheets(tap, plan, pack):
    import csv
    import io
    got = redoubt("check", "--all", "--pack", pack, "--format", "csv", plan)
    bad = [c for row in csv.reader(io.StringIO(got.out)) for c in row if c[:1] and c[0] in "=+-@\t\r\n\uff1d"]
    tap.ok(not bad and got.status == 1, "csv: no cell begins a formula", bad)
    fit(tap, "csv", got, keep="\r\n\t")


def words(tap, folder):
    """Words on stderr: names of files, arguments, environments."""
    named = write(os.path.join(folder, "x\x1b]0;owned\x07\u202e.yaml"), "redoubt: 1\nnope: {\n")
    for name, args in (
            ("a file's name", ["check", named]), ("a file that is not there", ["check", "no\x1b[2J\u202e"]),
            ("an unknown option", ["check", "--\x1b[2J"]), ("an unknown command", ["\x1b[2J\u009b"]),
            ("a bad date", ["check", "--at", "\x1b[2J\u202e"]), ("a bad word", ["check", "--format", "\x1b[2J"]),
            ("an environment", ["check", "--env", "\x1b[2J", os.path.join(folder, "plan.yaml")]),
            ("a rule", ["check", "--rule", "\x1b[2J\u2067", os.path.join(folder, "plan.yaml")]),
            ("a pack's name", ["check", "--pack", "no\x1b[2J.lua", os.path.join(folder, "plan.yaml")]),
            ("a subject", ["rules", "explain", "REST-1", "\x1b[2J", os.path.join(folder, "plan.yaml")])):
        fit(tap, "words about " + name, redoubt(*args), statuses=(3,))
        fit(tap, "the same as JSON", redoubt("--json", *args), statuses=(3,))
    piece = os.path.join(folder, "inc\x1b[31m\u202e.yml")
    write(piece, "stores: {st: 1}\nbad: 1\n")
    write(os.path.join(folder, "main.yaml"), "redoubt: 1\ninclude: ['inc*.yml']\n")
    fit(tap, "words about an included file's name", redoubt("check", os.path.join(folder, "main.yaml")), statuses=(3,))


def main():
    tap = Tap()
    folder = tempfile.mkdtemp()
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    os.environ["LC_ALL"] = "C.UTF-8"
    try:
        plan = write(os.path.join(folder, "plan.yaml"), PLAN % {"evil": YAML, "formula": json.dumps(FORMULA)})
        pack = write(os.path.join(folder, "pack.lua"), PACK % lua(EVIL))
        texts(tap, plan, pack)
        markup(tap, plan, pack, folder)
        sheets(tap, plan, pack)
        words(tap, folder)
    finally:
        shutil.rmtree(folder)
    tap.finish()


main()
