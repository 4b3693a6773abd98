// SPDX-License-Identifier: MIT
#include "apex/crypto/system_random.h"

#include "apex/crypto/key.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace apex::test {

class SystemRandomTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SystemRandomTest);
    CPPUNIT_TEST(octets_never_repeat);
    CPPUNIT_TEST(octets_never_repeat_across_threads);
    CPPUNIT_TEST(forked_children_never_repeat_each_other_or_the_parent);
    CPPUNIT_TEST(grandchildren_never_repeat);
    CPPUNIT_TEST(every_size_is_filled);
    CPPUNIT_TEST_SUITE_END();

public:
    void octets_never_repeat()
    {
        std::set<Bytes> seen;
        for (int i = 0; i < 20000; ++i) {
            CPPUNIT_ASSERT(seen.insert(some(16)).second);
        }
    }

    void octets_never_repeat_across_threads()
    {
        std::set<Bytes> seen;
        std::mutex mutex;
        std::size_t count = 0;
        for (int round = 0; round < 25; ++round) {
            std::vector<std::thread> threads;
            for (int i = 0; i < 8; ++i) {
                threads.emplace_back([&] {
                    const Bytes octets = some(16);
                    const std::lock_guard lock(mutex);
                    seen.insert(octets);
                    ++count;
                });
            }
            for (std::thread& thread : threads) {
                thread.join();
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{200}, count);
        CPPUNIT_ASSERT_EQUAL(count, seen.size());
    }

    void forked_children_never_repeat_each_other_or_the_parent()
    {
        // INVARIANTS K4. The parent has a stock and does not touch it between most of the forks, so a child that
        // inherited it would give its sibling's octets.
        std::set<Bytes> seen;
        seen.insert(some(16));
        for (int i = 0; i < 1000; ++i) {
            CPPUNIT_ASSERT(seen.insert(octets_of_child([] { return some(16); })).second);
        }
        CPPUNIT_ASSERT(seen.insert(some(16)).second);
    }

    void grandchildren_never_repeat()
    {
        std::set<Bytes> seen;
        for (int i = 0; i < 50; ++i) {
            Bytes both = octets_of_child([] {
                const Bytes mine = some(8);
                Bytes all = octets_of_child([] { return some(8); }, 8);
                append(all, mine);
                return all;
            });
            CPPUNIT_ASSERT(seen.insert(bytes_of(ByteView(both).first(8))).second);
            CPPUNIT_ASSERT(seen.insert(bytes_of(ByteView(both).last(8))).second);
        }
    }

    void every_size_is_filled()
    {
        // An octet that is never written stays 0 in all of 8 tries; by chance once in 2^64.
        for (const std::size_t size : {1U, 8U, 16U, 255U, 256U, 257U, 4096U, 10000U}) {
            Bytes touched(size);
            for (int i = 0; i < 8; ++i) {
                const Bytes octets = some(size);
                for (std::size_t at = 0; at < size; ++at) {
                    touched[at] |= octets[at];
                }
            }
            CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{0}, std::count(touched.begin(), touched.end(), std::uint8_t{0}));
        }
        SystemRandom random;
        CPPUNIT_ASSERT(random.fill({}));
    }

private:
    static Bytes some(std::size_t size)
    {
        SystemRandom random;
        Bytes octets(size);
        CPPUNIT_ASSERT(random.fill(octets));
        return octets;
    }

    /// Runs `make` in a forked child and hands its octets up through a pipe.
    template <typename Make>
    static Bytes octets_of_child(Make make, std::size_t size = 16)
    {
        int ends[2];
        CPPUNIT_ASSERT_EQUAL(0, pipe(ends));
        const pid_t child = fork();
        if (child == 0) {
            const Bytes octets = make();
            const bool written = write(ends[1], octets.data(), octets.size()) == static_cast<ssize_t>(octets.size());
            _exit(written ? 0 : 1);
        }
        close(ends[1]);
        Bytes octets(size);
        const ssize_t got = read(ends[0], octets.data(), octets.size());
        close(ends[0]);
        int status = -1;
        CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
        CPPUNIT_ASSERT_EQUAL(0, status);
        CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(size), got);
        return octets;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SystemRandomTest);

} // namespace apex::test
