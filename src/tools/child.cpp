// SPDX-License-Identifier: MIT
#include "tools/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex {

namespace {

constexpr unsigned patience_seconds = 10;

void write_all(int descriptor, const std::string& text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
        if (count <= 0) {
            ::_exit(3); // the parent sees a child that failed, not a report cut short
        }
        done += static_cast<std::size_t>(count);
    }
}

[[noreturn]] void be_the_child(int report, const std::function<std::string()>& work)
{
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(nothing, standard);
    }
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(patience_seconds); // its default action ends a child that hangs in a module
    write_all(report, work());
    ::_exit(0); // no destructors of the modules that were loaded
}

std::string ending(pid_t child)
{
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return std::string("the probing process was lost: ") + std::strerror(errno);
        }
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        return "no answer within " + std::to_string(patience_seconds) + " seconds";
    }
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        return "the process died of signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
    }
    if (WEXITSTATUS(status) != 0) {
        return "the process ended with status " + std::to_string(WEXITSTATUS(status));
    }
    return {};
}

} // namespace

ChildReport ask_child(const std::function<std::string()>& work)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return {{}, std::string("no pipe: ") + std::strerror(errno)};
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        be_the_child(ends[1], work);
    }
    ::close(ends[1]);
    ChildReport report;
    if (child < 0) {
        report.trouble = std::string("no process: ") + std::strerror(errno);
        ::close(ends[0]);
        return report;
    }
    std::array<char, 4096> buffer{};
    ssize_t count = 0;
    while ((count = ::read(ends[0], buffer.data(), buffer.size())) > 0 || (count < 0 && errno == EINTR)) {
        report.text.append(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    ::close(ends[0]);
    report.trouble = ending(child);
    return report;
}

} // namespace apex
