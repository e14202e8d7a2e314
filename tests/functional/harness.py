"""What the functional tests of plan and command line share: TAP lines, running the binary, and a
reader of YAML as version 1.2 means it (the JSON that an editor's schema sees)."""
import os
import re
import subprocess
import sys

ROOT = os.environ.get("REDOUBT_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REDOUBT = os.environ.get("REDOUBT") or os.path.join(ROOT, "build", "redoubt")
PLANS = os.path.join(ROOT, "tests", "corpus", "plans")
SECONDS = 60
SANITIZED = os.environ.get("REDOUBT_SANITIZED") == "1"  # memory and seconds are not the program's own


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, name, detail=""):
        self.n += 1
        self.bad += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.n, name))
        if not good:
            for line in str(detail).splitlines()[:20]:
                print("# " + line)
        return bool(good)

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why))

    def finish(self):
        print("1..%d" % self.n)
        sys.exit(1 if self.bad else 0)


class Got:
    """How a run of the binary ended. Text that is not UTF-8 would fail a test by itself."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __str__(self):
        return "status %s\nstdout: %s\nstderr: %s" % (self.status, self.out[:1500], self.err[:1500])


def redoubt(*args, stdin="", env=None, cwd=None, preexec=None):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run([REDOUBT] + list(args), input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=SECONDS, cwd=cwd, preexec_fn=preexec,
                          env=dict(os.environ, **(env or {})))
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return Got(done)


def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


# ---- YAML 1.2, core schema, to what json.load() would give ----

NULL = re.compile(r"(null|Null|NULL|~|)$")
BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
INT = re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
FLOAT = re.compile(r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")


def scalar(text, plain):
    if not plain:
        return text
    if NULL.match(text):
        return None
    if BOOL.match(text):
        return text[0] in "tT"
    if INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.match(text):
        return float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf")
                     if text[-1] in "fF" else "nan" if text[-1] in "nN" else text)
    return text


def yaml_value(node):
    import yaml
    if isinstance(node, yaml.ScalarNode):
        return scalar(node.value, node.style is None)
    if isinstance(node, yaml.SequenceNode):
        return [yaml_value(item) for item in node.value]
    return {str(key.value): yaml_value(value) for key, value in node.value}


def yaml_load(text):
    """The document, or raises yaml.YAMLError. Keys are strings, as in JSON."""
    import yaml
    return yaml_value(yaml.compose(text, Loader=yaml.SafeLoader))
