#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Checks that the arrows between layers point down (ARCHITECTURE.md): each `layer: may include` row below is compared
# with the #include lines of its files. Third-party headers have their own rows.
set -eu
top=${srcdir:-$(dirname "$0")/..}
failed=0 checked=0

table='
base:
der: base
crypto: base
messages: base der crypto
exchange: base crypto messages
protection: base crypto
host: base crypto messages
replayd: base
gss: base der crypto messages exchange protection host
mech: base gss
'

complain() {
    printf 'not ok %s\n' "$*"
    failed=$((failed + 1))
}

files_of() {
    find "$top/include/apex/$1" "$top/src/$1" "$top/$1" -name '*.h' -o -name '*.cpp' 2>/dev/null || true
}

check_layer() {
    layer=$1 allowed=" $1 $2 "
    for file in $(files_of "$layer"); do
        checked=$((checked + 1))
        for used in $(sed -n 's|^#include "apex/\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
            case $allowed in
            *" $used "*) ;;
            *)
                # The bridges: host implements the ports of exchange, and the agent speaks the protocol that host does.
                if [ "$layer:$used" = host:exchange ] &&
                    [ "$(sed -n 's|^#include "apex/exchange/\(.*\)"|\1|p' "$file" | grep -vx 'ports.h' | wc -l)" -eq 0 ]; then
                    continue
                fi
                if [ "$layer:$used" = replayd:host ] &&
                    [ "$(sed -n 's|^#include "apex/host/\(.*\)"|\1|p' "$file" | grep -vx 'replay_agent_protocol.h' | wc -l)" -eq 0 ]; then
                    continue
                fi
                complain "$layer includes $used: ${file#"$top"/}"
                ;;
            esac
        done
    done
}

# third_party PATTERN ALLOWED: files that include a header matching PATTERN must match ALLOWED.
third_party() {
    for file in $(grep -rlE "^#include <$1" "$top/include/apex" "$top/src" "$top/mech" || true); do
        checked=$((checked + 1))
        printf '%s\n' "${file#"$top"/}" | grep -qE "$2" || complain "<$1> in ${file#"$top"/}"
    done
}

printf '%s\n' "$table" | sed '/^$/d' >"${TMPDIR:-/tmp}/layers.$$"
while IFS=: read -r layer allowed; do
    check_layer "$layer" "$allowed"
done <"${TMPDIR:-/tmp}/layers.$$"
rm -f "${TMPDIR:-/tmp}/layers.$$"

third_party 'openssl/' '^src/(crypto/openssl|replayd/tls_stream)\.cpp$'
third_party 'krb5' '^(src|include/apex)/host/'
third_party 'profile\.h' '^src/host/'
third_party 'gssapi/' '^((include/apex|src)/gss|mech|src/tools)/'
third_party 'hiredis' '^src/replayd/redis_protocol\.cpp$'
third_party '(CLI|nlohmann)/' '^src/(tools|replayd)/'

[ "$checked" -gt 50 ] || complain "only $checked files were looked at"
passed=$((checked - failed))
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
