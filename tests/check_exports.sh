#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks what the module exports (INVARIANTS H8): every name of mech/apex.exports and its interposer alias, nothing else;
# and every name that the mechglue looks up for an interposer is there or stands below with its reason.
set -euo pipefail
module=${APEX_MODULE:?the built module}
list=${srcdir:-.}/mech/apex.exports
passed=0 failed=0

check() {
    if [[ $2 == "$3" ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok %s: found "%s", expected "%s"\n' "$1" "$2" "$3"
    fi
}

names=$(sed -e '/^#/d' -e '/^$/d' "$list" | sort)
aliases=$(printf '%s\n' "$names" | sed -n -e '/^gss_mech_interposer$/d' -e 's/^gssspi_/gss_/' -e 's/^gss_/gssi_/p')
exported=$(nm -D --defined-only "$module" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort)
check "the exports are the list and nothing else" "$exported" "$(printf '%s\n' "$names" "$aliases" | sort -u)"

# What the mechglue looks up (spec/loading 1.3).
wanted='acquire_cred acquire_cred_from acquire_cred_with_password acquire_cred_impersonate_name add_cred
add_cred_impersonate_name release_cred inquire_cred inquire_cred_by_mech inquire_cred_by_oid set_cred_option store_cred
store_cred_into export_cred import_cred import_cred_by_mech init_sec_context accept_sec_context process_context_token
delete_sec_context context_time inquire_context inquire_sec_context_by_oid set_sec_context_option export_sec_context
import_sec_context import_sec_context_by_mech complete_auth_token pseudo_random get_mic verify_mic wrap unwrap
wrap_size_limit wrap_aead unwrap_aead wrap_iov unwrap_iov wrap_iov_length get_mic_iov verify_mic_iov get_mic_iov_length
import_name import_name_by_mech display_name display_name_ext compare_name release_name duplicate_name export_name
export_name_composite inquire_name get_name_attribute set_name_attribute delete_name_attribute map_name_to_any
release_any_name_mapping localname authorize_localname display_status indicate_mechs inquire_names_for_mech
inquire_attrs_for_mech inquire_saslname_for_mech inquire_mech_for_saslname internal_release_oid set_neg_mechs mech_invoke'

# Omissions and their reasons.
declare -A omitted=(
    [add_cred]="the mechglue composes it from acquire_cred"
    [add_cred_impersonate_name]="the mechglue never calls it on an interposer"
    [complete_auth_token]="missing means success, as in MIT's mechanism"
    [display_name_ext]="MIT's mechanism has none either"
    [set_neg_mechs]="SPNEGO's own"
    [inquire_saslname_for_mech]="answered by the built-in mechanism for the krb5 OID, by the mechglue for our own"
    [inquire_mech_for_saslname]="answered by the built-in mechanism"
)
for name in $wanted; do
    if grep -qx "gssi_$name" <<<"$exported"; then
        check "gssi_$name is served or listed, not both" "${omitted[$name]:-served}" served
    else
        check "gssi_$name has a reason" "$([[ -n ${omitted[$name]:-} ]] && echo reason)" reason
    fi
done
check "no unique symbols (they would tie us to the host's libstdc++)" "$(nm -D "$module" | awk '$2 == "u"' | wc -l)" 0
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
