// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string remembered = "remembered";
const std::string replay = "Replay";
const std::string failed = "ReplayStoreFailed";

/// What the store accepted before something happened to its files.
struct Accepted final {
    std::uint64_t number;
    Time dated;
};

class ReplayDamageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayDamageTest);
    CPPUNIT_TEST(no_flipped_octet_of_the_header_lets_a_replay_through);
    CPPUNIT_TEST(no_flipped_octet_of_the_journal_lets_a_replay_through_after_a_restart);
    CPPUNIT_TEST(no_truncation_lets_a_replay_through);
    CPPUNIT_TEST(no_zeroed_page_lets_a_replay_through);
    CPPUNIT_TEST(foreign_contents_are_put_aside);
    CPPUNIT_TEST(a_file_of_another_version_is_put_aside);
    CPPUNIT_TEST(any_octet_of_the_header_page_counts);
    CPPUNIT_TEST(after_damage_logins_work_again_after_two_seconds);
    CPPUNIT_TEST(after_the_loss_of_both_files_logins_work_again_after_the_skew);
    CPPUNIT_TEST(a_second_loss_does_not_open_the_door_of_the_first);
    CPPUNIT_TEST(a_lost_journal_is_made_anew);
    CPPUNIT_TEST(a_lost_journal_closes_the_door_for_longer);
    CPPUNIT_TEST(an_authenticator_dated_ahead_survives_a_restart);
    CPPUNIT_TEST(what_was_never_written_to_the_disk_is_refused_after_a_power_loss);
    CPPUNIT_TEST(a_clock_that_comes_back_behind_lets_no_replay_through);
    CPPUNIT_TEST(without_durability_a_restart_refuses_for_the_skew);
    CPPUNIT_TEST(a_full_journal_is_written_anew_and_keeps_what_lives);
    CPPUNIT_TEST(a_restored_backup_of_another_store_lets_no_replay_through);
    CPPUNIT_TEST(a_restored_journal_of_another_store_lets_no_replay_through);
    CPPUNIT_TEST(a_restored_older_backup_lets_no_replay_through);
    CPPUNIT_TEST(a_restored_older_journal_lets_no_replay_through);
    CPPUNIT_TEST_SUITE_END();

protected:
    ReplayWorld world;
    std::vector<Accepted> accepted;

    /// Accepts authenticators dated from 300 s behind to 300 s ahead.
    void accept_some()
    {
        const auto store = world.open();
        std::uint64_t number = 1;
        for (const auto ahead : {-300s, -100s, -1s, 0s, 1s, 2s, 100s, 300s}) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, number, ahead)));
            accepted.push_back({number++, world.now + ahead});
        }
    }

    [[nodiscard]] bool fresh(const Accepted& one) const
    {
        return one.dated >= world.now - world.skew && one.dated <= world.now + world.skew;
    }

    /// Presents everything once more, as an acceptor would: what is not fresh does not come as far as the store.
    void assert_no_replay_succeeds(ReplayCache& store, const std::string& what)
    {
        for (const Accepted& one : accepted) {
            if (fresh(one)) {
                const Done done = world.remember(store, one.number, one.dated - world.now);
                CPPUNIT_ASSERT_MESSAGE(what + ": replay of " + std::to_string(one.number), !done);
            }
        }
    }

    /// The same for as long as anything is fresh.
    void assert_no_replay_succeeds_until_all_is_stale(const std::string& what)
    {
        const auto store = world.open();
        while (std::any_of(accepted.begin(), accepted.end(), [this](const Accepted& one) { return fresh(one); })) {
            assert_no_replay_succeeds(*store, what);
            world.pass(15s);
        }
    }

    Duration time_until_logins_work()
    {
        const auto store = world.open();
        const Time start = world.now;
        std::uint64_t number = 10'000;
        while (!world.remember(*store, number++)) {
            world.pass(100ms);
            CPPUNIT_ASSERT(world.now - start < 1h);
        }
        return world.now - start;
    }

    /// Flips one bit in every octet from `from` to `to`, and in every 16th one behind `dense`, where only zeros stand.
    void flip_each(const std::string& name, std::size_t from, std::size_t dense, std::size_t to, Duration downtime)
    {
        const Bytes store = read_file(world.file("replay.store"));
        const Bytes journal = read_file(world.file("replay.journal"));
        const auto boot_id = world.boot_id;
        const Time now = world.now;
        const Duration boot = world.boot;
        for (std::size_t at = from; at < to; at += at < dense || at + 16 >= to ? 1U : 16U) {
            fs::remove_all(world.user_directory());
            fs::create_directory(world.user_directory());
            fs::permissions(world.user_directory(), fs::perms::owner_all);
            write_file(world.file("replay.store"), store);
            write_file(world.file("replay.journal"), journal);
            Bytes octets = read_file(world.file(name));
            octets[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
            write_file(world.file(name), octets);
            if (downtime > Duration(0)) {
                world.restart(downtime);
            }
            const auto opened = world.open();
            assert_no_replay_succeeds(*opened, name + " octet " + std::to_string(at));
            world.pass(3s);
            assert_no_replay_succeeds(*opened, name + " octet " + std::to_string(at) + ", later");
            world.boot_id = boot_id;
            world.now = now;
            world.boot = boot;
        }
    }

    /// Damages the main file and shows that no replay succeeds until all is stale.
    void with_damaged_store(const std::string& what, ByteView octets)
    {
        accept_some();
        write_file(world.file("replay.store"), octets);
        assert_no_replay_succeeds_until_all_is_stale(what);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        CPPUNIT_ASSERT(fs::exists(world.file("replay.store.damaged")));
    }

public:
    void no_flipped_octet_of_the_header_lets_a_replay_through()
    {
        accept_some();
        flip_each("replay.store", 0, 400, 4096, Duration(0));
    }

    void no_flipped_octet_of_the_journal_lets_a_replay_through_after_a_restart()
    {
        accept_some();
        flip_each("replay.journal", 0, 1024 + 4 * 64, 1024 + 4 * 64, 10s);
    }

    void no_truncation_lets_a_replay_through()
    {
        for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 5120U, 100'000U, 266'239U}) {
            ReplayDamageTest test;
            test.world.shared_memory = world.shared_memory;
            test.accept_some();
            Bytes octets = read_file(test.world.file("replay.store"));
            octets.resize(size);
            write_file(test.world.file("replay.store"), octets);
            test.assert_no_replay_succeeds_until_all_is_stale("size " + std::to_string(size));
        }
    }

    void no_zeroed_page_lets_a_replay_through()
    {
        accept_some();
        const Bytes store = read_file(world.file("replay.store"));
        for (std::size_t page = 0; page < store.size(); page += 4096) {
            ReplayDamageTest test;
            test.world.shared_memory = world.shared_memory;
            test.accept_some();
            Bytes octets = read_file(test.world.file("replay.store"));
            std::fill_n(octets.begin() + static_cast<std::ptrdiff_t>(page), 4096, std::uint8_t{0});
            write_file(test.world.file("replay.store"), octets);
            const auto opened = test.world.open();
            test.assert_no_replay_succeeds(*opened, "zeroed page at " + std::to_string(page));
        }
    }

    void foreign_contents_are_put_aside() { with_damaged_store("foreign", view_of(std::string(300'000, 'x'))); }

    void a_file_of_another_version_is_put_aside()
    {
        accept_some();
        Bytes octets = read_file(world.file("replay.store"));
        octets[8] = 7;
        accepted.clear();
        fs::remove_all(world.user_directory());
        with_damaged_store("version 7", octets);
        CPPUNIT_ASSERT(world.events.front().find("version 7") != std::string::npos);
    }

    void any_octet_of_the_header_page_counts()
    {
        for (const std::size_t at : {std::size_t{100}, std::size_t{3000}, std::size_t{4095}}) {
            ReplayDamageTest test;
            test.world.shared_memory = world.shared_memory;
            test.accept_some();
            Bytes octets = read_file(test.world.file("replay.store"));
            octets[at] ^= 1;
            write_file(test.world.file("replay.store"), octets);
            CPPUNIT_ASSERT_EQUAL(failed, outcome_of(test.world.remember(*test.world.open(), 4)));
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, test.world.events.size());
            CPPUNIT_ASSERT(test.world.events.front().find("the header is damaged") != std::string::npos);
        }
    }

    void after_damage_logins_work_again_after_two_seconds()
    {
        accept_some();
        write_file(world.file("replay.store"), {});
        const Duration refused = time_until_logins_work();
        CPPUNIT_ASSERT(refused > 1900ms && refused <= 2200ms);
    }

    void after_the_loss_of_both_files_logins_work_again_after_the_skew()
    {
        accept_some();
        fs::remove(world.file("replay.store"));
        fs::remove(world.file("replay.journal"));
        const Duration refused = time_until_logins_work();
        CPPUNIT_ASSERT(refused > world.skew && refused <= world.skew + 3s);
        assert_no_replay_succeeds_until_all_is_stale("both lost");
    }

    void a_second_loss_does_not_open_the_door_of_the_first()
    {
        accept_some();
        fs::remove(world.file("replay.store"));
        fs::remove(world.file("replay.journal"));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*world.open(), 1)));
        world.pass(10s);
        fs::remove(world.file("replay.store"));
        assert_no_replay_succeeds_until_all_is_stale("lost twice");
    }

    void a_lost_journal_is_made_anew()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        fs::remove(world.file("replay.journal"));
        world.pass(2s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
        CPPUNIT_ASSERT(fs::exists(world.file("replay.journal")));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 1, -2s)));
    }

    void a_lost_journal_closes_the_door_for_longer()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1, 200s));
        accepted.push_back({1, world.now + 200s});
        fs::remove(world.file("replay.journal"));
        world.pass(2s);
        CPPUNIT_ASSERT(world.remember(*store, 2));
        fs::remove(world.file("replay.store"));
        assert_no_replay_succeeds_until_all_is_stale("first the journal, then the store");
    }

    void an_authenticator_dated_ahead_survives_a_restart()
    {
        accept_some();
        world.restart(30s);
        const auto store = world.open();
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 7, 70s)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 8, 270s)));
        assert_no_replay_succeeds_until_all_is_stale("restart");
    }

    void what_was_never_written_to_the_disk_is_refused_after_a_power_loss()
    {
        for (int variant = 0; variant < 6; ++variant) {
            ReplayDamageTest test;
            test.world.shared_memory = world.shared_memory;
            const auto first = test.world.open();
            CPPUNIT_ASSERT(test.world.remember(*first, 1000));
            const Bytes old = read_file(test.world.file("replay.store"));
            test.accept_some();
            Bytes octets = read_file(test.world.file("replay.store"));
            switch (variant) {
            case 0:
                octets.clear();
                break;
            case 1:
                octets = old;
                break;
            case 2:
                std::fill(octets.begin(), octets.end(), std::uint8_t{0});
                break;
            case 3: // pages came to the disk in any order
                for (std::size_t page = 4096; page + 4096 <= octets.size(); page += 8192) {
                    std::fill_n(octets.begin() + static_cast<std::ptrdiff_t>(page), 4096, std::uint8_t{0});
                }
                break;
            case 4:
                octets.resize(octets.size() / 2);
                break;
            default:
                break;
            }
            write_file(test.world.file("replay.store"), octets);
            test.world.restart(variant % 2 == 0 ? Duration(0) : Duration(5s));
            test.assert_no_replay_succeeds_until_all_is_stale("power loss, variant " + std::to_string(variant));
        }
    }

    void a_clock_that_comes_back_behind_lets_no_replay_through()
    {
        accept_some();
        world.restart(-200s);
        const auto store = world.open();
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 5000)));
        assert_no_replay_succeeds_until_all_is_stale("clock behind");
    }

    void without_durability_a_restart_refuses_for_the_skew()
    {
        world.durable = false;
        accept_some();
        world.restart(1s);
        const Duration refused = time_until_logins_work();
        CPPUNIT_ASSERT(refused > world.skew - 2s && refused <= world.skew + 3s);
    }

    void a_full_journal_is_written_anew_and_keeps_what_lives()
    {
        const auto store = world.open();
        for (std::uint64_t i = 0; i < 4096; ++i) {
            CPPUNIT_ASSERT(world.remember(*store, i, 1s));
        }
        world.pass(320s);
        CPPUNIT_ASSERT(world.remember(*store, 10'000, 290s));
        CPPUNIT_ASSERT(world.remember(*store, 10'001, 290s));
        CPPUNIT_ASSERT(fs::file_size(world.file("replay.journal")) < 10'000);
        world.restart(20s);
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*world.open(), 10'000, 270s)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*world.open(), 10'001, 270s)));
    }

    void a_restored_backup_of_another_store_lets_no_replay_through()
    {
        ReplayWorld other;
        CPPUNIT_ASSERT(other.remember(*other.open(), 1000));
        accept_some();
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 100));
        write_file(world.file("replay.store"), read_file(other.file("replay.store")));
        assert_no_replay_succeeds(*store, "open while another store's file was put in place");
        assert_no_replay_succeeds_until_all_is_stale("another store's file");
    }

    void a_restored_journal_of_another_store_lets_no_replay_through()
    {
        ReplayWorld other;
        CPPUNIT_ASSERT(other.remember(*other.open(), 1000));
        accept_some();
        write_file(world.file("replay.journal"), read_file(other.file("replay.journal")));
        assert_no_replay_succeeds_until_all_is_stale("another store's journal");
    }

    void a_restored_older_backup_lets_no_replay_through()
    {
        CPPUNIT_ASSERT(world.remember(*world.open(), 1000));
        const Bytes old = read_file(world.file("replay.store"));
        for (int i = 0; i < 3; ++i) {
            world.pass(2s);
            CPPUNIT_ASSERT(world.remember(*world.open(), 1001 + static_cast<std::uint64_t>(i)));
        }
        accept_some();
        write_file(world.file("replay.store"), old);
        assert_no_replay_succeeds_until_all_is_stale("an older copy");
        CPPUNIT_ASSERT(world.events.front().find("older") != std::string::npos);
    }

    void a_restored_older_journal_lets_no_replay_through()
    {
        CPPUNIT_ASSERT(world.remember(*world.open(), 1000));
        const Bytes old = read_file(world.file("replay.journal"));
        for (int i = 0; i < 3; ++i) {
            world.pass(2s);
            CPPUNIT_ASSERT(world.remember(*world.open(), 1001 + static_cast<std::uint64_t>(i)));
        }
        accept_some();
        write_file(world.file("replay.journal"), old);
        world.pass(2s);
        CPPUNIT_ASSERT(world.remember(*world.open(), 2000));
        fs::remove(world.file("replay.store"));
        assert_no_replay_succeeds_until_all_is_stale("an older journal, then no store");
    }
};

/// The same with the records in the file, and what only then can happen.
class ReplayDamageInFileTest : public ReplayDamageTest {
    CPPUNIT_TEST_SUB_SUITE(ReplayDamageInFileTest, ReplayDamageTest);
    CPPUNIT_TEST(no_flipped_octet_of_a_bucket_lets_a_replay_through);
    CPPUNIT_TEST(damage_is_noticed_while_the_store_is_open_and_reported_once);
    CPPUNIT_TEST(a_truncated_file_does_not_kill_the_process_that_uses_it);
    CPPUNIT_TEST(an_unlinked_store_lets_no_replay_through);
    CPPUNIT_TEST(a_renamed_store_lets_no_replay_through);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { world.shared_memory = false; }

    void no_flipped_octet_of_a_bucket_lets_a_replay_through()
    {
        accept_some();
        // An empty bucket holds zeros behind octet 40; here is one with a record.
        const Bytes store = read_file(world.file("replay.store"));
        std::size_t bucket = 4096;
        while (std::all_of(store.begin() + static_cast<std::ptrdiff_t>(bucket) + 40,
                           store.begin() + static_cast<std::ptrdiff_t>(bucket) + 64,
                           [](std::uint8_t octet) { return octet == 0; })) {
            bucket += 1024;
        }
        flip_each("replay.store", bucket, bucket + 64, bucket + 1024, Duration(0));
    }

    void damage_is_noticed_while_the_store_is_open_and_reported_once()
    {
        const auto one = world.open();
        const auto two = world.open();
        for (std::uint64_t i = 0; i < 1000; ++i) {
            CPPUNIT_ASSERT(world.remember(i % 2 == 0 ? *one : *two, i));
            accepted.push_back({i, world.now});
        }
        Bytes octets = read_file(world.file("replay.store"));
        std::fill(octets.begin() + 4096, octets.end(), std::uint8_t{0});
        write_file(world.file("replay.store"), octets);
        assert_no_replay_succeeds(*one, "open store");
        assert_no_replay_succeeds(*two, "open store");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        CPPUNIT_ASSERT(world.events.front().find("damaged") != std::string::npos);
        CPPUNIT_ASSERT(world.events.front().find(world.file("replay.store").string()) != std::string::npos);
    }

    // INVARIANTS R9.
    void a_truncated_file_does_not_kill_the_process_that_uses_it()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        fs::resize_file(world.file("replay.store"), 0);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 1)));
    }

    void an_unlinked_store_lets_no_replay_through()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        CPPUNIT_ASSERT(world.remember(*store, 2, 100s));
        fs::remove(world.file("replay.store"));
        const auto other = world.open();
        for (ReplayCache* cache : {static_cast<ReplayCache*>(other.get()), static_cast<ReplayCache*>(store.get())}) {
            CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*cache, 1)));
            CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*cache, 2, 100s)));
        }
        world.pass(3s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*other, 3)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 3)));
    }

    void a_renamed_store_lets_no_replay_through()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        fs::rename(world.file("replay.store"), world.file("elsewhere"));
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*store, 1)));
        world.pass(3s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*world.open(), 2)));
        CPPUNIT_ASSERT_EQUAL(replay, outcome_of(world.remember(*store, 2)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayDamageTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ReplayDamageInFileTest);

} // namespace
} // namespace apex
