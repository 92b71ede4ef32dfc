# shellcheck shell=bash
# ./dev fuzz: the targets of tests/fuzz under libFuzzer.

fuzz_names() { find tests/fuzz -name '*_fuzz.c' -printf '%f\n' | sed 's/_fuzz\.c$//' | sort | tr '\n' ' '; }

# fuzz_one NAME SECONDS [SEEDS…]: prints libFuzzer's last figures; fails on a finding.
fuzz_one() {
    local name=$1 seconds=$2 corpus=build/fuzz/corpus/$1 findings=build/fuzz/findings log=build/fuzz/$1.log dict rc=0
    local seeds=() more=() folder
    shift 2
    mkdir -p "$corpus" "$findings"
    for folder in "tests/fuzz/seeds/$name" "tests/samples/$name" "$@"; do
        [ ! -d "$folder" ] || seeds+=("$folder")
    done
    [ "$name" != pdf ] || seeds+=(tests/samples/damaged tests/samples/hostile)
    [ "$name" != p21 ] || seeds+=(tests/samples/step tests/samples/damaged tests/samples/hostile)
    dict=tests/fuzz/dictionaries/$name.dict
    [ ! -f "$dict" ] || more=("-dict=$dict")
    build/fuzz/bin/fuzz_"$name" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="$findings/$name-" "${more[@]}" \
        "$corpus" "${seeds[@]}" >"$log" 2>&1 || rc=$?
    printf '%-10s %s in %s s, peak %s MB, %s\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs" "$seconds" \
        "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")" \
        "$(if [ "$rc" -eq 0 ]; then echo "no finding"; else echo "A FINDING: see $log"; fi)"
    return "$rc"
}

verb_fuzz() {
    local name=${1:-all} seconds=${2:-60} rc=0 one
    case $seconds in *[!0-9]* | '') usage "fuzz: '$seconds' is no number of seconds" ;; esac
    shift $(($# < 2 ? $# : 2))
    setup_need build fuzz
    [ "$name" = all ] || [ -f "tests/fuzz/${name}_fuzz.c" ] || usage "fuzz: no target '$name'; there are: $(fuzz_names)"
    [ "$name" != all ] || name=$(fuzz_names)
    mkdir -p build/fuzz
    cmake --preset fuzz >build/fuzz/configure.log 2>&1 || die "fuzz: cannot configure; see build/fuzz/configure.log"
    for one in $name; do
        cmake --build build/fuzz --target "fuzz_$one" >/dev/null || die "fuzz: fuzz_$one does not build"
    done
    for one in $name; do
        fuzz_one "$one" "$seconds" "$@" || rc=1
    done
    return "$rc"
}
