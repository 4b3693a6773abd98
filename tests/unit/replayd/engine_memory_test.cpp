// SPDX-License-Identifier: MIT
#include "replayd/engine_memory.h"

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

namespace apex::replayd {
namespace {

using namespace std::chrono_literals;

/// What a sound engine tells, with one line changed.
std::string info_with(const std::string& name = {}, const std::string& value = {})
{
    std::string info = "# Server\r\nredis_version:7.0.15\r\n";
    for (const auto& [field, usual] : {std::pair<std::string, std::string>{"run_id", "0123456789abcdef"},
                                       {"maxmemory_policy", "noeviction"},
                                       {"role", "master"}}) {
        info += field + ":" + (field == name ? value : usual) + "\r\n";
    }
    return info;
}

std::string objection(const std::string& info)
{
    return objection_to(read_info(info)).value_or("");
}

Reply time_reply(const std::string& seconds, const std::string& microseconds)
{
    Reply reply;
    reply.kind = Reply::Kind::list;
    for (const std::string& text : {seconds, microseconds}) {
        Reply part;
        part.kind = Reply::Kind::text;
        part.text = text;
        reply.list.push_back(part);
    }
    return reply;
}

class EngineMemoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EngineMemoryTest);
    CPPUNIT_TEST(a_sound_engine_meets_no_objection);
    CPPUNIT_TEST(each_unsound_fact_is_an_objection);
    CPPUNIT_TEST(a_time_is_read);
    CPPUNIT_TEST(what_is_no_time_is_not_read);
    CPPUNIT_TEST(nothing_is_remembered_before_the_marker_is_known);
    CPPUNIT_TEST(an_engine_remembers_since_its_marker_was_set);
    CPPUNIT_TEST(a_trusted_marker_reaches_back_to_the_beginning);
    CPPUNIT_TEST(markers_with_other_nonces_differ);
    CPPUNIT_TEST(what_is_no_marker_is_not_taken);
    CPPUNIT_TEST(a_clock_set_forward_makes_the_engine_forget);
    CPPUNIT_TEST(a_clock_that_drifts_does_not);
    CPPUNIT_TEST(a_clock_set_back_lets_the_engine_remember_less);
    CPPUNIT_TEST_SUITE_END();

    EngineMemory memory;
    const std::chrono::milliseconds engine_start = 1'800'000'000s;

    void know_marker()
    {
        memory.heard_time(engine_start, 1000ms);
        CPPUNIT_ASSERT(memory.heard_marker(memory.fresh_marker(1000ms, false, 7)));
    }

public:
    void a_sound_engine_meets_no_objection()
    {
        CPPUNIT_ASSERT_EQUAL(std::string(), objection(info_with()));
        CPPUNIT_ASSERT_EQUAL(std::string("0123456789abcdef"), read_info(info_with()).run_id);
    }

    void each_unsound_fact_is_an_objection()
    {
        CPPUNIT_ASSERT(objection(info_with("run_id", "")).find("run_id") != std::string::npos);
        CPPUNIT_ASSERT(objection(info_with("run_id", "a b")).find("run_id") != std::string::npos);
        CPPUNIT_ASSERT(objection(info_with("role", "slave")).find("\"slave\"") != std::string::npos);
        CPPUNIT_ASSERT(objection(info_with("maxmemory_policy", "allkeys-lru")).find("set noeviction") !=
                       std::string::npos);
        CPPUNIT_ASSERT(!objection("").empty());
    }

    void a_time_is_read() { CPPUNIT_ASSERT(time_of(time_reply("1800000000", "123456")) == 1'800'000'000'123ms); }

    void what_is_no_time_is_not_read()
    {
        CPPUNIT_ASSERT(!time_of(time_reply("1800000000", "1000000")));
        CPPUNIT_ASSERT(!time_of(time_reply("-1", "0")));
        CPPUNIT_ASSERT(!time_of(time_reply("9999999999999999", "0")));
        CPPUNIT_ASSERT(!time_of(time_reply("", "0")));
        CPPUNIT_ASSERT(!time_of(Reply()));
    }

    void nothing_is_remembered_before_the_marker_is_known()
    {
        CPPUNIT_ASSERT(memory.reach(1000ms) == 0ms);
        memory.heard_time(engine_start, 1000ms);
        CPPUNIT_ASSERT(memory.reach(5000ms) == 0ms);
    }

    void an_engine_remembers_since_its_marker_was_set()
    {
        know_marker();
        CPPUNIT_ASSERT(memory.reach(1000ms) == 0ms);
        CPPUNIT_ASSERT(memory.reach(61000ms) == 60s);
    }

    void a_trusted_marker_reaches_back_to_the_beginning()
    {
        memory.heard_time(engine_start, 1000ms);
        CPPUNIT_ASSERT(memory.heard_marker(memory.fresh_marker(1000ms, true, 7)));
        CPPUNIT_ASSERT(memory.reach(1000ms) == engine_start);
    }

    void markers_with_other_nonces_differ()
    {
        memory.heard_time(engine_start, 1000ms);
        CPPUNIT_ASSERT(memory.fresh_marker(1000ms, false, 7) != memory.fresh_marker(1000ms, false, 8));
    }

    void what_is_no_marker_is_not_taken()
    {
        for (const char* text : {"", "12", ":7", "-5:7", "x:7", "12x:7"}) {
            CPPUNIT_ASSERT(!memory.heard_marker(text));
        }
        CPPUNIT_ASSERT(memory.marker().empty());
    }

    void a_clock_set_forward_makes_the_engine_forget()
    {
        know_marker();
        memory.heard_time(engine_start + 1000s + 6s, 1001s);
        CPPUNIT_ASSERT(memory.reach(1001s) == 0ms);
        CPPUNIT_ASSERT(memory.reach(1011s) == 10s);
    }

    void a_clock_that_drifts_does_not()
    {
        know_marker();
        for (int i = 1; i <= 10; ++i) {
            memory.heard_time(engine_start + i * 101s, i * 100s + 1s);
        }
        CPPUNIT_ASSERT(memory.reach(1001s) == 1010s);
    }

    void a_clock_set_back_lets_the_engine_remember_less()
    {
        know_marker();
        memory.heard_time(engine_start - 500s, 101s);
        CPPUNIT_ASSERT(memory.reach(101s) == 0ms);
        CPPUNIT_ASSERT(memory.reach(611s) == 10s);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EngineMemoryTest);

} // namespace
} // namespace apex::replayd
