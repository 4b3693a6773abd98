/* SPDX-License-Identifier: MIT */
/*
 * gss_peer: one side of a GSS-API exchange, driven over stdin and stdout. The same source is compiled against MIT
 * (-DPEER_MIT) and against Heimdal (-DPEER_HEIMDAL) and uses their common public calls only.
 *
 * Request: one octet of operation, a 32-bit big-endian length, that many octets.
 * Answer:  length and one JSON object, then length and octets (the output token or message).
 *
 *   H                      who am I: implementation, process id, whether mech_apex.so is mapped
 *   B options              begin a case; options are separated by newlines, as on a command line
 *   S token                one step of gss_init_sec_context or gss_accept_sec_context
 *   Q                      what the context says: flags, names, lifetime, enctype of the message key
 *   W conf message         gss_wrap; the first octet asks for sealing
 *   U token                gss_unwrap
 *   M message              gss_get_mic
 *   V length mic message   gss_verify_mic; the length of the MIC is 32-bit big-endian
 *   D service              use the delegated credentials: first token towards the service
 *   X                      gss_export_sec_context
 *   I token                gss_import_sec_context
 *   E                      end of the case: context, names and credentials are released
 *
 * End of input ends the program.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gssapi/gssapi.h>
#ifdef PEER_MIT
#include <gssapi/gssapi_ext.h>
#define IMPLEMENTATION "mit"
#else
#define IMPLEMENTATION "heimdal"
#endif

#include "answer.h"
#include "names.h"

struct peer {
    int accepts;
    char *service;
    char *name;
    char *bindings_text;
    OM_uint32 bindings_type;
    int acquire;
    gss_OID mech;
    gss_OID_desc neg_mechs[4];
    size_t neg_count;
    OM_uint32 flags_wanted;
    OM_uint32 lifetime_wanted;
    gss_name_t target;
    gss_name_t source;
    gss_cred_id_t cred;
    gss_cred_id_t delegated;
    gss_ctx_id_t context;
    OM_uint32 flags;
    OM_uint32 lifetime;
    gss_OID actual_mech;
};

static struct peer peer;

static void put_status(const char *call, OM_uint32 major, OM_uint32 minor)
{
    put_status_of(peer.mech, call, major, minor);
}

static void release_case(void)
{
    OM_uint32 minor;
    gss_delete_sec_context(&minor, &peer.context, GSS_C_NO_BUFFER);
    gss_release_name(&minor, &peer.target);
    gss_release_name(&minor, &peer.source);
    gss_release_cred(&minor, &peer.cred);
    gss_release_cred(&minor, &peer.delegated);
    free(peer.service);
    free(peer.name);
    free(peer.bindings_text);
    memset(&peer, 0, sizeof peer);
}

static void add_neg_mechs(char *list)
{
    char *place = NULL;
    for (char *word = strtok_r(list, ",", &place); word != NULL; word = strtok_r(NULL, ",", &place)) {
        gss_OID mech = mech_named(word);
        if (peer.neg_count == 4 || mech == NULL)
            die("wrong list of mechanisms");
        peer.neg_mechs[peer.neg_count++] = *mech;
    }
}

static int parse_flag(const char *option)
{
    static const struct {
        const char *option;
        OM_uint32 set;
        OM_uint32 clear;
    } flags[] = {
        { "--mutual", GSS_C_MUTUAL_FLAG, 0 },        { "--delegate", GSS_C_DELEG_FLAG, 0 },
        { "--no-replay", 0, GSS_C_REPLAY_FLAG },     { "--no-sequence", 0, GSS_C_SEQUENCE_FLAG },
        { "--no-conf", 0, GSS_C_CONF_FLAG },         { "--no-integ", 0, GSS_C_INTEG_FLAG },
        { "--dce", 0x1000, 0 },                      { "--identify", 0x2000, 0 },
        { "--extended-error", 0x4000, 0 },           { "--delegate-by-policy", 0x8000, 0 },
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(option, flags[i].option) == 0) {
            peer.flags_wanted = (peer.flags_wanted | flags[i].set) & ~flags[i].clear;
            return 1;
        }
    }
    return 0;
}

static void parse_options(char *options)
{
    char *place = NULL;
    peer.mech = &krb5_oid;
    peer.acquire = 1;
    peer.flags_wanted = GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
    for (char *word = strtok_r(options, "\n", &place); word != NULL; word = strtok_r(NULL, "\n", &place)) {
        if (strcmp(word, "initiate") == 0 || strcmp(word, "accept") == 0) {
            peer.accepts = word[0] == 'a';
            continue;
        }
        if (strcmp(word, "--no-acquire") == 0) {
            peer.acquire = 0;
            continue;
        }
        if (parse_flag(word))
            continue;
        char *value = strtok_r(NULL, "\n", &place);
        if (value == NULL)
            die("an option lacks its value");
        if (strcmp(word, "--service") == 0)
            peer.service = strdup(value);
        else if (strcmp(word, "--name") == 0)
            peer.name = strdup(value);
        else if (strcmp(word, "--bindings") == 0)
            peer.bindings_text = strdup(value);
        else if (strcmp(word, "--bindings-type") == 0)
            peer.bindings_type = (OM_uint32)strtoul(value, NULL, 10);
        else if (strcmp(word, "--mech") == 0)
            peer.mech = mech_named(value);
        else if (strcmp(word, "--neg-mechs") == 0)
            add_neg_mechs(value);
        else if (strcmp(word, "--lifetime") == 0)
            peer.lifetime_wanted = (OM_uint32)strtoul(value, NULL, 10);
        else
            die("unknown option");
    }
    if (peer.mech == NULL)
        die("unknown mechanism");
}

static OM_uint32 set_neg_mechs(OM_uint32 *minor)
{
#ifdef PEER_MIT
    gss_OID_set_desc set = { peer.neg_count, peer.neg_mechs };
    return gss_set_neg_mechs(minor, peer.cred, &set);
#else
    *minor = 0;
    return GSS_S_UNAVAILABLE;
#endif
}

static void begin(char *options)
{
    OM_uint32 major = GSS_S_COMPLETE, minor = 0;
    const char *call = "begin";
    release_case();
    parse_options(options);
    if (peer.service != NULL) {
        call = "gss_import_name";
        major = import_name(&minor, peer.service, &peer.target);
    }
    if (!GSS_ERROR(major) && peer.acquire) {
        gss_name_t name = GSS_C_NO_NAME;
        gss_OID_set_desc mechs = { 1, peer.mech };
        if (peer.name != NULL)
            major = import_name(&minor, peer.name, &name);
        call = "gss_acquire_cred";
        if (!GSS_ERROR(major))
            major = gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &mechs,
                                     peer.accepts ? GSS_C_ACCEPT : GSS_C_INITIATE, &peer.cred, NULL, NULL);
        OM_uint32 unused;
        if (name != GSS_C_NO_NAME)
            gss_release_name(&unused, &name);
    }
    if (!GSS_ERROR(major) && peer.neg_count > 0) {
        call = "gss_set_neg_mechs";
        major = set_neg_mechs(&minor);
    }
    put_status(call, major, minor);
}

static void step(const void *data, size_t length)
{
    OM_uint32 major, minor = 0;
    gss_buffer_desc input = { length, (void *)(uintptr_t)data };
    struct gss_channel_bindings_struct bindings;
    gss_channel_bindings_t given = GSS_C_NO_CHANNEL_BINDINGS;
    memset(&bindings, 0, sizeof bindings);
    if (peer.bindings_text != NULL) {
        bindings.initiator_addrtype = bindings.acceptor_addrtype = peer.bindings_type;
        bindings.application_data.value = peer.bindings_text;
        bindings.application_data.length = strlen(peer.bindings_text);
        given = &bindings;
    }
    if (peer.accepts) {
        major = gss_accept_sec_context(&minor, &peer.context, peer.cred, &input, given, &peer.source,
                                       &peer.actual_mech, &answer, &peer.flags, &peer.lifetime, &peer.delegated);
    } else {
        major = gss_init_sec_context(&minor, peer.cred, &peer.context, peer.target, peer.mech, peer.flags_wanted,
                                     peer.lifetime_wanted, given, length > 0 ? &input : GSS_C_NO_BUFFER,
                                     &peer.actual_mech, &answer, &peer.flags, &peer.lifetime);
    }
    put_status(peer.accepts ? "gss_accept_sec_context" : "gss_init_sec_context", major, minor);
    put_truth("apex", apex_is_mapped());
}

/* The last arc of the OID that comes with the session key is the key's encryption type. */
static void put_key_enctype(void)
{
    OM_uint32 minor;
    gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
    if (GSS_ERROR(gss_inquire_sec_context_by_oid(&minor, peer.context, &session_key_oid, &set)))
        return;
    if (set != GSS_C_NO_BUFFER_SET && set->count >= 2 && set->elements[1].length > 0) {
        const unsigned char *oid = set->elements[1].value;
        put_number("enctype", oid[set->elements[1].length - 1]);
        put_number("key_length", (long long)set->elements[0].length);
    }
    gss_release_buffer_set(&minor, &set);
}

static void put_delegated(void)
{
    OM_uint32 minor;
    gss_name_t name = GSS_C_NO_NAME;
    put_truth("delegated", peer.delegated != GSS_C_NO_CREDENTIAL);
    if (peer.delegated == GSS_C_NO_CREDENTIAL)
        return;
    if (GSS_ERROR(gss_inquire_cred(&minor, peer.delegated, &name, NULL, NULL, NULL)))
        put_string("delegated_name", "<gss_inquire_cred failed>");
    put_name("delegated_name", name);
    gss_release_name(&minor, &name);
}

static void inquire(void)
{
    OM_uint32 major, minor = 0, lifetime = 0, flags = 0, remaining = 0;
    gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
    gss_OID mech = GSS_C_NO_OID;
    int local = 0, open = 0;
    major = gss_inquire_context(&minor, peer.context, &source, &target, &lifetime, &mech, &flags, &local, &open);
    put_status("gss_inquire_context", major, minor);
    if (!GSS_ERROR(major)) {
        put_name("source", source);
        put_name("target", target);
        put_number("lifetime", lifetime);
        put_number("context_flags", flags);
        put_truth("local", local);
        put_truth("open", open);
        put_truth("mech_is_krb5", mech != GSS_C_NO_OID && mech->length == krb5_oid.length &&
                                      memcmp(mech->elements, krb5_oid.elements, mech->length) == 0);
    }
    put_number("flags", peer.flags);
    put_name("accepted_name", peer.source);
    put_key_enctype();
    put_delegated();
    if (gss_context_time(&minor, peer.context, &remaining) == GSS_S_COMPLETE)
        put_number("context_time", remaining);
    gss_release_name(&minor, &source);
    gss_release_name(&minor, &target);
}

static void wrap(const unsigned char *data, size_t length)
{
    OM_uint32 major, minor = 0;
    int sealed = 0;
    if (length < 1)
        die("W lacks its flag");
    gss_buffer_desc message = { length - 1, (void *)(uintptr_t)(data + 1) };
    major = gss_wrap(&minor, peer.context, data[0], GSS_C_QOP_DEFAULT, &message, &sealed, &answer);
    put_status("gss_wrap", major, minor);
    put_truth("conf", sealed);
}

static void unwrap(const void *data, size_t length)
{
    OM_uint32 major, minor = 0;
    int sealed = 0;
    gss_qop_t qop = 0;
    gss_buffer_desc token = { length, (void *)(uintptr_t)data };
    major = gss_unwrap(&minor, peer.context, &token, &answer, &sealed, &qop);
    put_status("gss_unwrap", major, minor);
    put_truth("conf", sealed);
}

static void get_mic(const void *data, size_t length)
{
    OM_uint32 minor = 0;
    gss_buffer_desc message = { length, (void *)(uintptr_t)data };
    OM_uint32 major = gss_get_mic(&minor, peer.context, GSS_C_QOP_DEFAULT, &message, &answer);
    put_status("gss_get_mic", major, minor);
}

static void verify_mic(const unsigned char *data, size_t length)
{
    OM_uint32 minor = 0;
    gss_qop_t qop = 0;
    if (length < 4 || read_length(data) > length - 4)
        die("V is too short");
    size_t mic_length = read_length(data);
    gss_buffer_desc mic = { mic_length, (void *)(uintptr_t)(data + 4) };
    gss_buffer_desc message = { length - 4 - mic_length, (void *)(uintptr_t)(data + 4 + mic_length) };
    OM_uint32 major = gss_verify_mic(&minor, peer.context, &message, &mic, &qop);
    put_status("gss_verify_mic", major, minor);
}

static void use_delegated(const char *service)
{
    OM_uint32 major, minor = 0, unused;
    gss_name_t target = GSS_C_NO_NAME;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    major = import_name(&minor, service, &target);
    if (!GSS_ERROR(major))
        major = gss_init_sec_context(&minor, peer.delegated, &context, target, &krb5_oid, GSS_C_MUTUAL_FLAG, 0,
                                     GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &answer, NULL, NULL);
    put_status("gss_init_sec_context", major, minor);
    gss_delete_sec_context(&unused, &context, GSS_C_NO_BUFFER);
    gss_release_name(&unused, &target);
}

static void export_context(void)
{
    OM_uint32 minor = 0;
    OM_uint32 major = gss_export_sec_context(&minor, &peer.context, &answer);
    put_status("gss_export_sec_context", major, minor);
}

static void import_context(const void *data, size_t length)
{
    OM_uint32 minor = 0;
    gss_buffer_desc token = { length, (void *)(uintptr_t)data };
    release_case();
    OM_uint32 major = gss_import_sec_context(&minor, &token, &peer.context);
    put_status("gss_import_sec_context", major, minor);
    put_truth("apex", apex_is_mapped());
}

static void hello(void)
{
    gss_OID_set mechs = GSS_C_NO_OID_SET;
    OM_uint32 minor;
    gss_indicate_mechs(&minor, &mechs);
    gss_release_oid_set(&minor, &mechs);
    put_string("implementation", IMPLEMENTATION);
    put_number("pid", getpid());
    put_truth("apex", apex_is_mapped());
}

static void serve(int operation, char *data, size_t length)
{
    switch (operation) {
    case 'H': hello(); break;
    case 'B': begin(data); break;
    case 'S': step(data, length); break;
    case 'Q': inquire(); break;
    case 'W': wrap((unsigned char *)data, length); break;
    case 'U': unwrap(data, length); break;
    case 'M': get_mic(data, length); break;
    case 'V': verify_mic((unsigned char *)data, length); break;
    case 'D': use_delegated(data); break;
    case 'X': export_context(); break;
    case 'I': import_context(data, length); break;
    case 'E': release_case(); break;
    default: die("unknown operation");
    }
}

int main(void)
{
    unsigned char head[5];
    OM_uint32 minor;
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        size_t length = read_length(head + 1);
        char *data = allocate(length + 1);
        if (length > 0 && fread(data, 1, length, stdin) != length)
            die("input ends in the middle of a request");
        json.length = 0;
        append("{", 1);
        serve(head[0], data, length);
        append("}", 1);
        write_part(json.data, json.length);
        write_part(answer.value, answer.length);
        fflush(stdout);
        gss_release_buffer(&minor, &answer);
        free(data);
    }
    release_case();
    free(json.data);
    return 0;
}
