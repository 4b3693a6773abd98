// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fork_mutex.h"
#include "apex/base/result.h"
#include "apex/host/replay_agent_protocol.h"
#include "host/replay_files.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace apex::replay {

/// Deadline is a point of monotonic time up to which a call may wait.
class Deadline final {
public:
    explicit Deadline(std::chrono::milliseconds budget) : end_(std::chrono::steady_clock::now() + budget) {}
    /// What is left, never less than nothing.
    [[nodiscard]] std::chrono::nanoseconds left() const;

private:
    std::chrono::steady_clock::time_point end_;
};

/// ReplayAgent asks apex-replayd on this machine. A connection carries one question at a time, so threads never wait for
/// each other; a few idle ones are kept. A child made by fork connects anew. Waits no longer than its timeout, connecting
/// included; raises no signal; every descriptor is close-on-exec.
class ReplayAgent final {
public:
    ReplayAgent(std::string socket, std::chrono::milliseconds timeout);

    /// Gives the answer to the question (its number is set here). Fault::ReplayStoreFailed with socket, cause and remedy
    /// if there is none in time: the question may have been heard nevertheless.
    Result<AgentAnswer> ask(AgentQuestion question);

    [[nodiscard]] const std::string& socket() const noexcept { return socket_; }

private:
    Result<AgentAnswer> exchange(const Descriptor& connection, const AgentQuestion& question,
                                 const Deadline& deadline) const;
    Result<Descriptor> connection(const Deadline& deadline);
    Result<Descriptor> connect(const Deadline& deadline) const;
    Done check_place() const;
    void keep(Descriptor connection);
    void drop_those_of_the_parent();
    [[nodiscard]] Error failed(const std::string& what, const std::string& remedy) const;
    [[nodiscard]] Error too_slow() const;

    static constexpr std::size_t most_idle = 8;
    const std::string socket_;
    const std::chrono::milliseconds timeout_;
    std::atomic<std::uint64_t> next_number_{1};
    ForkMutex mutex_;
    /// Fixed places: a fork in the midst of a change leaves no half of a list behind.
    std::array<Descriptor, most_idle> idle_;
    std::uint32_t generation_ = 0;
};

} // namespace apex::replay
