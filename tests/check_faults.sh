#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks that every Fault of the list (base/fault.h) can happen and is brought about by a test: it is named outside of its
# own table in the sources, and in a test as Fault::X or as "X", what fault_of() gives.
set -eu
top=${srcdir:-$(dirname "$0")/..}
passed=0 failed=0

list=$(sed -n '/^enum class Fault/,/Count_/s/^    \([A-Z][A-Za-z]*\),$/\1/p' "$top/include/apex/base/fault.h")

named_in() {
    pattern=$1
    shift
    find "$@" \( -name '*.h' -o -name '*.cpp' \) ! -path '*/base/fault.*' ! -name fault_test.cpp \
        -exec grep -lE "$pattern" {} + | grep -q .
}

for fault in $list; do
    if ! named_in "Fault::$fault\\b" "$top/src" "$top/mech" "$top/include"; then
        printf 'not ok %s: no source refuses with it\n' "$fault"
        failed=$((failed + 1))
    elif ! named_in "Fault::$fault\\b|\"$fault\"" "$top/tests"; then
        printf 'not ok %s: no test brings it about\n' "$fault"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 60 ]
