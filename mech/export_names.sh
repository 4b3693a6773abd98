#!/bin/sh
# SPDX-License-Identifier: MIT
#
# export_names.sh map|aliases LIST: makes from the list of exported names the linker's version script, or its options
# that give each function of the list its interposer name as well: gssi_x for gss_x, or for gssspi_x where there is one.
set -eu
kind=$1
names=$(sed -e '/^#/d' -e '/^$/d' "$2")
functions=$(printf '%s\n' "$names" | sed -n -e '/^gss_mech_interposer$/d' -e '/^gss_\|^gssspi_/p')

case $kind in
map)
    printf '{\nglobal:\n'
    printf '    %s;\n' $names
    printf '%s\n' "$functions" | sed -e 's/^gssspi_/gss_/' -e 's/^gss_\(.*\)/    gssi_\1;/'
    printf 'local:\n    *;\n};\n'
    ;;
aliases)
    for function in $functions; do
        plain=${function#gssspi_}
        printf '%s\n' "--defsym=gssi_${plain#gss_}=$function"
    done
    ;;
esac
