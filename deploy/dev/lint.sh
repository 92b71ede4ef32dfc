# shellcheck shell=bash
# ./dev lint and ./dev fmt.

c_files() { git ls-files -z --cached --others --exclude-standard -- '*.c' '*.h'; }

verb_fmt() {
    setup_need lint
    c_files | xargs -0r clang-format -i
}

verb_lint() {
    local failed=0
    [ $# -eq 0 ] || usage "lint takes no argument"
    setup_need build run test lint
    build_preset dev # clang-tidy reads the generated headers
    say "clang-format"
    c_files | xargs -0r clang-format --dry-run -Werror || failed=1
    say "clang-tidy"
    lint_tidy || failed=1
    say "cppcheck"
    lint_cppcheck || failed=1
    say "shellcheck"
    shellcheck -x dev .ci/run || failed=1
    [ "$failed" -eq 0 ] || die "lint: see the lines above"
    say "lint: nothing to say"
}

# Checks and their reasons: .clang-tidy.
lint_tidy() {
    git ls-files -z -- '*.c' | xargs -0r -n 4 -P "$(nproc)" \
        clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' 2>/dev/null
}

# Suppressed: what cppcheck 2.10 cannot follow (QR_AUTO frees at the end of the scope, designated
# initialisers of unions, compound literals, loops that run at least once); ASan and the compilers watch the same.
lint_cppcheck() {
    mkdir -p build/dev/cppcheck
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --library=gnu --library=deploy/dev/cppcheck.cfg --std=c11 -j "$(nproc)" \
        --suppress='*:*.pb-c.*' --suppress=missingIncludeSystem --suppress=legacyUninitvar --suppress=uninitvar \
        --suppress=memleak --suppress=resourceLeak --suppress=internalAstError \
        --cppcheck-build-dir=build/dev/cppcheck --project=build/dev/compile_commands.json
}
