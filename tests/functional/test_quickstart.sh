#!/usr/bin/env bash
# What quickstart does after the build, with this build's binary: a key service that is found again,
# MedTrack's keys in it, and its end. In a folder with a blank in its name. Prints TAP.
set -uo pipefail

root=${REDOUBT_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)}
source "$root/tools/setup.sh"
source "$root/tools/service.sh"

home=$(mktemp -d)
binary=${REDOUBT:-$root/build/redoubt}
service="$home/a service"
service_port=0
export XDG_STATE_HOME=$home/state
plan=$root/examples/medtrack/redoubt.yaml
n=0 bad=0
trap 'service_stop; rm -rf "$home"' EXIT

is() { # NAME GOT WANT
    n=$((n + 1))
    if [[ $2 == $3 ]]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '# got:  %s\n# want: %s\n' "${2//$'\n'/ | }" "${3//$'\n'/ | }"
        bad=1
    fi
}

keys() { service_run "$binary" key list | awk 'NR > 1 { print $1 }' | sort | tr '\n' ' '; }

service_start >"$home/words" && service_env
is "a key service starts" "$(<"$home/words")" "*it answers at https://127.0.0.1:*"
pid=$(service_pid)
is "it has a session of its own" "$(awk '{ print $6 }' "/proc/$pid/stat")" "$pid"
is "the administrator's file is the owner's alone" "$(stat -c %a "$service/dev.env")" 600

export AWS_ENDPOINT_URL_KMS=https://127.0.0.1:1 AWS_PROFILE=nobody
service_run "$binary" apply --env dev --yes "$plan" >"$home/words" 2>&1
is "the example is applied, whatever server the caller's environment names" "$?" 0
wanted="audit-cmk customer-files-cmk db-volume-cmk root-cmk search-cmk secrets-cmk tenant-kek "
is "its keys are there" "$(keys)" "$wanted"
is "verify finds them" "$(service_run "$binary" verify --env dev --only 'keys.*' "$plan" 2>&1 | head -n 3)" "*clean*"
unset AWS_ENDPOINT_URL_KMS AWS_PROFILE

service_start >"$home/words"
is "a second start finds it" "$(<"$home/words")" "*it runs already*"
is "as the same process" "$(service_pid)" "$pid"
is "a second apply has nothing to do" "$(service_run "$binary" apply --env dev --yes "$plan" 2>&1)" "*nothing to do*"
is "its file is for a shell" "$(. "$service/dev.env" && set +u && echo "$AWS_ENDPOINT_URL $AWS_CA_BUNDLE")" \
    "$service_url $service/data/ca.pem"

service_stop
is "it stops" "$(ls -d "/proc/$pid" 2>/dev/null)" ""
is "and is not there" "$(service_pid || echo none)" none
echo "$$" >"$service/pid"
service_stop
is "another process under its number is left alone" "$(service_pid || echo none)" none
service_start >/dev/null
is "started again it has its keys" "$(keys)" "$wanted"
service_stop

binary=/bin/false
is "one that does not start is told" "$(service_start 2>&1)" "*the key service does not start*"

echo "1..$n"
exit "$bad"
