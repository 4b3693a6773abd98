// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cppunit/extensions/HelperMacros.h>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;

/// Told is what a process says it accepted, in memory that outlives it. Said after `remember` returned.
struct Told final {
    static constexpr std::size_t most = 100'000;
    std::atomic<std::uint64_t> count;
    std::array<std::uint64_t, most> numbers;
    std::array<std::int64_t, most> ahead; // seconds

    void say(std::uint64_t number, Duration dated_ahead)
    {
        numbers[count] = number;
        ahead[count] = std::chrono::floor<std::chrono::seconds>(dated_ahead).count();
        ++count;
    }
};

class SharedTold final {
public:
    SharedTold() : memory_(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
    {
        CPPUNIT_ASSERT(memory_ != MAP_FAILED);
    }
    ~SharedTold() { ::munmap(memory_, sizeof(Told)); }
    SharedTold(const SharedTold&) = delete;
    SharedTold& operator=(const SharedTold&) = delete;
    Told& operator*() { return *static_cast<Told*>(memory_); }
    Told* operator->() { return static_cast<Told*>(memory_); }

private:
    void* memory_;
};

class ReplayCrashTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayCrashTest);
    CPPUNIT_TEST(killed_at_any_system_call_of_the_first_use);
    CPPUNIT_TEST(killed_at_any_system_call_of_a_later_use);
    CPPUNIT_TEST(killed_at_any_system_call_while_it_grows);
    CPPUNIT_TEST(killed_at_any_system_call_of_making_anew_after_damage);
    CPPUNIT_TEST(killed_at_any_moment_of_many_uses);
    CPPUNIT_TEST_SUITE_END();

    /// Replays everything that was accepted; then the same after a restart of the machine.
    static void assert_nothing_was_forgotten(ReplayWorld& world, Told& told, const std::string& where)
    {
        for (const bool restarted : {false, true}) {
            if (restarted) {
                world.restart(1s);
            }
            const auto store = world.open();
            static_cast<void>(world.remember(*store, 999'998)); // opens it, and repairs what must be repaired
            for (std::uint64_t i = 0; i < told.count; ++i) {
                const auto dated = std::chrono::seconds(told.ahead[i]) - (restarted ? 1s : 0s);
                const Done done = world.remember(*store, told.numbers[i], dated);
                CPPUNIT_ASSERT_MESSAGE(
                    where + (restarted ? ", restarted" : "") + ": replay of " + std::to_string(told.numbers[i]), !done);
            }
        }
        // And it is no dead end: logins work again soon.
        world.pass(world.skew + 5s);
        const Done later = world.remember(*world.open(), 999'999);
        CPPUNIT_ASSERT_MESSAGE(where + ": " + (later ? "" : later.error().detail), later);
    }

    /// Runs `work` in a child and kills it at its `stop`th stop before or after a system call. False: it ended before.
    static bool run_until_stop(const std::function<void()>& work, int stop)
    {
        const pid_t child = ::fork();
        if (child == 0) {
            ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            ::raise(SIGSTOP);
            work();
            ::_exit(0);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        for (int seen = 0; WIFSTOPPED(status); ++seen) {
            if (seen > stop) {
                ::kill(child, SIGKILL);
                CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
                return true;
            }
            ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
            CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        }
        CPPUNIT_ASSERT_MESSAGE("the child failed", WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return false;
    }

    static bool can_trace()
    {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            std::printf(" [skipped: processes may not be traced here] ");
            return false;
        }
        return true;
    }

    using Step = std::function<void(ReplayWorld&)>;
    using Work = std::function<void(ReplayWorld&, Told&)>;

    /// Kills `work` at every `stride`th stop in turn, each time in a new world that `before` prepared. Strides are odd, so
    /// that it is now before, now after a system call; APEX_EVERY_STOP in the environment takes every stop.
    void kill_everywhere(const Step& before, const Work& work, int stride)
    {
        if (std::getenv("APEX_EVERY_STOP") != nullptr) {
            stride = 1;
        }
        if (!can_trace()) {
            return;
        }
        int stop = 0;
        for (bool killed = true; killed; stop += stride) {
            ReplayWorld world;
            world.shared_memory = shared_memory;
            SharedTold told;
            before(world);
            killed = run_until_stop([&] { work(world, *told); }, stop);
            assert_nothing_was_forgotten(world, *told, "stop " + std::to_string(stop));
        }
        CPPUNIT_ASSERT(stop > 10 * stride);
    }

    static void accept(ReplayWorld& world, ReplayCache& store, Told& told, std::uint64_t number, Duration ahead)
    {
        if (world.remember(store, number, ahead)) {
            told.say(number, ahead);
        }
    }

    static void first_and_ahead(ReplayWorld& world, Told& told)
    {
        const auto store = world.open();
        accept(world, *store, told, 1, 0s);
        accept(world, *store, told, 2, 100s);
        accept(world, *store, told, 3, 0s);
    }

protected:
    bool shared_memory = true;

public:
    void killed_at_any_system_call_of_the_first_use()
    {
        kill_everywhere([](ReplayWorld&) {}, first_and_ahead, 3);
    }

    void killed_at_any_system_call_of_a_later_use()
    {
        kill_everywhere(
            [](ReplayWorld& world) {
                CPPUNIT_ASSERT(world.remember(*world.open(), 100));
                world.pass(5s);
            },
            first_and_ahead, 3);
    }

    void killed_at_any_system_call_while_it_grows()
    {
        kill_everywhere(
            [](ReplayWorld& world) {
                const auto store = world.open();
                for (std::uint64_t i = 100; i < 4000; ++i) {
                    CPPUNIT_ASSERT(world.remember(*store, i));
                }
            },
            [](ReplayWorld& world, Told& told) {
                const auto store = world.open();
                for (std::uint64_t i = 10'000; i < 10'400; ++i) {
                    accept(world, *store, told, i, 0s);
                }
            },
            97);
    }

    void killed_at_any_system_call_of_making_anew_after_damage()
    {
        kill_everywhere(
            [](ReplayWorld& world) {
                const auto store = world.open();
                CPPUNIT_ASSERT(world.remember(*store, 100));
                CPPUNIT_ASSERT(world.remember(*store, 101, 100s));
                std::filesystem::resize_file(world.file("replay.store"), 4000);
            },
            [](ReplayWorld& world, Told& told) {
                told.say(100, 0s);
                told.say(101, 100s);
                const auto store = world.open();
                accept(world, *store, told, 1, 0s);
                accept(world, *store, told, 2, 50s);
            },
            3);
    }

    void killed_at_any_moment_of_many_uses()
    {
        ReplayWorld world;
        world.shared_memory = shared_memory;
        SharedTold told;
        for (int round = 0; round < 20; ++round) {
            const pid_t child = ::fork();
            if (child == 0) {
                const auto store = world.open();
                for (std::uint64_t i = 0; told->count < Told::most; ++i) {
                    accept(world, *store, *told, 1'000'000 + told->count * 100 + i % 100, i % 50 == 0 ? 10s : 0s);
                }
                ::_exit(0);
            }
            const std::uint64_t enough = told->count + 1 + static_cast<std::uint64_t>(round * 7 % 50);
            for (int patience = 0; told->count < enough && patience < 1000; ++patience) {
                ::usleep(100);
            }
            ::kill(child, SIGKILL);
            int status = 0;
            ::waitpid(child, &status, 0);
        }
        CPPUNIT_ASSERT(told->count > 20);
        CPPUNIT_ASSERT(world.events.empty());
        assert_nothing_was_forgotten(world, *told, "killed at some moment");
    }
};

/// The same with the records in the file.
class ReplayCrashInFileTest : public ReplayCrashTest {
    CPPUNIT_TEST_SUB_SUITE(ReplayCrashInFileTest, ReplayCrashTest);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { shared_memory = false; }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayCrashTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ReplayCrashInFileTest);

} // namespace
} // namespace apex
