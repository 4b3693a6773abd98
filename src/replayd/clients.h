// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/replay_agent_protocol.h"
#include "replayd/engine.h"
#include "replayd/event_loop.h"
#include "replayd/file_descriptor.h"
#include "replayd/options.h"

#include <cstddef>
#include <cstdint>
#include <sys/types.h>
#include <unordered_map>

namespace apex::replayd {

/// Clients serves the programs of this machine. Who they are the kernel says (SO_PEERCRED).
///
/// All of them share one name space. A tag is the digest of an authenticator that only its sender and its receiver have, so
/// a user who asks about other tags than those of its own requests learns nothing and hinders nobody. Names of users would
/// do harm: one service may run under two users, and the same user has other numbers on other hosts.
class Clients final {
public:
    Clients(const ClientOptions& options, EventLoop& loop, Engine& engine, int listener);

private:
    struct Client final {
        FileDescriptor socket;
        uid_t user;
        bool may_ask;
        std::size_t waiting;
    };
    struct User final {
        std::size_t connections = 0;
        std::size_t waiting = 0;
    };
    using Number = std::uint64_t;

    void accept();
    void take(FileDescriptor socket);
    void read(Number number);
    void hear(Number number, ByteView packet);
    void answer(Number number, const replay::AgentAnswer& answer);
    void drop(Number number);
    [[nodiscard]] bool may_ask(int socket, uid_t user, gid_t group) const;

    const ClientOptions& options_;
    EventLoop& loop_;
    Engine& engine_;
    int listener_;
    Number next_ = 1;
    bool told_of_too_many_ = false;
    std::unordered_map<Number, Client> clients_;
    std::unordered_map<uid_t, User> users_;
};

} // namespace apex::replayd
