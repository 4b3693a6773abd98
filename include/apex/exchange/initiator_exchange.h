// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"
#include "apex/base/time.h"
#include "apex/base/trace.h"
#include "apex/exchange/channel_bindings.h"
#include "apex/exchange/ports.h"
#include "apex/exchange/session.h"
#include "apex/messages/ap_reply.h"
#include "apex/messages/krb_error.h"

#include <memory>
#include <optional>
#include <vector>

namespace apex {

/// InitiatorWish is what the caller and the configuration want of a context.
struct InitiatorWish final {
    ContextFlags flags = 0; // to be put on the wire; delegation only if `delegated` is there
    const ChannelBindings* bindings = nullptr;
    /// Say that bindings are supported even if none are given ([MS-KILE] 3.4.5, client_aware_channel_bindings).
    bool assert_bindings = false;
    /// Our types in order of preference, for RFC 4537.
    std::vector<EncryptionType> permitted;
    std::optional<Bytes> delegated; // a KRB-CRED
};

/// InitiatorExchange is the client's side of the AP exchange: step 1 and step 6. Made by begin, consumed by complete.
class InitiatorExchange final {
public:
    /// 1. Makes the request: the ticket, an authenticator sealed with the session key, and whether mutual
    /// authentication is wanted. Fault::NoRandomness, FieldTooLong, CryptoFailure.
    static Result<InitiatorExchange> begin(std::shared_ptr<const ServiceTicket> ticket, const InitiatorWish& wish,
                                           const Clock& clock, Random& random, Trace* trace);

    /// The AP-REQ, DER, without frame.
    [[nodiscard]] const Bytes& request() const noexcept { return request_; }
    [[nodiscard]] bool mutual() const noexcept { return (flags_ & flag::mutual) != 0; }
    [[nodiscard]] ContextFlags flags() const noexcept { return flags_; }
    [[nodiscard]] const ServiceTicket& ticket() const noexcept { return *ticket_; }

    /// The session as it would be without a reply, and the time that was sent: what an exchange that waits is made of.
    [[nodiscard]] Session session_so_far() const;
    [[nodiscard]] Time sent_time() const noexcept { return sent_time_; }
    /// Goes on where another process stopped; only complete() is left to do.
    static InitiatorExchange resume(Session session, Time sent_time, std::vector<EncryptionType> permitted, Trace* trace);

    /// What must be added to `now` for the acceptor to take our request, if `error` says that its clock differs from ours
    /// and its time bears that out. None for any other error, for a second one, and for a time that nobody should be
    /// talked into (see the source). `skew`: what acceptors allow anyway.
    [[nodiscard]] std::optional<Duration> correction_by(const KrbError& error, Time now, Duration skew) const;

    /// The same request with another clock: the same ticket, a new authenticator. It can be
    /// done once. Fault::Internal after that; else as begin.
    [[nodiscard]] Result<InitiatorExchange> again(Duration correction, const Clock& clock, Random& random) const;

    /// 6. Opens the reply and compares the time with the one sent (RFC 4120 3.2.5). Fault::ReplyIntegrity,
    /// ReplyMismatch, EncryptionTypeRefused.
    [[nodiscard]] Result<Session> complete(const ApReply& reply) &&;

    /// Without mutual authentication the exchange is over after the request. Fault::MissingReply if it was asked for.
    [[nodiscard]] Result<Session> complete() &&;

private:
    InitiatorExchange() = default;
    static Result<InitiatorExchange> make(std::shared_ptr<const ServiceTicket> ticket, const InitiatorWish& wish,
                                          Time now, Random& random, Trace* trace);

    std::shared_ptr<const ServiceTicket> ticket_;
    std::shared_ptr<const Key> subkey_;
    std::vector<EncryptionType> permitted_;
    Time sent_time_;
    std::uint32_t sequence_number_ = 0;
    ContextFlags flags_ = 0;
    Bytes request_;
    /// What again() needs; gone when it has been used, and not there where it cannot be.
    std::optional<InitiatorWish> wish_;
    std::optional<ChannelBindings> bindings_;
    Trace* trace_ = nullptr;
};

/// The third leg of DCE style ([MS-KILE] 3.4.5.1): an AP-REP by the client, with a new time and the acceptor's sequence
/// number, sealed with the session key.
Result<ApReply> make_third_leg(const Session& session, const Clock& clock, Random& random);

/// Checks the third leg: our own sequence number and no subkey. Fault::ReplyMismatch, ReplyIntegrity.
Done check_third_leg(const ApReply& reply, const Session& session);

} // namespace apex
