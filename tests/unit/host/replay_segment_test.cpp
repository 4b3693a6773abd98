// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include "host/replay_segment.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const std::string remembered = "remembered";
const std::string replay_refused = "Replay";
const std::string failed = "ReplayStoreFailed";

/// The segment of a world's store, as a test that meddles with it has it mapped.
class Mapped final {
public:
    explicit Mapped(const ReplayWorld& world) : address_(::shmat(world.segment().value_or(-1), nullptr, 0))
    {
        CPPUNIT_ASSERT(address_ != reinterpret_cast<void*>(-1));
        shmid_ds status{};
        CPPUNIT_ASSERT_EQUAL(0, ::shmctl(*world.segment(), IPC_STAT, &status));
        octets_ = {static_cast<std::uint8_t*>(address_), status.shm_segsz};
    }
    ~Mapped() { ::shmdt(address_); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;

    [[nodiscard]] ByteSpan octets() const { return octets_; }

private:
    void* address_;
    ByteSpan octets_;
};

/// Runs `work` in a child; true if it ended well.
bool in_a_child(const std::function<bool()>& work)
{
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(work() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class ReplaySegmentTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplaySegmentTest);
    CPPUNIT_TEST(the_records_lie_in_memory_that_is_ours_alone);
    CPPUNIT_TEST(the_memory_stays_when_nobody_uses_it);
    CPPUNIT_TEST(memory_that_was_removed_lets_no_replay_through);
    CPPUNIT_TEST(memory_that_is_removed_while_it_is_used_goes_on_for_all);
    CPPUNIT_TEST(no_flipped_octet_of_a_bucket_lets_a_replay_through);
    CPPUNIT_TEST(no_flipped_octet_of_what_tells_the_memory_lets_a_replay_through);
    CPPUNIT_TEST(memory_that_was_wiped_lets_no_replay_through);
    CPPUNIT_TEST(an_unlinked_store_is_left_before_another_one_decides);
    CPPUNIT_TEST(a_truncated_file_neither_kills_nor_lets_a_replay_through);
    CPPUNIT_TEST(who_uses_a_damaged_store_leaves_it_at_once_when_another_one_is_made);
    CPPUNIT_TEST(what_a_process_killed_at_any_instruction_left_behind_is_finished);
    CPPUNIT_TEST(a_process_that_is_stopped_in_the_middle_hangs_nobody);
    CPPUNIT_TEST(the_memory_of_a_dead_table_is_given_back);
    CPPUNIT_TEST(a_store_made_anew_takes_the_former_memory_away);
    CPPUNIT_TEST(processes_that_want_the_file_take_the_store_there);
    CPPUNIT_TEST(processes_of_two_namespaces_meet_in_the_file);
    CPPUNIT_TEST(a_namespace_that_comes_later_has_memory_of_its_own);
    CPPUNIT_TEST(without_shared_memory_the_file_serves);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;
    const Time dated = world.now; // what the authenticators that are replayed later are dated

    static std::uint64_t resident(int number)
    {
        std::ifstream table("/proc/sysvipc/shm");
        std::string line;
        std::getline(table, line);
        while (std::getline(table, line)) {
            unsigned long long rss = 0;
            int id = 0;
            if (std::sscanf(line.c_str(), "%*d %d %*o %*u %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %llu", &id, &rss) ==
                    2 &&
                id == number) {
                return rss;
            }
        }
        return 0;
    }

    /// Authenticators 1 to `count` are accepted by a store that is closed then.
    void accept(std::uint64_t count)
    {
        const auto store = world.open();
        for (std::uint64_t number = 1; number <= count; ++number) {
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, number)));
        }
    }

    /// A replay of an authenticator that was accepted when the test began.
    Done present_again(ReplayCache& store, std::uint64_t number) const
    {
        return world.remember(store, number, dated - world.now);
    }

    void assert_refused(ReplayCache& store, std::uint64_t count, const std::string& what)
    {
        for (std::uint64_t number = 1; number <= count; ++number) {
            CPPUNIT_ASSERT_MESSAGE(what + ": replay of " + std::to_string(number), !present_again(store, number));
        }
    }

    /// Where a bucket with a record lies.
    static std::size_t used_bucket(ByteView octets)
    {
        constexpr std::size_t first = 36'864;
        for (std::size_t at = first; at + 1024 <= octets.size(); at += 1024) {
            const ByteView record = octets.subspan(at + 40, 24);
            if (std::any_of(record.begin(), record.end(), [](std::uint8_t octet) { return octet != 0; })) {
                return at;
            }
        }
        CPPUNIT_FAIL("no bucket with a record");
        return 0;
    }

    static bool may_unshare()
    {
        const bool may = in_a_child([] { return ::unshare(CLONE_NEWIPC) == 0; });
        if (!may) {
            std::printf(" [skipped: no namespaces can be made here] ");
        }
        return may;
    }

public:
    void the_records_lie_in_memory_that_is_ours_alone()
    {
        accept(3);
        CPPUNIT_ASSERT_EQUAL(std::uintmax_t{4096}, fs::file_size(world.file("replay.store")));
        shmid_ds status{};
        CPPUNIT_ASSERT_EQUAL(0, ::shmctl(world.segment().value(), IPC_STAT, &status));
        CPPUNIT_ASSERT_EQUAL(::geteuid(), status.shm_perm.uid);
        CPPUNIT_ASSERT_EQUAL(0600U, static_cast<unsigned>(status.shm_perm.mode) & 0777U);
        CPPUNIT_ASSERT_EQUAL(shmatt_t{0}, status.shm_nattch);
    }

    void the_memory_stays_when_nobody_uses_it()
    {
        accept(3);
        const auto store = world.open();
        for (std::uint64_t number = 1; number <= 3; ++number) {
            CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*store, number)));
        }
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 4)));
        CPPUNIT_ASSERT(world.events.empty());
    }

    void memory_that_was_removed_lets_no_replay_through()
    {
        accept(3);
        ::shmctl(world.segment().value(), IPC_RMID, nullptr);
        const auto store = world.open();
        assert_refused(*store, 3, "at once");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        CPPUNIT_ASSERT(world.events.front().find("is gone") != std::string::npos);
        world.pass(3s);
        assert_refused(*store, 3, "later");
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 4)));
    }

    void memory_that_is_removed_while_it_is_used_goes_on_for_all()
    {
        const auto one = world.open();
        CPPUNIT_ASSERT(world.remember(*one, 1));
        ::shmctl(world.segment().value(), IPC_RMID, nullptr);
        const auto other = world.open();
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*other, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*other, 2)));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*one, 2)));
        CPPUNIT_ASSERT(world.events.empty());
    }

    void no_flipped_octet_of_a_bucket_lets_a_replay_through()
    {
        for (std::size_t at = 0; at < 1024; at += at < 64 ? 1U : 13U) {
            ReplaySegmentTest test;
            test.accept(20);
            {
                const Mapped memory(test.world);
                memory.octets()[used_bucket(memory.octets()) + at] ^= static_cast<std::uint8_t>(1U << (at % 8));
            }
            const auto store = test.world.open();
            test.assert_refused(*store, 20, "octet " + std::to_string(at));
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, test.world.events.size());
            test.world.pass(3s);
            test.assert_refused(*store, 20, "octet " + std::to_string(at) + ", later");
        }
    }

    void no_flipped_octet_of_what_tells_the_memory_lets_a_replay_through()
    {
        // Mark, kind of process, identity, size, place, proof: 64 octets.
        for (std::size_t at = 0; at < 64; ++at) {
            ReplaySegmentTest test;
            test.accept(3);
            const int former = test.world.segment().value();
            Mapped(test.world).octets()[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
            const auto store = test.world.open();
            test.assert_refused(*store, 3, "octet " + std::to_string(at));
            test.world.pass(3s);
            test.assert_refused(*store, 3, "octet " + std::to_string(at) + ", later");
            CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(test.world.remember(*store, 4)));
            // What cannot be told to be ours any more is not taken away by the store.
            for (const int each : {former, test.world.segment().value_or(former)}) {
                ::shmctl(each, IPC_RMID, nullptr);
            }
        }
    }

    void memory_that_was_wiped_lets_no_replay_through()
    {
        accept(20);
        {
            const Mapped memory(world);
            const ByteSpan buckets = memory.octets().subspan(36'864);
            std::fill(buckets.begin(), buckets.begin() + 256 * 1024, std::uint8_t{0});
        }
        const auto store = world.open();
        assert_refused(*store, 20, "wiped");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
    }

    /// The process that had the store open does not look at its path each time. What it accepts until it does, the new
    /// store refuses.
    void an_unlinked_store_is_left_before_another_one_decides()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        std::vector<std::pair<std::uint64_t, Time>> accepted;
        fs::remove(world.file("replay.store"));
        std::unique_ptr<ReplayStore> other;
        bool left = false;
        for (std::uint64_t number = 10; number < 60; ++number) {
            const Duration ahead = 100ms * static_cast<int>(number % 7); // up to 0.6 s
            if (world.remember(*store, number, ahead)) {
                accepted.emplace_back(number, world.now + ahead);
            } else {
                left = true;
            }
            if (number == 12) {
                other = world.open();
                CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*other, 9)));
            }
            for (const auto& [each, time] : accepted) {
                CPPUNIT_ASSERT(other == nullptr || !world.remember(*other, each, time - world.now));
            }
            world.pass(100ms);
        }
        CPPUNIT_ASSERT(left);
        CPPUNIT_ASSERT(accepted.size() > 5);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 100)));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*other, 100)));
    }

    // INVARIANTS R9.
    void a_truncated_file_neither_kills_nor_lets_a_replay_through()
    {
        const auto store = world.open();
        CPPUNIT_ASSERT(world.remember(*store, 1));
        fs::resize_file(world.file("replay.store"), 0);
        for (int step = 0; step < 40; ++step) {
            CPPUNIT_ASSERT(!present_again(*store, 1));
            CPPUNIT_ASSERT(!present_again(*world.open(), 1));
            world.pass(100ms);
        }
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*world.open(), 2)));
    }

    void who_uses_a_damaged_store_leaves_it_at_once_when_another_one_is_made()
    {
        accept(20);
        const auto one = world.open();
        const auto other = world.open();
        CPPUNIT_ASSERT(world.remember(*one, 21));
        {
            const Mapped memory(world);
            memory.octets()[used_bucket(memory.octets()) + 41] ^= 1U;
        }
        assert_refused(*other, 21, "the one that notices");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        // In the same moment: the first one does not go on with the old memory.
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(world.remember(*one, 22)));
        world.pass(3s);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*one, 23)));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*other, 23)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
    }

private:
    /// Puts a record in its place, in a child that is killed after `steps` instructions of it. False: it came to its end.
    bool killed_after(const replay::Header& header, int steps)
    {
        const pid_t child = ::fork();
        if (child == 0) {
            replay::SegmentAttempt attempt = replay::attach_segment(header);
            replay::RecordKey key{1, 2, 3, 4, 5, 6, 7, 8};
            const std::size_t stripe = replay::stripe_of(key);
            const std::uint64_t offset = replay::offset_of(key, header.tables.back());
            const replay::BucketPlace place{.id = header.id, .offset = offset};
            replay::BucketOctets bucket{};
            const auto guard = attempt.area->lock(stripe);
            if (!guard || !attempt.area->read(bucket, offset) || !replay::is_sound(bucket, place)) {
                ::_exit(2);
            }
            replay::put_record(bucket, 5, replay::Record{.key = key, .wall = 77, .boot = 78});
            replay::seal(bucket, place);
            ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            ::raise(SIGSTOP);
            static_cast<void>(attempt.area->put_record(stripe, bucket, offset, 5));
            ::raise(SIGSTOP);
            ::_exit(0);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        CPPUNIT_ASSERT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        bool ended = false;
        for (int step = 0; step < steps && !ended; ++step) {
            ::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
            CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
            CPPUNIT_ASSERT(WIFSTOPPED(status));
            ended = WSTOPSIG(status) == SIGSTOP;
        }
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return !ended;
    }

public:
    void what_a_process_killed_at_any_instruction_left_behind_is_finished()
    {
        accept(20);
        Bytes page = read_file(world.file("replay.store"));
        const replay::Header header = replay::decode_header(page).value();
        const replay::SegmentAttempt attempt = replay::attach_segment(header);
        const replay::RecordKey key{1, 2, 3, 4, 5, 6, 7, 8};
        const std::size_t stripe = replay::stripe_of(key);
        const std::uint64_t offset = replay::offset_of(key, header.tables.back());
        const replay::BucketPlace place{.id = header.id, .offset = offset};
        replay::BucketOctets before{};
        CPPUNIT_ASSERT(attempt.area->read(before, offset).value());
        int as_it_was = 0;
        int as_it_is_to_be = 0;
        bool killed = true;
        // Each of the first hundred, then ever fewer: a build with sanitizers makes many instructions of one.
        const bool every = std::getenv("APEX_EVERY_STOP") != nullptr;
        for (int steps = 0; killed; steps += every ? 1 : 1 + steps / 100) {
            CPPUNIT_ASSERT(steps < 20'000);
            killed = killed_after(header, steps);
            const auto guard = attempt.area->lock(stripe);
            CPPUNIT_ASSERT(guard);
            replay::BucketOctets after{};
            CPPUNIT_ASSERT(attempt.area->read(after, offset).value());
            CPPUNIT_ASSERT_MESSAGE("after " + std::to_string(steps) + " instructions", replay::is_sound(after, place));
            if (after == before) {
                ++as_it_was;
                continue;
            }
            ++as_it_is_to_be;
            CPPUNIT_ASSERT(replay::has_key(after, key));
            CPPUNIT_ASSERT_EQUAL(std::uint32_t{77}, replay::record_at(after, 5).wall);
            CPPUNIT_ASSERT_EQUAL(std::uint32_t{78}, replay::record_at(after, 5).boot);
            CPPUNIT_ASSERT(attempt.area->fill(before, offset));
        }
        CPPUNIT_ASSERT(as_it_was > 10);
        CPPUNIT_ASSERT(as_it_is_to_be > 10);
    }

    void a_process_that_is_stopped_in_the_middle_hangs_nobody()
    {
        accept(1);
        const replay::Header header = replay::decode_header(read_file(world.file("replay.store"))).value();
        const pid_t child = ::fork();
        if (child == 0) {
            const replay::SegmentAttempt attempt = replay::attach_segment(header);
            std::vector<replay::StripeGuard> guards;
            for (std::size_t stripe = 0; stripe < replay::stripe_count; ++stripe) {
                guards.push_back(std::move(attempt.area->lock(stripe).value()));
            }
            ::raise(SIGSTOP);
            ::_exit(0);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, WUNTRACED));
        const auto store = world.open();
        const Done done = world.remember(*store, 2);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("more than 5 seconds") != std::string::npos);
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*store, 2)));
    }

    void the_memory_of_a_dead_table_is_given_back()
    {
        const auto store = world.open();
        for (std::uint64_t i = 0; i < 60'000; ++i) {
            CPPUNIT_ASSERT(world.remember(*store, i));
        }
        const std::uint64_t full = resident(world.segment().value());
        world.pass(700s);
        CPPUNIT_ASSERT(world.remember(*store, 60'000));
        world.pass(2s);
        CPPUNIT_ASSERT(world.remember(*store, 60'001));
        const std::uint64_t later = resident(world.segment().value());
        CPPUNIT_ASSERT_MESSAGE(std::to_string(full) + " then " + std::to_string(later), later + 100 * 1024 < full);
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*store, 60'000)));
    }

    void a_store_made_anew_takes_the_former_memory_away()
    {
        accept(3);
        const int former = world.segment().value();
        write_file(world.file("replay.store"), {});
        CPPUNIT_ASSERT(!world.remember(*world.open(), 1));
        CPPUNIT_ASSERT(world.segment().value() != former);
        shmid_ds status{};
        CPPUNIT_ASSERT(::shmctl(former, IPC_STAT, &status) != 0);
    }

    void processes_that_want_the_file_take_the_store_there()
    {
        accept(3);
        const auto in_memory = world.open();
        CPPUNIT_ASSERT(world.remember(*in_memory, 4));
        world.shared_memory = false;
        const auto in_file = world.open();
        assert_refused(*in_file, 4, "in the file");
        CPPUNIT_ASSERT(!world.segment());
        world.pass(3s);
        assert_refused(*in_file, 4, "in the file, later");
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*in_memory, 5)));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*in_file, 5)));
    }

    void processes_of_two_namespaces_meet_in_the_file()
    {
        if (!may_unshare()) {
            return;
        }
        const auto here = world.open();
        CPPUNIT_ASSERT(world.remember(*here, 1));
        CPPUNIT_ASSERT(in_a_child([this] {
            const auto there = ::unshare(CLONE_NEWIPC) == 0 ? world.open() : nullptr;
            return there != nullptr && !world.remember(*there, 1) && !world.remember(*there, 2) &&
                   world.events.size() == 1 && world.events.front().find("another IPC namespace") != std::string::npos;
        }));
        CPPUNIT_ASSERT(!world.segment());
        world.pass(3s);
        CPPUNIT_ASSERT(in_a_child([this] {
            const auto there = ::unshare(CLONE_NEWIPC) == 0 ? world.open() : nullptr;
            return there != nullptr && !present_again(*there, 1) && world.remember(*there, 3) && world.events.empty();
        }));
        CPPUNIT_ASSERT_EQUAL(replay_refused, outcome_of(world.remember(*here, 3)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 4)));
    }

    /// As a container that is started again.
    void a_namespace_that_comes_later_has_memory_of_its_own()
    {
        if (!may_unshare()) {
            return;
        }
        CPPUNIT_ASSERT(world.remember(*world.open(), 1));
        const int former = world.segment().value();
        world.pass(700s);
        const Time accepted = world.now;
        CPPUNIT_ASSERT(world.remember(*world.open(), 2));
        CPPUNIT_ASSERT(in_a_child([&] {
            const auto there = ::unshare(CLONE_NEWIPC) == 0 ? world.open() : nullptr;
            const bool refused = there != nullptr && !world.remember(*there, 2) && world.segment();
            world.pass(3s);
            return refused && !world.remember(*there, 2, accepted - world.now) && world.remember(*there, 3) &&
                   !world.remember(*there, 3);
        }));
        ::shmctl(former, IPC_RMID, nullptr);
    }

    void without_shared_memory_the_file_serves()
    {
        if (!may_unshare()) {
            return;
        }
        CPPUNIT_ASSERT(in_a_child([this] {
            if (::unshare(CLONE_NEWIPC) != 0) {
                return false;
            }
            std::ofstream("/proc/sys/kernel/shmmni") << 0 << std::flush;
            const auto store = world.open();
            return world.remember(*store, 1) && !world.remember(*store, 1) && !world.segment() &&
                   world.events.size() == 1 && world.events.front().find("gives no shared memory") != std::string::npos;
        }));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplaySegmentTest);

} // namespace
} // namespace apex
