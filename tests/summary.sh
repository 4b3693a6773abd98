#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# summary.sh STATUS FOLDER...: adds up the results that automake's test driver left in FOLDERs (*.trs and *.log) and
# prints `N passed, N failed` as its last line, with `, N skipped` where some were. STATUS is make's exit status: a failure
# that no test accounts for counts as one. Fails where anything failed or nothing ran.
#
# A test whose log has lines `N passed, N failed[, N skipped]` counts as the last of them says, and as one failure more
# where the driver says that it failed although it counted none. Any other test counts as one.
set -euo pipefail

status=$1
shift
passed=0 failed=0 skipped=0

# failures_in LOG: what it says of failures, and how it ends, for who sees this output and not the logs.
failures_in() {
    [[ -f $1 ]] || return 0
    grep -aE -A 8 '^not ok |^FAIL|: (assertion|error|uncaught)' "$1" | head -n 60 | sed 's/^/  | /' || true
    printf '  | ...\n'
    tail -n 15 "$1" | sed 's/^/  | /' || true
}

# count_test TRS: adds one test.
count_test() {
    local result line log=${1%.trs}.log
    result=$(sed -n 's/^:global-test-result: *//p' "$1")
    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" 2>/dev/null | tail -n 1 || true)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        if [[ ${BASH_REMATCH[2]} -eq 0 && $result != PASS && $result != SKIP ]]; then
            failed=$((failed + 1))
            result=FAIL
        fi
    else
        case $result in
        PASS | XFAIL) passed=$((passed + 1)) ;;
        SKIP) skipped=$((skipped + 1)) ;;
        *) failed=$((failed + 1)) ;;
        esac
    fi
    case $result in
    PASS | XFAIL) ;;
    SKIP) printf 'skipped: %s\n' "${1%.trs}" ;;
    *)
        printf 'failed: %s (see %s)\n' "${1%.trs}" "$log"
        failures_in "$log"
        ;;
    esac
}

while IFS= read -r -d '' trs; do
    count_test "$trs"
done < <(find "$@" -name '*.trs' -print0 | sort -z)

if [[ $status -ne 0 && $failed -eq 0 ]]; then
    printf 'failed: make itself, with status %s\n' "$status"
    failed=1
fi
if [[ $passed -eq 0 && $failed -eq 0 ]]; then
    printf 'failed: no test ran\n'
    failed=1
fi
printf '%d passed, %d failed' "$passed" "$failed"
[[ $skipped -eq 0 ]] || printf ', %d skipped' "$skipped"
printf '\n'
[[ $failed -eq 0 ]]
