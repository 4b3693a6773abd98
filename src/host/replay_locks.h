// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"

#include <cstdint>
#include <pthread.h>
#include <string>

// Locks between processes: open-file-description locks on octets far behind the end of the store's file. The kernel gives
// them back when their owner dies. They do not exclude threads that share the descriptor: those use a mutex besides.

namespace apex::replay {

/// Patience counts how long something has been waited for: it yields a few times, then sleeps 20 us up to 1 ms at a time.
class Patience final {
public:
    /// Waits a little; false when five seconds were slept.
    bool wait() noexcept;

private:
    int rounds_ = 0;
    long nap_ = 20'000;
    long waited_ = 0;
};

/// lock_timed_out is the error of those whose patience ended.
Error lock_timed_out(const std::string& path);

/// Octets that stand for locks: one per stripe, then one for the header.
inline constexpr std::int64_t first_lock = std::int64_t{1} << 62;

/// FileLock holds one octet's lock, or several.
class FileLock final {
public:
    FileLock() = default;
    FileLock(int file, std::int64_t first, std::int64_t count) noexcept : file_(file), first_(first), count_(count) {}
    ~FileLock();
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

    /// take waits for the lock, but no longer than a few seconds: a holder that was stopped must not hang every login.
    /// Fault::ReplayStoreFailed.
    static Result<FileLock> take(int file, std::int64_t octet, const std::string& path);
    /// take_range takes `count` octets at once; 0: all there are.
    static Result<FileLock> take_range(int file, std::int64_t first, std::int64_t count, const std::string& path);
    /// try_take gives a lock that holds nothing if someone else has it.
    static Result<FileLock> try_take(int file, std::int64_t first, std::int64_t count, const std::string& path);

    [[nodiscard]] bool holds() const noexcept { return file_ >= 0; }

private:
    int file_ = -1;
    std::int64_t first_ = 0;
    std::int64_t count_ = 0;
};

/// SharedLock holds a mutex that lies in memory shared between processes and survives the death of its holder.
class SharedLock final {
public:
    SharedLock() = default;
    /// Takes a mutex over that is locked already.
    explicit SharedLock(pthread_mutex_t& locked) noexcept : mutex_(&locked) {}
    ~SharedLock();
    SharedLock(SharedLock&& other) noexcept;
    SharedLock& operator=(SharedLock&& other) noexcept;
    SharedLock(const SharedLock&) = delete;
    SharedLock& operator=(const SharedLock&) = delete;

private:
    pthread_mutex_t* mutex_ = nullptr;
};

/// DirectoryLock is a lock on the whole store while files are made, replaced or renamed. It opens the directory anew, so
/// that it excludes threads too.
class DirectoryLock final {
public:
    static Result<DirectoryLock> take(const std::string& directory);
    /// try_take gives a lock that holds nothing if someone else has it.
    static Result<DirectoryLock> try_take(const std::string& directory);
    [[nodiscard]] bool holds() const noexcept { return directory_ >= 0; }
    ~DirectoryLock();
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&&) = delete;
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    explicit DirectoryLock(int directory) noexcept : directory_(directory) {}
    int directory_;
};

} // namespace apex::replay
