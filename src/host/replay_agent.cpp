// SPDX-License-Identifier: MIT
#include "host/replay_agent.h"

#include "apex/base/trace.h"
#include "apex/host/published.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace apex::replay {

std::chrono::nanoseconds Deadline::left() const
{
    return std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(end_ - std::chrono::steady_clock::now()));
}

namespace {

const std::string start_it =
    "start it (systemctl start apex-replayd.socket), or set [apex] replay_agent_failure = local";

std::string cause_of(int number)
{
    return std::generic_category().message(number);
}

/// A socket above the standard descriptors: a host that closed those must not find it there (INVARIANTS E4).
Descriptor new_socket()
{
    constexpr int first_free = 3;
    int number = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number >= 0 && number < first_free) {
        const int higher = ::fcntl(number, F_DUPFD_CLOEXEC, first_free);
        ::close(number);
        number = higher;
    }
    return number < 0 ? Descriptor() : Descriptor(number);
}

/// Waits until the connection has something to read, or its end; says whether it has.
bool readable(const Descriptor& connection, const Deadline& deadline)
{
    for (;;) {
        const std::chrono::nanoseconds left = deadline.left();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec time{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
        pollfd wanted{.fd = connection.number(), .events = POLLIN, .revents = 0};
        const int ready = ::ppoll(&wanted, 1, &time, nullptr);
        if (ready != 0 && !(ready < 0 && errno == EINTR)) {
            return true;
        }
        if (ready == 0) {
            return false;
        }
    }
}

/// An idle connection that the host program has not closed, whose other end lives and has said nothing unasked.
bool serves_still(const Descriptor& connection)
{
    std::uint8_t octet = 0;
    return connection.still_ours() && ::recv(connection.number(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

} // namespace

ReplayAgent::ReplayAgent(std::string socket, std::chrono::milliseconds timeout)
    : socket_(std::move(socket)), timeout_(timeout)
{
}

Error ReplayAgent::failed(const std::string& what, const std::string& remedy) const
{
    return refuse(Fault::ReplayStoreFailed,
                  "the replay agent at " + escape_text(socket_, 128) + " " + what + "; " + remedy);
}

Error ReplayAgent::too_slow() const
{
    return failed("gave no answer within " + std::to_string(timeout_.count()) + " ms",
                  "see what keeps it or its engine busy, or raise [apex] replay_agent_timeout");
}

/// Whoever could put another socket in the agent's place could say "fresh" to everything.
Done ReplayAgent::check_place() const
{
    for (std::size_t slash = 0; slash != std::string::npos; slash = socket_.find('/', slash + 1)) {
        const std::string directory = slash == 0 ? "/" : socket_.substr(0, slash);
        struct stat link {};
        struct stat target {};
        if (::lstat(directory.c_str(), &link) != 0 || ::stat(directory.c_str(), &target) != 0) {
            return failed("cannot be reached: " + directory + ": " + cause_of(errno), start_it);
        }
        if (!only_root_or_we_change(link, target)) {
            return failed("is not trusted: the directory " + directory +
                              " could be changed by other users than root and uid " + std::to_string(::geteuid()),
                          "take their write permission or set [apex] replay_agent to another place");
        }
    }
    return {};
}

Result<Descriptor> ReplayAgent::connect(const Deadline& deadline) const
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.size() >= sizeof address.sun_path) {
        return failed("cannot be reached: the path is longer than " + std::to_string(sizeof address.sun_path - 1) +
                          " octets",
                      "set [apex] replay_agent to a shorter one");
    }
    std::copy(socket_.begin(), socket_.end(), address.sun_path);
    TRY(check_place());
    Descriptor connection = new_socket();
    if (connection.number() < 0) {
        return failed("cannot be reached: no socket: " + cause_of(errno), "raise the limit of open files");
    }
    const auto* const place = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    while (::connect(connection.number(), place, sizeof address) != 0) {
        if (errno == EACCES) {
            return failed("cannot be reached: " + cause_of(errno),
                          "let uid " + std::to_string(::geteuid()) + " write to it");
        }
        if (errno != EAGAIN && errno != EINTR) {
            return failed("cannot be reached: " + cause_of(errno), start_it);
        }
        // Its queue of callers is full; nothing tells when that changes.
        if (deadline.left().count() == 0) {
            return too_slow();
        }
        static_cast<void>(::poll(nullptr, 0, 1));
    }
    return connection;
}

/// To be called under the lock. Two processes on one connection would read each other's answers.
void ReplayAgent::drop_those_of_the_parent()
{
    if (generation_ != process_generation()) {
        for (Descriptor& each : idle_) {
            each = Descriptor();
        }
        generation_ = process_generation();
    }
}

Result<Descriptor> ReplayAgent::connection(const Deadline& deadline)
{
    {
        const std::lock_guard guard(mutex_);
        drop_those_of_the_parent();
        for (Descriptor& each : idle_) {
            if (each.number() < 0) {
                continue;
            }
            Descriptor taken = std::move(each);
            if (serves_still(taken)) {
                return taken;
            }
        }
    }
    return connect(deadline);
}

void ReplayAgent::keep(Descriptor connection)
{
    const std::lock_guard guard(mutex_);
    drop_those_of_the_parent();
    const auto place =
        std::find_if(idle_.begin(), idle_.end(), [](const Descriptor& each) { return each.number() < 0; });
    if (place != idle_.end()) {
        *place = std::move(connection);
    }
}

Result<AgentAnswer> ReplayAgent::exchange(const Descriptor& connection, const AgentQuestion& question,
                                          const Deadline& deadline) const
{
    const QuestionOctets packet = encode(question);
    while (::send(connection.number(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EINTR) {
            return failed("does not take the question: " + cause_of(errno), start_it);
        }
    }
    std::array<std::uint8_t, answer_size + most_agent_text + 1> octets{};
    ssize_t length = -1;
    while (length < 0) {
        if (!readable(connection, deadline)) {
            return too_slow();
        }
        length = ::recv(connection.number(), octets.data(), octets.size(), MSG_DONTWAIT);
        if (length < 0 && errno != EINTR && errno != EAGAIN) {
            return failed("broke off: " + cause_of(errno), start_it);
        }
    }
    if (length == 0) {
        return failed("closed the connection without an answer", "look at its log (journalctl -u apex-replayd)");
    }
    const std::optional<AgentAnswer> answer = decode_answer(ByteView(octets).first(static_cast<std::size_t>(length)));
    if (!answer) {
        return failed("sent " + std::to_string(length) + " octets that are no answer of version 1",
                      "see that apex-replayd listens there, in the module's version");
    }
    if (answer->number != question.number) {
        return failed("answered question " + std::to_string(answer->number) + " instead of " +
                          std::to_string(question.number),
                      "see that apex-replayd listens there");
    }
    return *answer;
}

Result<AgentAnswer> ReplayAgent::ask(AgentQuestion question)
{
    const Deadline deadline(timeout_);
    question.number = next_number_.fetch_add(1, std::memory_order_relaxed);
    Descriptor used = TRY(connection(deadline));
    // After a failure the connection is closed: an answer that comes late must not meet the next question.
    AgentAnswer answer = TRY(exchange(used, question, deadline));
    keep(std::move(used));
    return answer;
}

} // namespace apex::replay
