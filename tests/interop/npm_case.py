"""The JavaScript clients, installed once into a folder that all builds share, and scripts run with them."""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess

from kms_case import HERE, ROOT

NODE_MIN = 18
FILES = ("package.json", "package-lock.json")


def node_missing():
    """Why the clients cannot run here, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    said = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True).stdout
    found = re.match(r"v(\d+)\.", said)
    if not found or int(found.group(1)) < NODE_MIN:
        return "node %s is older than %d" % (said.strip(), NODE_MIN)
    return None


def install():
    """(folder with node_modules, None), or (None, why not)."""
    why = node_missing()
    if why:
        return None, why
    folder = os.path.join(ROOT, "build", "npm")
    digest = hashlib.sha256()
    for name in FILES:
        with open(os.path.join(HERE, "npm", name), "rb") as file:
            digest.update(file.read())
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two builds, or two tests of one, may come at once
            return install_locked(folder, digest.hexdigest())
    except OSError as error:
        return None, "no folder for them: %s" % error


def install_locked(folder, digest):
    stamp = os.path.join(folder, ".installed")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == digest:
                return folder, None
        os.unlink(stamp)
    for name in FILES:
        shutil.copyfile(os.path.join(HERE, "npm", name), os.path.join(folder, name))
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        return None, "npm ci: " + " ".join(done.stdout.split())[:300]
    with open(stamp, "w") as file:
        file.write(digest)
    return folder, None


def script(tap, service, name):
    """Runs NAME.mjs against a service; its lines "ok WORDS", "not ok WORDS" and "# DETAIL" become the test's own."""
    folder, why = install()
    if why:
        tap.skip(name, why)
        return
    app = service.server.env("app")
    env = dict(service.env(), NODE_EXTRA_CA_CERTS=app["AWS_CA_BUNDLE"], REDOUBT_NPM=folder,
               APP_KEY_ID=app["AWS_ACCESS_KEY_ID"], APP_SECRET=app["AWS_SECRET_ACCESS_KEY"], NODE_NO_WARNINGS="1")
    done = subprocess.run(["node", os.path.join(HERE, name + ".mjs")], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=280)
    lines = done.stdout.splitlines()
    for at, line in enumerate(lines):
        found = re.match(r"(not )?ok (.*)", line)
        if found:
            tap.ok(found.group(1) is None, found.group(2), "\n".join(lines[at + 1:at + 6]))
    tap.ok(done.returncode == 0 and lines and lines[-1] == "done", "%s to its end" % name, "\n".join(lines[-15:]))
