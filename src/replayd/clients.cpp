// SPDX-License-Identifier: MIT
#include "replayd/clients.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace apex::replayd {
namespace {

constexpr int at_once = 64;                    // connections or packets in one round; then others have their turn
constexpr std::size_t most_waiting = 64;       // questions of one connection
constexpr std::size_t most_of_one_user = 2048; // questions; fewer than the engine takes

bool contains(const auto& list, auto value)
{
    return std::find(list.begin(), list.end(), value) != list.end();
}

std::vector<gid_t> groups_of(int socket)
{
    std::vector<gid_t> groups(65536);
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) != 0) {
        length = 0;
    }
    groups.resize(length / sizeof(gid_t));
    return groups;
}

/// The number of a question that is otherwise unreadable, so that the answer finds its asker.
std::uint64_t number_in(ByteView packet)
{
    std::uint64_t number = 0;
    for (std::size_t i = 8; i < 16 && packet.size() >= 16; ++i) {
        number = number << 8 | packet[i];
    }
    return number;
}

} // namespace

Clients::Clients(const ClientOptions& options, EventLoop& loop, Engine& engine, int listener)
    : options_(options), loop_(loop), engine_(engine), listener_(listener)
{
    loop_.watch(listener_, EPOLLIN, [this](std::uint32_t) { accept(); });
}

bool Clients::may_ask(int socket, uid_t user, gid_t group) const
{
    if ((options_.users.empty() && options_.groups.empty()) || user == 0 || user == ::geteuid() ||
        contains(options_.users, user) || contains(options_.groups, group)) {
        return true;
    }
    const std::vector<gid_t> more = options_.groups.empty() ? std::vector<gid_t>() : groups_of(socket);
    return std::any_of(more.begin(), more.end(), [this](gid_t each) { return contains(options_.groups, each); });
}

void Clients::accept()
{
    for (int i = 0; i < at_once; ++i) {
        FileDescriptor socket(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) {
            return;
        }
        take(std::move(socket));
    }
}

void Clients::take(FileDescriptor socket)
{
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket.number(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return;
    }
    // One user cannot take all the places; root, who serves most, may.
    User& user = users_[peer.uid];
    if (clients_.size() >= options_.most || (peer.uid != 0 && user.connections >= (options_.most + 1) / 2)) {
        if (!std::exchange(told_of_too_many_, true)) {
            say("too many connections: " + std::to_string(clients_.size()) + ", of uid " + std::to_string(peer.uid) +
                " " + std::to_string(user.connections) + "; more are closed at once (--most-connections)");
        }
        return;
    }
    ++user.connections;
    const Number number = next_++;
    const int descriptor = socket.number();
    const bool allowed = may_ask(descriptor, peer.uid, peer.gid);
    clients_.emplace(number, Client{.socket = std::move(socket), .user = peer.uid, .may_ask = allowed, .waiting = 0});
    loop_.watch(descriptor, EPOLLIN, [this, number](std::uint32_t) { read(number); });
}

void Clients::drop(Number number)
{
    const auto found = clients_.find(number);
    if (found == clients_.end()) {
        return;
    }
    told_of_too_many_ = false;
    loop_.forget(found->second.socket.number());
    const auto user = users_.find(found->second.user);
    if (--user->second.connections == 0 && user->second.waiting == 0) {
        users_.erase(user);
    }
    clients_.erase(found);
}

void Clients::read(Number number)
{
    std::array<std::uint8_t, replay::question_size + 1> packet{};
    for (int i = 0; i < at_once; ++i) {
        const auto found = clients_.find(number);
        if (found == clients_.end()) {
            return;
        }
        const ssize_t length = ::recv(found->second.socket.number(), packet.data(), packet.size(), MSG_DONTWAIT);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (length <= 0) {
            drop(number);
            return;
        }
        hear(number, ByteView(packet).first(static_cast<std::size_t>(length)));
    }
}

void Clients::hear(Number number, ByteView packet)
{
    Client& client = clients_.at(number);
    const auto refuse = [&](replay::AgentStatus status, std::string text) {
        answer(number, {.number = number_in(packet), .status = status, .text = std::move(text)});
    };
    if (!client.may_ask) {
        return refuse(replay::AgentStatus::not_allowed, "uid " + std::to_string(client.user) + " may not ask it");
    }
    const std::optional<replay::AgentQuestion> question = replay::decode_question(packet);
    if (!question) {
        return refuse(replay::AgentStatus::misunderstood, "a packet of " + std::to_string(packet.size()) +
                                                              " octets is no question of version 1, or its times are "
                                                              "out of bounds");
    }
    User& user = users_[client.user];
    if (client.waiting >= most_waiting || user.waiting >= most_of_one_user) {
        return refuse(replay::AgentStatus::overloaded, std::to_string(user.waiting) + " questions of uid " +
                                                           std::to_string(client.user) + " wait already");
    }
    ++client.waiting;
    ++user.waiting;
    engine_.ask(*question, [this, number, uid = client.user, asked = question->number](const Verdict& verdict) {
        if (User& asker = users_[uid]; --asker.waiting == 0 && asker.connections == 0) {
            users_.erase(uid);
        }
        const auto found = clients_.find(number);
        if (found != clients_.end()) {
            --found->second.waiting;
            answer(number, {.number = asked, .status = verdict.status, .text = verdict.text});
        }
    });
}

void Clients::answer(Number number, const replay::AgentAnswer& answer)
{
    const Bytes packet = encode(answer);
    const Client& client = clients_.at(number);
    // Who does not take its answers has no use for them.
    if (::send(client.socket.number(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        drop(number);
    }
}

} // namespace apex::replayd
