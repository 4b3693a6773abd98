// SPDX-License-Identifier: MIT
#include "replayd/engine_link.h"

#include "apex/base/secret.h"

#include <array>
#include <netdb.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <utility>

namespace apex::replayd {

EngineLink::EngineLink(const EngineOptions& options, EventLoop& loop, Listener listener)
    : address_(parse_address(options.address)),
      loop_(loop),
      listener_(std::move(listener)),
      tls_(options.tls.wanted ? std::make_unique<TlsClient>(options.tls) : nullptr)
{
}

void EngineLink::open()
{
    close();
    if (!address_.path.empty()) {
        connecting(begin_connecting(address_.path));
        return;
    }
    lookup_ = std::make_unique<Lookup>(address_);
}

void EngineLink::close()
{
    ++opening_;
    lookup_.reset();
    if (connecting_) {
        loop_.forget(connecting_.number());
        connecting_ = FileDescriptor();
    }
    if (stream_ != nullptr) {
        loop_.forget(stream_->number());
        stream_.reset();
    }
    reader_.reset();
    begun_ = false;
    wipe(output_);
    output_.clear();
    sent_ = 0;
}

void EngineLink::look_up()
{
    if (lookup_ == nullptr || !lookup_->done()) {
        return;
    }
    const std::unique_ptr<Lookup> lookup = std::move(lookup_);
    std::size_t count = 0;
    for (const addrinfo* each = lookup->first(); each != nullptr; each = each->ai_next) {
        ++count;
    }
    if (count == 0) {
        listener_.broke(lookup->trouble());
        return;
    }
    const addrinfo* chosen = lookup->first();
    for (std::size_t i = turn_++ % count; i > 0; --i) {
        chosen = chosen->ai_next;
    }
    connecting(begin_connecting(*chosen));
}

void EngineLink::connecting(Attempt attempt)
{
    if (!attempt.socket) {
        listener_.broke(attempt.trouble);
        return;
    }
    connecting_ = std::move(attempt.socket);
    loop_.watch(connecting_.number(), EPOLLOUT, [this](std::uint32_t) { connected(); });
}

void EngineLink::connected()
{
    loop_.forget(connecting_.number());
    FileDescriptor socket = std::move(connecting_);
    if (const std::string trouble = trouble_of(socket); !trouble.empty()) {
        listener_.broke(trouble);
        return;
    }
    stream_ = tls_ != nullptr ? tls_->stream(std::move(socket), address_.host) : plain_stream(std::move(socket));
    reader_ = std::make_unique<ReplyReader>();
    waited_for_ = EPOLLIN;
    loop_.watch(stream_->number(), waited_for_, [this](std::uint32_t) { on_stream(); });
    go_on_beginning();
}

void EngineLink::wait_for(std::uint32_t events)
{
    if (waited_for_ != events) {
        waited_for_ = events;
        loop_.change(stream_->number(), events);
    }
}

void EngineLink::failed(const Progress& progress)
{
    listener_.broke(progress.state == Progress::State::ended ? "it closed the connection" : progress.cause);
}

void EngineLink::go_on_beginning()
{
    const Progress progress = stream_->begin();
    switch (progress.state) {
    case Progress::State::moved:
        begun_ = true;
        wait_for(EPOLLIN);
        listener_.opened();
        return;
    case Progress::State::wants_read:
        wait_for(EPOLLIN);
        return;
    case Progress::State::wants_write:
        wait_for(EPOLLIN | EPOLLOUT);
        return;
    default:
        failed(progress);
    }
}

void EngineLink::on_stream()
{
    if (!begun_) {
        go_on_beginning();
        return;
    }
    const std::uint64_t opening = opening_;
    read();
    if (opening == opening_) {
        flush();
    }
}

void EngineLink::read()
{
    constexpr int at_once = 16; // then others have their turn
    const std::uint64_t opening = opening_;
    std::array<std::uint8_t, 16384> octets{};
    for (int i = 0; i < at_once; ++i) {
        const Progress progress = stream_->read(octets);
        if (progress.state == Progress::State::wants_read || progress.state == Progress::State::wants_write) {
            return;
        }
        if (progress.state != Progress::State::moved) {
            failed(progress);
            return;
        }
        reader_->feed(ByteView(octets).first(progress.octets));
        deliver();
        if (opening != opening_) {
            return;
        }
    }
}

void EngineLink::deliver()
{
    const std::uint64_t opening = opening_;
    while (opening == opening_) {
        std::optional<Reply> reply;
        try {
            reply = reader_->next();
        } catch (const std::runtime_error& problem) {
            listener_.broke(std::string("it sends what is no reply of Redis: ") + problem.what());
            return;
        }
        if (!reply) {
            return;
        }
        listener_.replied(std::move(*reply));
    }
}

void EngineLink::flush()
{
    if (!begun_) {
        return;
    }
    while (sent_ < output_.size()) {
        const Progress progress = stream_->write(ByteView(output_).subspan(sent_));
        if (progress.state == Progress::State::wants_read) {
            return;
        }
        if (progress.state == Progress::State::wants_write) {
            wait_for(EPOLLIN | EPOLLOUT);
            return;
        }
        if (progress.state != Progress::State::moved) {
            failed(progress);
            return;
        }
        sent_ += progress.octets;
    }
    wipe(output_); // a password may have been in it
    output_.clear();
    sent_ = 0;
    wait_for(EPOLLIN);
}

} // namespace apex::replayd
