// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/file_descriptor.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace apex::replayd {

/// EventLoop waits for descriptors and calls whoever watches them. A handler may forget any descriptor, its own too.
class EventLoop final {
public:
    /// Gets the events of epoll(7).
    using Handler = std::function<void(std::uint32_t events)>;

    EventLoop();

    /// Calls `handler` when one of `events` (EPOLLIN, EPOLLOUT) or an error is there.
    void watch(int descriptor, std::uint32_t events, Handler handler);
    /// Changes what is waited for.
    void change(int descriptor, std::uint32_t events);
    void forget(int descriptor);

    /// Waits for events, no longer than `longest`, and calls their handlers.
    void wait(std::chrono::milliseconds longest);

private:
    struct Watch final {
        std::uint32_t serial; // tells a descriptor from an earlier one of the same number
        std::shared_ptr<const Handler> handler;
    };
    void control(int operation, int descriptor, std::uint32_t events);

    FileDescriptor epoll_;
    std::uint32_t next_serial_ = 1;
    std::unordered_map<int, Watch> watches_;
};

} // namespace apex::replayd
