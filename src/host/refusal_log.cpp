// SPDX-License-Identifier: MIT
#include "apex/host/refusal_log.h"

#include "apex/host/settings.h"
#include "host/descriptor.h"
#include "host/line_builder.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <type_traits>
#include <unistd.h>

namespace apex {
namespace {

void add_refusal(LineBuilder& line, TraceRole role, const Error& error) noexcept
{
    const FaultTraits& traits = traits_of(error.fault);
    line.add_escaped(program_invocation_short_name, 64);
    line.add(" refused");
    if (role != TraceRole::neither) {
        line.add(" as ");
        line.add(role_name(role));
    }
    line.add(": ");
    line.add(traits.name);
    line.add(": ");
    line.add(traits.sentence);
    if (!error.detail.empty()) {
        line.add(": ");
        line.add_escaped(error.detail);
    }
}

std::int64_t monotonic_second() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec + 1; // never 0, which stands for "none yet"
}

void send_datagram(std::string_view path, std::string_view text) noexcept
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return;
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    const Descriptor socket_of_log(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_of_log) {
        return;
    }
    // Lost if the log is slow or absent: a login never waits for it.
    static_cast<void>(sendto(socket_of_log.number(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address));
}

// Nothing to construct and nothing to destroy: refusals may come while the process ends.
static_assert(std::is_trivially_destructible_v<RefusalLog>);
constinit RefusalLog process_log;

} // namespace

void RefusalLog::refused(TraceRole role, const Error& error) noexcept
{
    LineBuilder line;
    add_refusal(line, role, error);
    send(LOG_NOTICE, line.text());
}

void RefusalLog::complain(std::string_view text) noexcept
{
    LineBuilder line;
    line.add_escaped(text);
    send(LOG_WARNING, line.text());
}

void RefusalLog::send(int severity, std::string_view text) noexcept
{
    const KeepErrno keep_errno;
    unsigned left_out = 0;
    if (!admit(monotonic_second(), left_out)) {
        return;
    }
    LineBuilder line;
    line.add("<");
    line.add_number(LOG_AUTH | severity);
    line.add(">apex[");
    line.add_number(getpid());
    line.add("]: ");
    line.add(text);
    if (left_out > 0) {
        line.add(" (");
        line.add_number(left_out);
        line.add(" earlier lines left out)");
    }
    send_datagram(path_, line.text());
}

bool RefusalLog::admit(std::int64_t second, unsigned& left_out) noexcept
{
    std::int64_t window = second_.load(std::memory_order_relaxed);
    if (window != second && second_.compare_exchange_strong(window, second, std::memory_order_relaxed)) {
        sent_.store(0, std::memory_order_relaxed);
    }
    if (sent_.fetch_add(1, std::memory_order_relaxed) >= most_per_second) {
        left_out_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    left_out = left_out_.exchange(0, std::memory_order_relaxed);
    return true;
}

RefusalLog& refusal_log() noexcept
{
    return process_log;
}

void log_refusal(TraceRole role, const Error& error) noexcept
{
    const Settings* settings = latest_settings();
    // Settings that cannot be read do not silence the log: they are what it must tell.
    if (settings == nullptr || settings->log_refusals) {
        refusal_log().refused(role, error);
    }
}

} // namespace apex
