// SPDX-License-Identifier: MIT
#include "gss/lucid.h"

#include "apex/gss/context.h"

#include <cstdlib>
#include <cstring>
#include <gssapi/gssapi_krb5.h>
#include <memory>

// The structures are C's, because MIT's free function, and nobody else, may be asked to free them: malloc throughout.

namespace apex {
namespace {

struct Release final {
    void operator()(void* lucid) const noexcept { release_lucid_context(lucid); }
};
using Lucid = std::unique_ptr<gss_krb5_lucid_context_v1_t, Release>;

Done copy_key(const Key& key, gss_krb5_lucid_key_t& target)
{
    const ByteView octets = key.octets().view();
    target.data = std::malloc(octets.size());
    if (target.data == nullptr) {
        return refuse(Fault::NoMemory, "a key of a lucid context");
    }
    std::memcpy(target.data, octets.data(), octets.size());
    target.length = static_cast<OM_uint32>(octets.size());
    target.type = static_cast<OM_uint32>(key.type());
    return {};
}

void release_key(gss_krb5_lucid_key_t& key) noexcept
{
    wipe(ByteSpan(static_cast<std::uint8_t*>(key.data), key.data != nullptr ? key.length : 0));
    std::free(key.data);
}

Done fill_rfc1964(const SessionKeys& keys, gss_krb5_lucid_context_v1_t& lucid)
{
    lucid.protocol = 0;
    lucid.rfc1964_kd.sign_alg = 0x11; // RFC 4757 7.2: HMAC-MD5
    lucid.rfc1964_kd.seal_alg = 0x10; // RFC 4757 7.3: RC4
    return copy_key(*keys.for_messages(), lucid.rfc1964_kd.ctx_key);
}

Done fill_cfx(const SessionKeys& keys, gss_krb5_lucid_context_v1_t& lucid)
{
    lucid.protocol = 1;
    TRY(copy_key(*keys.of_initiator(), lucid.cfx_kd.ctx_key));
    if (keys.acceptor_subkey != nullptr) {
        TRY(copy_key(*keys.acceptor_subkey, lucid.cfx_kd.acceptor_subkey));
        lucid.cfx_kd.have_acceptor_subkey = 1;
    }
    return {};
}

} // namespace

Result<Answers> lucid_context(const Context& context, std::int32_t version)
{
    if (version != 1) {
        Error error = refuse(Fault::BadCall, "lucid contexts have version 1; asked for " + std::to_string(version));
        error.minor_override = 39756032 + 14; // KG_LUCID_VERSION
        return error;
    }
    const std::shared_ptr<const Session> session = TRY(context.session());
    const std::shared_ptr<MessageProtection> protection = TRY(context.protection());
    Lucid lucid(static_cast<gss_krb5_lucid_context_v1_t*>(std::calloc(1, sizeof(gss_krb5_lucid_context_v1_t))));
    if (lucid == nullptr) {
        return refuse(Fault::NoMemory, "a lucid context");
    }
    lucid->version = 1;
    lucid->initiate = protection->role() == Role::initiator ? 1 : 0;
    lucid->endtime = static_cast<OM_uint32>(seconds_of(session->end_time));
    lucid->send_seq = protection->state().send_sequence;
    lucid->recv_seq = session->receive_sequence;
    TRY(is_rc4(session->keys.for_messages()->type()) ? fill_rfc1964(session->keys, *lucid)
                                                     : fill_cfx(session->keys, *lucid));

    Answers answers;
    void* address = lucid.get();
    answers.members.emplace_back(view_of(&address, sizeof address));
    answers.handed_out = Answers::HandedOut(lucid.release(), release_lucid_context);
    return answers;
}

void release_lucid_context(void* lucid) noexcept
{
    auto* known = static_cast<gss_krb5_lucid_context_v1_t*>(lucid);
    if (known == nullptr) {
        return;
    }
    release_key(known->rfc1964_kd.ctx_key);
    release_key(known->cfx_kd.ctx_key);
    release_key(known->cfx_kd.acceptor_subkey);
    std::free(known);
}

} // namespace apex
