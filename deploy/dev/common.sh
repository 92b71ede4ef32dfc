# shellcheck shell=bash
# Shared by the verbs of ./dev: messages, rights, time limits. Sourced; the current folder is the project.

say() { printf '%s\n' "$*" >&2; }

# One clear line, exit 1.
die() {
    say "./dev: $*"
    exit 1
}

# Wrong use of the command line: exit 2.
usage() {
    say "./dev: $*; hint: ./dev help"
    exit 2
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# as_root COMMAND…: run as root, by sudo where we are not. 127 when there is no way.
as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        return 127
    fi
}

# quietly LOG COMMAND…: output goes to LOG; shown (its end) only when the command fails.
quietly() {
    local log=$1 rc=0
    shift
    mkdir -p -- "$(dirname -- "$log")"
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    if [ "$rc" -ne 0 ]; then
        grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" | tail -n 60 >&2
        say "./dev: '$*' failed (exit $rc); all of its output: $log"
    fi
    return "$rc"
}
