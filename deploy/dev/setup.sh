# shellcheck shell=bash
# ./dev setup: the Debian packages of deploy/packages.txt.

# packages_of SECTION…: names in these sections of the list.
packages_of() {
    local wanted=" $* "
    awk -v wanted="$wanted" '
        /^\[/ { section = substr($0, 2, length($0) - 2); next }
        NF && $1 !~ /^#/ && index(wanted, " " section " ") { print $1 }' deploy/packages.txt
}

# packages_missing SECTION…: those that are not installed; one dpkg-query for all.
packages_missing() {
    packages_of "$@" | sort -u >"$setup_tmp/wanted"
    # exit status 1 only says that some are unknown
    xargs -r dpkg-query -W -f='${Package} ${db:Status-Status}\n' <"$setup_tmp/wanted" 2>/dev/null |
        awk '$2 == "installed" { print $1 }' | sort -u >"$setup_tmp/have" || true
    comm -23 "$setup_tmp/wanted" "$setup_tmp/have"
}

# A package that brings a service must not start it: Quarry runs its own private PostgreSQL, and of
# prometheus only promtool is used. Undone by services_allow.
services_forbid() {
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >"$setup_tmp/policy-rc.d"
        as_root install -m 755 "$setup_tmp/policy-rc.d" /usr/sbin/policy-rc.d
        : >"$setup_tmp/policy-ours"
    fi
    # A machine that has PostgreSQL already keeps its settings; a new one gets no default cluster.
    if ! dpkg-query -W postgresql-common >/dev/null 2>&1 && [ ! -e /etc/postgresql-common ]; then
        printf '%s\n' '# written by ./dev setup: no default cluster' 'create_main_cluster = false' \
            >"$setup_tmp/createcluster"
        as_root install -D -m 644 "$setup_tmp/createcluster" /etc/postgresql-common/createcluster.d/quarry.conf
    fi
}

services_allow() {
    [ ! -e "$setup_tmp/policy-ours" ] || as_root rm -f /usr/sbin/policy-rc.d
    if grep -qx prometheus "$setup_tmp/missing" && command -v systemctl >/dev/null; then
        as_root systemctl disable --quiet prometheus.service prometheus-node-exporter.service \
            >/dev/null 2>&1 || true
    fi
}

setup_done() {
    services_allow
    rm -rf -- "$setup_tmp"
    trap - EXIT
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

apt_install() {
    apt_get update &&
        apt_get install --no-install-recommends "$@"
}

apt_failed() {
    local why
    why=$(grep -m1 -E '^E: |[Nn]ot permitted|sudo:' "$setup_tmp/apt.log" || tail -n 1 "$setup_tmp/apt.log")
    install -D -m 644 "$setup_tmp/apt.log" .quarry/log/apt.log
    die "apt-get failed: ${why#E: }; hint: check the network, the rights and /etc/apt, then run ./dev setup again (log: .quarry/log/apt.log)"
}

# setup_need SECTION…: install what is missing of these sections.
setup_need() {
    local names count
    [ -r /etc/debian_version ] && command -v dpkg-query >/dev/null ||
        die "this is not Debian; hint: install the equivalents of deploy/packages.txt by hand, then ./dev build"
    setup_tmp=$(mktemp -d)
    trap setup_done EXIT
    packages_missing "$@" >"$setup_tmp/missing"
    mapfile -t names <"$setup_tmp/missing"
    count=${#names[@]}
    if [ "$count" -gt 0 ]; then
        is_root || command -v sudo >/dev/null ||
            die "packages are missing and need root; hint: as root, apt-get install --no-install-recommends ${names[*]}"
        say "installing $count Debian packages: ${names[*]}"
        services_forbid
        apt_install "${names[@]}" >"$setup_tmp/apt.log" 2>&1 || apt_failed
    fi
    setup_done
}

# setup_node FOLDER WHAT: the npm packages that FOLDER pins. Optional: what goes wrong is said, and the rest goes on.
setup_node() {
    local folder=$1 what=$2 log=.quarry/log/npm.log
    [ ! "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] || return 0
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        if ! is_root && ! command -v sudo >/dev/null; then
            say "no Node here, so $what; hint: as root, apt-get install nodejs npm"
            return 0
        fi
        setup_need node
    fi
    say "installing the npm packages of $folder"
    mkdir -p "${log%/*}"
    if ! (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts) >"$log" 2>&1; then
        say "npm ci in $folder failed, so $what; hint: its output is in $log"
        return 0
    fi
    touch "$folder/node_modules/.package-lock.json"
}

# setup_tools: converters that the worker runs.
setup_tools() { setup_node worker/tool/dwg "DWG files will be unsupported"; }

verb_setup() {
    case ${1:-} in
        "") setup_need build run ;;
        --test) setup_need build run test ;;
        *) usage "setup: unknown argument '$1'" ;;
    esac
    setup_tools
}
