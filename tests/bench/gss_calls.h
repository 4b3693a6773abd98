/* SPDX-License-Identifier: MIT */
/* The calls that are measured; a call that fails ends the program. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <gssapi/gssapi.h>
#ifdef PEER_MIT
#include <gssapi/gssapi_ext.h>
#endif

static gss_OID_desc krb5 = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc host_based = {10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"};
static const OM_uint32 wanted = GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

static gss_name_t target;
static gss_cred_id_t initiators;
static gss_cred_id_t acceptors;

/* `minor` is a pointer: arguments may be evaluated before the call that fills it. */
static void must(const char *call, OM_uint32 major, const OM_uint32 *minor)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    if (!GSS_ERROR(major))
        return;
    gss_display_status(&ignored, *minor, GSS_C_MECH_CODE, &krb5, &more, &text);
    fprintf(stderr, "%s: %#x: %.*s\n", call, (unsigned)major, (int)text.length, (char *)text.value);
    exit(1);
}

/* Both sides of a context. */
struct sides {
    gss_ctx_id_t initiator;
    gss_ctx_id_t acceptor;
    int64_t init;
    int64_t accept;
};

static void acquire(gss_cred_usage_t usage, gss_cred_id_t *credential)
{
    OM_uint32 minor;
    gss_OID_set_desc mechanisms = {1, &krb5};
    const OM_uint32 major =
        gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, usage, credential, NULL, NULL);
    must("gss_acquire_cred", major, &minor);
}

static void end(struct sides *sides)
{
    OM_uint32 minor;
    gss_delete_sec_context(&minor, &sides->initiator, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &sides->acceptor, GSS_C_NO_BUFFER);
}

static void initiate(gss_ctx_id_t *context, gss_cred_id_t credential, gss_buffer_t input, gss_buffer_t output)
{
    OM_uint32 minor;
    const OM_uint32 major = gss_init_sec_context(&minor, credential, context, target, &krb5, wanted, 0,
                                                 GSS_C_NO_CHANNEL_BINDINGS, input, NULL, output, NULL, NULL);
    must("gss_init_sec_context", major, &minor);
}

static void accept_request(gss_ctx_id_t *context, gss_cred_id_t credential, gss_buffer_t request, gss_buffer_t reply)
{
    OM_uint32 minor;
    gss_name_t source = GSS_C_NO_NAME;
    const OM_uint32 major = gss_accept_sec_context(&minor, context, credential, request, GSS_C_NO_CHANNEL_BINDINGS,
                                                   &source, NULL, reply, NULL, NULL, NULL);
    must("gss_accept_sec_context", major, &minor);
    gss_release_name(&minor, &source);
}

static void wrap(struct sides *sides, gss_buffer_t message, gss_buffer_t token)
{
    OM_uint32 minor;
    must("gss_wrap", gss_wrap(&minor, sides->initiator, 1, 0, message, NULL, token), &minor);
}

static void unwrap(struct sides *sides, gss_buffer_t message, gss_buffer_t token)
{
    OM_uint32 minor;
    gss_buffer_desc opened;
    (void)message;
    must("gss_unwrap", gss_unwrap(&minor, sides->acceptor, token, &opened, NULL, NULL), &minor);
    gss_release_buffer(&minor, &opened);
}

static void get_mic(struct sides *sides, gss_buffer_t message, gss_buffer_t token)
{
    OM_uint32 minor;
    must("gss_get_mic", gss_get_mic(&minor, sides->initiator, 0, message, token), &minor);
}

static void verify_mic(struct sides *sides, gss_buffer_t message, gss_buffer_t token)
{
    OM_uint32 minor;
    must("gss_verify_mic", gss_verify_mic(&minor, sides->acceptor, message, token, NULL), &minor);
}
