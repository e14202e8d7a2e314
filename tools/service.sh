# service.sh - a development key service that outlives the script which starts it: for quickstart.
# shellcheck shell=bash
# Sourced after setup.sh, with `binary` (redoubt), `service` (folder of its own) and `service_port` set.
#
#   $service/data        what `redoubt serve --dev` keeps
#   $service/url, pid    where it answers, and as which process

SERVICE_SECONDS=60 # for a start

# service_pid - the process, if it is still the one that was started here and runs this binary.
service_pid() {
    local pid
    pid=$(cat "$service/pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ && /proc/$pid/exe -ef $binary ]] || return 1
    echo "$pid"
}

# service_old_pid - the same for a binary that was built anew since.
service_old_pid() {
    local pid
    pid=$(cat "$service/pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ && $(readlink "/proc/$pid/exe" 2>/dev/null) == "$binary (deleted)" ]] || return 1
    echo "$pid"
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# service_start - or find it running. Sets service_url.
service_start() {
    local port=$service_port pid waited=0
    mkdir -p "$service"
    if service_pid >/dev/null; then
        service_url=$(cat "$service/url")
        note "it runs already, at $service_url"
        return 0
    fi
    if pid=$(service_old_pid); then
        kill "$pid" && while [[ -d /proc/$pid ]] && ((waited++ < SERVICE_SECONDS * 10)); do sleep 0.1; done
    fi
    if ((port != 0)) && port_is_taken "$port"; then
        port=0 # somebody else's: any free one
    fi
    rm -f "$service/out" "$service/url"
    # it must not end with this script, nor hold its terminal
    setsid "$binary" serve --dev --data "$service/data" --listen "127.0.0.1:$port" \
        >"$service/out" 2>"$service/log" </dev/null &
    pid=$!
    echo "$pid" >"$service/pid"
    for ((waited = 0; waited < SERVICE_SECONDS * 10; waited++)); do
        service_url=$(sed -n 's/^ready //p' "$service/out")
        if [[ -n $service_url ]]; then
            echo "$service_url" >"$service/url"
            note "it answers at $service_url; its keys are in ${service#"$root"/}/data"
            return 0
        fi
        [[ -d /proc/$pid ]] || break
        sleep 0.1
    done
    tail -n 5 "$service/log" | sed 's/^/    /' >&2
    complain "the key service does not start" "the whole of it: $service/log"
}

# service_run COMMAND... - as its administrator; no other server of the caller's comes in between.
service_run() (
    unset AWS_ENDPOINT_URL_KMS AWS_PROFILE AWS_SESSION_TOKEN
    local name value
    while IFS='=' read -r name value; do
        export "$name=$value"
    done <"$service/data/dev.env"
    export AWS_ENDPOINT_URL=$service_url
    "$@"
)

# service_env - the same for a shell, quoted, with the address that it has now: $service/dev.env.
service_env() {
    local file=$service/dev.env name value
    (
        umask 077
        while IFS='=' read -r name value; do
            [[ $name != AWS_ENDPOINT_URL ]] || value=$service_url
            printf '%s=%q\n' "$name" "$value"
        done <"$service/data/dev.env" >"$file.new"
    )
    mv "$file.new" "$file"
}

# service_stop - nothing when it does not run.
service_stop() {
    local pid waited=0
    pid=$(service_pid || service_old_pid) || return 0
    kill "$pid"
    while [[ -d /proc/$pid ]] && ((waited++ < SERVICE_SECONDS * 10)); do sleep 0.1; done
    rm -f "$service/pid" "$service/url"
}
