// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"
#include "tests/unit/host/configured_world.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_krb5.h>
#include <memory>
#include <string>

namespace apex::test {

/// GluedRealm is a realm without a KDC: a krb5.conf, a keytab with one service, and a credential cache that already
/// holds alice's ticket for it; and the built module (APEX_MODULE) as what the real mechglue loads for Kerberos.
/// One per process: the mechglue reads its configuration once.
class GluedRealm final {
public:
    GluedRealm();
    ~GluedRealm();
    GluedRealm(const GluedRealm&) = delete;
    GluedRealm& operator=(const GluedRealm&) = delete;

    /// Gives alice another ticket, which no acceptor has seen: one that it knows it does not open again.
    void renew_tickets();

    static constexpr const char* service = "host@server.test";
    static constexpr const char* service_principal = "host/server.test@TEST.REALM";
    static constexpr const char* client_principal = "alice@TEST.REALM";

private:
    ConfiguredWorld files_;
};

/// glued_realm is the one of this process.
GluedRealm& glued_realm();

/// Buffer owns a gss_buffer_desc that GSS-API filled.
class Buffer final {
public:
    Buffer() = default;
    ~Buffer() { release(); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] gss_buffer_t get() noexcept { return &buffer_; }
    /// The place for an output; what was there is released.
    [[nodiscard]] gss_buffer_t out() noexcept
    {
        release();
        return &buffer_;
    }
    [[nodiscard]] std::string text() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }
    [[nodiscard]] std::size_t size() const noexcept { return buffer_.length; }
    void release() noexcept
    {
        OM_uint32 minor = 0;
        static_cast<void>(gss_release_buffer(&minor, &buffer_));
    }

private:
    gss_buffer_desc buffer_{0, nullptr};
};

/// Sides holds what both ends of a handshake hold; everything is released at the end.
class Sides final {
public:
    Sides() = default;
    ~Sides();
    Sides(const Sides&) = delete;
    Sides& operator=(const Sides&) = delete;

    gss_name_t target = GSS_C_NO_NAME;
    gss_name_t source = GSS_C_NO_NAME;
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT;
    gss_ctx_id_t acceptor = GSS_C_NO_CONTEXT;
    gss_cred_id_t delegated = GSS_C_NO_CREDENTIAL;
    OM_uint32 initiator_flags = 0;
    OM_uint32 acceptor_flags = 0;
    OM_uint32 initiator_lifetime = 0;
    OM_uint32 acceptor_lifetime = 0;
    gss_OID initiator_mechanism = GSS_C_NO_OID;
    gss_OID acceptor_mechanism = GSS_C_NO_OID;
    Buffer request;
    Buffer reply;

    // What the calls are given; lent.
    gss_OID mechanism = const_cast<gss_OID>(gss_mech_krb5);
    gss_cred_id_t initiator_credential = GSS_C_NO_CREDENTIAL;
    gss_cred_id_t acceptor_credential = GSS_C_NO_CREDENTIAL;
    gss_channel_bindings_t initiator_bindings = GSS_C_NO_CHANNEL_BINDINGS;
    gss_channel_bindings_t acceptor_bindings = GSS_C_NO_CHANNEL_BINDINGS;

    // One call each; the answer is the major status, the minor is kept.
    OM_uint32 import_target();
    OM_uint32 initiate(OM_uint32 flags);
    OM_uint32 accept();
    OM_uint32 accept_token(gss_buffer_t token);
    OM_uint32 finish(OM_uint32 flags);
    OM_uint32 minor = 0;
};

/// text_of_status gives what gss_display_status says of a mechanism's minor code.
std::string text_of_status(OM_uint32 minor);

} // namespace apex::test
