/* SPDX-License-Identifier: MIT */
/* Names of mechanisms and of principals, as the options give them. Included once, by gss_peer.c. */
#ifndef APEX_INTEROP_NAMES_H
#define APEX_INTEROP_NAMES_H

#include <stdint.h>
#include <string.h>

#include <gssapi/gssapi.h>

static gss_OID_desc krb5_oid = { 9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" };
static gss_OID_desc ntlmssp_oid = { 10, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" };
static gss_OID_desc spnego_oid = { 6, "\x2b\x06\x01\x05\x05\x02" };
static gss_OID_desc session_key_oid = { 11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05" };
/* 2.25.6182930471855164201, for the mechanism under its own name. */
static gss_OID_desc apex_oid = { 10, "\x69\xd5\xe7\x8b\xd0\x96\xee\xf6\x96\x29" };

/* The mechanism that an option means; NULL if there is none of that name. */
static gss_OID mech_named(const char *name)
{
    if (strcmp(name, "krb5") == 0)
        return &krb5_oid;
    if (strcmp(name, "spnego") == 0)
        return &spnego_oid;
    if (strcmp(name, "apex") == 0)
        return &apex_oid;
    if (strcmp(name, "ntlmssp") == 0)
        return &ntlmssp_oid;
    return NULL;
}

/* Imports "service@host" as host-based and anything else as a principal's name. */
static OM_uint32 import_name(OM_uint32 *minor, const char *text, gss_name_t *name)
{
    static gss_OID_desc principal_type = { 10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01" };
    gss_buffer_desc buffer = { strlen(text), (void *)(uintptr_t)text };
    int is_principal = strchr(text, '/') != NULL || strchr(text, '@') == NULL || strstr(text, "@APEX.TEST") != NULL;
    return gss_import_name(minor, &buffer, is_principal ? &principal_type : GSS_C_NT_HOSTBASED_SERVICE, name);
}

#endif
