// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

// Many processes and threads present the same authenticators at the same time: exactly one success each (INVARIANTS R1).
// Or each presents its own: all succeed, while records die and their places are used again.
// Usage: replay_race processes threads rounds [directory [distinct]]. A new directory is made in that one; "default" is
// where services have their stores. Exit code 0: it held.

namespace {

using namespace apex;

struct Plan final {
    int processes = 4;
    int threads = 4;
    std::size_t rounds = 1000;
    std::string directory;
    bool distinct = false; // `rounds` authenticators of each thread's own
};

/// Board is what all processes share: successes and refusals per round, and how many have come as far.
struct Board final {
    static constexpr std::size_t most_rounds = 100'000;
    std::array<std::atomic<std::uint32_t>, most_rounds> successes;
    std::array<std::atomic<std::uint32_t>, most_rounds> replays;
    std::array<std::atomic<std::uint32_t>, most_rounds> arrived;
    std::atomic<std::uint32_t> failures;
    std::atomic<std::uint64_t> presented; // distinct ones: the clock runs with them
};

/// The clock of distinct authenticators: ten thousand come in a second of it, so their lives end within the run.
Duration time_passed(const Board& board)
{
    return Duration(std::chrono::microseconds(100 * board.presented.load()));
}

Bytes authenticator(std::uint64_t round, std::uint64_t presenter = 0)
{
    Bytes octets(160, 0x42);
    std::memcpy(octets.data() + 100, &round, sizeof round);
    std::memcpy(octets.data() + 108, &presenter, sizeof presenter);
    return octets;
}

/// Waits until everybody has come to this round, but not for ever: on one processor that would take long.
void meet(Board& board, std::size_t round, std::uint32_t everybody)
{
    ++board.arrived[round];
    for (int patience = 0; board.arrived[round] < everybody && patience < 200; ++patience) {
        std::this_thread::yield();
    }
}

void take_part(const Plan& plan, Board& board, ReplayCache& cache)
{
    const auto everybody = static_cast<std::uint32_t>(plan.processes * plan.threads);
    for (std::size_t round = 0; round < plan.rounds; ++round) {
        meet(board, round, everybody);
        const Time now = SystemClock().now();
        // Every 16th is dated ahead and goes through the journal too.
        const Duration ahead = round % 16 == 0 ? Duration(std::chrono::seconds(5)) : Duration(0);
        const Done done = cache.remember(authenticator(round), EncryptionType::aes128_cts_hmac_sha256_128, now + ahead,
                                         std::chrono::seconds(300), now);
        if (done) {
            ++board.successes[round];
        } else if (done.error().fault == Fault::Replay) {
            ++board.replays[round];
        } else if (++board.failures == 1) {
            std::fprintf(stderr, "%s\n", done.error().text().c_str());
        }
    }
}

void present_own(const Plan& plan, Board& board, ReplayCache& cache, std::uint64_t presenter)
{
    constexpr std::int64_t start = 1'800'000'000;
    for (std::size_t round = 0; round < plan.rounds; ++round) {
        const Time now = time_from_seconds(start) + time_passed(board);
        const Done done = cache.remember(authenticator(round, presenter), EncryptionType::aes256_cts_hmac_sha1_96, now,
                                         std::chrono::seconds(60), now);
        ++board.presented;
        if (!done && ++board.failures == 1) {
            std::fprintf(stderr, "%s\n", done.error().text().c_str());
        }
    }
}

void run_process(const Plan& plan, Board& board, ReplayCache& cache, int process)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < plan.threads; ++i) {
        threads.emplace_back([&, i] {
            if (plan.distinct) {
                present_own(plan, board, cache, static_cast<std::uint64_t>(process * plan.threads + i));
            } else {
                take_part(plan, board, cache);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

bool judge(const Plan& plan, const Board& board)
{
    if (plan.distinct) {
        std::printf("%s: %d processes x %d threads, %llu authenticators of their own, %u refused\n",
                    board.failures == 0 ? "ok" : "not ok", plan.processes, plan.threads,
                    static_cast<unsigned long long>(board.presented.load()), board.failures.load());
        return board.failures == 0;
    }
    const auto everybody = static_cast<std::uint32_t>(plan.processes * plan.threads);
    std::size_t wrong = 0;
    for (std::size_t round = 0; round < plan.rounds; ++round) {
        if (board.successes[round] != 1 || board.replays[round] != everybody - 1) {
            ++wrong;
        }
    }
    std::printf("%s: %d processes x %d threads, %zu authenticators, %zu wrong, %u failures\n",
                wrong == 0 && board.failures == 0 ? "ok" : "not ok", plan.processes, plan.threads, plan.rounds, wrong,
                board.failures.load());
    return wrong == 0 && board.failures == 0;
}

/// Half of the processes use the cache object that they were forked with, the others one of their own.
bool race(const Plan& plan)
{
    void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("mmap");
        return false;
    }
    Board& board = *new (memory) Board();
    ReplayStoreSettings settings;
    settings.directory = plan.directory;
    if (plan.distinct) {
        settings.boot_clock = [&board] { return Duration(std::chrono::hours(1)) + time_passed(board); };
    }
    ReplayStore inherited(settings);
    for (int i = 1; i < plan.processes; ++i) {
        if (::fork() == 0) {
            ReplayStore own(settings);
            run_process(plan, board, i % 2 == 0 ? own : inherited, i);
            std::_Exit(0);
        }
    }
    run_process(plan, board, inherited, 0);
    while (::wait(nullptr) > 0) {
    }
    const bool good = judge(plan, board);
    ::munmap(memory, sizeof(Board));
    return good;
}

} // namespace

int main(int count, char** arguments)
{
    Plan plan;
    plan.processes = count > 1 ? std::atoi(arguments[1]) : plan.processes;
    plan.threads = count > 2 ? std::atoi(arguments[2]) : plan.threads;
    plan.rounds = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : plan.rounds;
    plan.distinct = count > 5 && std::strcmp(arguments[5], "distinct") == 0;
    if (plan.rounds > Board::most_rounds && !plan.distinct) {
        std::fprintf(stderr, "too many rounds\n");
        return 1;
    }
    if (count > 4 && std::strcmp(arguments[4], "default") == 0) {
        const bool good = race(plan);
        const std::filesystem::path store = ReplayStore(ReplayStoreSettings{}).path();
        remove_replay_memory(store.parent_path().parent_path());
        return good ? 0 : 1;
    }
    std::string pattern = std::string(count > 4 ? arguments[4] : "/var/tmp") + "/apex-race-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::perror(pattern.c_str());
        return 1;
    }
    plan.directory = pattern;
    const bool good = race(plan);
    remove_replay_memory(plan.directory);
    std::filesystem::remove_all(plan.directory);
    return good ? 0 : 1;
}
