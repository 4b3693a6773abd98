// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/file_descriptor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct addrinfo;

namespace apex::replayd {

/// EngineAddress is where an engine listens.
struct EngineAddress final {
    std::string path; // of a Unix socket, or empty
    std::string host;
    std::string port;
};

/// parse_address reads HOST:PORT, [IPV6]:PORT or unix:PATH. Throws std::runtime_error.
EngineAddress parse_address(const std::string& text);

/// Lookup asks for a host's addresses without waiting.
class Lookup final {
public:
    explicit Lookup(const EngineAddress& address);
    ~Lookup();
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

    /// Null while it goes on. When done, the list, which may be empty: then trouble() tells why.
    [[nodiscard]] bool done() const;
    [[nodiscard]] const addrinfo* first() const;
    [[nodiscard]] std::string trouble() const;

private:
    struct Request;
    std::unique_ptr<Request> request_;
};

/// Attempt is a socket that has begun to connect, or the reason why it could not.
struct Attempt final {
    FileDescriptor socket;
    std::string trouble;
};

/// begin_connecting starts to connect to a Unix socket, or to one of the addresses of a lookup. Does not wait.
Attempt begin_connecting(const std::string& path);
Attempt begin_connecting(const addrinfo& address);

/// connected_or says how an attempt ended: empty for well.
std::string trouble_of(const FileDescriptor& socket);

} // namespace apex::replayd
