"""What the tests of the key service with real clients share: a server in a folder of its own, boto3
as Debian ships it, and calls signed by hand for what that boto3 does not know yet."""
import os
import shutil
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "functional"))
from harness import ROOT, SANITIZED, Tap  # noqa: E402
import server  # noqa: E402
import signing  # noqa: E402

NO_KEY = "00000000-0000-4000-8000-000000000000"
HERE = os.path.dirname(os.path.abspath(__file__))


class Service:
    """`redoubt serve --dev`, its administrator (kms) and its application (app)."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="redoubt-kms-")
        self.server = server.Server(os.path.join(self.folder, "data"))
        self.server.start()
        self.url = self.server.url

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            server_write(path, text)
        return path

    def env(self, who="dev"):
        """For a client that is a program of its own; nothing of the caller's own AWS set-up."""
        env = dict(os.environ, AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null",
                   AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="")
        return dict(env, **self.server.env(who))

    def boto(self, who="dev", **config):
        import boto3
        import botocore.config
        env = self.server.env(who)
        return boto3.client("kms", region_name=env["AWS_REGION"], endpoint_url=self.url,
                            verify=env["AWS_CA_BUNDLE"], aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
                            config=botocore.config.Config(**config))

    def call(self, name, body=None, who="dev"):
        """(status, answer) of an operation, signed by hand."""
        return signing.call(self.server.env(who), "TrentService." + name, body or {})

    def own(self, name, body=None):
        """One of Redoubt's own operations, by the administrator: its answer."""
        status, answer = signing.call(self.server.env(), "Redoubt." + name, body or {})
        if status != 200:
            raise RuntimeError("%s: %s" % (name, answer))
        return answer

    def policy(self, *statements, who="app"):
        """Sets a principal's identity policy: kms:* and then these statements."""
        import json
        allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
        path = self.path("policy.json", json.dumps({"Version": "2012-10-17", "Statement": [allow, *statements]}))
        done = self.server.admin("principal", "policy", who, path)
        if done.status != 0:
            raise RuntimeError(str(done))


def server_write(path, text):
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def outcome(call, **arguments):
    """(class of the exception, its code, its words) of a boto3 call; ("", "", answer) when it succeeds."""
    import botocore.exceptions
    try:
        return "", "", call(**arguments)
    except botocore.exceptions.ClientError as error:
        found = error.response["Error"]
        return type(error).__name__, found["Code"], found.get("Message", "")
    except botocore.exceptions.ParamValidationError as error:
        return "ParamValidationError", "", str(error)


def code(call, **arguments):
    """The error's code, or "" when the call succeeds."""
    return outcome(call, **arguments)[1]


def boto_missing():
    try:
        import boto3  # noqa: F401
    except ImportError:
        return "python3-boto3 is not installed for %s" % sys.executable
    return None


def new_key(kms, **members):
    """The metadata of a new key. Its description differs: botocore signs two equal calls of one second
    equally, the second is taken for a replay, and to try again takes a while (test_kms_replay.py)."""
    return kms.create_key(**dict({"Description": uuid.uuid4().hex}, **members))["KeyMetadata"]


def run(main):
    """A whole test: main(tap, service), or why it is skipped."""
    tap = Tap()
    why = boto_missing()
    if why:
        tap.skip("boto3", why)
    else:
        with Service() as service:
            main(tap, service)
    tap.finish()


__all__ = ["HERE", "NO_KEY", "ROOT", "SANITIZED", "Service", "Tap", "code", "new_key", "outcome", "run", "signing"]
