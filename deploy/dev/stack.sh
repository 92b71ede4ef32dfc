# shellcheck shell=bash
# ./dev up, down, psql: the private stack of this checkout. All of its state is below .quarry/:
#   postgres/  the cluster          spool/wN/  one per worker      log/*.log  what the programs say
#   pid/NAME   "PID STARTTIME"      stack      shell variables: addresses, roots, sizes

stack_wait_s=60  # until a program says it is ready
stack_drain_s=45 # until a program asked to end has ended
stack_exports=$PWD/.quarry/exports # of Creo models that have no service here
stack_demo_root="creo-samples=$PWD/.quarry/creo/models"

# ---------------------------------------------------------------- processes

# starttime PID: clock ticks since boot, which with the PID names one process; empty when it is gone.
starttime() { sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# alive NAME: is the process we started under this name still there? Sets alive_pid.
alive() {
    local started
    alive_pid=""
    [ -r ".quarry/pid/$1" ] || return 1
    read -r alive_pid started <".quarry/pid/$1"
    [ -n "$started" ] && [ "$(starttime "$alive_pid")" = "$started" ]
}

# launch NAME PROGRAM ARG…: start in the background, remember its PID, and print the addresses of its
# ready line.
launch() {
    local name=$1 out=.quarry/log/$1.out log=.quarry/log/$1.log pid tries
    shift
    setsid "$@" >"$out" 2>>"$log" </dev/null &
    pid=$!
    echo "$pid $(starttime "$pid")" >".quarry/pid/$name"
    for ((tries = 0; tries < stack_wait_s * 10; tries++)); do
        if grep -m1 '^ready' "$out"; then
            return 0
        fi
        alive "$name" || break
        sleep 0.1
    done
    launch_failed "$name" "$log"
}

launch_failed() {
    if alive "$1"; then
        say "./dev: $1 is not ready after $stack_wait_s s; its log: $2"
    else
        rm -f ".quarry/pid/$1"
        say "./dev: $1 did not start: $(tail -n 1 "$2")"
        say "./dev: its log: $2"
    fi
    return 1
}

# halt NAME…: SIGTERM to all, wait until they have ended; SIGKILL what does not end.
halt() {
    local name tries
    for name in "$@"; do
        if alive "$name"; then kill -TERM "$alive_pid" 2>/dev/null || true; fi
    done
    for name in "$@"; do
        for ((tries = 0; tries < stack_drain_s * 10; tries++)); do
            alive "$name" || break
            sleep 0.1
        done
        if alive "$name"; then
            say "./dev: $name does not end, killing it; its log: .quarry/log/$name.log"
            kill -KILL "$alive_pid" 2>/dev/null || true
        fi
        rm -f ".quarry/pid/$name"
    done
}

# running GLOB: names of our processes, such as 'w*'.
running() {
    local file
    for file in .quarry/pid/$1; do
        [ -e "$file" ] || continue
        if alive "${file##*/}"; then echo "${file##*/}"; fi
    done
}

# free_port HOST:PORT: the same where nobody listens there, HOST:0 (any free port) otherwise.
free_port() {
    if (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; then
        say "port ${1##*:} is taken, using another one"
        echo "${1%:*}:0"
    else
        echo "$1"
    fi
}

# ---------------------------------------------------------------- start and stop

# The cluster's folder. PostgreSQL does not run as root, so as root the folder has to be one that the
# user postgres can reach; a checkout below /root is not.
stack_cluster() {
    local dir=.quarry/postgres far
    if is_root && [ ! -e "$dir" ] && ! runuser -u postgres -- test -x "$PWD/.quarry"; then
        far=/var/lib/quarry/$(printf '%s' "$PWD" | sha256sum | cut -c1-12)
        install -d -m 755 /var/lib/quarry "$far"
        ln -sfn "$far/postgres" "$dir"
        say "user postgres cannot reach $PWD: the cluster lives in $far"
    fi
    realpath -m "$dir"
}

stack_save() {
    {
        echo "stack_grpc=$stack_grpc"
        echo "stack_http=$stack_http"
        echo "stack_workers=$stack_workers"
        echo "stack_slots=$stack_slots"
        printf 'stack_roots=('
        printf '%q ' "${stack_roots[@]}"
        echo ')'
    } >.quarry/stack.new
    mv .quarry/stack.new .quarry/stack
}

# stack_start: coordinator, then workers, as stack_roots, stack_workers and stack_slots say.
stack_start() {
    local ready cluster roots=() root i
    mkdir -p .quarry/{log,pid,spool}
    chmod 755 .quarry
    cluster=$(stack_cluster)
    for root in "${stack_roots[@]}"; do roots+=(--root "$root"); done
    ready=$(launch coordinator build/bin/quarry-coordinator --embedded-postgres "$cluster" \
        --listen "$(free_port 127.0.0.1:7420)" --http "$(free_port 127.0.0.1:7421)" "${roots[@]}") || return 1
    stack_grpc=$(sed -nE 's/.*grpc=([^ ]+).*/\1/p' <<<"$ready")
    stack_http=$(sed -nE 's/.*http=([^ ]+).*/\1/p' <<<"$ready")
    stack_save
    for ((i = 1; i <= stack_workers; i++)); do
        launch "w$i" build/bin/quarry-worker --coordinator "$stack_grpc" --id "w$i" \
            --slots "$stack_slots" --spool ".quarry/spool/w$i" "${roots[@]}" >/dev/null || return 1
    done
    stack_start_cad
}

# stack_start_cad: a bridge for Creo models without a service, which imports what lies in .quarry/exports; and for
# the demonstration's models, and those alone, a second one with the simulator, whose models are made up.
stack_start_cad() {
    local ready sim roots=() root
    for root in "${stack_roots[@]}"; do
        [ "$root" = "$stack_demo_root" ] || roots+=(--root "$root")
    done
    mkdir -p "$stack_exports"
    if [ ${#roots[@]} -gt 0 ]; then
        launch b1 build/bin/quarry-cadbridge --coordinator "$stack_grpc" --id b1 --spool .quarry/spool/b1 \
            --json-dir "$stack_exports" "${roots[@]}" >/dev/null || return 1
    fi
    [[ " ${stack_roots[*]} " == *" $stack_demo_root "* ]] || return 0
    ready=$(launch sim build/bin/quarry-creo-sim --listen 127.0.0.1:0 --fail-rate 0.15 --latency 20ms) || return 1
    sim=$(sed -nE 's/.*grpc=([^ ]+).*/\1/p' <<<"$ready")
    launch b2 build/bin/quarry-cadbridge --coordinator "$stack_grpc" --id b2 --spool .quarry/spool/b2 \
        --creo "grpc://$sim" --json-dir .quarry/creo/exports --root "$stack_demo_root" >/dev/null || return 1
}

stack_stop() {
    local names
    mapfile -t names < <(running '[wb]*')
    [ ${#names[@]} -eq 0 ] || halt "${names[@]}"
    mapfile -t names < <(running coordinator)
    [ ${#names[@]} -eq 0 ] || halt "${names[@]}"
    mapfile -t names < <(running sim)
    [ ${#names[@]} -eq 0 ] || halt "${names[@]}"
    stop_orphan
}

# orphan: a server of our cluster that a killed coordinator has left; sets orphan_pid.
orphan() {
    orphan_pid=$(head -n 1 .quarry/postgres/data/postmaster.pid 2>/dev/null) || return 1
    [ "$(cat "/proc/$orphan_pid/comm" 2>/dev/null)" = postgres ]
}

stop_orphan() {
    local tries
    orphan || return 0
    kill -INT "$orphan_pid" 2>/dev/null || true # fast shutdown, PostgreSQL manual "Shutting Down the Server"
    for ((tries = 0; tries < stack_drain_s * 10; tries++)); do
        orphan || return 0
        sleep 0.1
    done
    say "./dev: the database server (PID $orphan_pid) does not end; its log: .quarry/postgres/postgres.log"
}

verb_down() {
    [ $# -eq 0 ] || usage "down takes no argument"
    if [ -z "$(running '*')" ] && ! orphan; then
        say "nothing of this checkout is running"
        return 0
    fi
    stack_stop
    say "stopped; the data stay in .quarry/"
}

# ---------------------------------------------------------------- up

# stack_root_for DIR: adds a root where none covers the folder, and sets stack_changed then.
stack_root_for() {
    local dir=$1 root name n=2 base
    for root in "${stack_roots[@]}"; do
        [[ $dir/ != "${root#*=}"/* ]] || return 0
    done
    base=$(basename "$dir" | tr 'A-Z' 'a-z' | tr -c 'a-z0-9_\n-' '-' | sed -E 's/^[^a-z0-9]+//' | cut -c1-24)
    base=${base:-root}
    name=$base
    while [[ " ${stack_roots[*]/%=*/} " == *" $name "* ]]; do name=$base$((n++)); done
    stack_roots+=("$name=$dir")
    stack_changed=1
}

# up_options ARG…: sets up_once, up_source and, where given, up_workers and up_slots.
up_options() {
    up_once=0 up_source="" up_workers="" up_slots=""
    while [ $# -gt 0 ]; do
        case $1 in
            --once) up_once=1 ;;
            --workers | --slots)
                [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || usage "up: $1 wants a number from 1"
                if [ "$1" = --workers ]; then up_workers=$2; else up_slots=$2; fi
                shift
                ;;
            -*) usage "up: unknown option '$1'" ;;
            *)
                [ -z "$up_source" ] || usage "up: one folder at a time; a second ./dev up adds another"
                up_source=$1
                ;;
        esac
        shift
    done
    up_demo=0
    if [ -z "$up_source" ]; then up_demo=1 up_source=tests/samples; fi
    case $up_source in
        file://*) up_source=${up_source#file://} ;;
        *://*) return ;;
    esac
    [ -d "$up_source" ] || die "up: no folder '$up_source'; hint: ./dev up DIR, or ./dev up for the samples"
    up_source=$(realpath -- "$up_source")
}

# stack_load: what the last start wrote, or the defaults; roots whose folder is gone are left out.
stack_load() {
    local root there=()
    stack_changed=0 stack_roots=() stack_workers=1 stack_slots=$(nproc) stack_grpc="" stack_http=""
    # shellcheck source=/dev/null
    [ ! -r .quarry/stack ] || . .quarry/stack
    for root in "${stack_roots[@]}"; do
        if [ -d "${root#*=}" ]; then there+=("$root"); else stack_changed=1; fi
    done
    stack_roots=("${there[@]}")
    [ ! build/bin/quarry-coordinator -nt .quarry/stack ] || stack_changed=1
    [ ! build/bin/quarry-worker -nt .quarry/stack ] || stack_changed=1
    [ ! build/bin/quarry-cadbridge -nt .quarry/stack ] || stack_changed=1
}

# up_stack: a running stack of the present build that has the source's root and the sizes asked for.
up_stack() {
    stack_load
    [ -z "$up_workers" ] || [ "$up_workers" = "$stack_workers" ] || { stack_workers=$up_workers stack_changed=1; }
    [ -z "$up_slots" ] || [ "$up_slots" = "$stack_slots" ] || { stack_slots=$up_slots stack_changed=1; }
    [[ $up_source == *://* ]] || stack_root_for "$up_source"
    if [ "$up_demo" -eq 1 ]; then
        /usr/bin/python3 tests/creo/make.py .quarry/creo
        if [[ " ${stack_roots[*]} " != *" $stack_demo_root "* ]]; then
            stack_roots+=("$stack_demo_root") stack_changed=1
        fi
    fi
    if [ "$(running '[wc]*' | wc -l)" -eq $((stack_workers + 1)) ] && running 'b1' | grep -q . && [ "$stack_changed" -eq 0 ]; then
        return
    fi
    [ -z "$(running '*')" ] || say "restarting the stack with what is new"
    stack_stop
    if ! stack_start; then
        stack_stop
        exit 1
    fi
}

# field NAME JSON: a number or string of a flat part of `quarry -o json` output.
field() { grep -oE "\"$1\": *(\"[^\"]*\"|-?[0-9]+)" <<<"$2" | head -n 1 | sed -E 's/^[^:]*: *"?([^"]*)"?$/\1/'; }

# up_run: one run over all files of the source (--again: also those that did not change since the last
# time), with progress and the report. Status 0: every file has an outcome.
up_run() {
    local run id left
    run=$(quarry -o json run create --source "$1" --again) || return 1
    id=$(field id "$run")
    quarry run watch "$id" || true # a run that ends failed is told by the report
    quarry run show "$id"
    run=$(quarry -o json run show "$id") || return 1
    left=$(($(field pending "$run") + $(field processing "$run") + $(field paused "$run")))
    if [ "$left" -ne 0 ] || [ "$(field status "$run")" != completed ]; then
        say "./dev: the run ended as $(field status "$run"), $left files without an outcome; the report says why"
        return 1
    fi
}

# up_creo_hint DIR: where models come from that nobody can read, when there are any and nothing to bring them.
up_creo_hint() {
    local models
    [ -d "$1" ] && [ -z "$(find "$stack_exports" -name '*.json' -print -quit)" ] || return 0
    models=$(find "$1" -type f -regextype posix-extended -iregex '.*\.(prt|asm|drw|frm)(\.[0-9]+)?' | wc -l)
    [ "$models" -gt 0 ] || return 0
    say "$models Creo models in $1: their format is not public, so each needs an export and there is none yet."
    say "put exports, NAME.prt.json (docs/cad-export.md), into $stack_exports and run this again,"
    say "or start a bridge in front of Creo (docs/bridge.md); until then these models fail with that hint"
}

# cad_jobs BRIDGE: models it has told of since it began.
cad_jobs() {
    local name told sum=0
    told=$(quarry -o json cad status "$1" 2>/dev/null) || true
    for name in by_grpc by_json superseded failed; do
        sum=$((sum + $(field "$name" "$told" || true) + 0))
    done
    echo "$sum"
}

# cad_told BRIDGE N: a bridge tells its state once a second: wait until it has told of N models.
cad_told() {
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        [ "$(cad_jobs "$1")" -lt "$2" ] || return 0
        sleep 0.1
    done
}

quarry() { build/bin/quarry --coordinator "$stack_grpc" "$@"; }

verb_up() {
    local rc=0 told models
    up_options "$@"
    setup_need build run
    setup_tools
    build_preset release
    if [ "$up_once" -eq 1 ]; then trap stack_stop EXIT; fi
    up_stack
    up_creo_hint "$up_source"
    up_run "$up_source" || rc=$?
    if [ "$up_demo" -eq 1 ]; then
        told=$(cad_jobs b2)
        say ""
        say "models by a SIMULATED Creo service of which 15 % of all calls fail, and by exports where they do:"
        up_run "${stack_demo_root#*=}" || rc=$?
        quarry report cad --run "$(field id "$(quarry -o jsonl run list | head -n 1)")" || rc=$?
        models=$(find "${stack_demo_root#*=}" -type f | wc -l)
        cad_told b2 $((told + models))
        quarry cad status b2
    fi
    if [ "$up_once" -eq 0 ]; then
        say ""
        say "running: http://$stack_http/metrics   gRPC $stack_grpc   logs .quarry/log/"
        say "next:    export QUARRY_COORDINATOR=$stack_grpc; build/bin/quarry job list --status failed"
        say "stop:    ./dev down"
    fi
    return "$rc"
}

# ---------------------------------------------------------------- psql

verb_psql() {
    local socket
    alive coordinator || die "psql: no stack is running here; hint: ./dev up"
    socket=$(sed -n 5p .quarry/postgres/data/postmaster.pid) # its line 5 is the folder of the socket
    exec psql -h "$socket" -U quarry -d quarry "$@"
}
