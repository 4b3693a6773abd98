// SPDX-License-Identifier: MIT
#include "host/replay_files.h"

#include "host/replay_minors.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace apex::replay {

FileIdentity identity_of(const struct stat& status) noexcept
{
    return FileIdentity{.device = status.st_dev, .inode = status.st_ino};
}

Descriptor::Descriptor(int number) noexcept : number_(number)
{
    struct stat status{};
    if (::fstat(number, &status) == 0) {
        identity_ = identity_of(status);
    }
}

Descriptor::~Descriptor()
{
    if (number_ >= 0 && still_ours()) {
        ::close(number_);
    }
}

Descriptor::Descriptor(Descriptor&& other) noexcept
    : number_(std::exchange(other.number_, -1)), identity_(other.identity_)
{
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept
{
    std::swap(number_, other.number_);
    std::swap(identity_, other.identity_);
    return *this;
}

bool Descriptor::still_ours() const noexcept
{
    struct stat status{};
    return ::fstat(number_, &status) == 0 && identity_of(status) == identity_;
}

namespace {

const char* remedy_for(int cause)
{
    switch (cause) {
    case ENOSPC:
    case EDQUOT:
        return "; free space there or set [apex] replay_directory to another file system";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files";
    case EROFS:
        return "; mount it writable or set [apex] replay_directory to a writable directory";
    case ENOENT:
    case ENOTDIR:
        return "; make the directory, writable for this user, or set [apex] replay_directory to another";
    case EACCES:
    case EPERM:
        return "; let this user write there or set [apex] replay_directory";
    case ELOOP:
        return " (a symbolic link, which is not followed); remove it";
    default:
        return "; repair it or set [apex] replay_directory";
    }
}

} // namespace

Error store_failed(const std::string& action, const std::string& path, int cause)
{
    Error error = refuse(Fault::ReplayStoreFailed, "cannot " + action + " " + path + " as uid " +
                                                       std::to_string(::geteuid()) + ": " +
                                                       std::generic_category().message(cause) + remedy_for(cause));
    if (cause == ENOSPC || cause == EDQUOT) {
        error.minor_override = minor_no_space;
    } else if (cause == EACCES || cause == EPERM || cause == EROFS) {
        error.minor_override = minor_permission;
    }
    return error;
}

Done check_file(const struct stat& status, const std::string& path)
{
    const auto bad = [&](const std::string& what) {
        return refuse(Fault::ReplayStoreFailed, path + " " + what + "; remove it");
    };
    if (!S_ISREG(status.st_mode)) {
        return bad("is not a regular file");
    }
    if (status.st_uid != ::geteuid()) {
        return bad("belongs to uid " + std::to_string(status.st_uid) + ", not to uid " + std::to_string(::geteuid()));
    }
    if ((status.st_mode & 077) != 0) {
        return bad("is open to other users");
    }
    if (status.st_nlink > 1) {
        return bad("has " + std::to_string(status.st_nlink) + " names (hard links)");
    }
    return {};
}

namespace {

Result<Descriptor> opened(int number, const std::string& path, const char* action)
{
    if (number < 0) {
        return store_failed(action, path, errno);
    }
    Descriptor file(number);
    struct stat status{};
    if (::fstat(number, &status) != 0) {
        return store_failed("examine", path, errno);
    }
    TRY(check_file(status, path));
    return file;
}

} // namespace

Result<Descriptor> open_store_file(const StoreDirectory& directory, const char* name)
{
    const std::string path = directory.path + "/" + name;
    // O_NONBLOCK: a FIFO put in our place must not make us wait.
    const int number =
        ::openat(directory.descriptor.number(), name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (number < 0 && errno == ENOENT) {
        return Descriptor();
    }
    return opened(number, path, "open");
}

Result<Descriptor> create_store_file(const StoreDirectory& directory, const char* name)
{
    const std::string path = directory.path + "/" + name;
    // The sticky bit marks the file for systemd-tmpfiles, which then does not clean it away by age.
    const int number = ::openat(directory.descriptor.number(), name,
                                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (number >= 0) {
        static_cast<void>(::fchmod(number, 01600));
    }
    return opened(number, path, "create");
}

Result<std::size_t> read_at(int file, ByteSpan octets, std::uint64_t offset, const std::string& path)
{
    std::size_t done = 0;
    while (done < octets.size()) {
        const ssize_t count =
            ::pread(file, octets.data() + done, octets.size() - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return store_failed("read", path, errno);
        }
        if (count == 0) {
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Done write_at(int file, ByteView octets, std::uint64_t offset, const std::string& path)
{
    std::size_t done = 0;
    while (done < octets.size()) {
        const ssize_t count =
            ::pwrite(file, octets.data() + done, octets.size() - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return store_failed("write", path, count < 0 ? errno : EIO);
        }
        done += static_cast<std::size_t>(count);
    }
    return {};
}

Done synchronise(int file, const std::string& path)
{
    while (::fdatasync(file) != 0) {
        if (errno != EINTR) {
            return store_failed("write to the disk", path, errno);
        }
    }
    return {};
}

} // namespace apex::replay
