// SPDX-License-Identifier: MIT
#include "host/replay_locks.h"

#include "host/replay_files.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace apex::replay {

bool Patience::wait() noexcept
{
    constexpr int yields = 8;
    constexpr long longest = 1'000'000;
    if (++rounds_ <= yields) {
        ::sched_yield();
        return true;
    }
    const long pause = nap_;
    nap_ = std::min(nap_ * 2, longest);
    waited_ += pause;
    const timespec duration{.tv_sec = 0, .tv_nsec = pause};
    ::nanosleep(&duration, nullptr);
    return waited_ < 5'000'000'000L;
}

namespace {

/// 0, or the reason in errno's numbers. EAGAIN: held by someone else.
int set_lock(int file, short type, std::int64_t first, std::int64_t count) noexcept
{
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = first;
    lock.l_len = count;
    int status = 0;
    do {
        status = ::fcntl(file, F_OFD_SETLK, &lock);
    } while (status != 0 && errno == EINTR);
    return status == 0 ? 0 : errno == EACCES ? EAGAIN : errno;
}

} // namespace

Error lock_timed_out(const std::string& path)
{
    return refuse(Fault::ReplayStoreFailed, "another process has locked " + path +
                                                " for more than 5 seconds; see which one with lslocks and end it");
}

FileLock::~FileLock()
{
    if (file_ >= 0) {
        set_lock(file_, F_UNLCK, first_, count_);
    }
}

FileLock::FileLock(FileLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)), first_(other.first_), count_(other.count_)
{
}

FileLock& FileLock::operator=(FileLock&& other) noexcept
{
    std::swap(file_, other.file_);
    std::swap(first_, other.first_);
    std::swap(count_, other.count_);
    return *this;
}

Result<FileLock> FileLock::try_take(int file, std::int64_t first, std::int64_t count, const std::string& path)
{
    const int cause = set_lock(file, F_WRLCK, first, count);
    if (cause == EAGAIN) {
        return FileLock();
    }
    if (cause != 0) {
        return store_failed("lock", path, cause);
    }
    return FileLock(file, first, count);
}

Result<FileLock> FileLock::take(int file, std::int64_t octet, const std::string& path)
{
    return take_range(file, octet, 1, path);
}

Result<FileLock> FileLock::take_range(int file, std::int64_t first, std::int64_t count, const std::string& path)
{
    Patience patience;
    for (;;) {
        FileLock lock = TRY(try_take(file, first, count, path));
        if (lock.holds()) {
            return lock;
        }
        if (!patience.wait()) {
            return lock_timed_out(path);
        }
    }
}

SharedLock::~SharedLock()
{
    if (mutex_ != nullptr) {
        ::pthread_mutex_unlock(mutex_);
    }
}

SharedLock::SharedLock(SharedLock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr))
{
}

SharedLock& SharedLock::operator=(SharedLock&& other) noexcept
{
    std::swap(mutex_, other.mutex_);
    return *this;
}

Result<DirectoryLock> DirectoryLock::try_take(const std::string& directory)
{
    const int number = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (number < 0) {
        return store_failed("open the directory", directory, errno);
    }
    DirectoryLock lock(number);
    int status = 0;
    do {
        status = ::flock(number, LOCK_EX | LOCK_NB);
    } while (status != 0 && errno == EINTR);
    if (status == 0) {
        return lock;
    }
    if (errno == EWOULDBLOCK) {
        return DirectoryLock(-1);
    }
    return store_failed("lock the directory", directory, errno);
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory)
{
    Patience patience;
    for (;;) {
        DirectoryLock lock = TRY(try_take(directory));
        if (lock.holds()) {
            return lock;
        }
        if (!patience.wait()) {
            return lock_timed_out(directory);
        }
    }
}

DirectoryLock::~DirectoryLock()
{
    if (directory_ >= 0) {
        ::close(directory_);
    }
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : directory_(std::exchange(other.directory_, -1))
{
}

} // namespace apex::replay
