# shellcheck shell=bash
# ./dev build and ./dev bench.

# build_dir PRESET: where the preset builds (CMakePresets.json).
build_dir() {
    case $1 in
        release) echo build ;;
        dev | tsan | cov) echo "build/$1" ;;
        *) usage "build: unknown preset '$1' (release, dev, tsan, cov)" ;;
    esac
}

# build_preset PRESET: configure where needed, build; quiet unless it fails.
build_preset() {
    local preset=$1 dir
    dir=$(build_dir "$preset")
    if [ ! -e "$dir/build.ninja" ] || [ CMakePresets.json -nt "$dir/build.ninja" ]; then
        quietly "$dir/configure.log" cmake --preset "$preset" || exit 1
    fi
    [ -e "$dir/.ninja_log" ] || say "building $dir ($preset); the first time takes a few minutes"
    quietly "$dir/build.log" cmake --build "$dir" || exit 1
}

verb_build() {
    local preset=${1:-release}
    [ $# -le 1 ] || usage "build: one preset at a time"
    build_dir "$preset" >/dev/null
    case $preset in
        release) setup_need build run ;;
        *) setup_need build run test ;;
    esac
    build_preset "$preset"
}

verb_bench() {
    local name=${1:-} program
    [ -n "$name" ] || usage "bench: which one? $(bench_names)"
    shift
    setup_need build run
    build_preset release >&2
    program=build/bin/bench_$name
    if [ -x "$program" ]; then
        "$program" "$@"
    elif [ -f "bench/$name.py" ]; then
        /usr/bin/python3 "bench/$name.py" "$@"
    else
        usage "bench: no benchmark '$name'; there are: $(bench_names)"
    fi
}

# bench_names: programs bench_NAME and scripts bench/NAME.py.
bench_names() {
    {
        find build/bin -name 'bench_*' -type f -executable -printf '%f\n' 2>/dev/null | sed 's/^bench_//'
        find bench -maxdepth 1 -name '*.py' -printf '%f\n' | sed 's/[.]py$//'
    } | sort | paste -sd ' '
}
