// SPDX-License-Identifier: MIT
#include "apex/gss/context.h"
#include "apex/gss/context_record.h"
#include "apex/exchange/context_token.h"
#include "apex/gss/mechanism.h"
#include "apex/gss/permitted_types.h"
#include "apex/host/settings.h"
#include "gss/sequence_rules.h"

#include <mutex>

// How a context leaves this process and how one that came from another goes on (RFC 2743 2.2.8, 2.2.9).

namespace apex {
namespace {

/// What of a session goes to another process.
Session portable_copy(const Session& session)
{
    Session copy;
    copy.initiator = session.initiator;
    copy.acceptor = session.acceptor;
    copy.keys = session.keys;
    copy.send_sequence = session.send_sequence;
    copy.receive_sequence = session.receive_sequence;
    copy.flags = session.flags;
    copy.auth_time = session.auth_time;
    copy.start_time = session.start_time;
    copy.end_time = session.end_time;
    copy.renew_till = session.renew_till;
    copy.ticket_flags = session.ticket_flags;
    copy.ticket_type = session.ticket_type;
    copy.key_version = session.key_version;
    copy.ticket_authorization = session.ticket_authorization;
    copy.authenticator_authorization = session.authenticator_authorization;
    return copy;
}

bool is_apex_mechanism(ByteView mechanism)
{
    return same(mechanism, apex_oid());
}

} // namespace

Result<ContextRecord> Context::record() const
{
    ContextRecord record;
    record.mechanism = mechanism_.empty() ? bytes_of(krb5_oid()) : mechanism_;
    if (grace_ != Duration{0}) {
        record.clock_skew = grace_;
    }
    if (const auto* open = std::get_if<Established>(&state_)) {
        record.role = open->role;
        record.session = portable_copy(*open->session);
        record.protection = open->protection->state();
        return record;
    }
    if (const auto* waiting = std::get_if<AwaitingReply>(&state_)) {
        record.role = Role::initiator;
        record.session = waiting->exchange.session_so_far();
        record.sent_time = waiting->exchange.sent_time();
        return record;
    }
    if (std::holds_alternative<AwaitingThirdLeg>(state_)) {
        return refuse(Fault::ContextIncomplete, "an acceptor that waits for the third leg cannot go on elsewhere");
    }
    return refuse(std::holds_alternative<Failed>(state_) ? Fault::ContextFailed : Fault::NoContext,
                  "there is nothing to export");
}

Result<Secret> Context::exported() const
{
    const std::lock_guard lock(mutex_);
    const ContextRecord whole = TRY(record());
    return is_apex_mechanism(whole.mechanism) ? write_own_record(whole) : write_mit_record(whole);
}

Result<std::unique_ptr<Context>> Context::imported(ByteView token)
{
    ContextRecord record = TRY(is_own_record(token) ? read_own_record(token) : read_mit_record(token));
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    auto context = std::make_unique<Context>();
    TRY(context->check_mechanism(record.mechanism));
    context->locally_initiated_ = record.role == Role::initiator;
    if (!record.protection) {
        const std::vector<EncryptionType> permitted = TRY(permitted_types(*settings, nullptr));
        Principal target = record.session.acceptor;
        context->state_ =
            AwaitingReply{.exchange = InitiatorExchange::resume(std::move(record.session), record.sent_time, permitted,
                                                                settings->trace_sink.get()),
                          .target = std::move(target)};
        return context;
    }
    context->grace_ = record.role == Role::acceptor ? settings->clock_skew : Duration{0};
    Session& session = record.session;
    MessageProtection protection = TRY(MessageProtection::restore(
        record.role,
        ProtectionKeys{.own = session.keys.of_initiator(), .acceptor_subkey = session.keys.acceptor_subkey},
        *record.protection, sequence_rules(session.flags), (session.flags & flag::dce_style) != 0,
        Mechanism::instance().random(), context->mechanism_));
    context->state_ = Established{.session = std::make_shared<const Session>(std::move(session)),
                                  .protection = std::make_shared<MessageProtection>(std::move(protection)),
                                  .role = record.role};
    return context;
}

} // namespace apex
