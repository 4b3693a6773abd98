// SPDX-License-Identifier: MIT
#include "apex/base/fork_mutex.h"

#include <pthread.h>
#include <sched.h>

namespace apex {
namespace {

std::atomic<std::uint32_t> forks{0};

extern "C" void apex_count_fork()
{
    forks.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

std::uint32_t fork_count() noexcept
{
    static const bool counting = pthread_atfork(nullptr, nullptr, apex_count_fork) == 0;
    static_cast<void>(counting);
    return forks.load(std::memory_order_relaxed);
}

void ForkMutex::lock()
{
    const std::uint32_t here = fork_count();
    std::uint32_t seen = owner_forks_.load(std::memory_order_acquire);
    while (seen != here) {
        // Whoever held the mutex stayed behind in the parent. A renewal cut short by a fork is renewed as well: the
        // forking thread is the only one of the child, so nobody else can be at it yet.
        if (owner_forks_.compare_exchange_strong(seen, being_renewed, std::memory_order_acquire)) {
            new (&mutex_) std::mutex;
            owner_forks_.store(here, std::memory_order_release);
            break;
        }
        sched_yield();
        seen = owner_forks_.load(std::memory_order_acquire);
    }
    mutex_.lock();
}

} // namespace apex
