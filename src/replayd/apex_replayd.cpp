// SPDX-License-Identifier: MIT
// apex-replayd: remembers accepted requests for all hosts of a cluster, in Redis or Valkey.
#include "replayd/clients.h"
#include "replayd/engine.h"
#include "replayd/event_loop.h"
#include "replayd/listening.h"
#include "replayd/log.h"
#include "replayd/options.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <system_error>

namespace apex::replayd {
namespace {

/// The signals that end us come as something to read.
FileDescriptor ending_signals()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    FileDescriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor) {
        throw std::system_error(errno, std::generic_category(), "signalfd");
    }
    return descriptor;
}

/// Connections take descriptors: as many as we may have, less a few for ourselves.
void fit_to_limit(std::size_t& most)
{
    constexpr rlim_t for_ourselves = 32;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, most + for_ourselves);
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_cur < most + for_ourselves) {
        most = limit.rlim_cur > for_ourselves ? limit.rlim_cur - for_ourselves : 1;
        say("the limit of open files leaves " + std::to_string(most) + " connections");
    }
}

void serve(Options& options)
{
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN)); // OpenSSL writes without MSG_NOSIGNAL
    fit_to_limit(options.clients.most);
    EventLoop loop;
    const FileDescriptor signals = ending_signals();
    bool ended = false;
    loop.watch(signals.number(), EPOLLIN, [&ended](std::uint32_t) { ended = true; });
    Engine engine(options.engine, loop);
    const std::optional<FileDescriptor> inherited = inherited_socket();
    std::optional<OwnSocket> own;
    if (!inherited) {
        own.emplace(options.clients.socket);
    }
    const Clients clients(options.clients, loop, engine, inherited ? inherited->number() : own->number());
    say(inherited ? "listening at the socket that systemd gave" : "listening at " + options.clients.socket);
    while (!ended) {
        const Instant now = boot_now();
        engine.on_time(now);
        engine.flush();
        loop.wait(engine.idle_time(now));
        engine.flush();
    }
}

} // namespace
} // namespace apex::replayd

int main(int argc, char** argv)
{
    try {
        apex::replayd::Reading reading = apex::replayd::read_options(argc, argv);
        if (reading.options) {
            apex::replayd::serve(*reading.options);
        }
        return reading.status;
    } catch (const std::exception& problem) {
        apex::replayd::say(problem.what());
        return 1;
    }
}
