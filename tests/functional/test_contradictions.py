#!/usr/bin/env python3
"""Where the encryption plan template contradicts itself (X1 to X14): each is settled as its note says,
shown by one value moved at a time, and a user can see that it was. Prints TAP."""
import copy
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap, redoubt  # noqa: E402
from test_medtrack import change  # noqa: E402

AT = "2026-11-24"
FOLDER = tempfile.mkdtemp(prefix="redoubt-contradictions-")
ENV = {"XDG_STATE_HOME": FOLDER, "NO_COLOR": "1"}
FLOOR, PLAN = "TRANSIT-TLS-FLOOR", "plan"

# note, what is shown, example, {path: new value}, rule, subject, verdict, severity (None: any), date
CASES = [
    ("X1", "critical data at TLS 1.2 fails", "saas", {}, FLOOR, "flows.web", "fail", "high", AT),
    ("X1", "the lenient profile keeps 1.2 and warns", "saas", {"policy.profile": "template-lenient"},
     FLOOR, "flows.web", "fail", "info", AT),
    ("X1", "high data needs 1.2 only", "saas", {"flows.web.carries": ["pii"]},
     FLOOR, "flows.web", "unobserved", None, AT),

    ("X2", "an API key called critical is", "saas", {"flows.web.carries": ["api-key"]},
     FLOOR, "flows.web", "fail", "high", AT),
    ("X2", "and one called high is not", "saas", {"flows.web.carries": ["api-key"], "data.api-key.level": "high"},
     FLOOR, "flows.web", "unobserved", None, AT),

    ("X3", "a password hash needs no field encryption", "saas", {"stores.db.holds": ["password"]},
     "REST-2", "stores.db", "pass", None, AT),
    ("X3", "a password under SHA-256 fails", "saas", {"data.password.form.hashed": "sha-256"},
     "HASH-PASSWORD", "data.password", "fail", "critical", AT),
    ("X3", "a token of 256 bits under SHA-256 passes", "saas", {}, "HASH-TOKEN", "data.api-key", "pass", None, AT),
    ("X3", "a token of 64 bits does not", "saas", {"data.api-key.form.entropy_bits": 64},
     "HASH-TOKEN", "data.api-key", "fail", "high", AT),

    ("X4", "personal data called high needs fields", "saas", {}, "REST-2", "stores.db", "fail", "high", AT),
    ("X4", "and at a lower level too", "saas", {"data.pii.level": "low"},
     "REST-2", "stores.search", "fail", "high", AT),
    ("X4", "its level stays: TLS 1.2 is enough", "saas", {"flows.email.mta_sts": "enforce"},
     FLOOR, "flows.email", "unobserved", None, AT),

    ("X5", "a volume key follows the passwords under it", "saas", {},
     "KEY-FLOOR-ROTATION", "keys.prod-db-cmk", "fail", "high", AT),
    ("X5", "without critical data a year is enough", "saas",
     {"stores.db.holds": ["pii-columns"]}, "KEY-FLOOR-ROTATION", "keys.prod-db-cmk", "pass", None, AT),

    ("X6", "the mode of a managed volume is not judged", "saas", {"stores.db.at_rest.volume.algorithm": "aes-256-xts"},
     "REST-ALG", "stores.db", "pass", None, AT),
    ("X6", "laptops with 128-bit keys fail", "medtrack", {"stores.laptops.at_rest.volume.algorithm": "aes-128"},
     "ENDPOINT-FDE", "stores.laptops", "fail", "high", AT),
    ("X6", "laptops with XTS-AES 256 wait for the fleet's export", "medtrack", {},
     "ENDPOINT-FDE", "stores.laptops", "unobserved", None, AT),

    ("X7", "mail with personal data falls back", "saas", {},
     "TRANSIT-OPPORTUNISTIC", "flows.email", "fail", "high", AT),
    ("X7", "MTA-STS in testing does not help", "saas", {"flows.email.mta_sts": "testing"},
     "TRANSIT-OPPORTUNISTIC", "flows.email", "fail", "high", AT),
    ("X7", "MTA-STS in force does", "saas", {"flows.email.mta_sts": "enforce"},
     "TRANSIT-OPPORTUNISTIC", "flows.email", "pass", None, AT),
    ("X7", "DANE does", "saas", {"flows.email.dane": True}, "TRANSIT-OPPORTUNISTIC", "flows.email", "pass", None, AT),
    ("X7", "medium data may fall back", "saas", {"flows.email.carries": ["event"]},
     "TRANSIT-OPPORTUNISTIC", "flows.email", "pass", None, AT),

    ("X8", "16 days are enough for a certificate of 47", "medtrack",
     {"procedures.cert-monitoring.alerts": ["16d", "14d", "7d"], "keys.edge-cert.rotation.every": "47d"},
     "TRANSIT-7", PLAN, "pass", None, AT),
    ("X8", "and too late for one of 90", "medtrack", {"procedures.cert-monitoring.alerts": ["16d", "14d", "7d"]},
     "TRANSIT-7", PLAN, "fail", "medium", AT),

    ("X9", "a 140-2 certificate counted until 2026-09-21", "saas", {},
     "KEY-FIPS-HISTORICAL", "keys.prod-db-cmk", "pass", None, "2026-09-21"),
    ("X9", "and warns from 2026-09-22", "saas", {},
     "KEY-FIPS-HISTORICAL", "keys.prod-db-cmk", "fail", "medium", "2026-09-22"),
    ("X9", "it is hardware all the same", "saas", {}, "KEY-FLOOR-HSM", "keys.prod-db-cmk", "pass", None, AT),

    ("X10", "90 days by hand and by no procedure fail", "saas", {},
     "ROTATE-1", "keys.prod-pii-cmk", "fail", "medium", AT),
    ("X10", "90 days can be automatic", "saas", {"keys.prod-pii-cmk.rotation.how": "auto"},
     "ROTATE-1", "keys.prod-pii-cmk", "pass", None, AT),
    ("X10", "and the service can do that", "saas", {"keys.prod-pii-cmk.rotation.how": "auto"},
     "ROTATE-UNSUPPORTED", "keys.prod-pii-cmk", "pass", None, AT),
    ("X10", "by hand with a rehearsed procedure passes", "medtrack", {}, "ROTATE-1", "keys.root-cmk", "pass", None, AT),

    ("X11", "a key that turns in time says nothing of old records", "medtrack", {},
     "DEK-AGE", "keys.record-dek", "unobserved", None, AT),

    ("X12", "encryption by default is not enough", "saas", {}, "REST-4", "stores.audit-logs", "fail", "medium", AT),
    ("X12", "refusing other keys is", "saas", {}, "REST-4", "stores.files", "pass", None, AT),

    ("X13", "a plan says redirect, whichever", "saas", {}, "TRANSIT-1", "flows.web", "unobserved", None, AT),

    ("X14", "one pinned root fails", "saas", {}, "TLS-PIN-NEXT", "flows.app-db", "fail", "medium", AT),
    ("X14", "with its successor it passes", "saas", {"flows.app-db.tls.pin_next": "rds-ca-ecc384-g1"},
     "TLS-PIN-NEXT", "flows.app-db", "pass", None, AT),
]

# Notes that the run of an example ends with, and none else: their rules have findings there.
NOTED = {
    "saas": {"X1", "X4", "X5", "X6", "X7", "X9", "X10", "X12", "X14"},
    "medtrack": {"X1"},  # EX-7
}
# A rule whose explanation has to name the note. X2 is no rule's: the level that is written decides.
EXPLAINED = {
    "X1": (FLOOR, "flows.web"), "X3": ("HASH-PASSWORD", "data.password"), "X4": ("REST-2", "stores.db"),
    "X5": ("KEY-FLOOR-ROTATION", "keys.prod-db-cmk"), "X6": ("ENDPOINT-FDE", "stores.laptops"),
    "X7": ("TRANSIT-OPPORTUNISTIC", "flows.email"), "X8": ("TRANSIT-7", PLAN),
    "X9": ("KEY-FIPS-HISTORICAL", "keys.prod-db-cmk"), "X10": ("ROTATE-1", "keys.prod-pii-cmk"),
    "X11": ("DEK-AGE", "keys.pii-dek"), "X12": ("REST-4", "stores.files"), "X13": ("TRANSIT-1", "flows.web"),
    "X14": ("TLS-PIN-NEXT", "flows.app-db"),
}
NOTES = ["X%d" % n for n in range(1, 15)]


def judge(example, changes, date):
    """The run of an example with some values changed, everything listed; or a text: what went wrong."""
    plan = os.path.join(FOLDER, example, "changed.json")
    document = copy.deepcopy(DOCUMENTS[example])
    for path, value in changes.items():
        change(document, path, value)
    with open(plan, "w", encoding="utf-8") as file:
        json.dump(document, file)
    got = redoubt("check", "--json", "--all", "--at", date, plan, env=ENV)
    return json.loads(got.out) if got.status in (0, 1) else str(got)


def settled(run, rule, subject, verdict, severity):
    if isinstance(run, str):
        return run
    found = [f for f in run["findings"] if (f["rule"], f["subject"]) == (rule, subject)]
    if len(found) != 1:
        return "%d findings of %s on %s" % (len(found), rule, subject)
    is_as_said = found[0]["verdict"] == verdict and severity in (None, found[0]["severity"])
    return "" if is_as_said else "%s, %s" % (found[0]["verdict"], found[0]["severity"])


class Redirects(http.server.BaseHTTPRequestHandler):
    """Plain HTTP that answers with one status, to https on the same host or elsewhere."""
    status, to = 301, "https://127.0.0.1/"

    def do_GET(self):
        self.send_response(self.status)
        self.send_header("Location", self.to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


def redirected(status, to):
    """(verdict, assurance) of TRANSIT-1 on an endpoint whose plain HTTP answers so."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirects)
    Redirects.status, Redirects.to = status, to
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        folder = os.path.join(FOLDER, "saas")
        document = copy.deepcopy(DOCUMENTS["saas"])
        document["environments"] = {"here": {"targets": "here.json"}}
        # No TLS is spoken here; what is asked is plain HTTP alone.
        port = server.server_address[1]
        targets = {"flows": {"web": {"https": {"url": "https://127.0.0.1/", "http_port": port}}}}
        for name, content in (("here.json", targets), ("here-plan.json", document)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                json.dump(content, file)
        got = redoubt("verify", "--env", "here", "--json", "--all", "--timeout", "5",
                      os.path.join(folder, "here-plan.json"), env=ENV)
        for finding in json.loads(got.out)["findings"] if got.out.startswith("{") else []:
            if (finding["rule"], finding["subject"]) == ("TRANSIT-1", "flows.web"):
                return finding["verdict"], finding["assurance"]
        return str(got)
    finally:
        server.shutdown()
        server.server_close()


def shown(tap):
    """Each note can be looked up, stands in the list, and is told where its rule is explained."""
    listed = redoubt("rules", "list", "--json", env=ENV)
    notes = {n["id"]: n for n in json.loads(listed.out)["notes"]}
    tap.ok(sorted(notes) == sorted(NOTES), "rules list has the fourteen notes", sorted(notes))
    rows = json.loads(listed.out)["rows"]
    for name in NOTES:
        note = notes.get(name, {"title": "?", "settled": "?"})
        got = redoubt("rules", "show", name, env=ENV)
        tap.ok(got.status == 0 and note["title"] in got.out and note["settled"] in got.out,
               "rules show %s says what contradicts what, and what is done" % name, got)
        tap.ok(any(name in row["notes"] for row in rows), "%s stands at a row of the template" % name)
    for name, (rule, subject) in EXPLAINED.items():
        got = redoubt("rules", "explain", rule, subject, os.path.join(FOLDER, "saas", "redoubt.yaml"),
                      "--at", AT, env=ENV)
        tap.ok(got.status == 0 and "%s: %s" % (name, notes[name]["title"]) in got.out,
               "rules explain %s names %s" % (rule, name), got)
    got = redoubt("rules", "explain", "GAP-BACKUP", "stores.db", os.path.join(FOLDER, "saas", "redoubt.yaml"), env=ENV)
    tap.ok(got.status == 0 and "template" not in got.out, "a rule without a contradiction names none", got)


def noted(tap):
    for example, want in NOTED.items():
        run = judge(example, {}, AT)
        said = {n.split()[1].rstrip(":") for n in run["notes"] if n.startswith("template X")}
        tap.ok(said == want, "the run of %s names the contradictions that it met" % example, sorted(said ^ want))
        run = redoubt("check", "--at", AT, os.path.join(FOLDER, example, "redoubt.yaml"), env=ENV)
        tap.ok(all("template %s:" % name in run.out for name in want), "and so does its text", run)
    for form in ("template", "html"):  # of the last run, MedTrack's
        run = redoubt("report", "--format", form, env=ENV)
        tap.ok("template X1:" in run.out, "and the report as %s" % form, run.out[-400:])


def main():
    tap = Tap()
    for note, what, example, changes, rule, subject, verdict, severity, date in CASES:
        problem = settled(judge(example, changes, date), rule, subject, verdict, severity)
        tap.ok(not problem, "%s: %s" % (note, what), problem)
    tap.ok({case[0] for case in CASES} == set(NOTES), "each contradiction has a case")
    for status, to, want in ((301, "https://127.0.0.1/", "pass"), (308, "https://127.0.0.1/", "pass"),
                             (302, "https://127.0.0.1/", "drift"), (301, "http://127.0.0.1/", "drift"),
                             (301, "https://elsewhere.example/", "drift"), (200, "https://127.0.0.1/", "drift")):
        got = redirected(status, to)
        good = got == ("pass", "A4") if want == "pass" else got[0] == want
        tap.ok(good, "X13: %d to %s is a %s" % (status, to, want), got)
    shown(tap)
    noted(tap)
    shutil.rmtree(FOLDER, ignore_errors=True)
    tap.finish()


DOCUMENTS = {}
if __name__ == "__main__":
    for example in ("saas", "medtrack"):
        shutil.copytree(os.path.join(ROOT, "examples", example), os.path.join(FOLDER, example))
        written = redoubt("plan", "show", "--json", os.path.join(FOLDER, example, "redoubt.yaml"), env=ENV)
        DOCUMENTS[example] = json.loads(written.out)
    main()
