#!/usr/bin/env python3
"""The command line: help, man pages and completion know every command and option; each exit status;
errors as JSON; colour; standard output that cannot be written.  Prints TAP.
"""
import json
import os
import pty
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, ROOT, SECONDS, Tap, redoubt, write  # noqa: E402

MEDTRACK = os.path.join(ROOT, "examples", "medtrack", "redoubt.yaml")
MINIMAL = os.path.join(ROOT, "examples", "minimal", "redoubt.yaml")
BAD = os.path.join(ROOT, "tests", "corpus", "plans", "bad", "unknown-in-store.yaml")
AT = "2026-11-24"
GLOBALS = ["--help", "--version", "--json", "--no-color", "--quiet", "--at"]
COMMANDS_MIN = 13
TRIED = 8  # of so many options that a command does not take one is tried
# What the documents promise of each command, beside the global options.
PROMISED = {
    "check": ["--env", "--format", "--output", "--strict", "--rule", "--fail-on", "--all"],
    "verify": ["--env", "--format", "--output", "--strict", "--rule", "--fail-on", "--only"],
    "report": ["--framework", "--format", "--output", "--run"],
    "plan init": ["--from", "--force", "--output"],
    "plan show": ["--env", "--resolved"],
    "plan schema": [],
    "plan fmt": ["--check", "--output"],
    "plan map": ["--env", "--output"],
    "root init": ["--data", "--seal", "--shares-dir", "--passphrase-file"], "root status": ["--data"],
    "root reseal": ["--data", "--add", "--remove", "--share-file", "--passphrase-file"],
    "rules list": [], "rules show": [], "rules explain": [], "rules test": ["--pack"],
}


def commands():
    """Every command that the main help lists."""
    lines = redoubt("help").out.split("\nEverywhere:")[0].splitlines()
    return [m.group(1).strip() for m in (re.match(r"  ((?:[a-z-]+ )?[a-z-]+) {2,}\S", line) for line in lines) if m]


def options_of(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", text))


def man_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read().replace("\\-", "-")


def test_texts(tap, folder):
    known = commands()
    tap.ok(len(known) >= COMMANDS_MIN and set(PROMISED) <= set(known), "the main help lists %d commands" % len(known), known)
    tap.ok(redoubt("--print-man", folder).status == 0, "man pages are made")
    bash = redoubt("--print-completion", "bash").out
    zsh = redoubt("--print-completion", "zsh").out
    tap.ok(zsh.startswith("#compdef redoubt"), "zsh completion says what it completes")
    for command in known:
        words = command.split()
        got = redoubt(*words, "--help")
        options = options_of(got.out.split("\nOptions:")[1].split("\nEverywhere:")[0]) if "\nOptions:" in got.out else set()
        tap.ok(got.status == 0 and got.err == "" and got.out.startswith("redoubt %s: " % command),
               "%s --help" % command, got)
        tap.ok(redoubt("help", *words).out == got.out, "help %s is the same" % command)
        tap.ok(set(PROMISED.get(command, [])) <= options, "%s takes what is promised" % command, options)
        tap.ok(all(len(line) <= 100 for line in got.out.splitlines()), "%s --help is readable" % command)
        page = man_text(os.path.join(folder, "redoubt-%s.1" % "-".join(words)))
        lacks = [o for o in options | set(GLOBALS) if o not in page]
        tap.ok(not lacks, "the man page of %s has every option" % command, lacks)
        lacks = [w for w in list(options) + words if w not in bash or w not in zsh]
        tap.ok(not lacks, "completion knows %s and its options" % command, lacks)
        # what the help lists is taken, and nothing else
        # (each command tries a part of the others' options; each option is tried by many commands)
        for option in sorted(options_of(bash) - options - set(GLOBALS))[tap.n % TRIED::TRIED]:
            got = redoubt(*words, *dummy_words(words), option, *dummy_value(option))
            if "does not take" not in got.err:
                tap.ok(False, "%s refuses %s" % (command, option), got)
        tap.ok(True, "%s refuses the options of others" % command)
    main_page = man_text(os.path.join(folder, "redoubt.1"))
    tap.ok(all(command in main_page for command in known), "redoubt(1) lists every command")
    mandoc = subprocess.run(["man", "--warnings", "-l", os.path.join(folder, "redoubt-check.1")], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=dict(os.environ, MANPAGER="cat"), check=False) \
        if os.path.exists("/usr/bin/man") else None
    if mandoc is None:
        tap.skip("man reads the page", "man is not installed")
    else:
        tap.ok(mandoc.returncode == 0 and not mandoc.stderr, "man reads the page", mandoc.stderr)


def dummy_words(words):
    return {"rules show": ["REST-1"], "rules explain": ["REST-1", "stores.db"]}.get(" ".join(words), [])


def dummy_value(option):
    choices = {"--format": "json", "--fail-on": "low", "--from": "minimal", "--seal": "shamir", "--add": "shamir",
               "--hsm-how": "best", "--type": "p256"}
    flags = {"--strict", "--all", "--resolved", "--check", "--force"}
    return [] if option in flags else [choices.get(option, "x")]


def test_completion_runs(tap, folder):
    script = write(os.path.join(folder, "completion.bash"), redoubt("--print-completion", "bash").out)
    for line, want in ((["redoubt", "pl"], "plan"), (["redoubt", "plan", "f"], "fmt"),
                       (["redoubt", "check", "--fo"], "--format"), (["redoubt", "check", "--format", "sa"], "sarif"),
                       (["redoubt", "rules", "ex"], "explain")):
        words = " ".join("'%s'" % w for w in line)
        done = subprocess.run(["bash", "-c", "source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _redoubt; echo \"${COMPREPLY[@]}\""
                               % (script, words, len(line) - 1)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        tap.ok(want in done.stdout.split() and not done.stderr, "completing '%s'" % " ".join(line), done)


def test_usage(tap):
    for args, words, status in (
            (["chekc"], "did you mean 'check'", 3),
            (["plan", "shwo"], "did you mean 'plan show'", 3),
            (["plan"], "'plan' needs a second word", 3),
            (["rules"], "'rules' needs a second word", 3),
            (["zzzzzz"], "there is no command 'zzzzzz'", 3),
            (["check", "--formta", "json"], "did you mean '--format'", 3),
            (["check", "--zzzzzz"], "unknown option '--zzzzzz'", 3),
            (["check", "-Z"], "unknown option '-Z'", 3),
            (["check", "--format"], "--format needs a value", 3),
            (["check", "-f"], "needs a value", 3),
            (["check", "--format", "pdf"], "'pdf' is not one of", 3),
            (["check", "--fail-on", "all"], "one of: info low medium high critical", 3),
            (["check", "--strict=yes"], "--strict", 3),
            (["check", "a", "b"], "'b' is one word too many", 3),
            (["rules", "show"], "expected ID", 3),
            (["rules", "explain", "REST-1"], "expected ID SUBJECT", 3),
            (["plan", "schema", "--strict"], "does not take --strict", 3),
            (["plan", "show", "--from", "saas"], "does not take --from", 3),
            (["check", "--at", "tomorrow", MINIMAL], "'tomorrow' is not a date", 3),
            (["check", "--at", "2026-02-30", MINIMAL], "'2026-02-30' is not a date", 3),
            (["check", "--at", "", MINIMAL], "is not a date", 3),
            (["check", "--env", "prd", MEDTRACK], "did you mean 'prod'", 3),
            (["check", "--env", "qqqqqqq", MEDTRACK], "it has prod, staging, dev", 3),
            (["check", "--env", "prod", MINIMAL.replace("minimal", "nowhere")], "No such file", 3),
            (["plan", "show", "--env", "dev", os.path.join(ROOT, "tests/corpus/plans/good/smallest.yaml")],
             "add a section `environments`", 3),
            (["help", "chekc"], "there is no command 'chekc'", 3),
            (["check"] + ["--rule", "X"] * 65, "given too often", 3),
            (["check"] + ["w"] * 100, "", 3),
            (["plan", "schema", "-o", "/nonexistent/schema.json"], "its folder does not exist", 4),
            (["plan", "fmt", MINIMAL, "-o", "/nonexistent/x.yaml"], "its folder does not exist", 4),
            (["plan", "schema", "-o", "/dev"], "", 4)):
        got = redoubt(*args)
        tap.ok(got.status == status and words in got.err and "redoubt: error: " in got.err and got.out == "",
               "redoubt %s" % " ".join(args)[:60].replace(ROOT, ""), got)
    got = redoubt()
    tap.ok(got.status == 3 and "Usage: redoubt COMMAND" in got.out + got.err, "no command: the help, status 3", got)
    got = redoubt("--help")
    tap.ok(got.status == 0 and "Usage: redoubt COMMAND" in got.out, "--help alone is fine", got)
    got = redoubt("--version")
    tap.ok(got.status == 0 and re.match(r"redoubt \d+\.\d+\.\d+\n$", got.out), "--version", got)


def test_statuses(tap, folder):
    got = redoubt("check", "--at", AT, MEDTRACK)
    tap.ok(got.status == 0, "0: MedTrack is clean", got)
    got = redoubt("check", "--at", AT, "--strict", MEDTRACK)
    tap.ok(got.status == 2, "2: --strict, and nobody looked", got)
    weak = write(os.path.join(folder, "weak.yaml"),
                 "redoubt: 1\nproduct: { id: p, name: P, owner: o }\ndata: { d: { level: critical } }\n"
                 "stores: { db: { kind: postgres, holds: [d] } }\n")
    got = redoubt("check", "--at", AT, weak)
    tap.ok(got.status == 1, "1: a finding", got)
    tap.ok(redoubt("check", "--at", AT, "--strict", weak).status == 1, "1 goes before 2")
    tap.ok(redoubt("check", BAD).status == 3, "3: the plan is wrong")
    tap.ok(redoubt("check", "--at", AT, "-o", "/nonexistent/x", weak).status == 4, "4: the report could not be written")


def test_globals_anywhere(tap):
    want = redoubt("plan", "show", "--json", MINIMAL)
    for args in (["--json", "plan", "show", MINIMAL], ["plan", "--json", "show", MINIMAL], ["plan", "show", MINIMAL, "--json"],
                 ["--at", AT, "plan", "show", "--json", "--", MINIMAL], ["--js", "plan", "show", MINIMAL],
                 ["--at=" + AT, "-q", "plan", "show", "--no-color", MINIMAL, "--json"]):
        got = redoubt(*args)
        tap.ok(got.status == 0 and got.out == want.out, "anywhere: %s" % " ".join(args).replace(MINIMAL, "PLAN"), got)


def test_json_errors(tap, folder):
    for args, status in ((["plan", "show", "--resolved", BAD], 3), (["check", BAD], 3), (["chekc"], 3), (["check", "none.yaml"], 3),
                         (["check", "--format", "pdf"], 3), (["plan", "schema", "-o", "/nonexistent/x"], 4),
                         (["plan", "fmt", BAD + "x"], 3), (["check", "--env", "nope", MEDTRACK], 3),
                         (["check", "\x1b[31m\x01.yaml"], 3), (["check", "a\"b\\c.yaml"], 3),
                         (["check", b"\xff\xfe.yaml"], 3)):
        got = redoubt(*args, "--json")
        try:
            errors = json.loads(got.out)["errors"]
            good = got.status == status and errors and all(e["message"] for e in errors) and got.err == ""
        except (ValueError, KeyError):
            good = False
        tap.ok(good, "--json: %r" % str(args[-1])[-40:], got)
    errors = json.loads(redoubt("check", "--json", BAD).out)["errors"]
    tap.ok(errors[0]["hint"] == "did you mean 'holds'?" and errors[0]["line"] == 5, "--json has place and hint", errors)


# ---- standard output ----

def test_stdout(tap, folder):
    for args in (["help"], ["check", "--help"], ["--version"], ["plan", "schema"], ["plan", "show", MINIMAL],
                 ["plan", "show", "--resolved", MEDTRACK], ["check", "--at", AT, MEDTRACK], ["rules", "list"],
                 ["plan", "init", "-"], ["plan", "init", "--from", "minimal", "-"], ["plan", "fmt", "-"]):
        with open(MINIMAL, "rb") as plan, open("/dev/full", "wb") as full:
            done = subprocess.run([REDOUBT] + args, stdin=plan if "fmt" in args else subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=SECONDS)
        tap.ok(done.returncode == 4 and "redoubt: error: standard output" in done.stderr, "a full disk: %s" % args, done)
        done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', REDOUBT] + args, stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=SECONDS)
        wanted = 3 if "fmt" in args else 4
        tap.ok(done.returncode == wanted and "redoubt: error: " in done.stderr, "closed: %s" % args, done)
    victim = write(os.path.join(folder, "victim.yaml"), "redoubt:   1\nproduct: { id: p, name: P, owner: o }\n")
    subprocess.run(["sh", "-c", 'exec "$0" plan fmt "$1" <&- >&- 2>&-', REDOUBT, victim], timeout=SECONDS)
    with open(victim, encoding="utf-8") as file:
        tap.ok(file.read() == "redoubt: 1\nproduct: { id: p, name: P, owner: o }\n", "no word lands in a file when all is closed")


def on_terminal(args, env, typed=b""):
    """What a run shows on a terminal, at which somebody types."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(env)
        for name in [n for n, v in env.items() if v is None]:
            os.environ.pop(name, None)
        os.execv(REDOUBT, [REDOUBT] + args)
    out = b""
    os.write(fd, typed)
    while True:
        try:
            step = os.read(fd, 65536)
        except OSError:
            break
        if not step:
            break
        out += step
    os.close(fd)
    os.waitpid(pid, 0)
    return out


def test_colour(tap, folder):
    os.environ.pop("NO_COLOR", None)
    args = ["check", "--at", AT, os.path.join(folder, "weak.yaml")]
    plain = {"TERM": "xterm"}
    coloured = on_terminal(args, plain)
    tap.ok(b"\x1b[" in coloured, "colour on a terminal", coloured[:300])
    tap.ok(b"\x1b[3" not in on_terminal(args, {"TERM": "xterm", "NO_COLOR": "1"}), "NO_COLOR: none")
    tap.ok(b"\x1b[3" not in on_terminal(args, {"TERM": "dumb"}), "TERM=dumb: none")
    tap.ok(b"\x1b[3" not in on_terminal(args + ["--no-color"], plain), "--no-color: none")
    got = redoubt(*args)
    tap.ok("\x1b" not in got.out + got.err and got.out != "", "no colour in a pipe", got)


def test_asking(tap, folder):
    path = os.path.join(folder, "asked.yaml")
    typed = b"Shop\n\n\nsometimes\nsingle\n" + b"\n" * 20
    seen = on_terminal(["plan", "init", path], {"TERM": "xterm"}, typed).decode()
    tap.ok("What is the product called?" in seen and "any of: passwords" in seen, "plan init asks on a terminal", seen)
    tap.ok("'sometimes' is not one of" in seen and seen.count("Do several customers share") >= 2,
           "a wrong answer is asked again", seen)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    tap.ok('name: "Shop"' in text and "tenancy: single" in text, "and the answers arrive", text)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
        test_texts(tap, os.path.join(folder, "man"))
        test_completion_runs(tap, folder)
        test_usage(tap)
        test_statuses(tap, folder)
        test_globals_anywhere(tap)
        test_json_errors(tap, folder)
        test_stdout(tap, folder)
        test_colour(tap, folder)
        test_asking(tap, folder)
    tap.finish()


main()
