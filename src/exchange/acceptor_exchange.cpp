// SPDX-License-Identifier: MIT
#include "apex/exchange/acceptor_exchange.h"

#include "apex/base/trace_events.h"
#include "apex/exchange/checks.h"
#include "apex/exchange/delegation.h"
#include "apex/exchange/reply_sealing.h"
#include "apex/exchange/sequence_number.h"
#include "apex/exchange/etype_offer.h"

#include <algorithm>

namespace apex {

struct AcceptorExchange::Opening final {
    std::shared_ptr<const OpenedTicket> ticket;
    bool remembered = false; // a request with this ticket was accepted before
};

Result<Acceptance> AcceptorExchange::accept(const ApRequest& request, Framing framing,
                                            const ChannelBindings* bindings) const
{
    const Time now = world_.clock.now();

    // 2. Decrypt the ticket: it holds the session key and the user's authorization data.
    const Opening opening = TRY(open_ticket(request));
    const OpenedTicket& opened = *opening.ticket;

    // 3. Decrypt the authenticator with that session key; it must be this client's, fresh, ours, and new.
    Authenticator authenticator = TRY(open_authenticator(request, *opened.session_key));
    TRY(check_same_client(opened.contents, authenticator));
    TRY(check_ticket(opening, authenticator, bindings, now));
    GssChecksum checksum = TRY(read_checksum(request, authenticator, *opened.session_key, bindings));
    TRY(check_framing(framing == Framing::framed, checksum));

    // 4. Does the client want to see us prove ourselves?
    const bool mutual = (checksum.flags & (flag::mutual | flag::dce_style)) != 0 ||
                        (checksum.kind == GssChecksum::Kind::absent && request.options.mutual_required());
    tell(world_.trace, [&] { return MutualFlagSeen{.asked = mutual, .required_by_host = policy_.require_mutual}; });
    if (!mutual && policy_.require_mutual) {
        return refuse(Fault::MissingMutual, "client " + authenticator.client.text());
    }

    // 5. Prove it: the client's own time, with our subkey and sequence number, sealed with the session key.
    std::optional<ApReplyContents> answer;
    std::optional<ApReply> reply;
    if (mutual) {
        answer = TRY(make_answer(authenticator, opened, checksum.flags));
        reply = TRY(seal_reply(*answer, *opened.session_key, world_.random));
        tell(world_.trace, [&] {
            return ReplyMade{.subkey_type = answer->subkey ? name_of(answer->subkey->type) : "",
                             .subkey_fingerprint = {},
                             .length = reply->encrypted_part.cipher.size()};
        });
    }
    const Time client_time = authenticator.time;
    Session session =
        TRY(make_session(opened, std::move(authenticator), std::move(checksum), answer ? &*answer : nullptr));

    // The last check of step 3 and the only effect: nobody has shown this authenticator before (INVARIANTS A15).
    // A message that is refused for any other reason leaves no record; nothing leaves before this has succeeded.
    TRY(world_.replays.remember(request.authenticator.cipher, request.authenticator.type, client_time,
                                policy_.clock_skew, now));
    if (world_.opened != nullptr && !opening.remembered) {
        world_.opened->remember(opening.ticket, now);
    }
    return Acceptance{std::move(session), std::move(reply)};
}

namespace {

/// What the KDC says in a ticket that `key` opened.
Result<std::shared_ptr<const OpenedTicket>> read_opened(const Ticket& ticket, const ServiceKey& key, ByteView plaintext)
{
    auto opened = std::make_shared<OpenedTicket>();
    opened->service = key.principal;
    opened->key_version = key.version;
    opened->service_key = key.key;
    opened->contents = TRY(TicketContents::decode(plaintext));
    opened->type = ticket.encrypted_part.type;
    opened->original = ticket.encode();
    EncryptionKey& sent = opened->contents.session_key;
    Key session = TRY(Key::from(sent.type, std::move(sent.value)));
    opened->session_key = std::make_shared<const Key>(std::move(session));
    return std::shared_ptr<const OpenedTicket>(std::move(opened));
}

} // namespace

Result<AcceptorExchange::Opening> AcceptorExchange::open_ticket(const ApRequest& request) const
{
    if (request.options.use_session_key()) {
        return refuse(Fault::UserToUserRefused, "the AP options say use-session-key");
    }
    const Ticket& ticket = request.ticket;
    Opening opening;
    std::optional<Error> unreadable;
    TRY(world_.keys.try_keys(ticket, [&](const ServiceKey& key) {
        opening.ticket = world_.opened != nullptr ? world_.opened->find(ticket, key) : nullptr;
        if (opening.ticket != nullptr) {
            opening.remembered = true;
            return true;
        }
        const Result<Secret> plaintext = key.for_tickets.open(ticket.encrypted_part.cipher);
        if (!plaintext) {
            return false;
        }
        Result<std::shared_ptr<const OpenedTicket>> opened = read_opened(ticket, key, plaintext->view());
        if (opened) {
            opening.ticket = std::move(*opened);
        } else {
            unreadable = std::move(opened).error();
        }
        return true;
    }));
    if (unreadable) {
        return *std::move(unreadable);
    }
    if (opening.ticket == nullptr) {
        return refuse(Fault::Internal, "the key source reported success without a key");
    }
    tell(world_.trace, [&] {
        const OpenedTicket& opened = *opening.ticket;
        return TicketOpened{.service = opened.service.text(),
                            .version = opened.key_version,
                            .ticket_type = name_of(opened.type),
                            .session_type = name_of(opened.session_key->type()),
                            .client = opened.contents.client.text(),
                            .auth_time = opened.contents.auth_time,
                            .end_time = opened.contents.end_time};
    });
    return opening;
}

Result<Authenticator> AcceptorExchange::open_authenticator(const ApRequest& request, const Key& session_key) const
{
    Result<Secret> plaintext = request.authenticator.type == session_key.type()
                                   ? session_key.open(KeyUsage::ap_request_authenticator, request.authenticator.cipher)
                                   : Result<Secret>(refuse(Fault::BadIntegrity));
    if (!plaintext) {
        return refuse(Fault::AuthenticatorIntegrity,
                      "it is not sealed with the ticket's session key (" + name_of(session_key.type()) +
                          "); the request was altered on its way or put together from two");
    }
    return Authenticator::decode(plaintext->view());
}

namespace {

/// Whether the reply's subkey is the acceptor's own, and not the initiator's again or none.
bool is_acceptor_subkey(const ApReplyContents& answer, const SessionKeys& keys)
{
    if (!answer.subkey || keys.initiator_subkey == nullptr) {
        return answer.subkey.has_value();
    }
    return keys.initiator_subkey->type() != answer.subkey->type ||
           !constant_time_equal(keys.initiator_subkey->octets().view(), answer.subkey->value.view());
}

/// The types of authorization data in words: "1 128" for a PAC inside AD-IF-RELEVANT.
std::string types_text(const AuthorizationData& elements)
{
    std::string text;
    const Result<std::vector<FlatElement>> flat = flatten(elements);
    if (!flat) {
        return "malformed";
    }
    for (const FlatElement& element : *flat) {
        text += text.empty() ? "" : " ";
        text += std::to_string(element.type);
    }
    return text.empty() ? "none" : text;
}

} // namespace

Done AcceptorExchange::check_ticket(const Opening& opening, const Authenticator& authenticator,
                                    const ChannelBindings* bindings, Time now) const
{
    const OpenedTicket& opened = *opening.ticket;
    const TicketContents& ticket = opened.contents;
    tell(world_.trace, [&] {
        return AuthorizationDataSeen{.ticket_types = types_text(ticket.authorization_data),
                                     .authenticator_types = types_text(authenticator.authorization_data)};
    });
    tell(world_.trace, [&] {
        return AuthenticatorOpened{.client = authenticator.client.text(),
                                   .difference = authenticator.time - now,
                                   .limit = policy_.clock_skew,
                                   .subkey_type = authenticator.subkey ? name_of(authenticator.subkey->type) : ""};
    });
    TRY(check_address(ticket, bindings));
    if (!ticket.flags.has(TicketFlags::transited_policy_checked) && !ticket.transited.contents.empty()) {
        TRY(world_.realms.check_transited(ticket.transited, ticket.client.realm, opened.service.realm));
    }
    TRY(check_validity(ticket, now, policy_.clock_skew));
    TRY(check_clock_skew(authenticator.time, now, policy_.clock_skew));
    TRY(check_not_invalid(ticket));
    if (policy_.strict_authorization_data) {
        TRY(check_authorization_data(ticket.authorization_data, "ticket"));
        TRY(check_authorization_data(authenticator.authorization_data, "authenticator"));
    }
    if (!opening.remembered) { // the form of a remembered one was found good
        TRY(check_readable(ticket.authorization_data));
    }
    if (policy_.strict_pac) {
        TRY(check_pac(ticket, *opened.service_key));
    }
    return check_keys(opened, authenticator);
}

Done AcceptorExchange::check_keys(const OpenedTicket& opened, const Authenticator& authenticator) const
{
    TRY(check_permitted(opened.session_key->type(), policy_.permitted, "the session key"));
    if (authenticator.subkey) {
        TRY(check_permitted(authenticator.subkey->type, policy_.permitted, "the client's subkey"));
    }
    return check_permitted(opened.type, policy_.permitted, "the ticket");
}

Result<GssChecksum> AcceptorExchange::read_checksum(const ApRequest& request, const Authenticator& authenticator,
                                                    const Key& session_key, const ChannelBindings* bindings) const
{
    GssChecksum checksum = TRY(GssChecksum::read(authenticator, request, session_key));
    TRY(check_mutual_agreement(request, checksum));
    const bool bound = TRY(check_bindings(checksum, authenticator, bindings));
    tell(world_.trace, [&] {
        return BindingsCompared{
            .client_gave = checksum.has_bindings(), .server_gave = bindings != nullptr, .equal = bound};
    });
    if (bound) {
        checksum.flags |= flag::channel_bound;
    }
    return checksum;
}

/// RFC 4537 4: the first of our preferences that the client can do, never one outside our policy.
Result<EncryptionType> AcceptorExchange::negotiate(const Authenticator& authenticator, EncryptionType session) const
{
    std::vector<EncryptionType> offered = TRY(offered_types(authenticator.authorization_data));
    if (authenticator.subkey) {
        offered.push_back(authenticator.subkey->type);
    }
    offered.push_back(session);
    for (const EncryptionType type : policy_.permitted) {
        if (std::find(offered.begin(), offered.end(), type) != offered.end()) {
            return type;
        }
    }
    return refuse(Fault::EncryptionTypeRefused, "client and server share no permitted type");
}

Result<ApReplyContents> AcceptorExchange::make_answer(const Authenticator& authenticator, const OpenedTicket& opened,
                                                      ContextFlags flags) const
{
    const EncryptionType type = TRY(negotiate(authenticator, opened.session_key->type()));
    ApReplyContents answer;
    answer.time = authenticator.time; // RFC 4120 3.2.4: the client's own, to the microsecond
    answer.sequence_number = TRY(initial_sequence_number(world_.random));
    if (is_rc4(type) && (flags & flag::dce_style) == 0) {
        // RFC 1964 knows no subkey of the acceptor's; peers expect to see their own again.
        if (authenticator.subkey) {
            answer.subkey = EncryptionKey{authenticator.subkey->type, authenticator.subkey->value.clone()};
        }
        return answer;
    }
    Key subkey = TRY(Key::generate(type, world_.random));
    answer.subkey = EncryptionKey{type, subkey.octets().clone()};
    return answer;
}

Result<Session> AcceptorExchange::make_session(const OpenedTicket& opened, Authenticator authenticator,
                                               GssChecksum checksum, const ApReplyContents* answer) const
{
    Session session;
    session.keys.ticket_session = opened.session_key;
    if (authenticator.subkey) {
        Key subkey = TRY(Key::from(authenticator.subkey->type, std::move(authenticator.subkey->value)));
        session.keys.initiator_subkey = std::make_shared<const Key>(std::move(subkey));
    }
    session.receive_sequence = authenticator.sequence_number.value_or(0);
    session.send_sequence = session.receive_sequence; // without a reply both directions start at the client's number
    if (answer != nullptr) {
        if (is_acceptor_subkey(*answer, session.keys)) {
            Key subkey = TRY(Key::from(answer->subkey->type, answer->subkey->value.clone()));
            session.keys.acceptor_subkey = std::make_shared<const Key>(std::move(subkey));
        }
        session.send_sequence = answer->sequence_number.value_or(0);
    }
    session.flags = checksum.flags | flag::transferable | (answer != nullptr ? flag::mutual : 0U);
    if (checksum.delegated) {
        session.delegated = TRY(open_delegated(*checksum.delegated, session.keys));
    }
    session.initiator = opened.contents.client; // INVARIANTS A7: the ticket's, which the KDC vouches for
    session.acceptor = opened.service;
    session.auth_time = opened.contents.auth_time;
    session.start_time = opened.contents.start_time;
    session.end_time = opened.contents.end_time;
    session.renew_till = opened.contents.renew_till;
    session.ticket_flags = opened.contents.flags.bits;
    session.ticket_type = opened.type;
    session.key_version = opened.key_version;
    session.ticket_authorization = opened.contents.authorization_data;
    session.authenticator_authorization = std::move(authenticator.authorization_data);
    session.ticket = opened.original;
    session.service_key = opened.service_key;
    return session;
}

} // namespace apex
