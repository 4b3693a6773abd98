// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"
#include "apex/base/time.h"
#include "apex/exchange/acceptor_exchange.h"
#include "apex/exchange/initiator_exchange.h"
#include "apex/exchange/ports.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace apex::test {

/// FixedClock stands still until it is moved.
class FixedClock final : public Clock {
public:
    [[nodiscard]] Time now() const override { return time; }
    Time time = time_from_seconds(1'790'000'000) + std::chrono::microseconds(123'456);
};

/// CountingRandom gives octets that never repeat and are the same in every run.
class CountingRandom final : public Random {
public:
    Done fill(ByteSpan octets) override;
    bool broken = false;

private:
    std::uint64_t counter_ = 0;
};

/// MemoryKeys holds service keys in a list, in place of a keytab.
class MemoryKeys final : public KeySource {
public:
    Done try_keys(const Ticket& ticket, const std::function<bool(const ServiceKey&)>& opens) const override;
    std::vector<ServiceKey> keys;
};

/// MemoryReplays remembers authenticators in a set, and can be told to fail.
class MemoryReplays final : public ReplayCache {
public:
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew,
                  Time now) override;
    std::set<std::string> seen;
    bool broken = false;
};

/// NoForeignRealms trusts no path between realms.
class NoForeignRealms final : public RealmTrust {
public:
    Done check_transited(const TransitedEncoding& transited, const std::string& client_realm,
                         const std::string& server_realm) const override;
};

/// World is a realm in memory: one service with a key, one client with a ticket, and both sides of the exchange. A test
/// changes one thing and watches what happens.
class World final {
public:
    explicit World(EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96);

    /// What the KDC sealed; change it before calling ticket().
    TicketContents contents;
    Principal service;
    Principal client;
    std::shared_ptr<const Key> service_key;
    std::shared_ptr<const Key> session_key;

    FixedClock clock;
    CountingRandom random;
    MemoryKeys keys;
    MemoryReplays replays;
    NoForeignRealms realms;
    AcceptorPolicy policy;
    InitiatorWish wish;

    /// The ticket with `contents` sealed anew.
    [[nodiscard]] std::shared_ptr<const ServiceTicket> ticket();
    /// An honest initiator's exchange.
    [[nodiscard]] InitiatorExchange initiate();
    /// The acceptor's judgement.
    Result<Acceptance> accept(const ApRequest& request, const ChannelBindings* bindings = nullptr,
                              Framing framing = Framing::framed);
    /// The acceptor's judgement of an honest request.
    Result<Acceptance> accept_honest(const ChannelBindings* bindings = nullptr);

    /// Opens an authenticator, lets `change` at it and seals it again: the misbehaving client.
    ApRequest with_authenticator(const Bytes& request, const std::function<void(Authenticator&)>& change);
};

/// The value of a result; a test fails with the error's text if there is none.
template <typename T>
T must(Result<T> result)
{
    if (!result) {
        throw std::runtime_error("unexpected refusal: " + result.error().text());
    }
    return std::move(result).value();
}

inline void must(const Done& done)
{
    if (!done) {
        throw std::runtime_error("unexpected refusal: " + done.error().text());
    }
}

/// Name of the fault of a result, or "none".
template <typename T>
std::string fault_of(const Result<T>& result)
{
    return result ? "none" : std::string(traits_of(result.error().fault).name);
}

ChannelBindings bindings_of(std::string_view application_data);

} // namespace apex::test
