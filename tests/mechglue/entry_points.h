// SPDX-License-Identifier: MIT
#pragma once

#include "failing_memory.h"
#include "glued_realm.h"
#include "module_calls.h"

#include <cppunit/TestAssert.h>
#include <functional>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <map>
#include <string>

// The module's entry points as rows: how each is called past the mechglue, for the test that takes its memory away.

namespace apex::test {

inline constexpr gss_buffer_t no_buffer = GSS_C_NO_BUFFER;
inline constexpr gss_qop_t default_quality = GSS_C_QOP_DEFAULT;
inline constexpr int* no_int = nullptr;
inline constexpr gss_qop_t* no_quality = nullptr;
inline constexpr OM_uint32* no_number = nullptr;
inline constexpr gss_OID* no_oid = nullptr;
inline constexpr gss_OID_set* no_set = nullptr;
inline constexpr gss_OID_set any_mechanism = GSS_C_NO_OID_SET;

inline gss_OID krb5()
{
    return const_cast<gss_OID>(gss_mech_krb5);
}

/// A text that outlives every call, as a buffer.
struct Text final {
    explicit Text(std::string value) : text(std::move(value)), buffer{text.size(), text.data()} {}
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    [[nodiscard]] gss_buffer_t get() { return &buffer; }

    std::string text;
    gss_buffer_desc buffer;
};

/// Output is a buffer that a call fills; one that failed must leave it empty.
struct Output final {
    ~Output()
    {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer);
    }
    OM_uint32 judge(OM_uint32 major)
    {
        expect(GSS_ERROR(major) == 0 || buffer.value == nullptr);
        return major;
    }
    gss_buffer_desc buffer{0, nullptr};
};

/// Handles are handles of the module itself, made past the mechglue.
class Handles final {
public:
    Handles()
    {
        must(call("gssi_import_name", &minor_, service_.get(), GSS_C_NT_HOSTBASED_SERVICE, &target));
        must(call("gssi_import_name", &minor_, user_.get(), static_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME), &client));
        must(acquire(GSS_C_INITIATE, &initiate));
        must(acquire(GSS_C_ACCEPT, &accept));
        handshake();
        must(call("gssi_wrap", &minor_, initiator, 1, default_quality, message.get(), no_int, &sealed.buffer));
        must(call("gssi_get_mic", &minor_, initiator, default_quality, message.get(), &mic.buffer));
        must(call("gssi_wrap_aead", &minor_, initiator, 1, default_quality, associated.get(), message.get(), no_int,
                  &sealed_aead.buffer));
        must(call("gssi_export_cred", &minor_, initiate, &exported.buffer));
        must(call("gssi_export_name_composite", &minor_, peer, &exported_name.buffer));
    }
    ~Handles()
    {
        OM_uint32 minor = 0;
        for (gss_name_t* name : {&target, &client, &peer}) {
            call("gssi_release_name", &minor, name);
        }
        for (gss_cred_id_t* credential : {&initiate, &accept}) {
            call("gssi_release_cred", &minor, credential);
        }
        for (gss_ctx_id_t* context : {&initiator, &acceptor}) {
            call("gssi_delete_sec_context", &minor, context, no_buffer);
        }
    }
    Handles(const Handles&) = delete;
    Handles& operator=(const Handles&) = delete;

    OM_uint32 acquire(gss_cred_usage_t usage, gss_cred_id_t* credential)
    {
        return call("gssi_acquire_cred", &minor_, gss_name_t{GSS_C_NO_NAME}, OM_uint32{0}, any_mechanism, usage,
                    credential, no_set, no_number);
    }

    OM_uint32 begin(gss_ctx_id_t* context, gss_buffer_t token)
    {
        return call("gssi_init_sec_context", &minor_, initiate, context, target, krb5(), OM_uint32{GSS_C_MUTUAL_FLAG},
                    OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, no_buffer, no_oid, token,
                    no_number, no_number);
    }

    OM_uint32 judge(gss_ctx_id_t* context, gss_buffer_t request, gss_name_t* source, gss_buffer_t reply)
    {
        return call("gssi_accept_sec_context", &minor_, context, accept, request,
                    gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, source, no_oid, reply, no_number, no_number,
                    static_cast<gss_cred_id_t*>(nullptr));
    }

    Text message{std::string(1000, 'm')};
    Text associated{"associated data"};
    Text attribute{"urn:apex:group-sids"};
    Text mapping{"mspac"};
    gss_name_t target = GSS_C_NO_NAME;
    gss_name_t client = GSS_C_NO_NAME;
    gss_name_t peer = GSS_C_NO_NAME; // the client with the attributes of its ticket
    gss_cred_id_t initiate = GSS_C_NO_CREDENTIAL;
    gss_cred_id_t accept = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT;
    gss_ctx_id_t acceptor = GSS_C_NO_CONTEXT;
    Output sealed;
    Output sealed_aead;
    Output mic;
    Output exported;
    Output exported_name;

private:
    static void must(OM_uint32 major) { CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, GSS_ERROR(major)); }

    void handshake()
    {
        Output request;
        Output reply;
        must(begin(&initiator, &request.buffer));
        must(judge(&acceptor, &request.buffer, &peer, &reply.buffer));
        Output nothing;
        must(call("gssi_init_sec_context", &minor_, initiate, &initiator, target, krb5(), OM_uint32{GSS_C_MUTUAL_FLAG},
                  OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, &reply.buffer, no_oid,
                  &nothing.buffer, no_number, no_number));
    }

    Text service_{GluedRealm::service};
    Text user_{GluedRealm::client_principal};
    OM_uint32 minor_ = 0;
};

/// How an entry point is called, and whether it succeeds once memory is there.
struct Row final {
    bool succeeds;
    std::function<OM_uint32(Handles&)> run;
};

template <typename Handle>
OM_uint32 judged(OM_uint32 major, Handle handle)
{
    expect((GSS_ERROR(major) == 0) == (handle != nullptr));
    return major;
}

// References: the arguments' order of evaluation is open, and the call must come first.
inline OM_uint32 name_given(OM_uint32 major, gss_name_t& name)
{
    OM_uint32 minor = 0;
    judged(major, name);
    call("gssi_release_name", &minor, &name);
    return major;
}

inline OM_uint32 credential_given(OM_uint32 major, gss_cred_id_t& credential)
{
    OM_uint32 minor = 0;
    judged(major, credential);
    call("gssi_release_cred", &minor, &credential);
    return major;
}

inline OM_uint32 set_given(OM_uint32 major, gss_OID_set& set)
{
    OM_uint32 minor = 0;
    judged(major, set);
    gss_release_oid_set(&minor, &set);
    return major;
}

inline OM_uint32 buffers_given(OM_uint32 major, gss_buffer_set_t& set)
{
    OM_uint32 minor = 0;
    judged(major, set);
    gss_release_buffer_set(&minor, &set);
    return major;
}

/// Runs what is no part of the call under test, with all memory there is.
template <typename Run>
OM_uint32 with_all_memory(const Run& run)
{
    const long budget = allow_all();
    const OM_uint32 major = run();
    allow(budget);
    return major;
}

using Rows = std::map<std::string, Row>;

// The rows by family, named as in mech/apex.exports.
Rows context_rows();
Rows message_rows();
Rows name_rows();
Rows credential_rows();
Rows mechanism_rows();

} // namespace apex::test
