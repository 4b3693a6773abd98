#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh SOURCE BUILD SECONDS: builds the engine's reading layers and every harness with clang, libFuzzer and the address
# and undefined-behaviour sanitizers, and lets each harness run for SECONDS from its corpus, two at a time. The last line
# is `N passed, N failed`.
set -euo pipefail
source=$1 build=$2 seconds=$3
compiler=$(command -v clang++-14 || command -v clang++)
flags=(-std=c++20 -O1 -g -fconstexpr-steps=200000000 -fsanitize=fuzzer-no-link,address,undefined
    -fno-sanitize-recover=undefined "-I$source/include" "-I$source/src" "-I$source" -D_GNU_SOURCE)
mkdir -p "$build"

compile() {
    local object
    object=$build/$(printf '%s' "${1#"$source"/}" | tr '/' '_').o
    [[ $object -nt $1 ]] || "$compiler" "${flags[@]}" -c "$1" -o "$object"
}
export -f compile
export compiler source build

# Of gss the two forms of exported contexts; of host what reads exported credentials and, with libkrb5, principals.
files=("$source"/src/{base,der,crypto,messages,protection,exchange}/*.cpp
    "$source"/src/gss/{context_record_mit,context_record_own,record_fields}.cpp
    "$source"/src/host/{descriptor,error_table,file_stamp,file_trace,json,krb5_handle,line_builder,name_cache}.cpp
    "$source"/src/host/{name_service,passwd,path_tokens,published,realm_paths,refusal_log}.cpp
    "$source"/src/host/{settings,settings_files,settings_loader,settings_table}.cpp
    "$source"/tests/support/{pac_maker,world}.cpp "$source"/tests/fuzz/fuzz_*.cpp)
# The flags travel as one text: none of them has blanks but for paths, which the build folder's own rules exclude.
declare -x flag_text="${flags[*]}"
printf '%s\0' "${files[@]}" | xargs -0 -P 2 -I{} bash -c 'read -ra flags <<<"$flag_text"; compile "$1"' - {}

# run NAME: fuzzes one harness and prints its line. The log tells more.
run() {
    local name=$1 corpus=$build/corpus_$1
    mkdir -p "$corpus"
    if "$compiler" -fsanitize=fuzzer,address,undefined -o "$build/$name" "$build"/src_*.o \
        "$build"/tests_support_*.o "$build/tests_fuzz_$name.cpp.o" -lcrypto -lkrb5 &&
        "$build/$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2000 -verbosity=0 \
            -print_final_stats=1 -artifact_prefix="$build/" "$corpus" "$source/tests/fuzz/corpus/${name#fuzz_}" \
            >"$build/$name.log" 2>&1; then
        printf 'ok %s: %s inputs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")"
    else
        printf 'not ok %s:\n' "$name"
        tail -n 40 "$build/$name.log"
    fi >"$build/$name.result"
    cat "$build/$name.result"
}
export -f run
export seconds

names=()
for harness in "$source"/tests/fuzz/fuzz_*.cpp; do
    names+=("$(basename "$harness" .cpp)")
done
rm -f "$build"/*.result
printf '%s\0' "${names[@]}" | xargs -0 -P 2 -I{} bash -c 'run "$1"' - {}
passed=$(cat "$build"/*.result | grep -c '^ok ' || true)
failed=$((${#names[@]} - passed))
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
