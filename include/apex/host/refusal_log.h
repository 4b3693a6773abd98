// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"
#include "apex/base/time.h"
#include "apex/base/trace.h"

#include <atomic>
#include <cstdint>
#include <string_view>

namespace apex {

/// RefusalLog sends one line per refusal to the system's log, facility auth, as a datagram of its own:
///
///     apex[4711]: sshd refused as acceptor: ClockSkew: the clocks ... differ too much: ...
///
/// It never blocks and never fails its caller, keeps no descriptor, leaves errno alone, and sends at most
/// `most_per_second` lines a second for each process; how many were left out is told with the next line. Safe for
/// concurrent use, without locks.
class RefusalLog final {
public:
    static constexpr unsigned most_per_second = 10;

    /// `socket_path` must outlive the log.
    explicit constexpr RefusalLog(std::string_view socket_path = "/dev/log") noexcept : path_(socket_path) {}

    /// Sends the line of a refusal. `error`: its text may quote what a peer sent; it is made safe here.
    void refused(TraceRole role, const Error& error) noexcept;

    /// Sends a line about the installation ("krb5.conf: ..."), with the same care.
    void complain(std::string_view text) noexcept;

private:
    void send(int severity, std::string_view text) noexcept;
    bool admit(std::int64_t second, unsigned& left_out) noexcept;

    const std::string_view path_;
    std::atomic<std::int64_t> second_{0};
    std::atomic<unsigned> sent_{0};
    std::atomic<unsigned> left_out_{0};
};

/// refusal_log is the process's log at /dev/log. It lives as long as the process.
RefusalLog& refusal_log() noexcept;

/// log_refusal sends the line of a refusal to the process's log, if the settings want it ([apex] log = refusals).
void log_refusal(TraceRole role, const Error& error) noexcept;

} // namespace apex
