"""Clients of a key service that is about to die: they remember what was acknowledged, what may or may not have
happened, and find out afterwards. Each has keys of its own, so that it knows what they have to look like."""
import base64
import http.client
import json
import os
import ssl
import sys
import threading
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from signing import headers_of  # noqa: E402

KEYS_MAX = 12  # of one client
BLOBS_MAX = 400  # of one client, for the end
CUT = (OSError, http.client.HTTPException, ssl.SSLError)  # what a dying server's connection gives


class Wrong(Exception):
    """The service says something that cannot be."""


class Caller:
    """One connection, kept; every answer's request id is remembered."""

    def __init__(self, env, acked):
        self.env, self.acked = env, acked
        self.at = urllib.parse.urlsplit(env["AWS_ENDPOINT_URL"])
        self.connection = http.client.HTTPSConnection(
            self.at.hostname, self.at.port, timeout=60, context=ssl.create_default_context(cafile=env["AWS_CA_BUNDLE"]))

    def call(self, name, **body):
        """(fault or None, answer)"""
        raw = json.dumps(body).encode()
        self.connection.request("POST", "/", raw, headers_of(self.env, "TrentService." + name, raw, self.at.netloc))
        got = self.connection.getresponse()
        text = got.read()
        answer = json.loads(text)
        fault = None if got.status == 200 else answer["__type"]
        self.acked[bytes.fromhex(got.headers["x-amzn-RequestId"].replace("-", ""))] = (name, fault)
        if got.status >= 500:
            raise Wrong("%s: %s" % (name, text))
        return fault, answer

    def good(self, name, **body):
        fault, answer = self.call(name, **body)
        if fault:
            raise Wrong("%s: %s" % (name, answer))
        return answer


class Key:
    """What a key may look like: for each field the values that are possible."""

    def __init__(self, id_):
        self.id = id_
        self.may = {"enabled": {True}, "description": {""}, "tag": {None}, "alias": {None}}

    def look(self, caller):
        data = caller.good("DescribeKey", KeyId=self.id)["KeyMetadata"]
        tags = caller.good("ListResourceTags", KeyId=self.id)["Tags"]
        names = caller.good("ListAliases", KeyId=self.id)["Aliases"]
        seen = {"enabled": data["Enabled"], "description": data["Description"],
                "tag": tags[0]["TagValue"] if tags else None, "alias": names[0]["AliasName"] if names else None}
        for field, value in seen.items():
            if value not in self.may[field]:
                raise Wrong("key %s: %s is %r, it may be %s" % (self.id, field, value, self.may[field]))
            self.may[field] = {value}

    def known(self, field):
        (value,) = self.may[field]
        return value

    def change(self, caller, field, value, name, **body):
        before, self.may[field] = self.may[field], self.may[field] | {value}
        fault, answer = caller.call(name, **body)
        if fault:
            raise Wrong("%s of key %s: %s" % (name, self.id, answer))
        self.may[field] = {value}
        return before


class Client:
    def __init__(self, number, chance):
        self.number, self.chance = number, chance
        self.keys, self.touched, self.blobs, self.n = [], [], [], 0
        self.wrong, self.unsure = None, 0  # unsure: keys that may have been made, unknown to us

    # ---- one call each ----

    def create(self, caller):
        self.unsure += 1
        key = Key(caller.good("CreateKey")["KeyMetadata"]["KeyId"])
        self.unsure -= 1
        self.keys.append(key)
        self.touched.append(key)

    def describe(self, caller, key):
        text = "%d" % self.n
        key.change(caller, "description", text, "UpdateKeyDescription", KeyId=key.id, Description=text)

    def tag(self, caller, key):
        value = "%d" % self.n
        key.change(caller, "tag", value, "TagResource", KeyId=key.id, Tags=[{"TagKey": "n", "TagValue": value}])

    def untag(self, caller, key):
        key.change(caller, "tag", None, "UntagResource", KeyId=key.id, TagKeys=["n"])

    def alias(self, caller, key):
        name = key.known("alias")
        if name is None:
            name = "alias/c%d-%d" % (self.number, self.n)
            key.change(caller, "alias", name, "CreateAlias", AliasName=name, TargetKeyId=key.id)
        else:
            key.change(caller, "alias", None, "DeleteAlias", AliasName=name)

    def switch(self, caller, key):
        on = not key.known("enabled")
        key.change(caller, "enabled", on, "EnableKey" if on else "DisableKey", KeyId=key.id)

    def expect(self, key, fault, answer):
        """Whether the call worked, where it had to follow the key's state."""
        if fault != (None if key.known("enabled") else "DisabledException"):
            raise Wrong("key %s, enabled %s: %s %s" % (key.id, key.known("enabled"), fault, answer))
        return fault is None

    def remember(self, blob):
        if len(self.blobs) < BLOBS_MAX:
            self.blobs.append(blob)
        else:
            self.blobs[self.chance.randrange(BLOBS_MAX)] = blob

    def encrypt(self, caller, key):
        plain = base64.b64encode(b"%d of %d" % (self.n, self.number)).decode()
        fault, answer = caller.call("Encrypt", KeyId=key.id, Plaintext=plain, EncryptionContext={"n": key.id})
        if self.expect(key, fault, answer):
            self.remember((key, answer["CiphertextBlob"], plain))

    def data_key(self, caller, key):
        fault, answer = caller.call("GenerateDataKey", KeyId=key.id, KeySpec="AES_256", EncryptionContext={"n": key.id})
        if self.expect(key, fault, answer):
            self.remember((key, answer["CiphertextBlob"], answer["Plaintext"]))

    def decrypt(self, caller, blob):
        key, sealed, plain = blob
        fault, answer = caller.call("Decrypt", CiphertextBlob=sealed, EncryptionContext={"n": key.id})
        if self.expect(key, fault, answer) and answer["Plaintext"] != plain:
            raise Wrong("a ciphertext of key %s gives another plaintext" % key.id)

    # ---- a life of the server ----

    def look_around(self, caller):
        """What the last life left, before it is changed again."""
        while self.touched:
            self.touched[-1].look(caller)
            self.touched.pop()

    def step(self, caller):
        self.n += 1
        if not self.keys or (len(self.keys) < KEYS_MAX and self.chance.random() < 0.05):
            self.create(caller)
            return
        key = self.chance.choice(self.keys[-4:])
        if key not in self.touched:
            self.touched.append(key)
        what = self.chance.choice((self.describe, self.tag, self.untag, self.alias, self.switch, self.encrypt,
                                   self.encrypt, self.data_key, self.decrypt, self.decrypt))
        if what == self.decrypt:
            if self.blobs:
                blob = self.chance.choice(self.blobs[-50:])
                if len(blob[0].may["enabled"]) == 1:
                    self.decrypt(caller, blob)
        else:
            what(caller, key)

    def live(self, env, acked, told):
        """Until the connection is cut; told() after each answer."""
        try:
            caller = Caller(env, acked)
            self.look_around(caller)
            while True:
                self.step(caller)
                told()
        except CUT:
            pass
        except Wrong as error:
            self.wrong = str(error)
        finally:
            told(ended=True)

    def all_is_there(self, caller):
        for key in self.keys:
            key.look(caller)
            if not key.known("enabled"):
                key.change(caller, "enabled", True, "EnableKey", KeyId=key.id)
        for blob in self.blobs:
            self.decrypt(caller, blob)


class Load:
    """Clients, all at once, through many lives of one server."""

    def __init__(self, n, chance):
        self.clients = [Client(number, chance) for number in range(n)]
        self.acked = {}  # request id: operation, fault
        self.lock = threading.Condition()
        self.answers = self.ended = 0

    def told(self, ended=False):
        with self.lock:
            self.answers += not ended
            self.ended += ended
            self.lock.notify()

    def start(self, env):
        self.answers = self.ended = 0
        self.threads = [threading.Thread(target=client.live, args=(env, self.acked, self.told), daemon=True)
                        for client in self.clients]
        for thread in self.threads:
            thread.start()

    def wait(self, answers, seconds):
        """Until so many answers came, or nobody is left who asks. False: neither."""
        with self.lock:
            return self.lock.wait_for(lambda: self.answers >= answers or self.ended == len(self.clients), seconds)

    def join(self):
        for thread in self.threads:
            thread.join(60)
        return next((client.wrong for client in self.clients if client.wrong), None)

    def check_all(self, env):
        """Everything that was ever acknowledged, on a quiet server."""
        caller = Caller(env, self.acked)
        try:
            for client in self.clients:
                client.look_around(caller)
                client.all_is_there(caller)
            return self.check_keys(caller)
        except Wrong as error:
            return str(error)

    def check_keys(self, caller):
        known = {key.id for client in self.clients for key in client.keys}
        there, marker = set(), {}
        while True:
            answer = caller.good("ListKeys", Limit=1000, **marker)
            there |= {key["KeyId"] for key in answer["Keys"]}
            if not answer["Truncated"]:
                break
            marker = {"Marker": answer["NextMarker"]}
        if known - there:
            return "keys are lost: %s" % (known - there)
        if len(there - known) > sum(client.unsure for client in self.clients):
            return "%d keys that nobody asked for" % len(there - known)
        return None
