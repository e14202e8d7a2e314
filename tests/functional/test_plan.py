#!/usr/bin/env python3
"""Plans in, good and bad: the loader says the right thing at the right place, and whatever the JSON
Schema refuses the loader refuses too.  The corpus is tests/corpus/plans; each bad plan begins with
`# expect LINE:COLUMN words of the message`.  Also plan show, schema, fmt and init.  Prints TAP.
"""
import copy
import glob
import json
import os
import random
import re
import stat
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PLANS, ROOT, Tap, redoubt, write, yaml_load  # noqa: E402

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print("1..0 # SKIP %s (python3-jsonschema, python3-yaml)" % missing)
    sys.exit(0)

GOOD_MIN, BAD_MIN = 25, 80
SCHEMA_REFUSES_MIN = 75   # of the bad plans: references and cycles are beyond a schema
MUTANTS = 350             # of each example
EXAMPLES = [os.path.join(ROOT, "examples", name, "redoubt.yaml") for name in ("minimal", "saas", "medtrack")]
MUTATIONS = [None, 1, -1, 1.5, True, "", "x", "Bad Id", [], {}, ["x"], [1], {"x": 1}, {"x": {}}]


def name_of(path):
    return os.path.relpath(path, ROOT)


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def errors_of(got):
    try:
        return json.loads(got.out)["errors"]
    except (ValueError, KeyError):
        return []


def loads(path, stdin=""):
    return redoubt("plan", "show", "--resolved", "--json", path, stdin=stdin)


class Schema:
    def __init__(self):
        self.got = redoubt("plan", "schema")
        self.json = json.loads(self.got.out)
        self.validator = jsonschema.Draft202012Validator(self.json)

    def refuses(self, value):
        return next(self.validator.iter_errors(value), None)


def test_good(tap, schema):
    paths = sorted(glob.glob(os.path.join(PLANS, "good", "*.yaml"))) + EXAMPLES
    tap.ok(len(paths) >= GOOD_MIN, "%d good plans" % len(paths))
    for path in paths:
        got = loads(path)
        tap.ok(got.status == 0 and got.err == "", "good: %s loads" % name_of(path), got)
        value = yaml_load(read(path))
        no = schema.refuses(value)
        tap.ok(no is None, "good: the schema accepts %s" % name_of(path), no)
        as_json = redoubt("plan", "show", "--json", path)
        tap.ok(as_json.status == 0 and json.loads(as_json.out) == value,
               "good: show --json of %s is the document" % name_of(path), as_json)


def test_bad(tap, schema):
    paths = sorted(glob.glob(os.path.join(PLANS, "bad", "*.yaml")))
    tap.ok(len(paths) >= BAD_MIN, "%d bad plans" % len(paths))
    refused = 0
    for path in paths:
        line, column, words = re.match(r"# expect (\d+):(\d+) ?(.*)", read(path)).groups()
        got = loads(path)
        fits = [e for e in errors_of(got) if (e["line"], e["column"]) == (int(line), int(column)) and
                words in e["message"] and e["file"] == path]
        tap.ok(got.status == 3 and fits, "bad: %s is refused at %s:%s" % (name_of(path), line, column),
               "wanted %s\n%s" % (words, got))
        text = redoubt("plan", "show", "--resolved", path)
        tap.ok("redoubt: error: %s:%s:%s: " % (path, line, column) in text.err and text.out == "",
               "bad: %s says so in words" % name_of(path), text)
        try:
            refused += schema.refuses(yaml_load(read(path))) is not None
        except (yaml.YAMLError, ValueError, TypeError):
            pass
    tap.ok(refused >= SCHEMA_REFUSES_MIN, "the schema refuses %d of them too" % refused)


# ---- the schema and the loader on documents with one value changed ----

def places(value, at=()):
    """Every path below the root: keys and indices."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield at + (key,)
        yield from places(inner, at + (key,))


def mutants(document, chance, n):
    paths = list(places(document))
    for _ in range(n):
        path = chance.choice(paths)
        mutant = copy.deepcopy(document)
        parent = mutant
        for key in path[:-1]:
            parent = parent[key]
        how = chance.randrange(len(MUTATIONS) + 3)
        if how < len(MUTATIONS):
            parent[path[-1]] = MUTATIONS[how]
        elif how == len(MUTATIONS) or isinstance(parent, list):
            del parent[path[-1]]
        elif how == len(MUTATIONS) + 1:
            parent["zzz"] = "x"
        else:
            parent[chance.choice(["Bad_Id", "yes", "like", "x" * 64])] = parent.pop(path[-1])
        yield path, mutant


def test_mutants(tap, schema):
    chance = random.Random(20261124)
    for example in EXAMPLES:
        document = yaml_load(read(example))
        refused, bad = 0, []
        for path, mutant in mutants(document, chance, MUTANTS):
            no = schema.refuses(mutant)
            got = loads("-", json.dumps(mutant))
            refused += no is not None
            if got.status not in (0, 3) or (no is not None and got.status == 0):
                bad.append("%s: schema %s, loader %d" % (path, no.message if no else "accepts", got.status))
        tap.ok(not bad and refused > MUTANTS // 3, "%s changed: all %d that the schema refuses are refused" %
               (name_of(example), refused), "\n".join(bad))


# ---- show, schema ----

def test_show(tap):
    medtrack = EXAMPLES[2]
    got = redoubt("plan", "show", "--resolved", "--env", "staging", medtrack)
    tap.ok(re.search(r'account: "333333333333" +# .*redoubt.yaml:\d+', got.out) and
           "keys.tenant-kek" in got.out, "show --resolved has the patched value and its line", got)
    prod = json.loads(redoubt("plan", "show", "--resolved", "--env", "prod", "--json", medtrack).out)
    tap.ok(prod["keys"]["tenant-kek"]["custody"]["account"] == "111111111111" and
           "like" not in prod["keys"]["tenant-kek"], "like is resolved")
    staging = json.loads(redoubt("plan", "show", "--env", "staging", "--json", medtrack).out)
    tap.ok(staging["keys"]["tenant-kek"]["custody"]["account"] == "333333333333",
           "a patched parent reaches its children")
    got = redoubt("plan", "show", medtrack)
    tap.ok(got.out == read(medtrack), "show without options is the file", got)
    got = redoubt("plan", "show", "--resolved", os.path.join(PLANS, "good", "include.yaml"))
    tap.ok("parts/stores.yaml:1" in got.out, "origins name the included file", got)


def test_schema(tap, schema):
    jsonschema.Draft202012Validator.check_schema(schema.json)
    tap.ok(schema.json["$schema"] == "https://json-schema.org/draft/2020-12/schema", "plan schema is 2020-12")
    missing, open_maps = [], []

    def walk(node, at):
        if not isinstance(node, dict):
            return
        for key, inner in node.get("properties", {}).items():
            if "/then" not in at and "description" not in inner:
                missing.append(at + "/" + key)
            walk(inner, at + "/" + key)
        if "properties" in node and "/then" not in at and node.get("additionalProperties") is not False:
            open_maps.append(at)
        walk(node.get("then"), at + "/then")
        for key in ("additionalProperties", "items"):
            walk(node.get(key), at + "/" + key)

    walk(schema.json, "")
    tap.ok(not missing, "each value has a description", missing)
    tap.ok(not open_maps, "no object takes unknown fields", open_maps)


# ---- fmt ----

def comments(text):
    return [line[line.index("#"):].rstrip() for line in text.splitlines()
            if re.match(r"([^\"'#]|\"[^\"]*\"|'[^']*')*(^|\s)#", line)]


def test_fmt(tap, folder):
    for path in sorted(glob.glob(os.path.join(PLANS, "good", "**", "*.yaml"), recursive=True)) + EXAMPLES:
        once = redoubt("plan", "fmt", "-", stdin=read(path))
        twice = redoubt("plan", "fmt", "-", stdin=once.out)
        tap.ok(once.status == 0 and once.out == twice.out and yaml_load(once.out) == yaml_load(read(path)) and
               once.out.endswith("\n"), "fmt: %s stays the same document" % name_of(path), once)
    for path in EXAMPLES:
        got = redoubt("plan", "fmt", "--check", path)
        tap.ok(got.status == 0, "fmt: %s is tidy" % name_of(path), got)
    messy = read(os.path.join(ROOT, "tests", "fuzz", "seeds", "fmt", "messy.yaml"))
    want = read(os.path.join(PLANS, "..", "fmt", "messy.want"))
    got = redoubt("plan", "fmt", "-", stdin=messy)
    tap.ok(got.out == want, "fmt: the messy one comes out as wanted", got)
    tap.ok(comments(got.out) == comments(messy) and len(comments(messy)) > 5, "fmt: every comment is kept",
           "%s\n%s" % (comments(got.out), comments(messy)))
    test_fmt_files(tap, folder, messy, want)


def test_fmt_files(tap, folder, messy, want):
    path, link = os.path.join(folder, "messy.yaml"), os.path.join(folder, "link.yaml")
    write(path, messy)
    os.chmod(path, 0o640)
    os.symlink("messy.yaml", link)
    got = redoubt("plan", "fmt", "--check", path)
    tap.ok(got.status == 1 and read(path) == messy, "fmt --check says 1 and changes nothing", got)
    got = redoubt("plan", "fmt", "--check", "--json", path)
    tap.ok(json.loads(got.out) == {"redoubt": 1, "file": path, "tidy": False}, "fmt --check --json", got)
    got = redoubt("plan", "fmt", path, "-o", path + ".out")
    tap.ok(got.status == 0 and read(path) == messy and read(path + ".out") == want, "fmt -o leaves the file", got)
    got = redoubt("plan", "fmt", link)
    tap.ok(got.status == 0 and os.path.islink(link) and read(path) == want, "fmt writes through a link", got)
    tap.ok(stat.S_IMODE(os.stat(path).st_mode) == 0o640, "fmt keeps the mode")
    before = os.stat(path).st_mtime_ns
    got = redoubt("plan", "fmt", path)
    tap.ok(got.status == 0 and os.stat(path).st_mtime_ns == before, "fmt does not write a tidy file", got)
    for name, text, words in (("broken", "a: [1\n", "closing bracket"), ("a list", "- a\n", "expected a map"),
                              ("explicit key", "? a\n: b\n", "a key after `?`"), ("alias", "a: *b\n", "aliases"),
                              ("empty", "", "the file is empty")):
        write(path, text)
        got = redoubt("plan", "fmt", path)
        tap.ok(got.status == 3 and words in got.err and re.search(r"messy\.yaml:\d+:\d+: ", got.err) and
               read(path) == text, "fmt refuses: %s" % name, got)


# ---- init ----

ANSWERS = ["Web Shop", "team@shop.example", "Sells things", "single", "soc2, pci-dss",
           "passwords cards pii phi files analytics logs secrets", "bcrypt",
           "postgres mysql mongodb redis s3 opensearch clickhouse", "aws-kms", "yes", "yes", "90d-auto",
           "tls1.3", "yes", "encryption-plan"]


def test_init(tap, folder, schema):
    path = os.path.join(folder, "new", "redoubt.yaml")
    got = redoubt("plan", "init", path)
    tap.ok(got.status == 4 and not os.path.exists(os.path.dirname(path)), "init: no folder, nothing made", got)
    os.mkdir(os.path.dirname(path))
    got = redoubt("plan", "init", cwd=os.path.dirname(path))
    tap.ok(got.status == 0 and got.out == "", "init: no answers are the defaults", got)
    first = read(path)
    got = redoubt("plan", "init", path)
    tap.ok(got.status == 4 and "--force" in got.err and read(path) == first, "init: never overwrites by itself", got)
    got = redoubt("plan", "init", "--force", path, stdin="\n".join(ANSWERS) + "\n")
    tap.ok(got.status == 0 and read(path) != first, "init --force overwrites", got)
    for name, text in (("defaults", first), ("all answers", read(path))):
        where = write(os.path.join(folder, "draft.yaml"), text)
        tap.ok(loads(where).status == 0, "init: %s load" % name, loads(where))
        tap.ok(schema.refuses(yaml_load(text)) is None, "init: the schema accepts %s" % name)
        tap.ok(redoubt("plan", "fmt", "--check", where).status == 0, "init: %s are tidy" % name)
        tap.ok(len(comments(text)) >= 15, "init: %s are commented" % name)
    plan = yaml_load(read(path))
    tap.ok(plan["product"] == {"id": "web-shop", "name": "Web Shop", "owner": "team@shop.example",
                               "about": "Sells things", "tenancy": "single"}, "init: the product", plan["product"])
    tap.ok(plan["frameworks"] == ["soc2", "pci-dss"] and len(plan["data"]) == 8 and len(plan["stores"]) == 8 and
           plan["data"]["password"]["form"] == {"hashed": "bcrypt"} and plan["ci"] == {"check": "encryption-plan"},
           "init: every answer arrived")
    test_init_answers(tap, folder)


def test_init_answers(tap, folder):
    for number, answer, words in ((3, "several", "is not one of"), (7, "postgress", "did you mean 'postgres'"),
                                  (8, "aws-kms vault", "One word"), (0, "a\x01b", "control character"),
                                  (1, "x" * 201, "at most 200")):
        answers = list(ANSWERS)
        answers[number] = answer
        got = redoubt("plan", "init", os.path.join(folder, "none.yaml"), stdin="\n".join(answers))
        tap.ok(got.status == 3 and words in got.err and not os.path.exists(os.path.join(folder, "none.yaml")),
               "init: answer %d wrong: %s" % (number + 1, words), got)
    got = redoubt("plan", "init", "-", stdin="Quote \" # ' : {\n- o\n!tag\n")
    product = yaml_load(got.out)["product"] if got.status == 0 else {}
    tap.ok(product.get("name") == "Quote \" # ' : {" and product.get("owner") == "- o" and
           product.get("about") == "!tag", "init: any text is safe, and - is standard output", got)
    got = redoubt("plan", "init", "-", stdin=b"\xff\xfe\n")
    tap.ok(got.status == 3 and got.out == "", "init: bytes that are no text", got)


def test_init_example(tap, folder):
    for example in ("minimal", "saas", "medtrack"):
        here = os.path.join(folder, "from-" + example)
        os.mkdir(here)
        got = redoubt("plan", "init", "--from", example, os.path.join(here, "my.yaml"))
        tap.ok(got.status == 0 and loads(os.path.join(here, "my.yaml")).status == 0,
               "init --from %s loads under another name" % example, got)
        tap.ok("language-server" not in read(os.path.join(here, "my.yaml")), "it names no schema that is not there")
        tap.ok(not os.path.exists(os.path.join(here, "README.md")), "the example's README stays behind")
    here = os.path.join(folder, "from-medtrack")
    tap.ok(os.path.exists(os.path.join(here, "targets", "prod.yaml")) and
           os.path.exists(os.path.join(here, "docs", "keygen.md")), "medtrack brings its targets and documents")
    os.unlink(os.path.join(here, "my.yaml"))
    os.unlink(os.path.join(here, "targets", "dev.yaml"))
    got = redoubt("plan", "init", "--from", "medtrack", os.path.join(here, "my.yaml"))
    tap.ok(got.status == 4 and not os.path.exists(os.path.join(here, "my.yaml")) and
           not os.path.exists(os.path.join(here, "targets", "dev.yaml")), "one file in the way: none is written", got)
    os.mkdir(os.path.join(here, "targets", "dev.yaml"))  # a folder cannot be overwritten
    got = redoubt("plan", "init", "--force", "--from", "medtrack", os.path.join(here, "my.yaml"))
    tap.ok(got.status == 4 and not os.path.exists(os.path.join(here, "my.yaml")),
           "a failure in the middle takes back what was new", got)
    got = redoubt("plan", "init", "--from", "medtrak")
    tap.ok(got.status == 3 and "saas medtrack minimal" in got.err, "init --from an unknown example", got)
    got = redoubt("plan", "init", "--from", "minimal", "-")
    tap.ok(got.status == 0 and yaml_load(got.out)["redoubt"] == 1, "init --from minimal -", got)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        schema = Schema()
        test_schema(tap, schema)
        test_good(tap, schema)
        test_bad(tap, schema)
        test_mutants(tap, schema)
        test_show(tap)
        test_fmt(tap, folder)
        test_init(tap, folder, schema)
        test_init_example(tap, folder)
    tap.finish()


main()
