// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/file_descriptor.h"

#include <optional>
#include <string>

namespace apex::replayd {

/// inherited_socket gives the socket that systemd hands us (sd_listen_fds(3)); none if it hands none. Throws
/// std::runtime_error if it is not one listening Unix socket of type SOCK_SEQPACKET.
std::optional<FileDescriptor> inherited_socket();

/// OwnSocket listens at a path, and takes it away at its end. A path where nobody listens any more is taken over. Throws
/// std::runtime_error.
class OwnSocket final {
public:
    explicit OwnSocket(const std::string& path);
    ~OwnSocket();
    OwnSocket(const OwnSocket&) = delete;
    OwnSocket& operator=(const OwnSocket&) = delete;

    [[nodiscard]] int number() const { return socket_.number(); }

private:
    std::string path_;
    FileDescriptor socket_;
};

} // namespace apex::replayd
