// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>

namespace apex {

/// fork_count counts the forks between the first process and this one. Costs no system call: a handler of
/// pthread_atfork counts.
std::uint32_t fork_count() noexcept;

/// ForkMutex is a mutex that a child made by fork can use even if another thread of its parent held it at that moment
/// (INVARIANTS C2): the first one to lock it in a new process starts it anew.
class ForkMutex final {
public:
    ForkMutex() = default;
    ForkMutex(const ForkMutex&) = delete;
    ForkMutex& operator=(const ForkMutex&) = delete;

    void lock();
    void unlock() { mutex_.unlock(); }

private:
    static constexpr std::uint32_t being_renewed = UINT32_MAX;
    std::atomic<std::uint32_t> owner_forks_{fork_count()};
    std::mutex mutex_;
};

} // namespace apex
