// SPDX-License-Identifier: MIT
#include "apex/gss/context.h"

#include "apex/base/trace_events.h"
#include "apex/exchange/checks.h"
#include "apex/exchange/context_token.h"
#include "apex/exchange/refusal.h"
#include "apex/gss/mechanism.h"
#include "apex/gss/permitted_types.h"
#include "apex/host/name_service.h"
#include "apex/host/settings.h"
#include "apex/messages/krb_error.h"

#include <algorithm>

namespace apex {
namespace {

/// The flags of a request without those that decide about delegation (spec: RFC 4121 4.1.1.1, MIT's defaults).
ContextFlags wire_flags(const InitiateCall& call, const Credential& credential, const Settings& settings)
{
    ContextFlags flags = call.flags & flag::accepted_from_peer;
    if (!credential.suppresses_ci_flags()) {
        flags |= flag::confidentiality | flag::integrity;
    }
    if ((flags & flag::dce_style) != 0 || settings.mutual_auth == MutualPolicy::require) {
        flags |= flag::mutual;
    }
    return flags | flag::transferable;
}

/// RFC 5896: who asked for delegation by policy gets it only for services that the KDC marked ok-as-delegate.
ContextFlags delegation_flags(ContextFlags asked, const ServiceTicket& ticket, const Settings& settings)
{
    const bool plain = (asked & flag::delegate) != 0;
    const bool by_policy =
        (asked & flag::delegate_by_policy) != 0 || (plain && settings.enforce_ok_as_delegate);
    if (by_policy && (ticket.flags & TicketFlags::ok_as_delegate) != 0) {
        return flag::delegate | flag::delegate_by_policy;
    }
    return plain && !settings.enforce_ok_as_delegate ? flag::delegate : 0;
}

std::optional<Time> wished_end(std::uint32_t lifetime, Time now)
{
    if (lifetime == 0 || lifetime == UINT32_MAX) {
        return std::nullopt;
    }
    return now + std::chrono::seconds(lifetime);
}

/// The ticket for the target; a host-based name may stand for two principals, tried in turn
/// (dns_canonicalize_hostname = fallback).
Result<std::shared_ptr<const ServiceTicket>> obtain_ticket(TicketSource& tickets, const KerberosName& target,
                                                           std::optional<Time> end, const Settings& settings)
{
    if (!target.host_based || settings.dns_canonicalize_hostname != DnsCanonicalization::fallback) {
        return tickets.ticket_for(target.principal, end);
    }
    Result<std::shared_ptr<const ServiceTicket>> ticket = refuse(Fault::BadName, target.principal.text());
    const std::vector<Principal> candidates = TRY(host_based_candidates(target));
    for (const Principal& candidate : candidates) {
        ticket = tickets.ticket_for(candidate, end);
        if (ticket) {
            break;
        }
    }
    return ticket;
}

/// An initiator whose delegation fails goes on without (spec/initiator 2.7), so no error leaves here.
void add_delegation(InitiatorWish& wish, ContextFlags asked, TicketSource& tickets, const ServiceTicket& ticket,
                    const Settings& settings)
{
    const ContextFlags flags = delegation_flags(asked, ticket, settings);
    if (flags == 0) {
        return;
    }
    Result<Bytes> credential = tickets.forwarded_credential(ticket);
    if (credential) {
        wish.delegated = std::move(credential).value();
        wish.flags |= flags;
    }
}

} // namespace

/// The request as it travels: framed, or bare in DCE style ([MS-KILE] 3.4.5.1).
Bytes Context::request_token(const InitiatorExchange& exchange) const
{
    const bool dce_style = (exchange.flags() & flag::dce_style) != 0;
    return dce_style ? exchange.request() : frame_message(mechanism_, TokenKind::ap_request, exchange.request());
}

Result<Step> Context::begin(const InitiateCall& call)
{
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    if (!call.token.empty()) {
        return refuse(Fault::MalformedToken, "the first call of gss_init_sec_context was given a token of " +
                                                 std::to_string(call.token.size()) + " octets, expected none");
    }
    if (!call.target) {
        return refuse(Fault::BadName, "no target name was given");
    }
    TRY(check_mechanism(call.mechanism.empty() ? krb5_oid() : call.mechanism));
    const std::shared_ptr<Credential> credential =
        call.credential ? call.credential : TRY(Credential::default_credential(CredentialUsage::initiate));
    const KerberosName& target = call.target->kerberos();
    const std::shared_ptr<TicketSource> tickets = TRY(credential->initiator_for(target));

    Mechanism& mechanism = Mechanism::instance();
    const std::optional<Time> end = wished_end(call.lifetime, mechanism.clock().now());
    std::shared_ptr<const ServiceTicket> ticket = TRY(obtain_ticket(*tickets, target, end, *settings));
    tell(settings->trace_sink.get(), [&] {
        return TicketObtained{.client = ticket->client.text(),
                              .service = ticket->server.text(),
                              .session_type = name_of(ticket->session_key->type()),
                              .end_time = ticket->end_time};
    });

    InitiatorWish wish;
    wish.permitted = TRY(permitted_types(*settings, credential.get()));
    TRY(check_permitted(ticket->session_key->type(), wish.permitted, "the service ticket's session key"));
    wish.flags = wire_flags(call, *credential, *settings);
    wish.bindings = call.bindings;
    wish.assert_bindings = settings->client_aware_channel_bindings || (call.flags & flag::channel_bound) != 0;
    add_delegation(wish, call.flags, *tickets, *ticket, *settings);

    InitiatorExchange exchange =
        TRY(InitiatorExchange::begin(std::move(ticket), wish, mechanism.clock(), mechanism.random(),
                                     settings->trace_sink.get()));
    Bytes token = request_token(exchange);
    if (exchange.mutual()) {
        state_ = AwaitingReply{.exchange = std::move(exchange), .target = target.principal};
        return Step{.token = std::move(token), .progress = Progress::continue_needed, .error = std::nullopt};
    }
    Session session = TRY(std::move(exchange).complete());
    session.flags |= flag::protection_ready;
    return establish(std::move(session), Role::initiator, std::move(token));
}

/// A wrong clock is a matter of another request (RFC 4120 3.2.5 leaves it to the client); every other error, and that
/// one a second time, ends the context.
Result<Step> Context::heed_error(AwaitingReply waiting, ByteView krb_error)
{
    Mechanism& mechanism = Mechanism::instance();
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    const Time now = mechanism.clock().now();
    const KrbError message = TRY(KrbError::decode(krb_error));
    const std::optional<Duration> correction = waiting.exchange.correction_by(message, now, settings->clock_skew);
    if (!correction) {
        return reported_error(krb_error, now);
    }
    tell(settings->trace_sink.get(), [&] { return ClockCorrected{.offset = *correction}; });
    InitiatorExchange exchange = TRY(waiting.exchange.again(*correction, mechanism.clock(), mechanism.random()));
    Bytes token = request_token(exchange);
    state_ = AwaitingReply{.exchange = std::move(exchange), .target = std::move(waiting.target)};
    return Step{.token = std::move(token), .progress = Progress::continue_needed, .error = std::nullopt};
}

Result<Step> Context::finish(const InitiateCall& call, AwaitingReply waiting)
{
    if (call.target && !same_principal(call.target->principal(), waiting.target)) {
        return refuse(Fault::TargetChanged, "first " + waiting.target.text() + ", now " + call.target->text());
    }
    if (call.token.empty()) {
        return refuse(Fault::MissingReply, "expected an AP-REP of " + waiting.exchange.ticket().server.text());
    }
    Mechanism& mechanism = Mechanism::instance();
    const ContextToken reply = TRY(read_context_token(call.token));
    if (reply.framed && !same(reply.mechanism, mechanism_)) {
        return refuse(Fault::WrongMechanism,
                      "the reply is framed with OID " + hex(reply.mechanism) + ", the request was with " + hex(mechanism_));
    }
    if (reply.kind == TokenKind::krb_error) {
        return heed_error(std::move(waiting), reply.message);
    }
    const bool dce_style = (waiting.exchange.flags() & flag::dce_style) != 0;
    if (reply.kind != TokenKind::ap_reply || reply.framed == dce_style) {
        return refuse(Fault::WrongTokenKind, dce_style ? "expected a bare AP-REP" : "expected a framed AP-REP");
    }
    const ApReply message = TRY(ApReply::decode(reply.message));
    Session session = TRY(std::move(waiting.exchange).complete(message));
    if (!dce_style) {
        return establish(std::move(session), Role::initiator, {});
    }
    const ApReply third = TRY(make_third_leg(session, mechanism.clock(), mechanism.random()));
    return establish(std::move(session), Role::initiator, third.encode());
}

} // namespace apex
