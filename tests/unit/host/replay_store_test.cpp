// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using namespace std::chrono_literals;

const std::string remembered = "remembered";
const std::string replay = "Replay";
const std::string failed = "ReplayStoreFailed";

class ReplayStoreTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayStoreTest);
    CPPUNIT_TEST(the_first_login_on_a_fresh_machine_works_at_once);
    CPPUNIT_TEST(an_authenticator_succeeds_once);
    CPPUNIT_TEST(another_opening_of_the_store_knows_it);
    CPPUNIT_TEST(another_ciphertext_is_another_authenticator);
    CPPUNIT_TEST(another_encryption_type_is_another_authenticator);
    CPPUNIT_TEST(a_record_lives_for_every_offset_of_the_client_clock);
    CPPUNIT_TEST(a_record_outlives_a_wall_clock_set_forward);
    CPPUNIT_TEST(a_record_outlives_a_wall_clock_set_back);
    CPPUNIT_TEST(records_dropped_before_the_clock_was_set_back_stay_refused);
    CPPUNIT_TEST(new_logins_work_after_the_clock_was_a_day_ahead);
    CPPUNIT_TEST(a_greater_skew_refuses_what_may_have_been_dropped);
    CPPUNIT_TEST(a_process_that_was_held_up_does_not_judge_by_an_old_time);
    CPPUNIT_TEST(a_request_whose_time_is_old_is_not_judged_by_dropped_records);
    CPPUNIT_TEST(the_store_grows_and_forgets_nothing);
    CPPUNIT_TEST(a_full_store_refuses_and_names_the_remedy);
    CPPUNIT_TEST(the_years_2038_and_2106_pass);
    CPPUNIT_TEST(nothing_of_the_authenticator_stands_in_the_file);
    CPPUNIT_TEST_SUITE_END();

protected:
    ReplayWorld world;

public:
    void the_first_login_on_a_fresh_machine_works_at_once()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 1)));
        CPPUNIT_ASSERT(world.events.empty());
    }

    void an_authenticator_succeeds_once()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 1)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
    }

    void another_opening_of_the_store_knows_it()
    {
        const auto one = world.open();
        const auto two = world.open();
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*one, 1)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*two, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*two, 2)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*one, 2)));
    }

    void another_ciphertext_is_another_authenticator()
    {
        const auto store = world.open();
        Bytes octets = ReplayWorld::authenticator(1);
        const auto type = EncryptionType::aes256_cts_hmac_sha1_96;
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(store->remember(octets, type, world.now, world.skew, world.now)));
        octets.front() ^= 1;
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(store->remember(octets, type, world.now, world.skew, world.now)));
    }

    void another_encryption_type_is_another_authenticator()
    {
        const auto store = world.open();
        const Bytes octets = ReplayWorld::authenticator(1);
        for (const auto type : {EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha1_96}) {
            CPPUNIT_ASSERT_EQUAL(remembered,
                                 outcome_of(store->remember(octets, type, world.now, world.skew, world.now)));
        }
    }

    // INVARIANTS R3. For each offset of the client's clock: while the authenticator is fresh, no load drops its record.
    void a_record_lives_for_every_offset_of_the_client_clock()
    {
        const auto store = world.open();
        std::uint64_t filler = 1'000'000;
        for (std::int64_t offset = -300; offset <= 300; offset += 25) {
            const auto number = static_cast<std::uint64_t>(offset + 1000);
            const Time dated = world.now + std::chrono::seconds(offset);
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, number, std::chrono::seconds(offset))));
            while (world.now <= dated + world.skew) {
                for (int i = 0; i < 40; ++i) {
                    CPPUNIT_ASSERT(world.remember(*store, filler++));
                }
                CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, number, dated - world.now)));
                world.pass(7s);
            }
        }
    }

    void a_record_outlives_a_wall_clock_set_forward()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const Time dated = world.now;
        world.now += 24h;
        for (std::uint64_t i = 100; i < 30'000; ++i) {
            CPPUNIT_ASSERT(world.remember(*store, i));
        }
        world.now = dated + 1s;
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 1, dated - world.now)));
    }

    void a_record_outlives_a_wall_clock_set_back()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const Time dated = world.now;
        world.now -= 400s;
        world.boot += 1s;
        CPPUNIT_ASSERT(world.remember(*store, 2));
        for (int i = 0; i < 700; i += 50) {
            world.pass(50s);
            if (world.now >= dated - world.skew && world.now <= dated + world.skew) {
                CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 1, dated - world.now)));
            }
        }
    }

    void records_dropped_before_the_clock_was_set_back_stay_refused()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const Time dated = world.now;
        for (std::uint64_t i = 0; i < 90; ++i) { // both clocks pass its life, and its place is taken
            world.pass(10s);
            for (std::uint64_t j = 0; j < 200; ++j) {
                CPPUNIT_ASSERT(world.remember(*store, 1000 + 200 * i + j));
            }
        }
        world.now = dated + 100s;
        world.boot += 1s;
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 1, dated - world.now)));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*world.open(), 1, dated - world.now)));
    }

    void new_logins_work_after_the_clock_was_a_day_ahead()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        world.now += 24h;
        CPPUNIT_ASSERT(world.remember(*store, 2));
        world.pass(600s);
        CPPUNIT_ASSERT(world.remember(*store, 3));
        world.now -= 24h;
        CPPUNIT_ASSERT(world.remember(*store, 4));
        world.pass(10s);
        CPPUNIT_ASSERT(world.remember(*store, 5));
    }

    void a_greater_skew_refuses_what_may_have_been_dropped()
    {
        const auto store = world.open();
        world.skew = 60s;
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const Time dated = world.now;
        world.pass(100s);
        world.skew = 300s;
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 3, dated - world.now)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 4, -59s)));
    }

    // Found by the model: one process reads the clock and is stopped; another accepts the same authenticator, its record
    // dies and is dropped; the first goes on.
    void a_process_that_was_held_up_does_not_judge_by_an_old_time()
    {
        const auto store = world.open();
        for (const auto& [time, expected] : {std::pair{4s, remembered}, {6s, failed}}) {
            world.boot_readings = 0;
            world.held_up = time;
            CPPUNIT_ASSERT_EQUAL(expected,
                                 outcome_of(world.remember(*store, static_cast<std::uint64_t>(time.count()))));
        }
    }

    void a_request_whose_time_is_old_is_not_judged_by_dropped_records()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        const Time dated = world.now;
        for (std::uint64_t i = 0; i < 90; ++i) {
            world.pass(10s);
            for (std::uint64_t j = 0; j < 200; ++j) {
                CPPUNIT_ASSERT(world.remember(*store, 1000 + 200 * i + j));
            }
        }
        CPPUNIT_ASSERT_EQUAL(
            failed, outcome_of(store->remember(ReplayWorld::authenticator(1), EncryptionType::aes256_cts_hmac_sha1_96,
                                               dated, world.skew, dated + 1s)));
    }

    void the_store_grows_and_forgets_nothing()
    {
        const auto store = world.open();
        const auto other = world.open();
        for (std::uint64_t i = 0; i < 60'000; ++i) {
            CPPUNIT_ASSERT(world.remember(i % 2 == 0 ? *store : *other, i));
        }
        if (!world.shared_memory) {
            CPPUNIT_ASSERT(std::filesystem::file_size(world.file("replay.store")) > 2'000'000);
        }
        for (std::uint64_t i = 0; i < 60'000; ++i) {
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(i % 3 == 0 ? *store : *other, i)));
        }
    }

    void a_full_store_refuses_and_names_the_remedy()
    {
        world.capacity = 1000;
        const auto store = world.open();
        std::uint64_t number = 0;
        Done done = world.remember(*store, number);
        while (done && number < 20'000) {
            done = world.remember(*store, ++number);
        }
        CPPUNIT_ASSERT(number >= world.capacity);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("raise [apex] replay_capacity") != std::string::npos);
        CPPUNIT_ASSERT(done.error().detail.find(world.file("replay.store").string()) != std::string::npos);
        for (std::uint64_t i = 0; i < number; ++i) {
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, i)));
        }
        world.pass(700s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, number)));
    }

    void the_years_2038_and_2106_pass()
    {
        for (const std::int64_t turn : {std::int64_t{1} << 31, std::int64_t{1} << 32}) {
            ReplayWorld later;
            later.now = time_from_seconds(turn - 100);
            const auto store = later.open();
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(later.remember(*store, 1)));
            const Time dated = later.now;
            later.pass(200s);
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(later.remember(*store, 1, dated - later.now)));
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(later.remember(*store, 2)));
        }
    }

    void nothing_of_the_authenticator_stands_in_the_file()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 0x1122334455667788, 10s));
        const Bytes octets = ReplayWorld::authenticator(0x1122334455667788);
        for (const char* name : {"replay.store", "replay.journal"}) {
            const std::string text = text_of(read_file(world.file(name)));
            CPPUNIT_ASSERT(text.find(text_of(ByteView(octets).last(8))) == std::string::npos);
            CPPUNIT_ASSERT(text.find(text_of(ByteView(octets).first(8))) == std::string::npos);
        }
    }
};

/// The same with the records in the file, and what is seen of it there.
class ReplayStoreInFileTest : public ReplayStoreTest {
    CPPUNIT_TEST_SUB_SUITE(ReplayStoreInFileTest, ReplayStoreTest);
    CPPUNIT_TEST(dead_records_give_their_places_back);
    CPPUNIT_TEST(an_old_table_is_dropped_when_it_is_dead);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { world.shared_memory = false; }

    void dead_records_give_their_places_back()
    {
        const auto store = world.open();
        for (std::uint64_t round = 0; round < 5; ++round) {
            for (std::uint64_t i = 0; i < 2000; ++i) {
                CPPUNIT_ASSERT(world.remember(*store, round * 10'000 + i));
            }
            world.pass(700s);
        }
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{4096 + 256 * 1024}, std::filesystem::file_size(world.file("replay.store")));
    }

    void an_old_table_is_dropped_when_it_is_dead()
    {
        const auto store = world.open();
        for (std::uint64_t i = 0; i < 20'000; ++i) {
            CPPUNIT_ASSERT(world.remember(*store, i));
        }
        world.pass(500s);
        for (std::uint64_t i = 20'000; i < 20'100; ++i) {
            CPPUNIT_ASSERT(world.remember(*store, i));
        }
        const auto size = std::filesystem::file_size(world.file("replay.store"));
        world.pass(200s);
        CPPUNIT_ASSERT(world.remember(*store, 20'100));
        CPPUNIT_ASSERT_EQUAL(size + 4096, std::filesystem::file_size(world.file("replay.store")));
        for (std::uint64_t i = 20'000; i < 20'101; ++i) {
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, i)));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayStoreTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ReplayStoreInFileTest);

} // namespace
} // namespace apex
