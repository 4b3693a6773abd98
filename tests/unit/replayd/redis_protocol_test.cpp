// SPDX-License-Identifier: MIT
#include "replayd/engine_socket.h"
#include "replayd/redis_protocol.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>
#include <stdexcept>

namespace apex::replayd {
namespace {

class RedisProtocolTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RedisProtocolTest);
    CPPUNIT_TEST(a_command_is_an_array_of_counted_words);
    CPPUNIT_TEST(replies_are_read_however_they_are_cut);
    CPPUNIT_TEST(what_is_no_reply_is_refused);
    CPPUNIT_TEST(a_reply_without_end_is_refused);
    CPPUNIT_TEST(addresses_are_read);
    CPPUNIT_TEST(what_is_no_address_is_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_command_is_an_array_of_counted_words()
    {
        Bytes output;
        append_command(output, {"SET", "a b", "\r\n"});
        CPPUNIT_ASSERT_EQUAL(std::string("*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$2\r\n\r\n\r\n"), text_of(output));
    }

    void replies_are_read_however_they_are_cut()
    {
        const std::string octets = "+OK\r\n$-1\r\n-ERR no\r\n:7\r\n*2\r\n$1\r\na\r\n$2\r\nbc\r\n";
        ReplyReader reader;
        std::vector<Reply> replies;
        for (const char octet : octets) {
            reader.feed(view_of(std::string(1, octet)));
            while (std::optional<Reply> reply = reader.next()) {
                replies.push_back(*reply);
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, replies.size());
        CPPUNIT_ASSERT(replies[0].is_ok());
        CPPUNIT_ASSERT(replies[1].kind == Reply::Kind::nothing);
        CPPUNIT_ASSERT(replies[2].kind == Reply::Kind::error && replies[2].text == "ERR no");
        CPPUNIT_ASSERT(replies[3].kind == Reply::Kind::number && replies[3].number == 7);
        CPPUNIT_ASSERT(replies[4].kind == Reply::Kind::list && replies[4].list[1].text == "bc");
    }

    void what_is_no_reply_is_refused()
    {
        ReplyReader reader;
        reader.feed(view_of("HTTP/1.1 400 Bad Request\r\n"));
        CPPUNIT_ASSERT_THROW(reader.next(), std::runtime_error);
    }

    void a_reply_without_end_is_refused()
    {
        ReplyReader reader;
        reader.feed(view_of("$100000000\r\n"));
        CPPUNIT_ASSERT(!reader.next());
        reader.feed(view_of(std::string(2 << 20, 'x')));
        CPPUNIT_ASSERT_THROW(reader.next(), std::runtime_error);
    }

    void addresses_are_read()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("/run/redis.sock"), parse_address("unix:/run/redis.sock").path);
        CPPUNIT_ASSERT_EQUAL(std::string("redis.test"), parse_address("redis.test:6379").host);
        CPPUNIT_ASSERT_EQUAL(std::string("::1"), parse_address("[::1]:7").host);
        CPPUNIT_ASSERT_EQUAL(std::string("7"), parse_address("[::1]:7").port);
    }

    void what_is_no_address_is_refused()
    {
        for (const char* text : {"", "redis.test", ":6379", "redis.test:", "::1:7", "unix:redis.sock"}) {
            CPPUNIT_ASSERT_THROW_MESSAGE(text, parse_address(text), std::runtime_error);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RedisProtocolTest);

} // namespace
} // namespace apex::replayd
