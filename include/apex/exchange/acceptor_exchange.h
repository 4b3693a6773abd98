// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"
#include "apex/base/time.h"
#include "apex/base/trace.h"
#include "apex/exchange/channel_bindings.h"
#include "apex/exchange/gss_checksum.h"
#include "apex/exchange/ports.h"
#include "apex/exchange/session.h"
#include "apex/messages/ap_reply.h"
#include "apex/messages/ap_request.h"

#include <optional>
#include <vector>

namespace apex {

/// AcceptorPolicy is what the configuration and the credential demand of clients. A value, read once per exchange.
struct AcceptorPolicy final {
    Duration clock_skew{std::chrono::seconds(300)};
    std::vector<EncryptionType> permitted; // in order of preference
    bool require_mutual = false;           // [apex] mutual_auth = require
    bool strict_authorization_data = true; // RFC 4120 5.2.6
    bool strict_pac = false;               // refuse the client if the ticket's PAC does not verify
};

/// Framing says whether a request came in a GSS-API frame, or bare as DCE style demands.
enum class Framing : std::uint8_t { framed, bare };

/// Acceptance is the acceptor's answer to a request that it accepted.
struct Acceptance final {
    Session session;
    /// To be sent, if mutual authentication was asked for.
    std::optional<ApReply> reply;
};

/// AcceptorExchange is the server's side of the AP exchange: steps 2 to 5. It holds references and a policy, no state;
/// one object may serve all threads.
class AcceptorExchange final {
public:
    struct World final {
        const KeySource& keys;
        ReplayCache& replays;
        const RealmTrust& realms;
        const Clock& clock;
        Random& random;
        Trace* trace;                    // null: nobody listens
        OpenedTickets* opened = nullptr; // null: each ticket is opened anew
    };

    AcceptorExchange(World world, AcceptorPolicy policy) : world_(world), policy_(std::move(policy)) {}

    /// Judges a request. Fault::DceStyleMismatch if framing and flags contradict each other. `bindings` null: the caller gave none. All checks come before any effect; the only effect is
    /// the replay record, and it is the last check (INVARIANTS A15). Behind it the ticket is remembered.
    [[nodiscard]] Result<Acceptance> accept(const ApRequest& request, Framing framing,
                                            const ChannelBindings* bindings) const;

private:
    struct Opening;

    [[nodiscard]] Result<Opening> open_ticket(const ApRequest& request) const;
    [[nodiscard]] Result<Authenticator> open_authenticator(const ApRequest& request, const Key& session_key) const;
    [[nodiscard]] Done check_ticket(const Opening& opening, const Authenticator& authenticator,
                                    const ChannelBindings* bindings, Time now) const;
    [[nodiscard]] Done check_keys(const OpenedTicket& opened, const Authenticator& authenticator) const;
    [[nodiscard]] Result<GssChecksum> read_checksum(const ApRequest& request, const Authenticator& authenticator,
                                                    const Key& session_key, const ChannelBindings* bindings) const;
    [[nodiscard]] Result<ApReplyContents> make_answer(const Authenticator& authenticator, const OpenedTicket& opened,
                                                      ContextFlags flags) const;
    [[nodiscard]] Result<EncryptionType> negotiate(const Authenticator& authenticator, EncryptionType session) const;
    [[nodiscard]] Result<Session> make_session(const OpenedTicket& opened, Authenticator authenticator,
                                               GssChecksum checksum, const ApReplyContents* answer) const;

    World world_;
    AcceptorPolicy policy_;
};

} // namespace apex
