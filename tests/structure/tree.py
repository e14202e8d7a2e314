"""Small made-up source trees and TAP lines, for the tests of the checkers."""
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("REDOUBT_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))


class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def ok(self, good, name, detail=""):
        good = bool(good)
        self.n += 1
        self.bad += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.n, name))
        if not good:
            for line in str(detail).splitlines():
                print("# " + line)

    def skip(self, name, why):
        self.n += 1
        print("ok %d - %s # SKIP %s" % (self.n, name, why))

    def finish(self):
        print("1..%d" % self.n)
        sys.exit(1 if self.bad else 0)


def write(root, tree):
    for path, text in tree.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        if path.endswith(".sh"):
            os.chmod(path, 0o755)


def run_tool(name, tree, in_root=None):
    """Exit status and output of a tool on a made-up tree: on its root, or on paths in it."""
    with tempfile.TemporaryDirectory() as root:
        write(root, tree)
        paths = [root] if in_root is None else [os.path.join(root, path) for path in in_root]
        got = subprocess.run([os.path.join(SOURCE, "tools", name)] + paths, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        return got.returncode, got.stdout
