#!/usr/bin/env bash
# Real services for the integration tests, on 127.0.0.1, installed on first use. Needs Maven and a JDK 17.
#
#   services.sh up [NAME..]             installs and starts all, and waits until each answers
#   services.sh down|reset [NAME..]     stops; reset also drops the data
#   services.sh restart [NAME..]        stops and starts on the same data and port
#   services.sh status|env [NAME..]     how each is; `export` lines for the tests
#   services.sh run NAME TOOL ARG..     a tool of the service, such as `run kafka topics --list`
#
# HIGHWATER_SERVICES       what is installed, kept between runs (~/.cache/highwater-services)
# HIGHWATER_SERVICES_RUN   data, log and pid of what runs (/tmp/highwater-run-<uid>)
# HIGHWATER_SERVICES_WAIT  seconds within which a service must answer (120)
# HIGHWATER_KAFKA_PORT, HIGHWATER_KAFKA_CONTROLLER_PORT   (9092, 19092)
# HIGHWATER_KAFKA_SECURED_PORT, _CONTROLLER_PORT, _OPEN_PORT, _PASSWORD   (9095, 19095, 9096, alice-secret)
# HIGHWATER_REGISTRY_PORT, _MANAGEMENT_PORT, _JAVA       (8085, 18085, a Java 21 of the system)
#
# HIGHWATER_KAFKA_3_9_PORT, _CONTROLLER_PORT   (9098, 19098)
# HIGHWATER_KAFKA_NODE_PORT   the first of six (9190)
#
# A service is a file beside this one that defines `port`, install, prepare, launch, answers, exports and tool.
# NAME@N is instance N, with a folder of its own.
set -euo pipefail

home=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
installed=${HIGHWATER_SERVICES:-${XDG_CACHE_HOME:-$HOME/.cache}/highwater-services}
running=${HIGHWATER_SERVICES_RUN:-${TMPDIR:-/tmp}/highwater-run-$(id -u)}
patience=${HIGHWATER_SERVICES_WAIT:-120}

say()  { echo "services: $*" >&2; }
fail() { say "$*"; exit 1; }

# The first Java that is at least version $1.
java_of() {
    local candidate version
    for candidate in "${JAVA_HOME:-/none}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [ -x "$candidate" ] || continue
        version=$("$candidate" -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')
        if [ "${version:-0}" -ge "$1" ]; then echo "$candidate"; return; fi
    done
    fail "no JDK $1 or later was found: install openjdk-$1-jdk-headless, or set JAVA_HOME"
}

# A pid says nothing by itself: the number may belong to a later process. It counts with its start time.
started_at() { awk '$3 != "Z" { print $22 }' "/proc/$1/stat" 2>/dev/null || true; }

pid_of() {
    local pid at
    read -r pid at 2>/dev/null <"$folder/pid" || return 1
    [ -n "$at" ] && [ "$(started_at "$pid")" = "$at" ] && echo "$pid"
}

# Runs a command in a session of its own, so that an interrupt of the tests does not reach it.
spawn() {
    setsid nohup "$@" >>"$folder/log" 2>&1 </dev/null 9>&- &
    echo "$! $(started_at $!)" >"$folder/pid"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

begin() {
    mkdir -p "$installed" "$folder"
    exec 9>"$installed/lock"
    flock 9
    install
    exec 9>&-
    if ! pid_of >/dev/null; then
        ! listening "$port" || fail "$name: port $port is taken by another process: set HIGHWATER_${file^^}_PORT"
        : >"$folder/log"
        prepare
        launch
    fi
}

await() {
    local since=$SECONDS
    until answers; do
        pid_of >/dev/null || { tail -n 20 "$folder/log" >&2; fail "$name ended while it started: read $folder/log"; }
        [ $((SECONDS - since)) -lt "$patience" ] ||
            { tail -n 20 "$folder/log" >&2; fail "$name does not answer after $patience s: read $folder/log"; }
        sleep 0.1
    done
    say "$name is up on 127.0.0.1:$port"
}

down() {
    local pid attempt
    if pid=$(pid_of); then
        kill -TERM "$pid"
        for attempt in $(seq 200); do pid_of >/dev/null || break; sleep 0.1; done
    fi
    end
}

# Ends what still runs. A broker that is to lose its data need not hand over its partitions first, and the last
# ones of a cluster would wait in vain for the others.
end() {
    local pid
    if pid=$(pid_of); then kill -KILL "$pid"; while pid_of >/dev/null; do sleep 0.1; done; fi
    [ ! -f "$folder/pid" ] || say "$name is down"
    rm -f "$folder/pid"
}

up()      { begin; await; }
restart() { down; up; }
reset()   { end; rm -rf "$folder"; }
status() {
    local pid
    if ! pid=$(pid_of); then echo "$name: down"
    elif answers; then echo "$name: up, pid $pid, 127.0.0.1:$port"
    else echo "$name: starting, pid $pid"; fi
}

# Runs one verb on one service, in a subshell: services define the same function names.
on() { (
    local file=${1%@*}
    name=$1 instance=; shift
    [ "$file" = "$name" ] || instance=${name#*@}
    [ -f "$home/$file.sh" ] && [ "$file" != services ] || fail "there is no service $name"
    folder=$running/$name
    # shellcheck source=/dev/null
    source "$home/$file.sh"
    "$@"
) }

verb=${1:-help}; shift || true
case $verb in
    up) for each in "${@:-kafka}"; do on "$each" begin; done
        for each in "${@:-kafka}"; do on "$each" await; done ;;
    down|reset|restart|status) for each in "${@:-kafka}"; do on "$each" "$verb"; done ;;
    env) for each in "${@:-kafka}"; do on "$each" exports; done ;;
    run) on "${1:?services: run which service?}" tool "${@:2}" ;;
    *)   sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2; [ "$verb" = help ] || exit 2 ;;
esac
