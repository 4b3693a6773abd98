/* SPDX-License-Identifier: MIT */
/*
 * OIDs of Apex, for programs that want to name it. Programs that use Kerberos through GSS-API need none of this: the
 * interposer serves them under the Kerberos OID.
 */
#ifndef GSSAPI_APEX_H
#define GSSAPI_APEX_H

/* 2.25.6182930471855164201, the mechanism beside the built-in one. */
#define GSS_APEX_MECHANISM_OID "2.25.6182930471855164201"
#define GSS_APEX_MECHANISM_OID_LENGTH 10
#define GSS_APEX_MECHANISM_OID_ELEMENTS "\x69\xd5\xe7\x8b\xd0\x96\xee\xf6\x96\x29"

/* 2.25.6182930471855164202, the interposer's entry in mech.d; never on the wire. */
#define GSS_APEX_INTERPOSER_OID "2.25.6182930471855164202"

#endif
