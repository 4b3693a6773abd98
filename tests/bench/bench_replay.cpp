// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

// How fast the replay store remembers: records a second and the distribution of one call's time, for 1, 2 and 8
// processes and threads, empty and with many living records, with and without durability, and for MIT's file2 format
// (our implementation of it, opened at each call like MIT's) on the same disk in the same run.
// Usage: bench_replay [directory [seconds-per-row [living-records]]]

namespace {

using namespace apex;
using SteadyClock = std::chrono::steady_clock;

struct Plan final {
    std::string directory;
    double seconds = 1.0;
    std::uint64_t living = 1'000'000;
};

/// Row is one measurement: who does it, on which cache.
struct Row final {
    std::string name;
    int processes = 1;
    int threads = 1;
    std::string cache;
    bool durable = false;
};

/// Tally is shared with the children: the histogram of call times in steps of 0.1 us up to 1 ms, then one rest.
struct Tally final {
    static constexpr std::size_t steps = 10'000;
    std::array<std::uint64_t, steps + 1> histogram;
    std::uint64_t calls;
    std::uint64_t failures;
};

Bytes authenticator(std::uint64_t worker, std::uint64_t number)
{
    Bytes octets(170, 0x5a);
    std::memcpy(octets.data() + octets.size() - 12, &number, 8);
    const auto low = static_cast<std::uint32_t>(worker);
    std::memcpy(octets.data() + octets.size() - 4, &low, 4);
    return octets;
}

std::shared_ptr<ReplayCache> cache_of(const Plan& plan, const Row& row)
{
    ReplayStoreSettings settings;
    settings.directory = plan.directory;
    settings.capacity = 4 * std::max<std::uint64_t>(plan.living, 1'000'000);
    settings.durable = row.durable;
    Result<std::shared_ptr<ReplayCache>> cache = replay_cache_from_name(row.cache, settings);
    if (!cache) {
        std::fprintf(stderr, "%s\n", cache.error().text().c_str());
        std::exit(1);
    }
    return *cache;
}

Done store(ReplayCache& cache, std::uint64_t worker, std::uint64_t number)
{
    const Time now = SystemClock().now();
    return cache.remember(authenticator(worker, number), EncryptionType::aes256_cts_hmac_sha1_96, now,
                          std::chrono::seconds(300), now);
}

void work(ReplayCache& cache, Tally& tally, std::uint64_t worker, double seconds)
{
    const auto end = SteadyClock::now() + std::chrono::duration<double>(seconds);
    std::uint64_t number = static_cast<std::uint64_t>(SteadyClock::now().time_since_epoch().count());
    auto before = SteadyClock::now();
    while (before < end) {
        const Done done = store(cache, worker, number++);
        const auto after = SteadyClock::now();
        const auto tenths = std::chrono::duration_cast<std::chrono::nanoseconds>(after - before).count() / 100;
        const auto step = std::min<std::size_t>(static_cast<std::size_t>(tenths), Tally::steps);
        ++tally.histogram[step];
        ++tally.calls;
        tally.failures += done ? 0U : 1U;
        if (!done && tally.failures == 1) {
            std::fprintf(stderr, "%s\n", done.error().text().c_str());
        }
        before = after;
    }
}

Tally* shared_tallies(std::size_t count)
{
    void* memory = ::mmap(nullptr, count * sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        std::perror("mmap");
        std::exit(1);
    }
    return static_cast<Tally*>(memory);
}

std::string percentile(const Tally& sum, double part)
{
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(sum.calls) * part);
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < Tally::steps; ++step) {
        seen += sum.histogram[step];
        if (seen > wanted) {
            std::array<char, 32> text{};
            std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(step) / 10 + 0.1);
            return text.data();
        }
    }
    return ">1000";
}

void print(const Row& row, const Tally& sum, double seconds)
{
    std::printf("%-34s %9.0f/s  p50 %7s  p99 %7s  p99.9 %7s us  failures %llu\n", row.name.c_str(),
                static_cast<double>(sum.calls) / seconds, percentile(sum, 0.5).c_str(), percentile(sum, 0.99).c_str(),
                percentile(sum, 0.999).c_str(), static_cast<unsigned long long>(sum.failures));
    std::fflush(stdout);
}

void run_child(const Plan& plan, const Row& row, Tally* tallies, std::uint64_t child)
{
    const std::shared_ptr<ReplayCache> cache = cache_of(plan, row);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < row.threads; ++thread) {
        const std::uint64_t worker = child * 64 + static_cast<std::uint64_t>(thread);
        threads.emplace_back([&, worker, thread] {
            // As long-lived services do, each process has worked for a while when it is measured: the first second is
            // that of mapping the store's memory.
            const auto warming = std::make_unique<Tally>();
            work(*cache, *warming, worker, plan.seconds);
            work(*cache, tallies[thread], worker, plan.seconds);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::_Exit(0);
}

void measure(const Plan& plan, const Row& row)
{
    const auto workers = static_cast<std::size_t>(row.processes) * static_cast<std::size_t>(row.threads);
    Tally* tallies = shared_tallies(workers);
    for (int child = 0; child < row.processes; ++child) {
        if (::fork() == 0) {
            run_child(plan, row, tallies + child * row.threads, static_cast<std::uint64_t>(child) + 1);
        }
    }
    while (::wait(nullptr) > 0) {
    }
    Tally sum{};
    for (std::size_t i = 0; i < workers; ++i) {
        sum.calls += tallies[i].calls;
        sum.failures += tallies[i].failures;
        for (std::size_t step = 0; step <= Tally::steps; ++step) {
            sum.histogram[step] += tallies[i].histogram[step];
        }
    }
    ::munmap(tallies, workers * sizeof(Tally));
    print(row, sum, plan.seconds);
}

/// Each row that begins with an empty cache has a directory of its own.
Plan fresh(const Plan& plan)
{
    static int count = 0;
    Plan own = plan;
    own.directory += "/" + std::to_string(++count);
    std::filesystem::create_directory(own.directory);
    std::filesystem::permissions(own.directory, std::filesystem::perms::owner_all);
    return own;
}

void measure_all(const Plan& plan, const std::string& condition, bool from_empty)
{
    struct Kind final {
        std::string name;
        std::string cache;
        bool durable;
    };
    const std::vector<Kind> kinds = {
        {"apex", "dfl:", false}, {"apex durable", "dfl:", true}, {"file2", "file2:", false}};
    for (const Kind& kind : kinds) {
        for (const auto& [processes, threads] : {std::pair{1, 1}, {2, 1}, {8, 1}, {1, 2}, {1, 8}}) {
            const Plan own = from_empty ? fresh(plan) : plan;
            measure(own, Row{.name = kind.name + ", " + std::to_string(processes) + "x" + std::to_string(threads) +
                                     ", " + condition,
                             .processes = processes,
                             .threads = threads,
                             .cache = kind.cache == "file2:" ? kind.cache + own.directory + "/mit.rcache2" : kind.cache,
                             .durable = kind.durable});
            if (from_empty) {
                remove_replay_memory(own.directory);
            }
        }
    }
}

void fill(const Plan& plan)
{
    for (const std::string& name : {std::string("dfl:"), "file2:" + plan.directory + "/mit.rcache2"}) {
        const std::shared_ptr<ReplayCache> cache = cache_of(plan, Row{.name = "", .cache = name});
        for (std::uint64_t i = 0; i < plan.living; ++i) {
            if (const Done done = store(*cache, 0, i); !done) {
                std::fprintf(stderr, "while filling: %s\n", done.error().text().c_str());
                std::exit(1);
            }
        }
    }
}

} // namespace

int main(int count, char** arguments)
{
    Plan plan;
    std::string pattern = std::string(count > 1 ? arguments[1] : "/var/tmp") + "/apex-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        std::perror(pattern.c_str());
        return 1;
    }
    plan.directory = pattern;
    plan.seconds = count > 2 ? std::atof(arguments[2]) : plan.seconds;
    plan.living = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : plan.living;
    std::printf("%ld processors; processes x threads\n", ::sysconf(_SC_NPROCESSORS_ONLN));
    measure_all(plan, "from empty", true);
    fill(plan);
    measure_all(plan, std::to_string(plan.living) + " alive", false);
    remove_replay_memory(plan.directory);
    std::filesystem::remove_all(plan.directory);
    return 0;
}
