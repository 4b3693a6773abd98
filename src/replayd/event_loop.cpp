// SPDX-License-Identifier: MIT
#include "replayd/event_loop.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

namespace apex::replayd {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_) {
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    }
}

void EventLoop::control(int operation, int descriptor, std::uint32_t events)
{
    epoll_event event{};
    event.events = events;
    event.data.u64 = std::uint64_t{watches_.at(descriptor).serial} << 32 | static_cast<std::uint32_t>(descriptor);
    if (::epoll_ctl(epoll_.number(), operation, descriptor, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void EventLoop::watch(int descriptor, std::uint32_t events, Handler handler)
{
    watches_[descriptor] =
        Watch{.serial = next_serial_++, .handler = std::make_shared<const Handler>(std::move(handler))};
    control(EPOLL_CTL_ADD, descriptor, events);
}

void EventLoop::change(int descriptor, std::uint32_t events)
{
    control(EPOLL_CTL_MOD, descriptor, events);
}

void EventLoop::forget(int descriptor)
{
    if (watches_.erase(descriptor) != 0) {
        static_cast<void>(::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, descriptor, nullptr));
    }
}

void EventLoop::wait(std::chrono::milliseconds longest)
{
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(longest.count()));
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const auto found = watches_.find(static_cast<int>(event.data.u64 & 0xffffffffU));
        // An earlier handler of this round may have forgotten it, and may watch a new one of the same number.
        if (found != watches_.end() && found->second.serial == event.data.u64 >> 32) {
            const std::shared_ptr<const Handler> handler = found->second.handler;
            (*handler)(event.events);
        }
    }
}

} // namespace apex::replayd
