// SPDX-License-Identifier: MIT
#include "unit/host/replay_fake_agent.h"

#include <algorithm>
#include <array>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace apex {

const Bytes FakeAgent::hang_up = {'b', 'y', 'e'};

FakeAgent::FakeAgent(const std::string& path, Answering answering) : answering_(std::move(answering))
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (::bind(listener_, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) != 0 ||
        ::listen(listener_, 16) != 0) {
        throw std::runtime_error("cannot listen at " + path);
    }
    thread_ = std::thread([this] { serve(); });
}

FakeAgent::~FakeAgent()
{
    ended_ = true;
    thread_.join();
    ::close(listener_);
}

FakeAgent::Answering FakeAgent::always(replay::AgentStatus status, const std::string& text)
{
    return [status, text](const replay::AgentQuestion& question) {
        return encode(replay::AgentAnswer{.number = question.number, .status = status, .text = text});
    };
}

bool FakeAgent::serve_one(int connection)
{
    std::array<std::uint8_t, replay::question_size + 1> packet{};
    const ssize_t length = ::recv(connection, packet.data(), packet.size(), 0);
    const auto question =
        replay::decode_question(ByteView(packet).first(static_cast<std::size_t>(std::max<ssize_t>(length, 0))));
    if (!question) {
        return false;
    }
    ++questions;
    const Bytes answer = answering_(*question);
    if (!answer.empty() && answer != hang_up) {
        ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    return answer != hang_up;
}

void FakeAgent::serve()
{
    std::vector<pollfd> watched = {{.fd = listener_, .events = POLLIN, .revents = 0}};
    while (!ended_) {
        if (::poll(watched.data(), watched.size(), 5) <= 0) {
            continue;
        }
        for (std::size_t i = watched.size(); i-- > 1;) {
            if (watched[i].revents != 0 && !serve_one(watched[i].fd)) {
                ::close(watched[i].fd);
                watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));
            }
        }
        if (watched.front().revents != 0) {
            watched.push_back(
                {.fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), .events = POLLIN, .revents = 0});
            ++connections;
        }
    }
    for (std::size_t i = 1; i < watched.size(); ++i) {
        ::close(watched[i].fd);
    }
}

} // namespace apex
