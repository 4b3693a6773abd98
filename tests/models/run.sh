#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks the models of the replay store, one machine's and a cluster's, with spin, over all its states; then shows that the check can fail: each mutant of
# a model must break the property. `run.sh full` goes on for longer (a minute, 1 GB). Prints one line each, "ok" or "not ok". Exit code 0: all ok; 77: no spin here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}
failed=0

for tool in spin "$cc"; do
    command -v "$tool" >/dev/null 2>&1 || { echo "skipped: $tool is not installed"; exit 77; }
done

# check NAME EXPECTED DEFINITION...: EXPECTED is "holds" or "broken".
check() {
    name=$1 expected=$2
    shift 2
    (cd "$work" && rm -f pan pan.* model.pml && cp "$here/$model.pml" model.pml &&
        spin -a "$@" model.pml >spin.log 2>&1 &&
        "$cc" -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=3000 -o pan pan.c >cc.log 2>&1 &&
        ./pan -E -m200000 -w24 >pan.log 2>&1) || { echo "not ok: $name: could not be run"; cat "$work"/*.log; failed=1; return; }
    found=broken
    if grep -q 'errors: 0$' "$work/pan.log"; then
        found=holds
        # A search that was cut short proves nothing.
        grep -q 'Search not completed\|max search depth too small\|out of memory' "$work/pan.log" && found=unfinished
    elif ! grep -q 'assertion violated' "$work/pan.log"; then
        found=unfinished
    fi
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/pan.log")
    if [ "$found" = "$expected" ]; then
        echo "ok: $name: the property $found ($states states)"
    else
        echo "not ok: $name: the property $found, expected: $expected ($states states)"
        failed=1
    fi
}

model=replay
check "replay store" holds
if [ "${1:-}" = full ]; then
    check "replay store, for longer" holds -DLAST=5
fi
for mutant in NO_LOCK NO_EXAMINE NO_DOOR NO_JOURNAL RECEIPT OLD_HEADER HELD_UP; do
    check "mutant $mutant" broken "-DMUTANT_$mutant"
done

# What differs with shared memory; the other mutants are the same ones.
check "replay store in shared memory" holds -DSEGMENT
mutants="NO_EXAMINE SHORT_DOOR"
if [ "${1:-}" = full ]; then
    mutants="$mutants NO_LOCK NO_DOOR NO_JOURNAL RECEIPT OLD_HEADER HELD_UP"
fi
for mutant in $mutants; do
    check "shared memory, mutant $mutant" broken -DSEGMENT "-DMUTANT_$mutant"
done

model=cluster
check "cluster" holds
for mutant in TRUSTING NO_CHECK CHECK_FIRST SHORT_LIFE HELD_UP NOT_ATOMIC LOCAL; do
    check "cluster, mutant $mutant" broken "-DMUTANT_$mutant"
done
exit $failed
