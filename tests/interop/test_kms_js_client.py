#!/usr/bin/env python3
"""@aws-sdk/client-kms, unmodified, against the key service: kms_client.mjs. Prints TAP."""
import sys

sys.dont_write_bytecode = True
from kms_case import Service, Tap  # noqa: E402
from npm_case import script  # noqa: E402

tap = Tap()
with Service() as service:
    script(tap, service, "kms_client")
tap.finish()
