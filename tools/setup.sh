# setup.sh - what quickstart, check and packaging/make-deb share: words, packages, steps.
# shellcheck shell=bash
# Sourced, with `root` set to the top of the tree.

export LC_ALL=C.UTF-8
logs=$root/build/logs

# Package names on Debian 12; "a|b" means: a, or b where a later release has no a.
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config python3
    libssl-dev libfyaml-dev libjansson-dev liblua5.4-dev libseccomp-dev libcurl4-openssl-dev libpq-dev
    libuv1-dev libsqlite3-dev libargon2-dev libzstd-dev libcrypt-dev libp11-kit-dev
    libutf8proc-dev
)
run_packages=(ca-certificates graphviz)
test_packages=(
    binutils dpkg-dev file g++ libcmocka-dev
    "clang-16|clang" "libclang-rt-16-dev|libclang-rt-dev" "clang-format-16|clang-format"
    "postgresql-15|postgresql" "nginx-light|nginx" openssl curl git wrk
    age gnupg softhsm2 argon2 awscli python3-boto3 libmongocrypt-dev python3-cryptography
    libxml2-utils universal-ctags python3-jsonschema python3-yaml
)
# Where node comes from elsewhere, Debian's packages would get in its way.
if ! command -v node >/dev/null; then
    test_packages+=(nodejs npm)
fi

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' red='' plain=''
fi

step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
note() { printf '    %s\n' "$*"; }

# complain WORDS [HINT] - one clear line, and what to do about it. Ends with 1.
complain() {
    printf '%s: %serror:%s %s\n' "${0##*/}" "$red" "$plain" "$1" >&2
    [[ -z ${2:-} ]] || printf '%s: hint: %s\n' "${0##*/}" "$2" >&2
    return 1
}

# fail WORDS [HINT] - the same, and out.
fail() {
    complain "$@" || exit 4
}

# logged NAME COMMAND... - run quietly; on failure show the end of what it said.
logged() {
    local log=$logs/$1.log
    shift
    mkdir -p "$logs" || fail "cannot write to $root/build" "does another user own it?"
    if ! "$@" >"$log" 2>&1; then
        tail -n 25 "$log" | sed 's/^/    /' >&2
        return 1
    fi
}

have_package() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# missing_packages WANTED... - fills the array `missing`. Needs no network and no root.
missing_packages() {
    missing=()
    local wanted name
    for wanted in "$@"; do
        for name in ${wanted//|/ }; do
            if have_package "$name"; then
                continue 2
            fi
        done
        missing+=("$wanted")
    done
}

# available_names - turns each "a|b" in `missing` into the first that this release has.
available_names() {
    local i name
    for i in "${!missing[@]}"; do
        for name in ${missing[i]//|/ }; do
            if [[ -n $(apt-cache madison "$name" 2>/dev/null) ]]; then
                missing[i]=$name
                break
            fi
        done
        missing[i]=${missing[i]%%|*}
    done
}

# Services that come with a package (a database, a web server) are not started by installing it.
hold_services() {
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap '"${as_root[@]}" rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
    fi
}

release_services() {
    if [[ -n $(trap -p EXIT) ]]; then
        "${as_root[@]}" rm -f "$policy"
        trap - EXIT
    fi
}

is_root() { ((EUID == 0)); }

# install_packages WANTED... - installs what is missing only; a second run does nothing.
install_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        note "not a Debian system: the packages are yours to provide ($*)"
        return 0
    fi
    missing_packages "$@"
    if ((${#missing[@]} == 0)); then
        note "all $# packages are installed"
        return 0
    fi
    as_root=()
    if ! is_root; then
        command -v sudo >/dev/null ||
            fail "${#missing[@]} packages are missing, and installing them needs root" \
                "as root: apt-get update && apt-get install -y ${missing[*]%%|*}"
        as_root=(sudo)
    fi
    note "${#missing[@]} of $# packages are missing; this takes a minute or two"
    logged apt-update "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update ||
        note "the package lists could not be renewed; trying with those that are here"
    available_names
    note "installing ${missing[*]}"
    hold_services
    logged apt-install "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get \
        -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install the packages" "the whole of it: $logs/apt-install.log"
    release_services
}

# configure FOLDER OPTION... - makes a build folder, or brings it up to date when it is there.
configure() {
    local folder=$1
    shift
    if [[ -f $folder/build.ninja ]]; then
        logged "setup-${folder##*/}" meson setup --reconfigure "$folder" "$root" "$@" 2>/dev/null && return 0
        rm -rf "$folder" # made by another meson, or half made
    fi
    logged "setup-${folder##*/}" meson setup "$folder" "$root" "$@" ||
        complain "${folder#"$root"/} could not be configured" "the whole of it: $logs/setup-${folder##*/}.log"
}

# compile FOLDER
compile() {
    logged "build-${1##*/}" ninja -C "$1" ||
        complain "${1#"$root"/} does not build" "the whole of it: $logs/build-${1##*/}.log"
}
