#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What takes too long for every check: many processes and threads present the same requests to one replay store, and ten
# million different ones, with the records in shared memory; then the same under the thread sanitizer, in a build of its own
# below the working directory. Argument: the program replay_race. Prints one line each, "ok" or "not ok". Exit code 0: all ok.
set -u
race=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
failed=0

run() {
    "$@" || failed=1
}

run "$race" 16 64 10000 /var/tmp
run "$race" 4 2 1250000 /var/tmp distinct

mkdir -p thread-sanitizer && cd thread-sanitizer || exit 1
if [ ! -e config.status ]; then
    "$here/configure" --quiet --enable-thread-sanitizer CXXFLAGS='-g1 -O1' || exit 1
fi
make -s -j2 replay_race >make.log 2>&1 || { echo "not ok: the build with the thread sanitizer"; cat make.log; exit 1; }
run ./replay_race 1 16 5000 /var/tmp
run ./replay_race 2 8 2000 /var/tmp
exit $failed
