#!/usr/bin/env bash
# The Debian package: it builds, says what it needs, and the binary in it runs.
set -uo pipefail

if [[ -z ${REDOUBT:-} ]] || ! command -v dpkg-deb >/dev/null; then
    echo "1..0 # SKIP no redoubt binary, or no dpkg-deb"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
n=0 bad=0

# ok NAME COMMAND... - one TAP line.
ok() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >"$folder/out" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        sed 's/^/# /' "$folder/out"
        bad=1
    fi
}

field() { dpkg-deb -f "$deb" "$1"; }
is() { [[ $1 == "$2" ]] || { echo "'$1' is not '$2'" && false; }; }
has() { grep -qE -- "$2" <<<"$1" || { echo "no '$2' in: $1" && false; }; }
sums() { (cd "$folder/tree" && md5sum --quiet -c "$folder/control/md5sums"); }
refused() { ! "$@"; }
owned_by_root() { refused grep -vE '^(lrwxrwxrwx|[-d]rw[-x]r-[-x]r-[-x]) root/root ' < <(dpkg-deb -c "$deb"); }

ok "builds" "$REDOUBT_SOURCE/packaging/make-deb" "$folder"
deb=$(echo "$folder"/redoubt_*.deb)
ok "unpacks" dpkg-deb -x "$deb" "$folder/tree"
ok "its control files unpack" dpkg-deb -e "$deb" "$folder/control"
ok "names itself" is "$(field Package)" redoubt
ok "depends on the C library and OpenSSL" has "$(field Depends)" 'libc6.*libssl3'
ok "says how large it is" has "$(field Installed-Size)" '^[0-9]+$'
ok "its sums agree" sums
ok "belongs to root, and nobody else may write" owned_by_root
binary=$folder/tree/usr/bin/redoubt
ok "the binary runs" "$binary" --version
ok "is the version of the package" has "$("$binary" --version 2>&1)" "$(field Version)"
ok "carries no debug symbols" refused sh -c "file '$binary' | grep -q 'not stripped'"
ok "names no folder of the build" refused grep -qF "$REDOUBT_SOURCE" "$binary"
ok "man page" sh -c "gzip -dc '$folder/tree/usr/share/man/man1/redoubt.1.gz' | grep -q '^\.SH NAME'"
ok "bash completion parses" bash -n "$folder/tree/usr/share/bash-completion/completions/redoubt"
ok "zsh completion" grep -q '^#compdef redoubt' "$folder/tree/usr/share/zsh/site-functions/_redoubt"
ok "the unit starts the packaged program" grep -q '^ExecStart=/usr/bin/redoubt serve ' \
    "$folder/tree/usr/lib/systemd/system/redoubt.service"
ok "socket and user" test -f "$folder/tree/usr/lib/systemd/system/redoubt.socket" -a \
    -f "$folder/tree/usr/lib/sysusers.d/redoubt.conf"
ok "examples, schemas, licence" test -f "$folder/tree/usr/share/doc/redoubt/copyright" -a \
    -d "$folder/tree/usr/share/redoubt/packs"
echo "1..$n"
exit $bad
