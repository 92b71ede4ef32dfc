#!/bin/sh
# check.sh: every model has to hold, and to fail where a rule is taken out. Needs spin and gcc.
#
#     tests/model/check.sh            some seconds
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0

# expect ERRORS MODEL [-DNAME…]
expect() {
    errors=$1 model=$2
    shift 2
    if ! spin -a "$@" "$here/$model.pml" >spin.out 2>&1 || ! gcc -O2 -w -DSAFETY -DMEMLIM=1000 -o pan pan.c; then
        cat spin.out
        exit 1
    fi
    timeout 120 ./pan -m100000 -E >pan.out 2>&1
    found=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.out)
    states=$(sed -n 's/ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
    verdict=ok
    [ "$found" = "$errors" ] && ! grep -q 'max search depth too small' pan.out || verdict=WRONG failed=1
    printf '%-6s %-8s %-32s errors: %s  states: %s\n' "$verdict" "$model" "$*" "$found" "$states"
}

expect 0 hello
expect 1 hello -DM_NO_NUMBER
expect 0 hello -DM_END_UNCERTAIN
expect 0 hello -DM_END_BLIND
expect 1 hello -DM_END_UNCERTAIN -DM_END_BLIND
exit $failed
