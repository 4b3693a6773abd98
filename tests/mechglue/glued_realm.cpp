// SPDX-License-Identifier: MIT
#include "glued_realm.h"

#include "apex/crypto/system_random.h"
#include "apex/host/krb5_handle.h"
#include "apex/host/replay_store.h"
#include "apex/messages/ticket.h"
#include "tests/support/cammac_maker.h"
#include "tests/support/pac_maker.h"
#include "tests/support/world.h"
#include "tests/unit/host/kerberos_files.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gssapi/gssapi_krb5.h>
#include <stdexcept>

namespace apex::test {
namespace {

constexpr std::uint8_t service_seed = 3;
constexpr std::uint8_t session_seed = 7; // what add_ticket puts into a cache
constexpr EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96;

/// The ticket that a KDC of a domain would have issued: add_ticket's session key, a PAC about alice and an authentication
/// indicator, sealed with the keytab's key.
Bytes issue_ticket()
{
    SystemRandom random;
    const Key service_key = key_of(type, service_seed);
    const Time now = SystemClock().now();
    TicketContents contents;
    contents.flags.bits = TicketFlags::initial;
    contents.session_key = EncryptionKey{type, key_of(type, session_seed).octets().clone()};
    contents.client = principal_of(GluedRealm::client_principal);
    contents.transited.type = 1;
    contents.auth_time = time_from_seconds(seconds_of(now) - 60);
    contents.end_time = time_from_seconds(seconds_of(now) + 3600);
    contents.authorization_data = ticket_data(PacMaker(service_key, "alice", contents.auth_time).pac());
    contents.authorization_data.push_back(
        if_relevant({AuthorizationElement{ad_cammac, CammacMaker(service_key, {"otp"}).encode()}}));
    Ticket ticket;
    ticket.server = principal_of(GluedRealm::service_principal);
    ticket.encrypted_part.type = type;
    ticket.encrypted_part.kvno = 1;
    const Secret plaintext = contents.encode();
    ticket.encrypted_part.cipher = must(service_key.seal(KeyUsage::ticket, plaintext.view(), random));
    return ticket.encode();
}

/// Stores a ticket with libkrb5, as kinit and the TGS exchange would have.
void store(const std::string& cache, const Bytes& ticket)
{
    const Krb5Context context = must(Krb5Context::make());
    krb5_ccache handle = nullptr;
    krb5_creds creds{};
    const Time now = SystemClock().now();
    Bytes key = bytes_of(key_of(type, session_seed).octets().view());
    Bytes octets = ticket;
    bool stored = krb5_cc_resolve(context.get(), cache.c_str(), &handle) == 0 &&
                  krb5_parse_name(context.get(), GluedRealm::client_principal, &creds.client) == 0 &&
                  krb5_parse_name(context.get(), GluedRealm::service_principal, &creds.server) == 0;
    creds.keyblock = {KV5M_KEYBLOCK, static_cast<krb5_enctype>(type), static_cast<unsigned>(key.size()), key.data()};
    creds.ticket = {KV5M_DATA, static_cast<unsigned>(octets.size()),
                    static_cast<char*>(static_cast<void*>(octets.data()))};
    creds.times.authtime = static_cast<krb5_timestamp>(seconds_of(now) - 60);
    creds.times.endtime = static_cast<krb5_timestamp>(seconds_of(now) + 3600);
    creds.ticket_flags = static_cast<krb5_flags>(TicketFlags::initial);
    stored = stored && krb5_cc_store_cred(context.get(), handle, &creds) == 0;
    krb5_free_principal(context.get(), creds.client);
    krb5_free_principal(context.get(), creds.server);
    if (handle != nullptr) {
        static_cast<void>(krb5_cc_close(context.get(), handle));
    }
    if (!stored) {
        throw std::runtime_error("the service ticket cannot be stored");
    }
}

} // namespace

GluedRealm::GluedRealm()
{
    const char* module = std::getenv("APEX_MODULE");
    if (module == nullptr) {
        throw std::runtime_error("APEX_MODULE must name the built module");
    }
    files_.configure(" k5login_directory = " + files_.path("k5login") +
                     "\n[domain_realm]\n server.test = TEST.REALM\n"
                     "[apex]\n replay_directory = " +
                     files_.path("replay") + "\n log = off\n");
    std::filesystem::create_directory(files_.path("replay"));
    files_.write("k5login/root", std::string(client_principal) + "\n");
    files_.write("mech.conf", std::string("apex 2.25.6182930471855164202 ") + module + " <interposer>\n");
    files_.set("GSS_MECH_CONFIG", files_.path("mech.conf"));
    const std::string keytab = "FILE:" + files_.path("keytab");
    const std::string cache = "FILE:" + files_.path("cache");
    files_.set("KRB5_KTNAME", keytab);
    files_.set("KRB5CCNAME", cache);
    add_key(keytab, service_principal, 1, type, service_seed);
    renew_tickets();
}

void GluedRealm::renew_tickets()
{
    const std::string cache = "FILE:" + files_.path("cache");
    make_cache(cache, client_principal);
    add_ticket(cache, tgt(client_principal, "TEST.REALM"));
    store(cache, issue_ticket());
}

/// The records of its replay store would stay in memory when the directory is gone.
GluedRealm::~GluedRealm()
{
    remove_replay_memory(files_.path("replay"));
}

GluedRealm& glued_realm()
{
    static GluedRealm realm;
    return realm;
}

Sides::~Sides()
{
    OM_uint32 ignored = 0;
    static_cast<void>(gss_release_name(&ignored, &target));
    static_cast<void>(gss_release_name(&ignored, &source));
    static_cast<void>(gss_release_cred(&ignored, &delegated));
    static_cast<void>(gss_delete_sec_context(&ignored, &initiator, GSS_C_NO_BUFFER));
    static_cast<void>(gss_delete_sec_context(&ignored, &acceptor, GSS_C_NO_BUFFER));
}

OM_uint32 Sides::import_target()
{
    // No std::string: tests of failing allocations come through here.
    gss_buffer_desc buffer{std::strlen(GluedRealm::service), const_cast<char*>(GluedRealm::service)};
    return gss_import_name(&minor, &buffer, GSS_C_NT_HOSTBASED_SERVICE, &target);
}

OM_uint32 Sides::initiate(OM_uint32 flags)
{
    return gss_init_sec_context(&minor, initiator_credential, &initiator, target, mechanism, flags, 0,
                                initiator_bindings, GSS_C_NO_BUFFER, &initiator_mechanism, request.out(),
                                &initiator_flags, &initiator_lifetime);
}

OM_uint32 Sides::accept()
{
    return accept_token(request.get());
}

OM_uint32 Sides::accept_token(gss_buffer_t token)
{
    return gss_accept_sec_context(&minor, &acceptor, acceptor_credential, token, acceptor_bindings, &source,
                                  &acceptor_mechanism, reply.out(), &acceptor_flags, &acceptor_lifetime, &delegated);
}

OM_uint32 Sides::finish(OM_uint32 flags)
{
    Buffer nothing;
    return gss_init_sec_context(&minor, initiator_credential, &initiator, target, mechanism, flags, 0,
                                initiator_bindings, reply.get(), &initiator_mechanism, nothing.out(), &initiator_flags,
                                &initiator_lifetime);
}

std::string text_of_status(OM_uint32 minor)
{
    OM_uint32 ignored = 0;
    OM_uint32 more = 0;
    Buffer text;
    static_cast<void>(
        gss_display_status(&ignored, minor, GSS_C_MECH_CODE, const_cast<gss_OID>(gss_mech_krb5), &more, text.out()));
    return text.text();
}

} // namespace apex::test
