#!/usr/bin/env python3
"""docs/formats/plan.md: its tables of fields are those of `redoubt plan schema`, and its examples load.
With --write the tables are written into the document.  Prints TAP.
"""
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ROOT, Tap, redoubt, write  # noqa: E402

DOCUMENT = os.path.join(ROOT, "docs", "formats", "plan.md")
BEGIN, END = "<!-- fields of the schema: begin -->\n", "<!-- fields of the schema: end -->\n"
WORDS_SHOWN = 40
DATE, DURATION = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "^[0-9]{1,6}[hdwy]$"


def type_of(node):
    if "enum" in node:
        words = node["enum"]
        return ", ".join("`%s`" % w for w in words[:WORDS_SHOWN])
    if "const" in node:
        return "the number %s" % node["const"]
    if node["type"] == "array":
        return "list of: %s" % type_of(node["items"])
    if node["type"] == "object":
        keys = node.get("propertyNames", {}).get("pattern")
        inner = node.get("additionalProperties")
        return "map" if not keys else "map of: %s" % (type_of(inner) if inner.get("type") != "object" else "entries")
    if node["type"] == "integer":
        return "whole number, %d to %d" % (node["minimum"], node["maximum"])
    pattern = node.get("pattern")
    return {DATE: "date", DURATION: "duration", "^[0-9a-f]{64}$": "64 hexadecimal digits", ".": "reference"}.get(
        pattern, {"boolean": "true or false", "string": "text"}.get(node["type"], node["type"]))


def rows(node, needs, path):
    """(path, type, required, description) of each field; needs is where `required` stands."""
    for name, field in node["properties"].items():
        if name == "like":
            continue
        where = path + name
        required = name in (needs or {}).get("required", [])
        inner_needs = (needs or {}).get("properties", {}).get(name) if needs is not node else field
        yield where, type_of(field), required, field.get("description", "")
        inner = field
        if field.get("type") == "array":
            inner, where = field["items"], where + "[]"
            inner_needs = inner
        elif "propertyNames" in field and isinstance(field.get("additionalProperties"), dict):
            inner, where = field["additionalProperties"], where + ".ID"
            inner_needs = inner
        if "properties" in inner:
            yield from rows(inner, inner_needs, where + ".")


def tables(schema):
    out = []
    for name, section in schema["properties"].items():
        out.append("\n### `%s`%s\n" % (name, " (required)" if name in schema["required"] else ""))
        out.append((section.get("description") or "").strip())
        entry, needs, path = section, section, ""
        if "propertyNames" in section:
            entry, path = section["additionalProperties"], "ID."
            needs = entry.get("then", entry)
            pattern = section["propertyNames"]["pattern"]
            out.append(("Keys: ids." if pattern.startswith("^(?!") else "Keys: `%s`." % pattern) +
                       (" Entries may say `like`." if "like" in entry["properties"] else ""))
        if "properties" in entry:
            out.append("\n| field | type | for |\n|---|---|---|")
            for where, kind, required, words in rows(entry, needs, path):
                out.append("| `%s`%s | %s | %s |" % (where, " *" if required else "", kind, words.replace("|", "\\|")))
        else:
            out.append("Type: %s." % type_of(section))
    return "\n".join(out) + "\n\n"


def main():
    tap = Tap()
    schema = json.loads(redoubt("plan", "schema").out)
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    middle, _, after = rest.partition(END)
    wanted = tables(schema)
    if sys.argv[1:] == ["--write"]:
        write(DOCUMENT, before + BEGIN + wanted + END + after)
        return
    tap.ok(middle == wanted, "the tables of fields are those of the schema",
           "run tests/functional/test_plan_doc.py --write\n" + "\n".join(
               "- %s\n+ %s" % pair for pair in zip(middle.splitlines(), wanted.splitlines()) if pair[0] != pair[1]))
    tap.ok(wanted.count("\n| `") > 120, "%d fields" % wanted.count("\n| `"))
    examples = re.findall(r"```yaml\n(.*?)```", before + after, re.S)
    whole = [e for e in examples if e.startswith("redoubt: 1")]
    tap.ok(len(whole) >= 2, "%d examples are whole plans" % len(whole))
    with tempfile.TemporaryDirectory() as folder:
        for n, example in enumerate(whole):
            got = redoubt("plan", "show", "--resolved", write(os.path.join(folder, "x.yaml"), example))
            tap.ok(got.status == 0, "example %d loads" % (n + 1), got)
            got = redoubt("plan", "fmt", "--check", os.path.join(folder, "x.yaml"))
            tap.ok(got.status == 0, "example %d is tidy" % (n + 1), got)
    tap.finish()


main()
