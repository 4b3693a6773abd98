// SPDX-License-Identifier: MIT
#include "world.h"

namespace apex::test {
namespace {

Principal principal_of(std::vector<std::string> components, std::string realm)
{
    Principal principal;
    principal.name.type = name_type_principal;
    principal.name.components = std::move(components);
    principal.realm = std::move(realm);
    return principal;
}

} // namespace

Done CountingRandom::fill(ByteSpan octets)
{
    if (broken) {
        return refuse(Fault::NoRandomness, "told to");
    }
    // SplitMix64: different octets every time, the same in every run.
    for (std::uint8_t& octet : octets) {
        std::uint64_t mixed = ++counter_ * 0x9E3779B97F4A7C15ULL;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
        octet = static_cast<std::uint8_t>(mixed >> 32);
    }
    return {};
}

Done MemoryKeys::try_keys(const Ticket& ticket, const std::function<bool(const ServiceKey&)>& opens) const
{
    for (const ServiceKey& key : keys) {
        if (key.key->type() == ticket.encrypted_part.type && opens(key)) {
            return {};
        }
    }
    return refuse(keys.empty() ? Fault::NoServiceKey : Fault::TicketIntegrity, ticket.server.text());
}

Done MemoryReplays::remember(ByteView ciphertext, EncryptionType, Time, Duration, Time)
{
    if (broken) {
        return refuse(Fault::ReplayStoreFailed, "told to");
    }
    if (!seen.insert(text_of(ciphertext)).second) {
        return refuse(Fault::Replay);
    }
    return {};
}

Done NoForeignRealms::check_transited(const TransitedEncoding& transited, const std::string&,
                                      const std::string&) const
{
    return refuse(Fault::TransitRefused, text_of(transited.contents));
}

World::World(EncryptionType type)
    : service(principal_of({"host", "server.test"}, "TEST")), client(principal_of({"alice"}, "TEST"))
{
    service_key = std::make_shared<const Key>(must(Key::generate(type, random)));
    session_key = std::make_shared<const Key>(must(Key::generate(type, random)));
    keys.keys.push_back(ServiceKey{
        .principal = service, .version = 3, .key = service_key, .for_tickets = must(service_key->for_usage(KeyUsage::ticket))});
    contents.session_key = EncryptionKey{type, session_key->octets().clone()};
    contents.client = client;
    contents.transited.type = 1;
    contents.auth_time = time_from_seconds(seconds_of(clock.time) - 60);
    contents.end_time = time_from_seconds(seconds_of(clock.time) + 3600);
    policy.permitted = {EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha1_96,
                        EncryptionType::aes256_cts_hmac_sha384_192, EncryptionType::aes128_cts_hmac_sha256_128};
    wish.permitted = policy.permitted;
    wish.flags = flag::mutual | flag::replay | flag::sequence | flag::confidentiality | flag::integrity |
                 flag::transferable;
}

std::shared_ptr<const ServiceTicket> World::ticket()
{
    Ticket sealed;
    sealed.server = service;
    sealed.encrypted_part.type = service_key->type();
    sealed.encrypted_part.kvno = 3;
    const Secret plaintext = contents.encode();
    sealed.encrypted_part.cipher = must(service_key->seal(KeyUsage::ticket, plaintext.view(), random));
    auto ticket = std::make_shared<ServiceTicket>();
    ticket->ticket = sealed.encode();
    ticket->client = client;
    ticket->server = service;
    ticket->session_key = session_key;
    ticket->auth_time = contents.auth_time;
    ticket->end_time = contents.end_time;
    return ticket;
}

InitiatorExchange World::initiate()
{
    return must(InitiatorExchange::begin(ticket(), wish, clock, random, nullptr));
}

Result<Acceptance> World::accept(const ApRequest& request, const ChannelBindings* bindings, Framing framing)
{
    const AcceptorExchange acceptor({.keys = keys,
                                     .replays = replays,
                                     .realms = realms,
                                     .clock = clock,
                                     .random = random,
                                     .trace = nullptr},
                                    policy);
    return acceptor.accept(request, framing, bindings);
}

Result<Acceptance> World::accept_honest(const ChannelBindings* bindings)
{
    return accept(must(ApRequest::decode(initiate().request())), bindings);
}

ApRequest World::with_authenticator(const Bytes& request, const std::function<void(Authenticator&)>& change)
{
    ApRequest changed = must(ApRequest::decode(request));
    const Secret before = must(session_key->open(KeyUsage::ap_request_authenticator, changed.authenticator.cipher));
    Authenticator authenticator = must(Authenticator::decode(before.view()));
    change(authenticator);
    const Secret after = authenticator.encode();
    changed.authenticator.cipher =
        must(session_key->seal(KeyUsage::ap_request_authenticator, after.view(), random));
    return changed;
}

ChannelBindings bindings_of(std::string_view application_data)
{
    ChannelBindings bindings;
    bindings.application_data = bytes_of(view_of(application_data));
    return bindings;
}

} // namespace apex::test
