// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/options.h"
#include "replayd/stream.h"

#include <memory>
#include <string>

namespace apex::replayd {

/// TlsClient makes streams under TLS 1.2 or later. The engine's certificate must lead to a trusted one and name the host.
class TlsClient final {
public:
    /// Reads the files that the options name. Throws std::runtime_error naming the one that cannot be used.
    explicit TlsClient(const TlsOptions& options);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    /// Takes a connected, non-blocking socket. `host` is the name that the certificate must bear unless the options
    /// give another.
    [[nodiscard]] std::unique_ptr<Stream> stream(FileDescriptor socket, const std::string& host) const;

private:
    struct Context;
    std::unique_ptr<Context> context_;
    std::string name_;
};

} // namespace apex::replayd
