// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/replay_agent_protocol.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace apex {

/// FakeAgent listens where apex-replayd would, and answers each question as it is told. No octets: no answer; `hang_up`
/// closes the connection.
class FakeAgent final {
public:
    using Answering = std::function<Bytes(const replay::AgentQuestion&)>;
    static const Bytes hang_up;

    FakeAgent(const std::string& path, Answering answering);
    ~FakeAgent();
    FakeAgent(const FakeAgent&) = delete;
    FakeAgent& operator=(const FakeAgent&) = delete;

    /// An answering that gives this status to everything.
    static Answering always(replay::AgentStatus status, const std::string& text = {});

    std::atomic<int> connections{0};
    std::atomic<int> questions{0};

private:
    void serve();
    bool serve_one(int connection);

    Answering answering_;
    int listener_ = -1;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

} // namespace apex
