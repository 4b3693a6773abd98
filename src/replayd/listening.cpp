// SPDX-License-Identifier: MIT
#include "replayd/listening.h"

#include "replayd/log.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace apex::replayd {
namespace {

int option_of(int socket, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::string variable(const char* name)
{
    const char* const value = ::getenv(name);
    return value == nullptr ? std::string() : value;
}

} // namespace

std::optional<FileDescriptor> inherited_socket()
{
    constexpr int first = 3; // SD_LISTEN_FDS_START
    const bool for_us = variable("LISTEN_PID") == std::to_string(::getpid());
    const std::string count = variable("LISTEN_FDS");
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        ::unsetenv(name);
    }
    if (!for_us || count.empty() || count == "0") {
        return std::nullopt;
    }
    if (count != "1") {
        throw std::runtime_error("systemd hands over " + count + " sockets instead of one");
    }
    if (option_of(first, SO_DOMAIN) != AF_UNIX || option_of(first, SO_TYPE) != SOCK_SEQPACKET ||
        option_of(first, SO_ACCEPTCONN) != 1) {
        throw std::runtime_error("systemd hands over something else than ListenSequentialPacket=/PATH");
    }
    ::fcntl(first, F_SETFD, FD_CLOEXEC);
    ::fcntl(first, F_SETFL, ::fcntl(first, F_GETFL) | O_NONBLOCK);
    return FileDescriptor(first);
}

namespace {

[[noreturn]] void cannot_listen(const std::string& path, const std::string& cause)
{
    throw std::runtime_error("cannot listen at " + path + ": " + cause);
}

FileDescriptor new_socket(const std::string& path)
{
    FileDescriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) {
        cannot_listen(path, cause_of(errno));
    }
    return socket;
}

} // namespace

OwnSocket::OwnSocket(const std::string& path) : path_(path), socket_(new_socket(path))
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.front() != '/' || path.size() >= sizeof address.sun_path) {
        cannot_listen(path, "it must be an absolute path of less than 108 octets");
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    const auto* const place = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    static_cast<void>(::mkdir(path.substr(0, path.rfind('/')).c_str(), 0755)); // /run is empty after a start
    const FileDescriptor probe = new_socket(path);
    const int trouble = ::connect(probe.number(), place, sizeof address) == 0 ? 0 : errno;
    if (trouble == 0 || trouble == EAGAIN) {
        cannot_listen(path, "somebody listens there already");
    }
    struct stat status {};
    if (trouble == ECONNREFUSED && ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        ::unlink(path.c_str()); // of an agent that was killed
    }
    if (::bind(socket_.number(), place, sizeof address) != 0) {
        cannot_listen(path, cause_of(errno));
    }
    constexpr int queue = 1024;
    if (::chmod(path.c_str(), 0666) != 0 || ::listen(socket_.number(), queue) != 0) {
        cannot_listen(path, cause_of(errno));
    }
}

OwnSocket::~OwnSocket()
{
    ::unlink(path_.c_str());
}

} // namespace apex::replayd
