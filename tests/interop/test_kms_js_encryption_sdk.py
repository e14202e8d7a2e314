#!/usr/bin/env python3
"""AWS Encryption SDK for JavaScript, unmodified, against the key service: kms_encryption_sdk.mjs. Prints TAP."""
import sys

sys.dont_write_bytecode = True
from kms_case import Service, Tap  # noqa: E402
from npm_case import script  # noqa: E402

tap = Tap()
with Service() as service:
    script(tap, service, "kms_encryption_sdk")
tap.finish()
