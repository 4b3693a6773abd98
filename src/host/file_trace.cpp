// SPDX-License-Identifier: MIT
#include "apex/host/file_trace.h"

#include "host/descriptor.h"
#include "host/line_builder.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {
namespace {

/// Keeps SIGPIPE from the thread while a pipe is written, and takes back the one that the write caused.
class PipeSignalHeld final {
public:
    PipeSignalHeld() noexcept
    {
        sigset_t pending;
        sigemptyset(&pending);
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        blocked_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
    }
    ~PipeSignalHeld()
    {
        if (!blocked_) {
            return;
        }
        if (!was_pending_) {
            const timespec at_once{};
            while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    PipeSignalHeld(const PipeSignalHeld&) = delete;
    PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;

    [[nodiscard]] bool held() const noexcept { return blocked_; }

private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool was_pending_ = false;
    bool blocked_ = false;
};

Descriptor open_for_append(const std::string& path) noexcept
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    // A link planted in a shared directory must not lead us to another file; /dev/stderr is one, and only root plants
    // there.
    if (!path.starts_with("/dev/")) {
        flags |= O_NOFOLLOW;
    }
    int number = -1;
    do {
        number = open(path.c_str(), flags, S_IRUSR | S_IWUSR);
    } while (number < 0 && errno == EINTR);
    return Descriptor(number);
}

void write_line(int descriptor, std::string_view line) noexcept
{
    ssize_t written = -1;
    do {
        written = write(descriptor, line.data(), line.size());
    } while (written < 0 && errno == EINTR);
}

void add_time(LineBuilder& line) noexcept
{
    const Time now = SystemClock().now();
    const std::time_t seconds = static_cast<std::time_t>(seconds_of(now));
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 80> text{};
    const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                     parts.tm_min, parts.tm_sec, static_cast<int>(microseconds_of(now)));
    line.add({text.data(), static_cast<std::size_t>(length > 0 ? length : 0)});
}

void add_event(LineBuilder& line, const TraceEvent& event) noexcept
{
    add_time(line);
    line.add(" ");
    line.add_number(getpid());
    line.add(" ");
    line.add(role_name(event.role));
    if (event.step != 0) {
        line.add(" step ");
        line.add_number(event.step);
    }
    line.add(": ");
    line.add(event.sentence);
    for (const TraceFact& fact : event.facts) {
        line.add(" ");
        line.add_fact(fact);
    }
}

} // namespace

void FileTrace::record(const TraceEvent& event) noexcept
{
    const KeepErrno keep_errno;
    const Descriptor file = open_for_append(path_);
    if (!file) {
        return;
    }
    LineBuilder line;
    add_event(line, event);
    const PipeSignalHeld signal;
    if (signal.held()) {
        write_line(file.number(), line.line());
    }
}

} // namespace apex
