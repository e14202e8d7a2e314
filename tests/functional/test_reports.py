#!/usr/bin/env python3
"""Reports of real runs, judged by others: SARIF and the run by JSON Schema, JUnit by its XSD, HTML by
an XML parser, CSV by Python's; `report` shows again what was shown before; the jobs of docs/guides/ci.md
do what they say, as far as a shell can.  Prints TAP.
"""
import csv
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, ROOT, Tap, redoubt, write  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

AT = "2026-11-24"
EXAMPLES = {name: os.path.join("examples", name, "redoubt.yaml") for name in ("medtrack", "saas", "minimal")}
SCHEMAS = os.path.join(ROOT, "..", "shared", "schemas")
FORMATS = ("text", "json", "sarif", "junit", "csv", "html")
VOID = {"meta", "link", "br", "hr", "img", "input"}
GUIDE = os.path.join(ROOT, "docs", "guides", "ci.md")

tap = Tap()
home = tempfile.mkdtemp()
os.environ["XDG_STATE_HOME"] = home
os.chdir(ROOT)


def shown(plan, form, *more):
    return redoubt("check", "--at", AT, "--format", form, *more, plan)


def schema_errors(schema, document):
    kind = jsonschema.validators.validator_for(schema)
    return ["%s: %s" % (e.json_path, e.message[:200]) for e in kind(schema).iter_errors(document)][:5]


def judge_by_schema(name, document, schema_path):
    if jsonschema is None:
        return tap.skip(name, "python3-jsonschema is not installed")
    if not os.path.exists(schema_path):
        return tap.skip(name, "%s is not here" % os.path.basename(schema_path))
    with open(schema_path, encoding="utf-8") as file:
        errors = schema_errors(json.load(file), document)
    tap.ok(not errors, name, "\n".join(errors))


def json_reports(name, plan):
    own = os.path.join(ROOT, "schema", "run-1.json")
    plain = json.loads(shown(plan, "json").out)
    judge_by_schema("%s: json fits run-1.json" % name, plain, own)
    every = json.loads(shown(plan, "json", "--all").out)
    judge_by_schema("%s: json --all fits run-1.json" % name, every, own)
    with open(os.path.join(home, "redoubt", "last-run.json"), encoding="utf-8") as file:
        judge_by_schema("%s: stored run fits run-1.json" % name, json.load(file), own)
    total = sum(v for k, v in every["summary"].items() if k not in ("planned", "observed"))
    tap.ok(len(every["findings"]) == total, "%s: the summary counts all results" % name)
    open_ones = [f for f in every["findings"] if f["verdict"] not in ("pass", "n/a")]
    tap.ok(plain["findings"] == open_ones, "%s: findings are what is not a plain pass" % name)
    rows = {row["id"]: row for row in every["rows"]}
    wrong = [f for f in open_ones for row in f["rollups"]
             if "%s %s" % (f["rule"], f["subject"]) not in rows[row]["broken"]]
    tap.ok(not wrong, "%s: a finding names the rows that name it" % name, wrong[:3])
    return every


def sarif_report(name, plan, every):
    document = json.loads(shown(plan, "sarif").out)
    judge_by_schema("%s: SARIF fits its schema" % name, document, os.path.join(SCHEMAS, "sarif-2.1.0.json"))
    full = json.loads(shown(plan, "sarif", "--all").out)
    judge_by_schema("%s: SARIF --all fits its schema" % name, full, os.path.join(SCHEMAS, "sarif-2.1.0.json"))
    run = document["runs"][0]
    due = [f for f in every["findings"] if f["verdict"] in ("fail", "drift", "unknown")]
    tap.ok(len(run["results"]) == len(due), "%s: SARIF holds fail, drift and unknown" % name)
    rules = run["tool"]["driver"]["rules"]
    tap.ok(all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"]) and
           all(len(rule["properties"]["tags"]) <= 20 for rule in rules), "%s: SARIF rules are joined" % name)
    uris = {l["physicalLocation"]["artifactLocation"]["uri"] for r in full["runs"][0]["results"]
            for l in r["locations"]}
    tap.ok(uris == {plan}, "%s: SARIF paths are relative" % name, uris)
    absolute = json.loads(shown(os.path.join(ROOT, plan), "sarif", "--all").out)["runs"][0]["results"]
    tap.ok({l["physicalLocation"]["artifactLocation"]["uri"] for r in absolute for l in r["locations"]} == {plan},
           "%s: SARIF paths are relative to where it ran" % name)


def junit_report(name, plan, every):
    text = shown(plan, "junit").out
    suite = ElementTree.fromstring(text.encode())[0]
    counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    good = all(int(suite.get(a)) == len(suite.findall("testcase/" + e)) for a, e in counted.items())
    tap.ok(good and int(suite.get("tests")) == len(suite.findall("testcase")) == len(every["findings"]),
           "%s: JUnit counts itself right" % name)
    unseen = sum(f["verdict"] == "unobserved" for f in every["findings"])
    tap.ok(len(suite.findall("testcase/skipped[@type='unobserved']")) == unseen,
           "%s: JUnit passes nothing that was not looked at" % name)
    xsd = os.path.join(SCHEMAS, "junit-10.xsd")
    if not os.path.exists(xsd) or shutil.which("xmllint") is None:
        return tap.skip("%s: JUnit fits its XSD" % name, "junit-10.xsd or xmllint is not here")
    done = subprocess.run(["xmllint", "--noout", "--schema", xsd, "-"], input=text.encode(),
                          stderr=subprocess.PIPE, check=False)
    tap.ok(done.returncode == 0, "%s: JUnit fits its XSD" % name, done.stderr.decode())


def csv_report(name, plan, every):
    for more in ((), ("--all",), ("--framework", "soc2@2022")):
        text = shown(plan, "csv", *more).out
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        good = len({len(row) for row in rows}) == 1 and text.endswith("\r\n")
        tap.ok(good and not [c for row in rows for c in row if c[:1] in ("=", "+", "-", "@")],
               "%s: CSV %s is rectangular and holds no formula" % (name, " ".join(more)))
        if more == ("--all",):
            subjects = {(r[3], r[6]) for r in rows[1:]}
            tap.ok(subjects == {(f["rule"], f["subject"]) for f in every["findings"]},
                   "%s: CSV --all is the whole population" % name)


class Page(HTMLParser):
    """Tags that do not match, elements that run or load, and the text a reader sees."""

    def __init__(self):
        super().__init__()
        self.open, self.faults, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "iframe", "object", "embed", "link", "img", "form", "base"):
            self.faults.append("<%s>" % tag)
        for key, value in attrs:
            if key.startswith("on") or key in ("src", "srcset", "action") or \
                    (key in ("href", "xlink:href") and not (value or "").startswith("#")):
                self.faults.append("%s=%s" % (key, value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append("</%s> closes nothing" % tag)

    def handle_data(self, data):
        self.words.append(data)


def html_page(name, text):
    page = Page()
    page.feed(text)
    page.close()
    tap.ok(not page.faults and not page.open, "%s: well formed, nothing runs or loads" % name,
           "\n".join(page.faults[:9] + page.open))
    try:
        ElementTree.fromstring(text.replace("<!DOCTYPE html>", "", 1))
        tap.ok(True, "%s: also well-formed XML" % name)
    except ElementTree.ParseError as error:
        tap.ok(False, "%s: also well-formed XML" % name, error)
    return " ".join(page.words)


def html_reports(name, plan, every):
    words = html_page("%s html" % name, shown(plan, "html").out)
    missing = [f for f in every["findings"] if f["verdict"] == "fail" and f["message"] not in words]
    tap.ok(not missing, "%s html: holds every failure" % name, missing[:3])
    html_page("%s html of a framework" % name, shown(plan, "html", "--framework", "pci-dss").out)
    path = os.path.join(home, "template.html")
    tap.ok(redoubt("report", "--format", "template", "-o", path).status == 0, "%s: template page" % name)
    with open(path, encoding="utf-8") as file:
        html_page("%s template page" % name, file.read())


def markdown_template(name, every):
    text = redoubt("report", "--format", "template").out
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    widths = [{len(re.findall(r"(?<!\\)\|", line)) for line in t.splitlines()} for t in tables]
    tap.ok(len(tables) == 6 and all(len(w) == 1 for w in widths), "%s: template has six whole tables" % name,
           [sorted(w) for w in widths])
    boxes = re.findall(r"^- (\u2610|\u2611|\u2612|\u2013) (.*)$", text, re.MULTILINE)
    rows = [r for r in every["rows"] if r.get("checklist") or r["part"] == 8]
    tap.ok(len(boxes) == len(rows) == 29 + 5 and all("*" in b[1] for b in boxes),
           "%s: template has every box, each with its reason" % name, len(boxes))
    ticked = sum(r["verdict"] in ("pass", "accepted") for r in rows)
    crossed = sum(r["verdict"] in ("fail", "drift") for r in rows)
    tap.ok((sum(b[0] == "\u2611" for b in boxes), sum(b[0] == "\u2612" for b in boxes)) == (ticked, crossed),
           "%s: boxes say what the rows say" % name)
    tap.ok("___" not in text, "%s: template has no blank left" % name)


def text_report(name, plan, every):
    text = shown(plan, "text").out
    wide = [line for line in text.splitlines() if len(line) > 80]
    tap.ok(not wide, "%s: text fits 80 columns" % name, "\n".join(wide))
    tap.ok("\x1b" not in text and "\x1b" not in shown(plan, "text", "--all").out, "%s: no colours in a pipe" % name)
    places = ["%s:%d:%d" % (f["where"]["file"], f["where"]["line"], f["where"]["column"])
              for f in every["findings"] if f["verdict"] in ("fail", "drift")]
    tap.ok(all(p in text for p in places), "%s: text has the line to change of each failure" % name)
    for state in every["frameworks"][:1]:
        words = shown(plan, "text", "--framework", "%s@%s" % (state["id"], state["edition"])).out
        tap.ok(words.startswith(state["title"]), "%s: text shows a framework" % name, words[:200])


def shown_again():
    """What `report` makes of the stored run is what `check` had shown."""
    kept = os.path.join(home, "kept.json")
    for form in FORMATS:
        for more in ((), ("--all",), ("--framework", "hipaa")):
            first = shown(EXAMPLES["medtrack"], form, *more)
            again = redoubt("report", "--format", form, *more)
            tap.ok(first.out == again.out and again.status == 0, "report shows %s %s again" % (form, " ".join(more)))
    shutil.copy(os.path.join(home, "redoubt", "last-run.json"), kept)
    tap.ok(stat.S_IMODE(os.stat(os.path.join(home, "redoubt", "last-run.json")).st_mode) == 0o600,
           "a stored run is for its owner")
    shown(EXAMPLES["saas"], "text")
    other = redoubt("report", "--format", "json", "--run", kept)
    tap.ok(json.loads(other.out)["run"]["product"] == "MedTrack", "report --run shows another run")
    with open(kept, encoding="utf-8") as file:
        text = file.read()
    for what, damaged in (("cut", text[:len(text) // 2]), ("empty", ""), ("other JSON", "[]"),
                          ("a rule gone", text.replace('"id":"REST-1","title":"Store', '"id":"REST-X","title":"Store')),
                          ("a count changed", re.sub(r'"pass":\d+', '"pass":1', text))):
        got = redoubt("report", "--run", write(kept, damaged))
        tap.ok(got.status == 3 and got.out == "" and "kept.json" in got.err, "report refuses a run: %s" % what, got)
    got = redoubt("report", "--run", os.path.join(home, "none.json"))
    tap.ok(got.status == 3 and "none.json" in got.err, "report names a run that is not there", got)
    got = redoubt("report", "--framework", "iso")
    tap.ok(got.status == 3 and "iso27001@2022" in got.err, "report names the frameworks that there are", got)


# ---- docs/guides/ci.md ----

def guide_steps():
    """(job file, command) of each shell step in the guide's YAML blocks, in order."""
    with open(GUIDE, encoding="utf-8") as file:
        text = file.read()
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        i = 0
        while i < len(lines):
            found = re.match(r"(\s*)(?:- )?run: (.*)", lines[i])
            item = re.match(r"\s*- ((?:redoubt|apt-get) .*)", lines[i])
            i += 1
            if found and found.group(2) == "|":
                body = []
                while i < len(lines) and (not lines[i].strip() or lines[i].startswith(found.group(1) + "  ")):
                    body.append(lines[i].strip())
                    i += 1
                yield "\n".join(body)
            elif found:
                yield found.group(2)
            elif item:
                yield item.group(1)


def ci_guide():
    work = os.path.join(home, "ci")
    os.makedirs(os.path.join(work, "bin"))
    shutil.copytree(os.path.join(ROOT, "examples", "saas"), work, dirs_exist_ok=True)
    os.symlink(os.path.realpath(REDOUBT), os.path.join(work, "bin", "redoubt"))
    write(os.path.join(work, "targets", "none.yaml"), "{}\n")
    with open(os.path.join(work, "redoubt.yaml"), "a", encoding="utf-8") as file:
        if not re.search(r"^environments:", open(file.name, encoding="utf-8").read(), re.MULTILINE):
            file.write("\nenvironments:\n  prod: {}\n")
    env = dict(os.environ, PATH=os.path.join(work, "bin") + ":" + os.environ["PATH"],
               GITHUB_STEP_SUMMARY=os.path.join(work, "summary.md"), XDG_STATE_HOME=os.path.join(work, "state"))
    steps = list(guide_steps())
    tap.ok(len(steps) >= 9, "ci guide: its steps are found", steps)
    for step in steps:
        if "apt-get" in step:
            tap.skip("ci guide: %s" % step, "installs a package")
            continue
        done = subprocess.run(["bash", "-e", "-c", step], cwd=work, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        judged = "redoubt check" in step or "redoubt verify" in step
        tap.ok(done.returncode in ((0, 1, 2) if judged else (0,)), "ci guide: %s" % step.splitlines()[0],
               "status %d\n%s" % (done.returncode, done.stdout.decode()[-600:]))
    made = {"redoubt.sarif": b'"version":"2.1.0"', "redoubt.xml": b"<testsuites", "redoubt.html": b"</html>",
            "encryption-plan.md": b"# Encryption plan", "summary.md": b"Next:"}
    for name, holds in made.items():
        path = os.path.join(work, name)
        good = os.path.exists(path) and holds in open(path, "rb").read()
        tap.ok(good, "ci guide: its job makes %s" % name)


def main():
    for name, plan in EXAMPLES.items():
        every = json_reports(name, plan)
        text_report(name, plan, every)
        sarif_report(name, plan, every)
        junit_report(name, plan, every)
        csv_report(name, plan, every)
        html_reports(name, plan, every)
        markdown_template(name, every)
    shown_again()
    ci_guide()
    shutil.rmtree(home)
    tap.finish()


main()
