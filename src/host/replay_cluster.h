// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/replay_agent_protocol.h"
#include "apex/host/replay_store.h"
#include "host/replay_agent.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace apex {

/// question_about asks about an authenticator. The tag is SHA-256 without a key over what the machine's own store hashes
/// with one (INVARIANTS R2): every host that meets the same octets derives the same tag, and nothing of the request can be
/// read from it. The times allow the clocks of two hosts to differ by `skew`. Fault::CryptoFailure.
Result<replay::AgentQuestion> question_about(ByteView ciphertext, EncryptionType type, Time authenticator_time,
                                             Duration skew, Time now);

/// ClusterCache remembers in a cache of this machine and, when that took it, in the one that the hosts of a cluster share.
/// The machine's comes first: what is a replay here needs no network, and what was accepted here stays refused here
/// whatever the shared one forgets. An authenticator whose question was not answered stays remembered on this machine:
/// the client comes again with another one.
class ClusterCache final : public ReplayCache {
public:
    ClusterCache(std::shared_ptr<ReplayCache> local, const ReplayStoreSettings& settings);
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override;

private:
    Done ask(const replay::AgentQuestion& question);
    Done go_by_policy(Error cause);
    void sound_alarm(const Error& cause);

    std::shared_ptr<ReplayCache> local_;
    replay::ReplayAgent agent_;
    ReplayAgentFailurePolicy failure_;
    std::function<void(const std::string&)> report_;
    std::function<Duration()> boot_clock_;
    std::atomic<std::int64_t> quiet_until_{0}; // microseconds of CLOCK_BOOTTIME
    std::atomic<std::uint64_t> unreported_{0};
};

} // namespace apex
