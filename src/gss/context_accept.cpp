// SPDX-License-Identifier: MIT
#include "apex/gss/context.h"

#include "apex/exchange/context_token.h"
#include "apex/exchange/refusal.h"
#include "apex/gss/mechanism.h"
#include "apex/gss/permitted_types.h"
#include "apex/host/settings.h"

namespace apex {
namespace {

AcceptorPolicy policy_of(const Settings& settings, std::vector<EncryptionType> permitted)
{
    AcceptorPolicy policy;
    policy.clock_skew = settings.clock_skew;
    policy.permitted = std::move(permitted);
    policy.require_mutual = settings.mutual_auth == MutualPolicy::require;
    policy.strict_authorization_data = settings.strict_authorization_data;
    policy.strict_pac = settings.strict_pac;
    return policy;
}

} // namespace

Result<Step> Context::judge(const std::shared_ptr<Credential>& given, ByteView token, const ChannelBindings* bindings,
                            bool want_delegated, std::optional<Bytes>& refusal)
{
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    const std::shared_ptr<Credential> credential =
        given ? given : TRY(Credential::default_credential(CredentialUsage::accept));
    const std::shared_ptr<const KeySource> keys = TRY(credential->acceptor_keys());

    const ContextToken first = TRY(read_context_token(token));
    TRY(check_mechanism(first.framed ? first.mechanism : krb5_oid()));
    if (first.kind != TokenKind::ap_request) {
        return refuse(Fault::WrongTokenKind, "expected an AP-REQ (0100) as first token");
    }
    const ApRequest request = TRY(ApRequest::decode(first.message));

    Mechanism& mechanism = Mechanism::instance();
    const std::shared_ptr<ReplayCache> replays =
        TRY(mechanism.replay_cache(credential->replay_cache_name(), *settings));
    const AcceptorExchange exchange({.keys = *keys,
                                     .replays = *replays,
                                     .realms = mechanism.realms(),
                                     .clock = mechanism.clock(),
                                     .random = mechanism.random(),
                                     .trace = settings->trace_sink.get(),
                                     .opened = &mechanism.opened_tickets()},
                                    policy_of(*settings, TRY(permitted_types(*settings, credential.get()))));
    Result<Acceptance> accepted = exchange.accept(request, first.framed ? Framing::framed : Framing::bare, bindings);
    if (!accepted) {
        const std::optional<Bytes> message = refusal_message(accepted.error(), request, mechanism.clock().now());
        if (message) {
            refusal = frame_message(mechanism_, TokenKind::krb_error, *message);
        }
        return std::move(accepted).error();
    }
    grace_ = settings->clock_skew;
    const bool may_stand_in = want_delegated && credential->usage() == CredentialUsage::both;
    return answer(std::move(accepted).value(), may_stand_in ? credential.get() : nullptr);
}

Result<Step> Context::answer(Acceptance accepted, Credential* stand_in)
{
    Session& session = accepted.session;
    const bool dce_style = (session.flags & flag::dce_style) != 0;
    if (dce_style) {
        // [MS-KILE]: delegation does not exist in DCE style.
        session.flags &= ~flag::delegate;
        state_ = AwaitingThirdLeg{.session = std::make_shared<Session>(std::move(session))};
        return Step{.token = accepted.reply->encode(), .progress = Progress::continue_needed, .error = std::nullopt};
    }
    if (session.delegated) {
        delegated_ = TRY(Credential::delegated(*session.delegated));
    } else if (stand_in != nullptr) {
        // The client forwarded nothing: the service asks the KDC on its behalf, with the client's ticket as evidence.
        delegated_ = TRY(stand_in->proxy_for(session));
        session.flags |= flag::delegate;
    }
    Bytes token;
    if (accepted.reply) {
        session.flags |= flag::protection_ready;
        token = frame_message(mechanism_, TokenKind::ap_reply, accepted.reply->encode());
    }
    return establish(std::move(session), Role::acceptor, std::move(token));
}

Result<Step> Context::third_leg(AwaitingThirdLeg waiting, ByteView token)
{
    const ContextToken leg = TRY(read_context_token(token));
    if (leg.framed || leg.kind != TokenKind::ap_reply) {
        return refuse(Fault::WrongTokenKind, "expected a bare AP-REP as third leg");
    }
    const ApReply message = TRY(ApReply::decode(leg.message));
    TRY(check_third_leg(message, *waiting.session));
    return establish(std::move(*waiting.session), Role::acceptor, {});
}

} // namespace apex
