#!/usr/bin/env bash
# Packs of a site, through the program: what they may do, and what becomes of those that misbehave.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
plan=$REDOUBT_SOURCE/examples/medtrack/redoubt.yaml
n=0
failed=0

result() { # good, what
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else
        failed=1
        echo "not ok $n - $2"
        sed 's/^/# /' "$folder/out" "$folder/err"
    fi
}

# name, exit status wanted, text wanted, body of a check
try() {
    cat >"$folder/site.lua" <<LUA
rule { id = "ACME-1", title = "A store says who owns it", severity = "high", why = "w", fix = "say it",
  subjects = { "stores" }, decided = { "plan" },
  check = function(s) $4 end,
  tests = { { on = "stores.db", expect = "pass" } } }
LUA
    run "$1" "$2" "$3" check --at 2026-11-24 --pack "$folder/site.lua" "$plan"
}

run() {
    local what=$1 status=$2 text=$3
    shift 3
    timeout 120 "$REDOUBT" "$@" >"$folder/out" 2>"$folder/err"
    local got=$?
    { [ $got = "$status" ] && cat "$folder/out" "$folder/err" | tr '\n' ' ' | tr -s ' ' | grep -qF -- "$text"; }
    result $? "$what"
}

try "a pack that passes changes nothing" 0 "1 accepted" "return pass()"
try "a pack's finding stands with the others" 1 "ACME-1 on stores.db" "return fail { message = 'nobody' }"
try "an error is unknown, with its place" 0 "site.lua:3" "return nobody.there"
try "an endless loop ends the run" 4 "more instructions" "while true do end"
try "a memory bomb ends the run" 4 "MiB of memory" "local x = 'xxxxxxxx' while true do x = x .. x end"
try "io is not there" 0 "rule error" "io.open('/etc/passwd')"
try "os is not there" 0 "rule error" "os.exit(0)"
try "load is not there" 0 "rule error" "load('return 1')()"
try "a return of nothing is no pass" 0 "it returned a nil" "return"

cat >"$folder/built-in.lua" <<LUA
rule { id = "REST-1", title = "t", severity = "low", why = "w", fix = "f", subjects = { "stores" },
  decided = { "plan" }, check = function() return pass() end, tests = { { on = "stores.db", expect = "pass" } } }
LUA
run "a built-in rule cannot be replaced" 3 "REST-1 is there already" check --pack "$folder/built-in.lua" "$plan"
printf '\033Lua' >"$folder/bytecode.lua"
run "bytecode is refused" 3 "binary chunk" check --pack "$folder/bytecode.lua" "$plan"
run "a pack that is not there" 3 "no-such.lua" check --pack "$folder/no-such.lua" "$plan"

cat >"$folder/wrong.lua" <<LUA
rule { id = "ACME-1", title = "t", severity = "low", why = "w", fix = "f", subjects = { "stores" },
  decided = { "plan" }, check = function() return pass() end, tests = { { on = "stores.db", expect = "fail" } } }
LUA
run "a pack's tests are run, and seen to fail" 1 "ACME-1" rules test --pack "$folder/wrong.lua" --rule ACME-1
run "a pack's rule is listed" 0 "ACME-1" rules list --pack "$folder/wrong.lua"

echo "1..$n"
exit $failed
