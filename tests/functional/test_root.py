#!/usr/bin/env python3
"""`redoubt root`: what is made is read by a second implementation (root_format.py), what is wrong is refused
with nothing changed, nothing secret is printed, and a server runs through it.  Prints TAP.
"""
import base64
import itertools
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import REDOUBT, SECONDS, Tap, redoubt, write  # noqa: E402
from root_format import Refused, Root  # noqa: E402

CHEAP = ["--argon-memory", "19", "--argon-passes", "1"]
WORDS, OTHER_WORDS, PIN = "correct horse battery", "another horse battery", "471108"
ITEMS = ["audit-chain", "audit-signer", "context", "cursor", "digest", "domain/1", "hedge", "rows"]
MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
           "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"]
said = []  # all that the program printed


def run(*args, env=None, stdin=""):
    """Without a terminal that could be asked."""
    got = redoubt(*args, env=env, stdin=stdin, preexec=os.setsid)
    said.append(got.out + got.err)
    return got


def secret_file(folder, name, text, mode=0o600):
    path = write(os.path.join(folder, name), text)
    os.chmod(path, mode)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def shares_in(folder):
    """{x: text} of the files of a folder."""
    return {int(name.rsplit("-", 1)[1]): read(os.path.join(folder, name)).decode().strip() for name in os.listdir(folder)}


def refuses(tap, name, got, words, status, data=None, before=None):
    good = got.status == status and words in got.err
    if data is not None:
        good = good and (read(data) if os.path.exists(data) else None) == before
    tap.ok(good, name, got)


def opens(how, *args):
    try:
        return how(*args)
    except Refused:
        return None


# ---- init ----

def test_init(tap, top):
    data, shares = os.path.join(top, "a"), os.path.join(top, "a-shares")
    words = secret_file(top, "words", WORDS + "\n")
    got = run("root", "init", "--data", data, "--seal", "passphrase", "--seal", "shamir", "--passphrase-file", words,
              "--shares-dir", shares, *CHEAP)
    tap.ok(got.status == 0 and "any 3 of 5 shares" in got.out and "warning" not in got.err, "init with two seals", got)
    path = os.path.join(data, "root.json")
    tap.ok(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "root.json is for its owner alone")
    tap.ok(all(stat.S_IMODE(os.stat(os.path.join(shares, n)).st_mode) == 0o600 for n in os.listdir(shares)),
           "so is each share")
    tap.ok(sorted(os.listdir(data)) == ["audit", "root.json", "store.db"], "and the service is there", os.listdir(data))
    root, texts = Root(path), shares_in(shares)
    secret = opens(root.by_passphrase, "passphrase", WORDS.encode())
    tap.ok(secret is not None, "a second implementation opens it by the passphrase")
    tap.ok(sorted(texts) == [1, 2, 3, 4, 5] and all(
        opens(root.by_shares, [texts[x] for x in some]) == secret for some in itertools.combinations(texts, 3)),
        "and by any three of five shares")
    tap.ok(all(opens(root.by_shares, [texts[x] for x in some]) is None for some in itertools.combinations(texts, 2)),
           "and by no two")
    items = root.items(secret)
    tap.ok(sorted(items) == ITEMS and len(set(items.values())) == len(ITEMS), "all items open, and differ", sorted(items))
    tap.ok(opens(root.by_passphrase, "passphrase", OTHER_WORDS.encode()) is None, "another passphrase opens nothing")
    text = read(path).decode()
    tap.ok(text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n",
           "the file is laid out as the page says")
    before = read(path)
    again = run("root", "init", "--data", data, "--seal", "passphrase", "--passphrase-file", words, *CHEAP)
    refuses(tap, "a second init", again, "has a root already", 4, path, before)
    status = run("root", "status", "--data", data, "--json")
    root_json = json.loads(status.out)["root"]
    tap.ok(root_json["custody"] == "passphrase" and not root_json["needs_second_seal"] and root_json["items"] == ITEMS
           and [s["type"] for s in root_json["seals"]] == ["passphrase", "shamir"]
           and root_json["deployment"].replace("-", "") == base64.b64decode(root.doc["deployment"]).hex(),
           "status as JSON", status)


def test_init_refuses(tap, top):
    data = os.path.join(top, "b")
    words = secret_file(top, "words-b", WORDS)
    path = os.path.join(data, "root.json")
    seal = ["--seal", "passphrase", "--passphrase-file", words] + CHEAP
    cases = [
        ("no folder", ["--seal", "development"], "--data DIR is missing", 3),
        ("no seal", ["--data", data], "--seal TYPE is missing", 3),
        ("an unknown type", ["--data", data, "--seal", "tpm"], "is not one of", 3),
        ("a type twice", ["--data", data, "--seal", "development", "--seal", "development"], "twice", 3),
        ("shares into a pipe", ["--data", data, "--seal", "shamir"], "shown on a terminal only", 3),
        ("nobody to ask", ["--data", data, "--seal", "passphrase"], "no terminal", 3),
        ("nobody to ask for a PIN", ["--data", data, "--seal", "pkcs11", "--hsm-module", "/m", "--hsm-token", "t"],
         "--pin-file", 3),
        ("a token without a module", ["--data", data, "--seal", "pkcs11", "--hsm-token", "t"], "--hsm-module", 3),
        ("a module that is not there", ["--data", data, "--seal", "pkcs11", "--hsm-module", "/m", "--hsm-token", "t",
                                        "--pin-file", words], "no such file", 3),
        ("a short passphrase", ["--data", data, "--seal", "passphrase", "--passphrase-file",
                                secret_file(top, "short", "elevenbytes\n")], "at least 12 bytes", 3),
        ("an empty file", ["--data", data, "--seal", "passphrase", "--passphrase-file", secret_file(top, "none", "\n")],
         "is empty", 3),
        ("a file that others read", ["--data", data, "--seal", "passphrase", "--passphrase-file",
                                     secret_file(top, "open", WORDS, 0o644)], "gives rights to others", 4),
        ("no such file", ["--data", data, "--seal", "passphrase", "--passphrase-file", os.path.join(top, "nowhere")],
         "No such file", 3),
        ("too much memory", ["--data", data, "--seal", "passphrase", "--passphrase-file", words, "--argon-memory", "1025"],
         "expected 1 to 1024", 3),
        ("too little memory", ["--data", data, "--seal", "passphrase", "--passphrase-file", words, "--argon-memory", "18"],
         "out of bounds", 3),
        ("too many passes", ["--data", data, "--seal", "passphrase", "--passphrase-file", words, "--argon-passes", "11"],
         "expected 1 to 10", 3),
        ("too high a threshold", ["--data", data, "--seal", "shamir", "--shares-dir", os.path.join(top, "b-s"), "--shares",
                                  "2"], "3 of 2 shares", 3),
        ("no number", ["--data", data, "--seal", "shamir", "--shares-dir", os.path.join(top, "b-s"), "--shares", "2x"],
         "expected 1 to 16", 3),
        ("a bad account", ["--data", data, *seal, "--account", "12"], "12 digits", 3),
    ]
    for name, args, words_said, status in cases:
        refuses(tap, "init refuses " + name, run("root", "init", *args), words_said, status, path, None)
    taken = os.path.join(top, "b-taken")
    write(os.path.join(taken, "redoubt-share-1-shamir-3"), "mine")
    refuses(tap, "init refuses a share's file that is there",
            run("root", "init", "--data", data, "--seal", "shamir", "--shares-dir", taken), "File exists", 4, path, None)
    tap.ok(os.listdir(taken) == ["redoubt-share-1-shamir-3"] and read(os.path.join(taken, os.listdir(taken)[0])) == b"mine",
           "and leaves none of the others", os.listdir(taken))
    tap.ok(not os.path.exists(os.path.join(data, "store.db")), "nothing was made by any of these")


def test_one_seal(tap, top):
    data = os.path.join(top, "dev")
    got = run("root", "init", "--data", data, "--seal", "development")
    tap.ok(got.status == 0 and "warning: DEVELOPMENT root" in got.err and "second" not in got.err,
           "a development root says so loudly", got)
    root = Root(os.path.join(data, "root.json"))
    tap.ok(opens(root.by_development, "development") is not None, "and lies open")
    got = run("root", "status", "--data", data)
    tap.ok("custody     development" in got.out and "DEVELOPMENT" in got.out and "DEVELOPMENT" in got.err,
           "whenever it is looked at", got)
    single = os.path.join(top, "single")
    words = secret_file(top, "words-single", WORDS)
    got = run("root", "init", "--data", single, "--seal", "passphrase", "--passphrase-file", words, *CHEAP)
    tap.ok(got.status == 0 and "a second seal is missing" in got.err, "one seal alone is warned about", got)
    got = run("root", "status", "--data", single)
    tap.ok("a second seal is missing" in got.err and got.status == 0, "also later", got)
    for name, args, status in (("a folder without a root", ["--data", top], 3), ("no folder", [], 3)):
        tap.ok(run("root", "status", *args).status == status, "status refuses " + name)


# ---- reseal ----

def test_reseal(tap, top):
    data, path = os.path.join(top, "r"), os.path.join(top, "r", "root.json")
    old, new = os.path.join(top, "r-old"), os.path.join(top, "r-new")
    words, other = secret_file(top, "r-words", WORDS), secret_file(top, "r-other", OTHER_WORDS)
    run("root", "init", "--data", data, "--seal", "passphrase", "--seal", "shamir", "--passphrase-file", words,
        "--shares-dir", old, "--threshold", "2", "--shares", "3", *CHEAP)
    secret = Root(path).by_passphrase("passphrase", WORDS.encode())
    files = sorted(os.path.join(old, name) for name in os.listdir(old))
    typo = secret_file(top, "r-typo", read(files[1]).decode().replace("-2-", "-3-"))
    foreign = os.path.join(top, "a-shares", "redoubt-share-1-shamir-1")
    before = read(path)
    add = ["--data", data, "--add", "shamir", "--id", "paper", "--shares-dir", new]
    cases = [
        ("nothing to do", ["--data", data], "nothing to do", 3),
        ("no folder", ["--add", "shamir"], "--data DIR is missing", 3),
        ("a development seal", ["--data", data, "--add", "development"], "is not one of", 3),
        ("a wrong passphrase", add + ["--passphrase-file", other], "passphrase is wrong", 4),
        ("too few shares", add + ["--share-file", files[0]], "1 different shares, 2 are needed", 4),
        ("a share twice", add + ["--share-file", files[0], "--share-file", files[0]], "1 different shares", 4),
        ("a mistyped share", add + ["--share-file", files[0], "--share-file", typo], "share 2 has a typing error", 4),
        ("another deployment's share", add + ["--share-file", files[0], "--share-file", foreign],
         "share 2 is of another deployment", 4),
        ("no share at all", add + ["--share-file", words], "not a whole share", 4),
        ("an unknown seal", add + ["--open-with", "safe"], "no seal 'safe'", 3),
        ("a seal without its means", add + ["--open-with", "shamir"], "--share-file", 3),
        ("an id that is taken", ["--data", data, "--add", "shamir", "--shares-dir", new, "--passphrase-file", words],
         "a seal 'shamir' already", 4),
        ("a bad id", ["--data", data, "--add", "shamir", "--id", "A", "--shares-dir", new, "--passphrase-file", words],
         "a seal's id", 3),
        ("removing one of two", ["--data", data, "--remove", "shamir", "--passphrase-file", words],
         "a second seal would be missing", 4),
        ("removing what is not there", ["--data", data, "--remove", "safe", "--passphrase-file", words], "no seal 'safe'", 3),
        ("removing without means", ["--data", data, "--remove", "shamir"], "--passphrase-file", 3),
        ("shares into a pipe", ["--data", data, "--add", "shamir", "--id", "x", "--passphrase-file", words],
         "shown on a terminal only", 3),
    ]
    for name, args, said_words, status in cases:
        refuses(tap, "reseal refuses " + name, run("root", "reseal", *args), said_words, status, path, before)
    tap.ok(not os.path.exists(new), "no share of a seal that was not made is left")

    got = run("root", "reseal", *add, "--remove", "shamir", "--share-file", files[0], "--share-file", files[2])
    tap.ok(got.status == 0, "shares are replaced, opened by the old ones", got)
    root = Root(path)
    tap.ok([s["id"] for s in root.doc["seals"]] == ["passphrase", "paper"], "the old seal is gone")
    tap.ok(opens(root.by_shares, list(shares_in(new).values())[:3]) == secret, "the new shares give the same root")
    refuses(tap, "the old shares open no more",
            run("root", "reseal", "--data", data, "--remove", "paper", "--share-file", files[0], "--share-file", files[2]),
            "share 1 is of the seal 'shamir'", 4)
    got = run("root", "reseal", "--data", data, "--add", "passphrase", "--id", "later", "--remove", "passphrase",
              "--passphrase-file", words, "--new-passphrase-file", other, *CHEAP)
    tap.ok(got.status == 0 and opens(Root(path).by_passphrase, "later", OTHER_WORDS.encode()) == secret,
           "a passphrase is replaced by another", got)
    both = secret_file(top, "r-both", "\n".join(shares_in(new).values()) + "\n")
    got = run("root", "reseal", "--data", data, "--add", "passphrase", "--id", "third", "--share-file", both,
              "--new-passphrase-file", "-", *CHEAP, stdin=WORDS + "\n")
    tap.ok(got.status == 0 and opens(Root(path).by_passphrase, "third", WORDS.encode()) == secret,
           "several shares in one file, a passphrase from standard input", got)
    tap.ok(Root(path).items(secret).keys() == set(ITEMS), "the items are what they were")


def test_edited(tap, top):
    data, path = os.path.join(top, "a"), os.path.join(top, "a", "root.json")
    words = secret_file(top, "e-words", WORDS)
    whole = read(path)
    for old, new, said_words, status in (
            (b'"passes": 1', b'"passes": 2', "passphrase is wrong, or the seal was changed", 4),
            (b'"memory_kib": 19456', b'"memory_kib": 1048577', "out of bounds", 3),
            (b'"memory_kib": 19456', b'"memory_kib": 4294967296', "not of its form", 3),
            (b'"redoubt_root": 1', b'"redoubt_root": 2', "root file of format 2", 4),
            (b'"type": "shamir"', b'"type": "other"', "of no known type", 3),
            (whole[len(whole) // 2:], b"", "", 3)):
        with open(path, "wb") as file:
            file.write(whole.replace(old, new))
        got = run("root", "reseal", "--data", data, "--add", "passphrase", "--id", "x", "--passphrase-file", words,
                  "--new-passphrase-file", words, *CHEAP)
        refuses(tap, "reseal refuses %s" % new.decode(), got, said_words, status, path, whole.replace(old, new))
    with open(path, "wb") as file:
        file.write(whole)


def test_credentials(tap, top):
    data, folder = os.path.join(top, "c"), os.path.join(top, "credentials")
    secret_file(folder, "redoubt-passphrase", WORDS, 0o400)
    got = run("root", "init", "--data", data, "--seal", "passphrase", *CHEAP, env={"CREDENTIALS_DIRECTORY": folder})
    tap.ok(got.status == 0 and opens(Root(os.path.join(data, "root.json")).by_passphrase, "passphrase", WORDS.encode()),
           "a passphrase from the service manager", got)


# ---- a token ----

def test_token(tap, top):
    module = next((m for m in MODULES if os.path.exists(m)), None)
    if module is None:
        tap.skip("seals by a token", "SoftHSM is not installed")
        return
    folder = os.path.join(top, "token")
    conf = write(os.path.join(folder, "softhsm2.conf"), "directories.tokendir = %s\nlog.level = ERROR\n" % folder)
    env = {"SOFTHSM2_CONF": conf}
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "redoubt test", "--so-pin", "12345678", "--pin", PIN],
                   env=dict(os.environ, **env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    data, path, shares = os.path.join(top, "t"), os.path.join(top, "t", "root.json"), os.path.join(top, "t-shares")
    pin, wrong = secret_file(top, "pin", PIN + "\n"), secret_file(top, "wrong-pin", "471109")
    base = ["--hsm-module", module, "--hsm-token", "redoubt test"]
    init = ["root", "init", "--data", data, "--seal", "pkcs11", "--seal", "shamir", "--shares-dir", shares, *base]
    refuses(tap, "init refuses a wrong PIN", run(*init, "--pin-file", wrong, env=env), "CKR_PIN_INCORRECT", 4, path, None)
    tap.ok(not os.path.exists(shares), "and has given out no shares")
    got = run(*init, "--pin-file", pin, env=env)
    tap.ok(got.status == 0 and "token 'redoubt test', key 'redoubt-root' (oaep)" in got.out, "init with a token", got)
    root = Root(path)
    secret = opens(root.by_shares, list(shares_in(shares).values())[:3])
    tap.ok(secret is not None and root.seal("pkcs11")["how"] == "oaep", "shares open it beside the token")
    words = secret_file(top, "t-words", WORDS)
    add = ["root", "reseal", "--data", data, "--add", "passphrase", "--new-passphrase-file", words, *CHEAP]
    before = read(path)
    refuses(tap, "reseal refuses a wrong PIN", run(*add, "--pin-file", wrong, env=env), "CKR_PIN_INCORRECT", 4, path, before)
    refuses(tap, "reseal refuses a missing token", run(*add, "--pin-file", pin, env={"SOFTHSM2_CONF": os.devnull}),
            "token", 3, path, before)
    got = run(*add, "--pin-file", pin, env=env)
    tap.ok(got.status == 0 and opens(Root(path).by_passphrase, "passphrase", WORDS.encode()) == secret,
           "the token opens the root for another seal", got)
    moved = shutil.copy(module, os.path.join(top, "moved.so"))
    got = run("root", "reseal", "--data", data, "--remove", "passphrase", "--pin-file", pin, "--hsm-module", moved, env=env)
    tap.ok(got.status == 0, "also where the module lies elsewhere now", got)
    refuses(tap, "beside a token a Shamir seal stays",
            run("root", "reseal", "--data", data, "--remove", "shamir", "--pin-file", pin, env=env), "second seal", 4)
    got = run("root", "reseal", "--data", data, "--add", "pkcs11", "--id", "aes", *base, "--hsm-key", "aes", "--hsm-how", "gcm",
              "--pin-file", pin, env=env)
    tap.ok(got.status == 0 and Root(path).seal("aes")["how"] == "gcm", "a second key of the token, by AES-GCM", got)


# ---- a terminal ----

class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(REDOUBT, [REDOUBT] + list(args))
        self.text = b""
        self.status = None

    def until(self, words):
        """Reads until words have come, or the end; whether they came."""
        end = time.monotonic() + SECONDS
        while words.encode() not in self.text and time.monotonic() < end:
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                got = os.read(self.fd, 4096)
            except OSError:  # how a pseudo-terminal ends
                got = b""
            if got == b"":
                break
            self.text += got
        return words.encode() in self.text

    def answer(self, prompt, line):
        if self.until(prompt):
            self.text = b""
            os.write(self.fd, line.encode())

    def echoes(self):
        flags = termios.tcgetattr(self.fd)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON) and bool(flags & termios.ISIG)

    def end(self):
        """All that came after the last answer; the exit status is then known."""
        self.until("\0never\0")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        said.append(re.sub(r"redoubt-share-\S+", "", self.text.decode()))
        return self.text.decode()


def test_terminal(tap, top):
    data, path = os.path.join(top, "tty"), os.path.join(top, "tty", "root.json")
    t = Terminal("root", "init", "--data", data, "--seal", "passphrase", "--seal", "shamir", *CHEAP)
    t.answer("new passphrase: ", WORDS + "x\x7f\n")
    first = t.until("the same again: ") and t.text
    t.answer("the same again: ", "zzz\x15" + WORDS + "\n")
    text = t.end()
    shares = re.findall(r"^redoubt-share-1-shamir-\d-\S{59}\r?$", text, re.M)
    tap.ok(t.status == 0 and len(shares) == 5 and "shown once" in text, "a passphrase is asked for, shares are shown", text)
    tap.ok(WORDS.encode() not in (first or b"") and WORDS not in text, "and nothing that was typed")
    root = Root(path)
    secret = opens(root.by_passphrase, "passphrase", WORDS.encode())
    tap.ok(secret is not None and opens(root.by_shares, shares[:3]) == secret, "both open the root")

    before = read(path)
    for name, answers, words in (
            ("two that differ", [("new passphrase: ", WORDS + "\n"), ("the same again: ", OTHER_WORDS + "\n")], "not the same"),
            ("^C", [("new passphrase: ", "cor\x03")], "no answer"),
            ("^D", [("new passphrase: ", "\x04")], "no answer"),
            ("an empty line", [("new passphrase: ", "\n")], "no passphrase was given"),
            ("an endless line", [("new passphrase: ", "x" * 1500)], "more than 1024 bytes")):
        t = Terminal("root", "reseal", "--data", data, "--add", "passphrase", "--id", "second", *CHEAP)
        t.answer("passphrase: ", WORDS + "\n")
        for prompt, line in answers:
            t.answer(prompt, line)
        text = t.end()
        tap.ok(t.status in (3, 4) and words in text and read(path) == before, "%s is refused" % name, text)

    t = Terminal("root", "reseal", "--data", data, "--add", "passphrase", "--id", "second", "--open-with", "shamir", *CHEAP)
    hidden = t.until("share 1 of 3") and not t.echoes()
    os.write(t.fd, ("\n".join(shares[:3]).replace("\r", "") + "\n").encode())  # pasted at once
    t.answer("new passphrase: ", OTHER_WORDS + "\n")
    t.answer("the same again: ", OTHER_WORDS + "\n")
    t.until("root of")
    shown = t.echoes()
    text = t.end()
    tap.ok(hidden and shown, "the terminal echoes as before afterwards")
    tap.ok(t.status == 0 and opens(Root(path).by_passphrase, "second", OTHER_WORDS.encode()) == secret,
           "shares pasted into the terminal open it", text)

    t = Terminal("root", "reseal", "--data", data, "--remove", "second")
    t.until("passphrase: ")
    os.kill(t.pid, signal.SIGTERM)
    text = t.end()
    tap.ok(t.status == -signal.SIGTERM, "a signal ends the question", (t.status, text))


# ---- a server ----

def start(data, words, folder):
    config = write(os.path.join(folder, "server.yaml"), "data: %s\nlisten: 127.0.0.1:0\ncertificate: %s/cert.pem\n"
                   "key: %s/key.pem\npassphrase_file: %s\n" % (data, folder, folder, words))
    server = subprocess.Popen([REDOUBT, "serve", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return server, server.stdout.readline()


def stop(server):
    server.send_signal(signal.SIGTERM)
    _, err = server.communicate(timeout=SECONDS)
    said.append(err)
    return server.returncode


def test_server(tap, top):
    folder, data = os.path.join(top, "server"), os.path.join(top, "server-data")
    path = os.path.join(data, "root.json")
    words, other = secret_file(folder, "words", WORDS), secret_file(folder, "other", OTHER_WORDS)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=127.0.0.1", "-days", "1", "-keyout", os.path.join(folder, "key.pem"), "-out",
                    os.path.join(folder, "cert.pem")], stderr=subprocess.DEVNULL, check=True)
    run("root", "init", "--data", data, "--seal", "passphrase", "--passphrase-file", words, *CHEAP)
    server, ready = start(data, words, folder)
    tap.ok(ready == "" and stop(server) == 4 and "only one seal" in said[-1], "a server wants two seals", said[-1])
    run("root", "reseal", "--data", data, "--add", "shamir", "--shares-dir", os.path.join(folder, "shares"),
        "--passphrase-file", words)
    server, ready = start(data, words, folder)
    tap.ok(ready.startswith("ready https://"), "a server starts by its passphrase", said[-1])
    got = run("root", "reseal", "--data", data, "--add", "passphrase", "--id", "later", "--remove", "passphrase",
              "--passphrase-file", words, "--new-passphrase-file", other, *CHEAP)
    tap.ok(got.status == 0 and server.poll() is None, "its seals change while it runs", got)
    tap.ok(stop(server) == 0, "it stops as always", said[-1])
    server, ready = start(data, words, folder)
    tap.ok(ready == "" and stop(server) == 4 and "passphrase is wrong" in said[-1], "then the old passphrase is refused", said[-1])
    server, ready = start(data, other, folder)
    tap.ok(ready.startswith("ready https://") and stop(server) == 0, "and the new one opens it", said[-1])
    tap.ok(os.path.exists(path), "the root is there")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="redoubt-root-") as top:
        test_init(tap, top)
        test_init_refuses(tap, top)
        test_one_seal(tap, top)
        test_reseal(tap, top)
        test_edited(tap, top)
        test_credentials(tap, top)
        test_token(tap, top)
        test_terminal(tap, top)
        test_server(tap, top)
    everything = "".join(said)
    tap.ok(WORDS not in everything and OTHER_WORDS not in everything and PIN not in everything
           and not re.search(r"redoubt-share-1-[a-z]+-\d-\S{20}", everything), "nothing secret was ever printed")
    tap.finish()


main()
