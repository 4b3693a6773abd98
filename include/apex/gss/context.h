// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fork_mutex.h"
#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/exchange/acceptor_exchange.h"
#include "apex/exchange/initiator_exchange.h"
#include "apex/exchange/session.h"
#include "apex/gss/context_record.h"
#include "apex/gss/credential.h"
#include "apex/gss/name.h"
#include "apex/protection/message_protection.h"

#include <memory>
#include <optional>
#include <variant>

namespace apex {

/// Progress says whether a step finished the context or waits for the peer.
enum class Progress : std::uint8_t { complete, continue_needed };

/// Step is what one call of init or accept yields: a token for the peer, which may exist even after an error (a
/// KRB-ERROR), and either progress or the error.
struct Step final {
    Bytes token;
    Progress progress = Progress::complete;
    std::optional<Error> error;
};

/// InitiateCall is what a caller of gss_init_sec_context asks for. Views are borrowed for the call.
struct InitiateCall final {
    std::shared_ptr<Credential> credential; // null: the default one
    std::shared_ptr<const Name> target;
    ByteView mechanism;      // OID octets; empty: krb5
    ContextFlags flags = 0;  // RFC 2744 req_flags
    std::uint32_t lifetime = 0; // seconds; 0 or UINT32_MAX: as long as possible
    const ChannelBindings* bindings = nullptr;
    ByteView token; // of the acceptor
};

/// ContextFacts is what gss_inquire_context reports.
struct ContextFacts final {
    std::optional<Principal> initiator;
    std::optional<Principal> acceptor;
    std::shared_ptr<const NameAttributes> initiator_attributes; // of an acceptor's peer; null: none
    std::optional<Time> end_time; // as this side counts it: an acceptor's includes the skew
    ContextFlags flags = 0;
    bool locally_initiated = false;
    bool open = false;
    Bytes mechanism; // OID octets
};

/// Context is one security context: a state that holds what exists in that state. A step moves the state out and puts the
/// next one in; after an error it is Failed for good (INVARIANTS H2). Safe for concurrent use; steps hold the lock,
/// messages go through protection(), which has its own.
class Context final {
public:
    /// One step of an initiator (steps 1 and 6 of the exchange).
    Step initiate(const InitiateCall& call);

    /// One step of an acceptor (steps 2 to 5). `credential` null: the default one; `bindings` null: none given.
    /// `want_delegated`: the caller takes a delegated credential; a client that forwarded none is then stood in for by a
    /// credential of usage both (S4U2Proxy).
    Step accept(std::shared_ptr<Credential> credential, ByteView token, const ChannelBindings* bindings,
                bool want_delegated = false);

    /// What protects messages. Fault::ContextIncomplete, ContextFailed.
    [[nodiscard]] Result<std::shared_ptr<MessageProtection>> protection() const;

    /// The finished session. Fault::ContextIncomplete, ContextFailed.
    [[nodiscard]] Result<std::shared_ptr<const Session>> session() const;

    /// What can be said in any state but Failed.
    [[nodiscard]] Result<ContextFacts> facts() const;

    /// Hands out the delegated credential, once; null if there is none.
    std::shared_ptr<Credential> take_delegated();

    /// The context for another process, in the form of its mechanism (context_record.h); what ends this one is up to the
    /// caller. Fault::ContextFailed, NoContext, ContextIncomplete for an acceptor that waits for the third leg.
    [[nodiscard]] Result<Secret> exported() const;

    /// A context that another process exported, in either form. Fault::MalformedToken, WrongMechanism.
    static Result<std::unique_ptr<Context>> imported(ByteView token);

    /// Takes a token by which the peer ends the context (RFC 2743 2.2.4): later calls find it failed.
    /// Fault::BadMessageToken, WrongDirection, BadSignature; ContextIncomplete, ContextFailed.
    Done process(ByteView token);

private:
    struct Fresh final {};
    struct AwaitingReply final {
        InitiatorExchange exchange;
        Principal target;
    };
    struct AwaitingThirdLeg final {
        std::shared_ptr<Session> session; // moved on when the leg has arrived
    };
    struct Established final {
        std::shared_ptr<const Session> session;
        std::shared_ptr<MessageProtection> protection;
        Role role = Role::initiator;
        std::shared_ptr<const NameAttributes> peer_attributes = nullptr; // null: none
    };
    struct Failed final {};
    using State = std::variant<Fresh, AwaitingReply, AwaitingThirdLeg, Established, Failed>;

    Result<Step> begin(const InitiateCall& call);
    Result<Step> finish(const InitiateCall& call, AwaitingReply waiting);
    Result<Step> heed_error(AwaitingReply waiting, ByteView krb_error);
    [[nodiscard]] Bytes request_token(const InitiatorExchange& exchange) const;
    Result<Step> judge(const std::shared_ptr<Credential>& given, ByteView token, const ChannelBindings* bindings,
                       bool want_delegated, std::optional<Bytes>& refusal);
    Result<Step> answer(Acceptance accepted, Credential* stand_in);
    Result<Step> third_leg(AwaitingThirdLeg waiting, ByteView token);
    Result<Step> establish(Session session, Role role, Bytes token);
    Done check_mechanism(ByteView mechanism);
    [[nodiscard]] Result<ContextRecord> record() const;
    void refused(const Error& error, TraceRole role) const;

    mutable ForkMutex mutex_;
    State state_;
    Bytes mechanism_;
    bool locally_initiated_ = false;
    Duration grace_{0}; // the clock skew that an acceptor adds to the end
    std::shared_ptr<Credential> delegated_;
};

} // namespace apex
