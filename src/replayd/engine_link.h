// SPDX-License-Identifier: MIT
#pragma once

#include "replayd/engine_socket.h"
#include "replayd/event_loop.h"
#include "replayd/options.h"
#include "replayd/redis_protocol.h"
#include "replayd/stream.h"
#include "replayd/tls_stream.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace apex::replayd {

/// EngineLink carries commands to the engine and replies back. It never waits, and tries once: whoever owns it opens it
/// again.
class EngineLink final {
public:
    struct Listener final {
        std::function<void()> opened;
        std::function<void(Reply)> replied;
        std::function<void(const std::string& cause)> broke; // close() it then
    };

    EngineLink(const EngineOptions& options, EventLoop& loop, Listener listener);
    ~EngineLink() { close(); }
    EngineLink(const EngineLink&) = delete;
    EngineLink& operator=(const EngineLink&) = delete;

    void open();
    void close();
    /// Goes on with a look-up of the host's address. To be called now and then while there is one.
    void look_up();
    [[nodiscard]] bool is_looking_up() const { return lookup_ != nullptr; }

    /// What will be sent with the next flush().
    Bytes& output() { return output_; }
    void flush();

private:
    void connecting(Attempt attempt);
    void connected();
    void on_stream();
    void go_on_beginning();
    void read();
    void deliver();
    void wait_for(std::uint32_t events);
    void failed(const Progress& progress);

    EngineAddress address_;
    EventLoop& loop_;
    Listener listener_;
    std::unique_ptr<TlsClient> tls_;
    std::unique_ptr<Lookup> lookup_;
    std::size_t turn_ = 0; // of the host's addresses
    FileDescriptor connecting_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<ReplyReader> reader_;
    bool begun_ = false;
    std::uint32_t waited_for_ = 0;
    std::uint64_t opening_ = 0; // tells this opening from the next
    Bytes output_;
    std::size_t sent_ = 0;
};

} // namespace apex::replayd
