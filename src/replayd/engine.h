// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/replay_agent_protocol.h"
#include "replayd/engine_link.h"
#include "replayd/engine_memory.h"
#include "replayd/event_loop.h"
#include "replayd/log.h"
#include "replayd/options.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace apex::replayd {

/// Verdict is what the engine knows about a question.
struct Verdict final {
    replay::AgentStatus status = replay::AgentStatus::unavailable;
    std::string text;
};

/// Engine remembers tags in Redis or Valkey. Questions that come in one round of the loop travel together; behind them
/// goes a look at the engine's clock and at the marker (engine_memory.h), and none is called fresh before that look has shown
/// that the engine still was the one that it is known to be. An engine that fails is connected to again, first at once, then every two seconds;
/// until then every question is answered with the cause.
class Engine final {
public:
    using Reaction = std::function<void(const Verdict& verdict)>;

    Engine(const EngineOptions& options, EventLoop& loop);

    /// Asks, and has `reaction` called with the verdict once: now or in a later round.
    void ask(const replay::AgentQuestion& question, Reaction reaction);
    /// Sends what this round has gathered.
    void flush();
    /// Does what is due: time-outs, connecting, looking after the engine each second.
    void on_time(Instant now);
    /// How long nothing is due.
    [[nodiscard]] std::chrono::milliseconds idle_time(Instant now) const;

private:
    enum class Phase : std::uint8_t { down, opening, greeting, ready };
    enum class Command : std::uint8_t { authenticate, info, time, claim, learn, remember, check };
    /// Who asked, and how far back the engine must remember to be believed.
    struct Asker final {
        Reaction reaction;
        std::chrono::milliseconds age{0};
    };
    /// A command whose reply is awaited.
    struct Awaited final {
        Command command;
        Instant since;
        Asker asker;
    };
    struct Unchecked final {
        Asker asker;
        Verdict verdict;
    };

    void send(Command command, const std::vector<std::string_view>& words);
    void send(Command command, const std::vector<std::string_view>& words, Asker asker);
    void greet();
    void look_after();
    void claim_marker();
    void on_reply(const Reply& reply);
    void on_remembered(const Reply& reply, Asker asker);
    void on_time_of_engine(const Reply& reply);
    void on_facts(const Reply& reply);
    void on_marker(const Reply& reply);
    void on_check(const Reply& reply);
    void broke(const std::string& cause);
    [[nodiscard]] bool too_slow(Instant now) const;
    [[nodiscard]] Verdict unavailable(const std::string& cause) const;
    [[nodiscard]] Verdict unknowing(std::chrono::milliseconds reach, std::chrono::milliseconds age) const;

    const EngineOptions& options_;
    EngineLink link_;
    EngineMemory memory_;
    Phase phase_ = Phase::down;
    std::string run_id_;
    std::string marker_name_;
    std::deque<Awaited> awaited_;
    /// Verdicts that await the look at clock and marker behind them.
    std::vector<Unchecked> unchecked_;
    std::size_t questions_ = 0; // that have no verdict yet
    bool check_is_due_ = false;
    /// Only the first engine that we meet can be called new.
    bool may_be_new_;
    Instant opened_{0};
    Instant retry_{0};
    Instant next_look_{0};
    std::chrono::milliseconds pause_;
    std::string trouble_ = "no connection yet";
    std::string told_;
};

} // namespace apex::replayd
