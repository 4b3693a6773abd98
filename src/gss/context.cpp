// SPDX-License-Identifier: MIT
#include "apex/gss/context.h"

#include "apex/base/trace_events.h"
#include "apex/exchange/context_token.h"
#include "apex/exchange/refusal.h"
#include "apex/gss/mechanism.h"
#include "apex/host/refusal_log.h"
#include "apex/host/settings.h"
#include "gss/sequence_rules.h"

#include <mutex>
#include <utility>

namespace apex {
Step Context::initiate(const InitiateCall& call)
{
    const std::lock_guard lock(mutex_);
    if (std::holds_alternative<Established>(state_)) {
        return Step{.token = {}, .progress = {}, .error = refuse(Fault::ContextEstablished)};
    }
    if (std::holds_alternative<Failed>(state_)) {
        return Step{.token = {}, .progress = {}, .error = refuse(Fault::ContextFailed, "initiating goes no further")};
    }
    // The state moves out; unless the step succeeds, what stays behind is Failed (INVARIANTS H2).
    State before = std::exchange(state_, Failed{});
    locally_initiated_ = true;
    Result<Step> step = refuse(Fault::BadCall, "an acceptor's context was given to gss_init_sec_context");
    if (std::holds_alternative<Fresh>(before)) {
        step = begin(call);
    } else if (auto* waiting = std::get_if<AwaitingReply>(&before)) {
        step = finish(call, std::move(*waiting));
    }
    if (!step) {
        refused(step.error(), TraceRole::initiator);
        return Step{.token = {}, .progress = {}, .error = std::move(step).error()};
    }
    return std::move(step).value();
}

Step Context::accept(std::shared_ptr<Credential> credential, ByteView token, const ChannelBindings* bindings,
                     bool want_delegated)
{
    const std::lock_guard lock(mutex_);
    if (std::holds_alternative<Established>(state_) || std::holds_alternative<AwaitingReply>(state_)) {
        return Step{.token = {},
                    .progress = {},
                    .error = refuse(Fault::BadCall, "gss_accept_sec_context was given an existing context")};
    }
    if (std::holds_alternative<Failed>(state_)) {
        return Step{.token = {}, .progress = {}, .error = refuse(Fault::ContextFailed, "accepting goes no further")};
    }
    State before = std::exchange(state_, Failed{});
    std::optional<Bytes> refusal;
    Result<Step> step = std::holds_alternative<AwaitingThirdLeg>(before)
                            ? third_leg(std::get<AwaitingThirdLeg>(std::move(before)), token)
                            : judge(credential, token, bindings, want_delegated, refusal);
    if (!step) {
        refused(step.error(), TraceRole::acceptor);
        return Step{.token = refusal.value_or(Bytes{}), .progress = {}, .error = std::move(step).error()};
    }
    return std::move(step).value();
}

void Context::refused(const Error& error, TraceRole role) const
{
    tell(trace_if_enabled(), [&] {
        return Refused{.role = role, .step = 0, .fault = error.fault, .text = error.text(), .minor = error.minor()};
    });
    if (role == TraceRole::acceptor) {
        log_refusal(role, error);
    }
}

Result<std::shared_ptr<MessageProtection>> Context::protection() const
{
    const std::lock_guard lock(mutex_);
    if (const auto* open = std::get_if<Established>(&state_)) {
        return open->protection;
    }
    return refuse(std::holds_alternative<Failed>(state_) ? Fault::ContextFailed : Fault::ContextIncomplete);
}

Result<std::shared_ptr<const Session>> Context::session() const
{
    const std::lock_guard lock(mutex_);
    if (const auto* open = std::get_if<Established>(&state_)) {
        return open->session;
    }
    return refuse(std::holds_alternative<Failed>(state_) ? Fault::ContextFailed : Fault::ContextIncomplete);
}

Result<ContextFacts> Context::facts() const
{
    const std::lock_guard lock(mutex_);
    ContextFacts facts;
    facts.locally_initiated = locally_initiated_;
    facts.mechanism = mechanism_.empty() ? bytes_of(krb5_oid()) : mechanism_;
    if (std::holds_alternative<Failed>(state_)) {
        return refuse(Fault::ContextFailed);
    }
    if (const auto* waiting = std::get_if<AwaitingReply>(&state_)) {
        facts.flags = waiting->exchange.flags() | flag::transferable;
        facts.end_time = waiting->exchange.ticket().end_time;
    }
    if (const auto* waiting = std::get_if<AwaitingThirdLeg>(&state_)) {
        facts.flags = waiting->session->flags;
    }
    if (const auto* open = std::get_if<Established>(&state_)) {
        facts.initiator = open->session->initiator;
        facts.acceptor = open->session->acceptor;
        facts.initiator_attributes = open->peer_attributes;
        facts.end_time = open->session->end_time + grace_;
        facts.flags = open->session->flags;
        facts.open = true;
    }
    return facts;
}

std::shared_ptr<Credential> Context::take_delegated()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(delegated_, nullptr);
}

Done Context::process(ByteView token)
{
    const std::shared_ptr<MessageProtection> open = TRY(protection());
    TRY(open->verify_deletion(token));
    const std::lock_guard lock(mutex_);
    state_ = Failed{};
    return {};
}

Done Context::check_mechanism(ByteView mechanism)
{
    for (const ByteView known : {krb5_oid(), krb5_old_oid(), krb5_microsoft_oid(), apex_oid()}) {
        if (same(known, mechanism)) {
            mechanism_ = bytes_of(mechanism);
            return {};
        }
    }
    return refuse(Fault::WrongMechanism,
                  "mechanism OID " + hex(mechanism) + ", expected that of Kerberos 5, " + hex(krb5_oid()));
}

Result<Step> Context::establish(Session session, Role role, Bytes token)
{
    Mechanism& mechanism = Mechanism::instance();
    const bool dce_style = (session.flags & flag::dce_style) != 0;
    MessageProtection protection = TRY(MessageProtection::make(
        role, ProtectionKeys{.own = session.keys.of_initiator(), .acceptor_subkey = session.keys.acceptor_subkey},
        session.send_sequence, session.receive_sequence, sequence_rules(session.flags), dce_style, mechanism.random(),
        mechanism_));
    // The call that comes here has looked at the settings.
    const Settings* const settings = latest_settings();
    tell(settings != nullptr ? settings->trace_sink.get() : nullptr, [&] {
        const Key& key = *session.keys.for_messages();
        return ContextEstablished{.role = role == Role::initiator ? TraceRole::initiator : TraceRole::acceptor,
                                  .peer = (role == Role::initiator ? session.acceptor : session.initiator).text(),
                                  .flags = flags_text(session.flags),
                                  .end_time = session.end_time,
                                  .message_key_type = name_of(key.type()),
                                  .message_key_fingerprint = key.fingerprint()};
    });
    std::shared_ptr<const NameAttributes> attributes = role == Role::acceptor ? attributes_of(session) : nullptr;
    state_ = Established{.session = std::make_shared<const Session>(std::move(session)),
                         .protection = std::make_shared<MessageProtection>(std::move(protection)),
                         .role = role,
                         .peer_attributes = std::move(attributes)};
    return Step{.token = std::move(token), .progress = Progress::complete, .error = std::nullopt};
}

} // namespace apex
