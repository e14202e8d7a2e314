#!/usr/bin/env bash
# tools/setup.sh: what is installed, when, and what is said when it cannot be. apt-get and dpkg-query
# are played by functions; nothing is installed.
set -uo pipefail

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
n=0 bad=0

is() { # NAME GOT WANT
    n=$((n + 1))
    if [[ $2 == "$3" ]]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '# got:  %s\n# want: %s\n' "${2//$'\n'/ | }" "${3//$'\n'/ | }"
        bad=1
    fi
}

# played INSTALLED EUID SUDO FUNCTION ARGUMENT... - in a machine that has INSTALLED and knows a-new.
played() (
    source "$REDOUBT_SOURCE/tools/setup.sh"
    installed=" $1 " user=$2 has_sudo=$3
    shift 3
    dpkg-query() { [[ $installed == *" ${!#} "* ]] && echo installed; }
    apt-cache() { [[ $2 != *-old ]] && echo "$2 | 1 | x"; }
    apt-get() { echo "apt-get ${*: -2}" >>"$root/calls"; }
    env() { shift && "$@"; }
    sudo() { echo sudo >>"$root/calls" && "$@"; }
    command() {
        case ${*: -1} in
        sudo) $has_sudo ;;
        *) return 0 ;;
        esac
    }
    hold_services() { :; }
    release_services() { :; }
    is_root() { ((user == 0)); }
    "$@"
)

calls() { paste -sd, "$root/calls" 2>/dev/null; rm -f "$root/calls"; }

out=$(played "a b" 0 false install_packages a b)
is "all there: said so" "$out" "    all 2 packages are installed"
is "all there: no apt-get" "$(calls)" ""

played "a" 0 false install_packages a b c >/dev/null
is "only what is missing" "$(calls)" "apt-get DPkg::Lock::Timeout=300 update,apt-get b c"

played "a-new" 0 false install_packages "a-old|a-new" >/dev/null
is "an alternative that is installed will do" "$(calls)" ""

played "" 0 false install_packages "a-old|a-new" x >/dev/null
is "the first alternative that the release has" "$(calls)" "apt-get DPkg::Lock::Timeout=300 update,apt-get a-new x"

played "a" 1000 true install_packages a b >/dev/null
is "a user with sudo" "$(calls)" "sudo,apt-get DPkg::Lock::Timeout=300 update,sudo,apt-get --no-install-recommends b"

out=$(played "a" 1000 false install_packages a "b-old|b" c 2>&1)
is "neither root nor sudo: ends with 4" "$?" 4
is "... and says exactly what to type" "$(grep -o 'apt-get update.*' <<<"$out")" \
    "apt-get update && apt-get install -y b-old c"
is "... having called nothing" "$(calls)" ""

out=$(played "" 0 false logged nothing false 2>&1)
is "a quiet step that fails, fails" "$?" 1
out=$(played "" 0 false logged words sh -c 'echo burnt; exit 3' 2>&1)
is "... and shows what it said" "$out" "    burnt"
out=$(played "" 0 false logged words sh -c 'echo fine' 2>&1)
is "one that works says nothing" "$out" ""

echo "1..$n"
exit $bad
