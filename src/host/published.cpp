// SPDX-License-Identifier: MIT
#include "apex/host/published.h"

#include <pthread.h>
#include <sched.h>

namespace apex {
namespace {

std::atomic<std::uint32_t> generation{1};

void count_child() noexcept
{
    // 0 means "nobody" in Published: skip it, should anyone ever fork that often.
    if (generation.fetch_add(1, std::memory_order_relaxed) + 1 == 0) {
        generation.store(1, std::memory_order_relaxed);
    }
}

} // namespace

std::uint32_t process_generation() noexcept
{
    // A handler that cannot be registered (no memory) leaves every process with number 1: locks still work, only their
    // take-over after a fork in the wrong instant does not.
    [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, count_child);
    return generation.load(std::memory_order_relaxed);
}

void give_way() noexcept
{
    static_cast<void>(sched_yield());
}

} // namespace apex
