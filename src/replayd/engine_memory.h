// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/log.h"
#include "replayd/redis_protocol.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

// What an engine can be trusted to remember. Redis may forget without a word: started anew, it has lost what it had not
// written to its disk; a replica that takes over lacks what had not reached it; somebody may empty it; and under other
// policies than noeviction it drops entries when its memory is full. A key of ours, the marker, lives and dies with its
// entries: its name bears the engine's run_id, which every start and every failover changes, and its value tells, by the
// engine's own clock, since when it remembers.

namespace apex::replayd {

/// EngineFacts is what INFO tells.
struct EngineFacts final {
    std::string run_id;
    std::string role;
    std::string policy; // maxmemory-policy
};

/// Gives an empty field for what is not told.
EngineFacts read_info(const std::string& info);

/// objection_to says why an engine must not be used; nothing if it may.
std::optional<std::string> objection_to(const EngineFacts& facts);

/// time_of reads the reply to TIME, as milliseconds since 1970.
std::optional<std::chrono::milliseconds> time_of(const Reply& reply);

/// EngineMemory knows since when the engine remembers.
class EngineMemory final {
public:
    /// The engine's clock showed `time`. A clock set forward makes entries expire early: the engine forgets then.
    void heard_time(std::chrono::milliseconds time, Instant now);

    /// The marker stands in the engine with this value. False if it is not one.
    bool heard_marker(const std::string& marker);
    /// What to write where no marker stands: the time now by the engine's clock, or the beginning of time if the engine is
    /// `trusted`; and a nonce, so that no other marker equals it.
    [[nodiscard]] std::string fresh_marker(Instant now, bool trusted, std::uint64_t nonce) const;

    [[nodiscard]] const std::string& marker() const noexcept { return marker_; }
    /// How far back the engine remembers.
    [[nodiscard]] std::chrono::milliseconds reach(Instant now) const;

private:
    [[nodiscard]] std::chrono::milliseconds engine_time(Instant now) const { return now + *offset_; }

    std::optional<std::chrono::milliseconds> offset_; // engine's clock minus ours
    std::string marker_;
    std::chrono::milliseconds since_{0};
    std::chrono::milliseconds stepped_{0};
};

} // namespace apex::replayd
