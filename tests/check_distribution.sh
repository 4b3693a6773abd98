#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks that `make dist` packs every file that is under version control, so that a packager's tarball builds and tests.
# Where there is no version control (the tarball itself), there is nothing to compare with.
set -eu
top=$(cd "${srcdir:-$(dirname "$0")/..}" && pwd)
build=${APEX_BUILD:-$top/build}

if ! git -C "$top" rev-parse --is-inside-work-tree >/dev/null 2>&1 ||
    [ "$(git -C "$top" rev-parse --show-toplevel)" != "$top" ]; then
    echo "skip: $top is not under version control"
    exit 77
fi

packed=$(mktemp -d)
trap 'chmod -R u+w "$packed"; rm -rf "$packed"' EXIT
make -s --no-print-directory -C "$build" distdir distdir="$packed/dist" top_distdir="$packed/dist" >/dev/null

passed=0 failed=0
git -C "$top" ls-files >"$packed/list"
while IFS= read -r file; do
    if [ -e "$packed/dist/$file" ] || [ "$file" = .gitignore ] || [ ! -e "$top/$file" ]; then
        passed=$((passed + 1))
    else
        printf 'not ok %s is not in the distribution\n' "$file"
        failed=$((failed + 1))
    fi
done <"$packed/list"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 300 ]
