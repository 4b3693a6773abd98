// SPDX-License-Identifier: MIT
#include "apex/exchange/initiator_exchange.h"

#include "apex/exchange/checks.h"
#include "apex/exchange/etype_offer.h"
#include "apex/exchange/gss_checksum.h"
#include "apex/exchange/reply_sealing.h"
#include "apex/exchange/sequence_number.h"
#include "apex/exchange/unique_time.h"
#include "apex/base/trace_events.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"

namespace apex {
namespace {

Result<Checksum> make_checksum(const InitiatorWish& wish, ContextFlags flags)
{
    GssChecksum checksum;
    checksum.flags = flags;
    if (wish.bindings != nullptr) {
        checksum.bindings = wish.bindings->hash();
    }
    checksum.delegated = wish.delegated;
    Bytes value = TRY(checksum.encode());
    return Checksum{static_cast<std::int32_t>(ChecksumType::gss), std::move(value)};
}

AuthorizationData make_authorization_data(const InitiatorWish& wish, const ServiceTicket& ticket, bool mutual)
{
    // RFC 4537 3: the offer is answered in the AP-REP, so it makes sense with mutual authentication only.
    std::vector<EncryptionType> offer;
    if (mutual) {
        offer = types_to_offer(wish.permitted, ticket.session_key->type());
    }
    AuthorizationData data = authenticator_data(offer, wish.assert_bindings);
    data.insert(data.end(), ticket.authorization_data.begin(), ticket.authorization_data.end());
    return data;
}

} // namespace

Result<InitiatorExchange> InitiatorExchange::begin(std::shared_ptr<const ServiceTicket> ticket,
                                                   const InitiatorWish& wish, const Clock& clock, Random& random,
                                                   Trace* trace_sink)
{
    InitiatorExchange exchange = TRY(make(std::move(ticket), wish, clock.now(), random, trace_sink));
    if (exchange.mutual()) {
        exchange.wish_ = wish;
        if (wish.bindings != nullptr) {
            exchange.bindings_ = *wish.bindings; // the caller's are lent for one call
        }
    }
    return exchange;
}

Result<InitiatorExchange> InitiatorExchange::make(std::shared_ptr<const ServiceTicket> ticket,
                                                  const InitiatorWish& wish, Time now, Random& random,
                                                  Trace* trace_sink)
{
    // 1. The ticket, an authenticator sealed with the session key, and whether mutual authentication is wanted.
    InitiatorExchange exchange;
    exchange.flags_ = wish.flags;
    exchange.trace_ = trace_sink;
    exchange.permitted_ = wish.permitted;
    exchange.sent_time_ = unique_time(now + ticket->clock_offset);
    exchange.sequence_number_ = TRY(initial_sequence_number(random));
    Key subkey = TRY(Key::generate(ticket->session_key->type(), random));

    Authenticator authenticator;
    authenticator.client = ticket->client;
    authenticator.checksum = TRY(make_checksum(wish, wish.flags));
    authenticator.time = exchange.sent_time_;
    authenticator.subkey = EncryptionKey{subkey.type(), subkey.octets().clone()};
    authenticator.sequence_number = exchange.sequence_number_;
    authenticator.authorization_data = make_authorization_data(wish, *ticket, exchange.mutual());

    ApRequest request;
    request.options.bits = exchange.mutual() ? ApOptions::mutual_required_bit : 0;
    request.ticket = TRY(Ticket::decode(ticket->ticket));
    const Secret plaintext = authenticator.encode();
    request.authenticator.type = ticket->session_key->type();
    request.authenticator.cipher =
        TRY(ticket->session_key->seal(KeyUsage::ap_request_authenticator, plaintext.view(), random));

    exchange.request_ = request.encode();
    exchange.subkey_ = std::make_shared<const Key>(std::move(subkey));
    exchange.ticket_ = std::move(ticket);
    tell(trace_sink, [&] {
        return RequestSent{.service = exchange.ticket_->server.text(),
                           .flags = flags_text(exchange.flags_),
                           .mutual = exchange.mutual(),
                           .delegation = wish.delegated.has_value(),
                           .bindings = wish.bindings != nullptr,
                           .subkey_type = name_of(exchange.subkey_->type()),
                           .subkey_fingerprint = exchange.subkey_->fingerprint(),
                           .length = exchange.request_.size()};
    });
    return exchange;
}

Session InitiatorExchange::session_so_far() const
{
    Session session;
    session.initiator = ticket_->client;
    session.acceptor = ticket_->server;
    session.keys.ticket_session = ticket_->session_key;
    session.keys.initiator_subkey = subkey_;
    session.send_sequence = sequence_number_;
    session.receive_sequence = sequence_number_; // without a reply both directions start at our number
    session.flags = flags_ | flag::transferable;
    session.auth_time = ticket_->auth_time;
    session.start_time = ticket_->start_time;
    session.end_time = ticket_->end_time;
    session.renew_till = ticket_->renew_till;
    session.ticket_flags = ticket_->flags;
    return session;
}

InitiatorExchange InitiatorExchange::resume(Session session, Time sent_time, std::vector<EncryptionType> permitted,
                                            Trace* trace)
{
    auto ticket = std::make_shared<ServiceTicket>();
    ticket->client = std::move(session.initiator);
    ticket->server = std::move(session.acceptor);
    ticket->session_key = session.keys.ticket_session;
    ticket->flags = session.ticket_flags;
    ticket->auth_time = session.auth_time;
    ticket->start_time = session.start_time;
    ticket->end_time = session.end_time;
    ticket->renew_till = session.renew_till;

    InitiatorExchange exchange;
    exchange.ticket_ = std::move(ticket);
    exchange.subkey_ = session.keys.initiator_subkey;
    exchange.permitted_ = std::move(permitted);
    exchange.sent_time_ = sent_time;
    exchange.sequence_number_ = static_cast<std::uint32_t>(session.send_sequence);
    exchange.flags_ = session.flags;
    exchange.trace_ = trace;
    return exchange;
}

std::optional<Duration> InitiatorExchange::correction_by(const KrbError& error, Time now, Duration skew) const
{
    // A KRB-ERROR is not authenticated: whoever sits on the line may write it. What he can gain is a request of ours with
    // a time of his choice. One of the past is worth nothing to him. One of the future he may keep, and show it to the
    // service when that time has come, once; he still learns no key, so he can only use it where a service asks for no
    // protected message afterwards. Without the correction he can do the same within the skew by holding the request
    // back. The ticket's end, which the KDC told us under a key, therefore bounds the future and its start the past; half
    // a day is what wrong time zones need. It happens once for a context, and neither the system's clock nor the offset
    // that the credential cache remembers is touched, so that other contexts do not follow.
    constexpr std::int32_t clock_skew = 37; // RFC 4120 7.5.9: KRB_AP_ERR_SKEW
    constexpr Duration most = std::chrono::hours(12);
    if (!wish_ || error.code != clock_skew) {
        return std::nullopt;
    }
    const Duration difference = error.server_time - (now + ticket_->clock_offset);
    const bool explains = std::chrono::abs(difference) > skew;
    const Time start = ticket_->start_time.value_or(ticket_->auth_time);
    if (!explains || std::chrono::abs(difference) > most || error.server_time + skew < start ||
        error.server_time > ticket_->end_time) {
        return std::nullopt;
    }
    return difference;
}

Result<InitiatorExchange> InitiatorExchange::again(Duration correction, const Clock& clock, Random& random) const
{
    if (!wish_) {
        return refuse(Fault::Internal, "a request is made again once, by who made it");
    }
    InitiatorWish wish = *wish_;
    wish.bindings = bindings_ ? &*bindings_ : nullptr;
    return make(ticket_, wish, clock.now() + correction, random, trace_);
}

Result<Session> InitiatorExchange::complete(const ApReply& reply) &&
{
    // 6. Only the service could open the authenticator: the time that comes back, sealed with the session key, proves
    // that it is genuine (RFC 4120 3.2.5).
    ApReplyContents contents = TRY(open_reply(reply, *ticket_->session_key));
    if (contents.time != sent_time_) {
        return refuse(Fault::ReplyMismatch, "sent " + iso_text(sent_time_) + " and " +
                                                std::to_string(microseconds_of(sent_time_)) + " us, got back " +
                                                iso_text(contents.time) + " and " +
                                                std::to_string(microseconds_of(contents.time)) + " us");
    }
    Session session = session_so_far();
    // Under RC4 the reply brings back our own subkey and not one of the acceptor's, but in DCE style.
    const bool echo = contents.subkey && is_rc4(contents.subkey->type) &&
                      contents.subkey->type == session.keys.of_initiator()->type() && (flags_ & flag::dce_style) == 0;
    if (contents.subkey && !echo) {
        TRY(check_permitted(contents.subkey->type, permitted_, "the server's subkey"));
        Key subkey = TRY(Key::from(contents.subkey->type, std::move(contents.subkey->value)));
        session.keys.acceptor_subkey = std::make_shared<const Key>(std::move(subkey));
    }
    session.receive_sequence = contents.sequence_number.value_or(0);
    tell(trace_, [&] {
        return ReplyVerified{.service = ticket_->server.text(),
                             .subkey_type = session.keys.acceptor_subkey ? name_of(session.keys.acceptor_subkey->type()) : "",
                             .subkey_fingerprint = session.keys.for_messages()->fingerprint()};
    });
    return session;
}

Result<Session> InitiatorExchange::complete() &&
{
    if (mutual()) {
        return refuse(Fault::MissingReply, "mutual authentication was asked for");
    }
    return session_so_far();
}

Result<ApReply> make_third_leg(const Session& session, const Clock& clock, Random& random)
{
    ApReplyContents contents;
    contents.time = unique_time(clock.now());
    contents.sequence_number = static_cast<std::uint32_t>(session.receive_sequence);
    return seal_reply(contents, *session.keys.ticket_session, random);
}

Done check_third_leg(const ApReply& reply, const Session& session)
{
    const ApReplyContents contents = TRY(open_reply(reply, *session.keys.ticket_session));
    if (contents.subkey || contents.sequence_number != static_cast<std::uint32_t>(session.send_sequence)) {
        return refuse(Fault::ReplyMismatch, contents.subkey ? "the third leg carries a subkey"
                                                            : "the third leg does not carry our sequence number");
    }
    return {};
}

} // namespace apex
