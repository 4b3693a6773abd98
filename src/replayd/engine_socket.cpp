// SPDX-License-Identifier: MIT
#include "replayd/engine_socket.h"

#include "replayd/log.h"

#include <algorithm>
#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>

namespace apex::replayd {

EngineAddress parse_address(const std::string& text)
{
    if (text.starts_with("unix:/")) {
        return {.path = text.substr(5), .host = {}, .port = {}};
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || text.starts_with("unix:")) {
        throw std::runtime_error("--engine " + text + ": must be HOST:PORT, [IPV6]:PORT or unix:/PATH");
    }
    std::string host = text.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string::npos) {
        throw std::runtime_error("--engine " + text + ": an IPv6 address stands in brackets");
    }
    return {.path = {}, .host = host, .port = text.substr(colon + 1)};
}

struct Lookup::Request final {
    std::string host;
    std::string port;
    addrinfo hints{};
    gaicb control{};
};

Lookup::Lookup(const EngineAddress& address)
    : request_(new Request{.host = address.host, .port = address.port, .hints = {}, .control = {}})
{
    request_->hints.ai_socktype = SOCK_STREAM;
    request_->hints.ai_flags = AI_ADDRCONFIG;
    request_->control.ar_name = request_->host.c_str();
    request_->control.ar_service = request_->port.c_str();
    request_->control.ar_request = &request_->hints;
    gaicb* list[] = {&request_->control};
    const int trouble = ::getaddrinfo_a(GAI_NOWAIT, list, 1, nullptr);
    if (trouble != 0) {
        throw std::runtime_error("no look-up can be started: " + std::string(::gai_strerror(trouble)));
    }
}

Lookup::~Lookup()
{
    if (::gai_error(&request_->control) == EAI_INPROGRESS && ::gai_cancel(&request_->control) != EAI_CANCELED) {
        static_cast<void>(request_.release()); // a thread of the library still writes to it
        return;
    }
    if (request_->control.ar_result != nullptr) {
        ::freeaddrinfo(request_->control.ar_result);
    }
}

bool Lookup::done() const
{
    return ::gai_error(&request_->control) != EAI_INPROGRESS;
}

const addrinfo* Lookup::first() const
{
    return request_->control.ar_result;
}

std::string Lookup::trouble() const
{
    return "its address cannot be found: " + std::string(::gai_strerror(::gai_error(&request_->control)));
}

namespace {

Attempt begin(int family, const sockaddr* address, socklen_t length)
{
    FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) {
        return {.socket = {}, .trouble = cause_of(errno)};
    }
    if (::connect(socket.number(), address, length) != 0 && errno != EINPROGRESS) {
        return {.socket = {}, .trouble = cause_of(errno)};
    }
    return {.socket = std::move(socket), .trouble = {}};
}

} // namespace

Attempt begin_connecting(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return {.socket = {}, .trouble = "the path is too long"};
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    return begin(AF_UNIX, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address);
}

Attempt begin_connecting(const addrinfo& address)
{
    Attempt attempt = begin(address.ai_family, address.ai_addr, address.ai_addrlen);
    const int on = 1;
    if (attempt.socket) {
        static_cast<void>(::setsockopt(attempt.socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    }
    return attempt;
}

std::string trouble_of(const FileDescriptor& socket)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
    }
    return error == 0 ? std::string() : cause_of(error);
}

} // namespace apex::replayd
