// SPDX-License-Identifier: MIT
#include "replayd/redis_protocol.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace apex::replayd {

void append_command(Bytes& output, const std::vector<std::string_view>& words)
{
    std::vector<const char*> starts;
    std::vector<std::size_t> lengths;
    for (const std::string_view word : words) {
        starts.push_back(word.data());
        lengths.push_back(word.size());
    }
    char* command = nullptr;
    const int length =
        ::redisFormatCommandArgv(&command, static_cast<int>(words.size()), starts.data(), lengths.data());
    if (length < 0) {
        throw std::bad_alloc();
    }
    const ByteView octets = view_of(command, static_cast<std::size_t>(length));
    append(output, octets);
    std::fill_n(static_cast<volatile char*>(command), length, '\0'); // it may be a password
    ::redisFreeCommand(command);
}

namespace {

struct FreeReader final {
    void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};

struct FreeReply final {
    void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
};

Reply copy_of(const redisReply& raw)
{
    Reply reply;
    switch (raw.type) {
    case REDIS_REPLY_STATUS:
        reply.kind = Reply::Kind::status;
        break;
    case REDIS_REPLY_STRING:
        reply.kind = Reply::Kind::text;
        break;
    case REDIS_REPLY_ERROR:
        reply.kind = Reply::Kind::error;
        break;
    case REDIS_REPLY_INTEGER:
        reply.kind = Reply::Kind::number;
        reply.number = raw.integer;
        return reply;
    case REDIS_REPLY_ARRAY:
        reply.kind = Reply::Kind::list;
        for (std::size_t i = 0; i < raw.elements; ++i) {
            reply.list.push_back(copy_of(*raw.element[i]));
        }
        return reply;
    default:
        return reply;
    }
    reply.text.assign(raw.str, static_cast<std::size_t>(raw.len));
    return reply;
}

} // namespace

struct ReplyReader::Inside final {
    std::unique_ptr<redisReader, FreeReader> reader{::redisReaderCreate()};
    std::size_t since_reply = 0; // octets fed
};

ReplyReader::ReplyReader() : inside_(std::make_unique<Inside>())
{
    if (inside_->reader == nullptr) {
        throw std::bad_alloc();
    }
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(ByteView octets)
{
    const void* const start = octets.data();
    if (::redisReaderFeed(inside_->reader.get(), static_cast<const char*>(start), octets.size()) != REDIS_OK) {
        throw std::runtime_error(inside_->reader->errstr);
    }
    inside_->since_reply += octets.size();
}

std::optional<Reply> ReplyReader::next()
{
    void* raw = nullptr;
    if (::redisReaderGetReply(inside_->reader.get(), &raw) != REDIS_OK) {
        throw std::runtime_error(inside_->reader->errstr);
    }
    if (raw == nullptr) {
        constexpr std::size_t longest = 1 << 20;
        if (inside_->since_reply > longest) {
            throw std::runtime_error("a reply of more than 1 MiB");
        }
        return std::nullopt;
    }
    inside_->since_reply = 0;
    const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
    return copy_of(*reply);
}

} // namespace apex::replayd
