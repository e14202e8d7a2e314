#!/usr/bin/env bash
# The published schema of the plan format is the one that the binary prints.
set -euo pipefail

echo 1..1
if diff -u "$REDOUBT_SOURCE/schema/plan-1.json" <("$REDOUBT" plan schema) >&2; then
    echo "ok 1 - schema/plan-1.json is what redoubt plan schema prints"
else
    echo "not ok 1 - schema/plan-1.json is out of date: redoubt plan schema > schema/plan-1.json"
    exit 1
fi
