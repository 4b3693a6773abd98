// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "replayd/file_descriptor.h"

#include <cstddef>
#include <memory>
#include <string>

namespace apex::replayd {

/// Progress is what came of a call that does not wait: octets moved, or what must happen before it can be tried again.
struct Progress final {
    enum class State : std::uint8_t { moved, wants_read, wants_write, ended, failed };
    State state = State::failed;
    std::size_t octets = 0;
    std::string cause; // of a failure
};

/// Stream is a connection to the engine, bare or under TLS. No call waits.
class Stream {
public:
    virtual ~Stream() = default;
    [[nodiscard]] virtual int number() const = 0;
    /// Makes the connection ready; `moved` when it is.
    virtual Progress begin() = 0;
    virtual Progress read(ByteSpan octets) = 0;
    virtual Progress write(ByteView octets) = 0;
};

/// plain_stream takes a connected, non-blocking socket.
std::unique_ptr<Stream> plain_stream(FileDescriptor socket);

} // namespace apex::replayd
