# shellcheck shell=bash
# ./dev test: what CI runs.

test_passed=0
test_failed=0
test_skipped=0
test_unsteady=0
test_parts=""

# tally NAME LOG RC PASSED FAILED SKIPPED: add one part's counts; a part that broke counts as one failure.
tally() {
    local name=$1 log=$2 rc=$3 passed=${4:-0} failed=${5:-0} skipped=${6:-0}
    if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        say "./dev: $name ended with exit $rc; its output: $log"
    fi
    test_passed=$((test_passed + passed))
    test_failed=$((test_failed + failed))
    test_skipped=$((test_skipped + skipped))
    test_parts="$test_parts${test_parts:+, }$name $passed"
}

# test_ctest PRESET FILTER [RUNNER…]: unit tests of a preset.
test_ctest() {
    local preset=$1 filter=$2 log rc=0 line failed all
    shift 2
    log=build/$preset/ctest.log
    build_preset "$preset"
    "$@" ctest --preset "$preset" -j "$(nproc)" ${filter:+-R "$filter"} 2>&1 | tee "$log" || rc=$?
    line=$(grep -E 'tests passed, [0-9]+ tests failed out of' "$log" || true)
    failed=$(sed -nE 's/.* ([0-9]+) tests failed out of.*/\1/p' <<<"$line")
    all=$(sed -nE 's/.* out of ([0-9]+).*/\1/p' <<<"$line")
    tally "$preset" "$log" "$rc" $((${all:-0} - ${failed:-0})) "${failed:-0}" 0
}

# count_of WORD: the number before WORD in pytest's last line.
count_of() { sed -nE "s/.*[^0-9]([0-9]+) $1.*/\1/p" <<<" $2" | tail -n 1; }

# test_again FAILED: end-to-end tests that failed run once more, alone; how many passed this time. They drive several
# processes on a machine that may be busy with other things: one that fails twice is broken, one that passes alone is
# unsteady, which is said and counted, because that is a defect too. More than a few failures are never chance.
test_again() {
    local failed=$1 log=build/pytest_again.log line
    [ "$failed" -ge 1 ] && [ "$failed" -le 3 ] || return 0
    say "./dev: $failed of the end-to-end tests failed; they run once more, alone"
    /usr/bin/python3 -m pytest -q -ra --last-failed --last-failed-no-failures none tests/e2e tests/chaos >"$log" 2>&1 || true
    cat "$log" >&2
    line=$(grep -E '(passed|failed|error).* in [0-9.]+s' "$log" | tail -n 1 || true)
    count_of passed "$line"
}

# test_pytest FILTER: end-to-end tests on the release programs.
test_pytest() {
    local filter=$1 log=build/pytest.log rc=0 line failed errors passed steady
    build_preset release
    /usr/bin/python3 -m pytest -q -ra ${filter:+-k "$filter"} tests/e2e tests/chaos 2>&1 | tee "$log" || rc=$?
    [ "$rc" -ne 5 ] || rc=0 # the filter chose none of them
    line=$(grep -E '(passed|failed|error|skipped|deselected|no tests ran).* in [0-9.]+s' "$log" | tail -n 1)
    failed=$(count_of failed "$line")
    errors=$(count_of 'errors?' "$line")
    failed=$((${failed:-0} + ${errors:-0}))
    passed=$(count_of passed "$line")
    steady=$(test_again "$failed")
    test_unsteady=$((test_unsteady + ${steady:-0}))
    failed=$((failed - ${steady:-0}))
    [ "$failed" -gt 0 ] || [ "$rc" -ne 1 ] || rc=0
    tally e2e "$log" "$rc" $((${passed:-0} + ${steady:-0})) "$failed" "$(count_of skipped "$line")"
}

# TSan of gcc 12 needs fewer random bits in addresses than some kernels use.
tsan_runner() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        echo "setarch $(uname -m) -R"
    else
        echo env
    fi
}

# test_chaos: the short form of the chaos suite, a scenario counts as a test.
test_chaos() {
    local log=build/chaos.log rc=0 last
    build_preset release
    chaos_root /usr/bin/python3 -m tests.chaos 2>&1 | tee "$log" || rc=$?
    last=$(tail -n 1 "$log")
    tally chaos "$log" "$rc" "$(json_count passed "$last")" "$(json_count failed "$last")" "$(json_count skipped "$last")"
}

json_count() { sed -nE "s/.*\"$1\": ([0-9]+)[,}].*/\1/p" <<<"$2"; }

# chaos_root COMMAND…: as root, because a network namespace and a small tmpfs need it; else without these two.
chaos_root() {
    if is_root || ! sudo -n true 2>/dev/null; then
        "$@"
    else
        sudo -n -- "$@"
    fi
}

# ./dev test chaos [--minutes N] [--only TEXT] [--build PRESET] [--seed S]: the suite itself, output as it comes.
verb_chaos() {
    local build=release arg last=""
    for arg in "$@"; do
        [ "$last" != --build ] || build=$arg
        case $arg in --build=*) build=${arg#--build=} ;; esac
        last=$arg
    done
    case $build in release | dev | tsan) ;; *) usage "test chaos: --build is release, dev or tsan" ;; esac
    setup_need build run test
    build_preset "$build"
    chaos_root /usr/bin/python3 -m tests.chaos "$@"
}

verb_test() {
    local filter=${1:-} runner
    if [ "$filter" = chaos ]; then
        shift
        verb_chaos "$@"
        return
    fi
    [ $# -le 1 ] || usage "test: one filter at most"
    SECONDS=0
    setup_need build run test
    setup_tools
    setup_node tests/vector "the test of vector search is left out"
    read -ra runner <<<"$(tsan_runner)"
    test_ctest dev "$filter" env
    test_ctest tsan "$filter" "${runner[@]}"
    test_pytest "$filter"
    [ -n "$filter" ] || test_chaos
    [ $((test_passed + test_failed)) -gt 0 ] || die "test: no test has '$filter' in its name"
    [ "$test_unsteady" -eq 0 ] || grep -h '^\(FAILED\|ERROR\)' build/pytest.log | sed 's/^/unsteady: /'
    echo "./dev test: $test_passed passed, $test_failed failed, $test_skipped skipped, $test_unsteady unsteady ($test_parts) in $SECONDS s"
    [ "$test_failed" -eq 0 ]
}
