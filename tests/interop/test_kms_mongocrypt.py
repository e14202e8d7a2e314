#!/usr/bin/env python3
"""libmongocrypt (C), which MongoDB's drivers use for client-side field encryption, with a master key of the
key service: kms_mongo_main.c. Prints TAP."""
import os
import subprocess
import sys
import urllib.parse

sys.dont_write_bytecode = True
from kms_case import boto_missing, new_key, Service, Tap  # noqa: E402

PROGRAM = os.environ.get("KMS_MONGO_MAIN")


class Mongo:
    def __init__(self, service, who="app"):
        env = service.server.env(who)
        self.folder = service.folder
        self.env = dict(os.environ, KMS_ENDPOINT=urllib.parse.urlsplit(service.url).netloc, KMS_REGION=env["AWS_REGION"],
                        KMS_CA=env["AWS_CA_BUNDLE"], AWS_ACCESS_KEY_ID=env["AWS_ACCESS_KEY_ID"],
                        AWS_SECRET_ACCESS_KEY=env["AWS_SECRET_ACCESS_KEY"])

    def __call__(self, what, arn="", **more):
        """(status, words)"""
        done = subprocess.run([PROGRAM, what, os.path.join(self.folder, "key.bson")], env=dict(self.env, KMS_KEY=arn, **more),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


def main(tap, service):
    kms = service.boto()
    mongo = Mongo(service)
    made = new_key(kms)
    key, arn = made["KeyId"], made["Arn"]

    def works(words, got):
        tap.ok(got == (0, "done\n"), words, got)

    def refused(words, got, *wanted):
        tap.ok(got[0] == 4 and all(w in got[1] for w in wanted), words, got)

    works("a data key, wrapped", mongo("make", arn))
    works("a value there and back", mongo("use"))
    service.call("RotateKeyOnDemand", {"KeyId": key})
    works("after a rotation", mongo("use"))
    refused("an unknown key", mongo("make", arn.replace(key, key[:-4] + "0000")), "NotFoundException", "does not exist")
    refused("another secret", mongo("use", AWS_SECRET_ACCESS_KEY="x" * 40), "InvalidSignatureException")
    refused("another region", mongo("make", arn, KMS_REGION="mars-1"), "InvalidSignatureException")
    service.policy({"Effect": "Deny", "Action": "kms:Decrypt", "Resource": arn})
    refused("a policy", mongo("use"), "AccessDeniedException", "kms:Decrypt")
    service.policy()
    kms.disable_key(KeyId=key)
    refused("a disabled key", mongo("use"), "DisabledException", "is disabled.")
    kms.enable_key(KeyId=key)
    works("enabled again, at once", mongo("use"))
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused("deletion", mongo("use"), "KMSInvalidStateException", "is pending deletion.")


tap = Tap()
why = boto_missing() or (None if PROGRAM else "libmongocrypt-dev was not installed when this was built")
if why:
    tap.skip("libmongocrypt", why)
else:
    with Service() as service:
        main(tap, service)
tap.finish()
