// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;

const std::string remembered = "remembered";
const std::string replay = "Replay";
const std::string failed = "ReplayStoreFailed";

class ReplayChoiceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayChoiceTest);
    CPPUNIT_TEST(the_default_is_the_store_of_our_own);
    CPPUNIT_TEST(none_remembers_nothing);
    CPPUNIT_TEST(file2_keeps_mit_s_file_alone);
    CPPUNIT_TEST(apex_names_a_directory);
    CPPUNIT_TEST(a_name_without_a_colon_is_refused_as_mit_refuses_it);
    CPPUNIT_TEST(an_unknown_type_is_refused_as_mit_refuses_it);
    CPPUNIT_TEST(equal_names_and_settings_give_one_cache);
    CPPUNIT_TEST(an_unusable_store_refuses_unless_memory_is_chosen);
    CPPUNIT_TEST(memory_refuses_what_may_have_been_accepted_before_it_began);
    CPPUNIT_TEST(memory_is_asked_too_when_the_store_works_again);
    CPPUNIT_TEST(memory_does_not_answer_for_a_store_that_works_but_cannot_know);
    CPPUNIT_TEST(memory_that_is_full_refuses);
    CPPUNIT_TEST(a_forked_child_s_memory_begins_anew);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;

    std::shared_ptr<ReplayCache> cache(const std::string& name)
    {
        const auto made = replay_cache_from_name(name, world.settings());
        CPPUNIT_ASSERT(made);
        return *made;
    }

    /// A store in memory's care whose directory others may write.
    std::shared_ptr<ReplayCache> unusable_with_memory()
    {
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0777));
        ReplayStoreSettings settings = world.settings();
        settings.failure = ReplayFailurePolicy::memory;
        const auto made = replay_cache_from_name("dfl:", settings);
        CPPUNIT_ASSERT(made);
        return *made;
    }

public:
    void the_default_is_the_store_of_our_own()
    {
        for (const char* name : {"", "dfl:"}) {
            ReplayWorld fresh;
            const auto made = replay_cache_from_name(name, fresh.settings());
            CPPUNIT_ASSERT(made);
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(fresh.remember(**made, 1)));
            CPPUNIT_ASSERT(std::filesystem::exists(fresh.file("replay.store")));
        }
    }

    void none_remembers_nothing()
    {
        const auto none = cache("none:");
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*none, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*none, 1)));
    }

    void file2_keeps_mit_s_file_alone()
    {
        const auto file2 = cache("file2:" + (world.directory / "mit").string());
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*file2, 1)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*file2, 1)));
        CPPUNIT_ASSERT(std::filesystem::exists(world.directory / "mit"));
        CPPUNIT_ASSERT(!std::filesystem::exists(world.user_directory()));
    }

    void apex_names_a_directory()
    {
        std::filesystem::create_directory(world.directory / "other");
        const auto named = cache("apex:" + (world.directory / "other").string());
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*named, 1)));
        CPPUNIT_ASSERT(std::filesystem::exists(world.directory / "other" / world.user_directory().filename()));
    }

    void a_name_without_a_colon_is_refused_as_mit_refuses_it()
    {
        const auto made = replay_cache_from_name("dfl", world.settings());
        CPPUNIT_ASSERT(!made);
        CPPUNIT_ASSERT_EQUAL(std::int32_t{-1765328218}, made.error().minor()); // KRB5_RC_PARSE
    }

    void an_unknown_type_is_refused_as_mit_refuses_it()
    {
        const auto made = replay_cache_from_name("sql:x", world.settings());
        CPPUNIT_ASSERT(!made);
        CPPUNIT_ASSERT_EQUAL(std::int32_t{-1765328223}, made.error().minor()); // KRB5_RC_TYPE_NOTFOUND
        CPPUNIT_ASSERT(made.error().detail.find("\"sql\"") != std::string::npos);
    }

    void equal_names_and_settings_give_one_cache()
    {
        ReplayStoreSettings settings;
        settings.directory = world.directory;
        const auto one = replay_cache_from_name("dfl:", settings);
        const auto two = replay_cache_from_name("dfl:", settings);
        settings.capacity = 7;
        const auto three = replay_cache_from_name("dfl:", settings);
        CPPUNIT_ASSERT(one && two && three);
        CPPUNIT_ASSERT(one->get() == two->get());
        CPPUNIT_ASSERT(one->get() != three->get());
    }

    void an_unusable_store_refuses_unless_memory_is_chosen()
    {
        const auto memory = unusable_with_memory();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*cache("dfl:"), 1, 3s)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*memory, 1, 3s)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*memory, 1, 3s)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        CPPUNIT_ASSERT(world.events.front().find("memory") != std::string::npos);
    }

    void memory_refuses_what_may_have_been_accepted_before_it_began()
    {
        const auto memory = unusable_with_memory();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*memory, 1)));
        const Time dated = world.now;
        world.pass(3s);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*memory, 1, dated - world.now)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*memory, 2)));
    }

    void memory_is_asked_too_when_the_store_works_again()
    {
        const auto memory = unusable_with_memory();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*memory, 1, 3s)));
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0755));
        world.pass(1s);
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*memory, 1, 2s)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*memory, 2, 0s)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*memory, 2, 0s)));
    }

    void memory_does_not_answer_for_a_store_that_works_but_cannot_know()
    {
        CPPUNIT_ASSERT(world.remember(*world.open(), 1));
        std::filesystem::remove(world.file("replay.store"));
        ReplayStoreSettings settings = world.settings();
        settings.failure = ReplayFailurePolicy::memory;
        const auto made = replay_cache_from_name("dfl:", settings);
        CPPUNIT_ASSERT(made);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(**made, 1)));
    }

    void memory_that_is_full_refuses()
    {
        MemoryReplayCache memory(10);
        for (std::uint64_t i = 0; i < 10; ++i) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(memory, i, 3s)));
        }
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(memory, 10, 3s)));
    }

    void a_forked_child_s_memory_begins_anew()
    {
        const auto memory = unusable_with_memory();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*memory, 1)));
        world.pass(10s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*memory, 2)));
        CPPUNIT_ASSERT(child_refuses(*memory));
    }

private:
    bool child_refuses(ReplayCache& memory);
};

bool ReplayChoiceTest::child_refuses(ReplayCache& memory)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(outcome_of(world.remember(memory, 2)) == failed ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayChoiceTest);

} // namespace
} // namespace apex
