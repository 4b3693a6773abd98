// SPDX-License-Identifier: MIT
#include "replayd/stream.h"

#include "replayd/log.h"

#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace apex::replayd {
namespace {

class PlainStream final : public Stream {
public:
    explicit PlainStream(FileDescriptor socket) : socket_(std::move(socket)) {}

    [[nodiscard]] int number() const override { return socket_.number(); }
    Progress begin() override { return {.state = Progress::State::moved, .octets = 0, .cause = {}}; }
    Progress read(ByteSpan octets) override
    {
        const ssize_t length = ::recv(number(), octets.data(), octets.size(), MSG_DONTWAIT);
        return length == 0 ? Progress{.state = Progress::State::ended, .octets = 0, .cause = {}}
                           : progress(length, Progress::State::wants_read);
    }
    Progress write(ByteView octets) override
    {
        return progress(::send(number(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
                        Progress::State::wants_write);
    }

private:
    static Progress progress(ssize_t length, Progress::State otherwise)
    {
        if (length >= 0) {
            return {.state = Progress::State::moved, .octets = static_cast<std::size_t>(length), .cause = {}};
        }
        if (errno == EAGAIN || errno == EINTR) {
            return {.state = otherwise, .octets = 0, .cause = {}};
        }
        return {.state = Progress::State::failed, .octets = 0, .cause = cause_of(errno)};
    }

    FileDescriptor socket_;
};

} // namespace

std::unique_ptr<Stream> plain_stream(FileDescriptor socket)
{
    return std::make_unique<PlainStream>(std::move(socket));
}

} // namespace apex::replayd
