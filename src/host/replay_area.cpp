// SPDX-License-Identifier: MIT
#include "host/replay_area.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace apex::replay {

Result<Examination> examine_path(const std::string& path, FileIdentity identity)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        // Gone, or no longer ours to see because the process became another user: to be opened anew.
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) {
            return Examination{.stale = true};
        }
        return store_failed("examine", path, errno);
    }
    if (identity_of(status) != identity) {
        return Examination{.stale = true};
    }
    if (status.st_nlink != 1 || (status.st_mode & 077) != 0) {
        TRY(check_file(status, path)); // says which
    }
    return Examination{.version = static_cast<std::uint64_t>(status.st_size)};
}

Result<StripeGuard> FileArea::lock(std::size_t stripe)
{
    StripeGuard guard;
    guard.thread = std::unique_lock(stripes_[stripe]);
    guard.process = TRY(FileLock::take(file_.number(), first_lock + static_cast<std::int64_t>(stripe), path_));
    return guard;
}

Result<bool> FileArea::read(BucketOctets& octets, std::uint64_t offset) const
{
    return TRY(read_at(file_.number(), octets, offset, path_)) == octets.size();
}

/// One call: the kernel writes it as a whole before it lets the process die.
Done FileArea::put_record(std::size_t, const BucketOctets& after, std::uint64_t offset, std::size_t)
{
    return write_at(file_.number(), after, offset, path_);
}

Result<std::uint64_t> FileArea::size() const
{
    struct stat status {};
    if (::fstat(file_.number(), &status) != 0) {
        return store_failed("examine", path_, errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
}

Result<bool> FileArea::make_room(const Header&, TablePlace& table)
{
    constexpr std::uint64_t page = 4096;
    table.offset = (TRY(size()) + page - 1) / page * page;
    if (::ftruncate(file_.number(), static_cast<off_t>(table.end())) != 0) {
        return store_failed("enlarge", path_, errno);
    }
    return true;
}

/// The size tells everybody that the header must be read again.
Done FileArea::change_version()
{
    if (::ftruncate(file_.number(), static_cast<off_t>(TRY(size()) + header_size)) != 0) {
        return store_failed("enlarge", path_, errno);
    }
    return {};
}

void FileArea::give_back(const TablePlace& table) noexcept
{
    // Some file systems cannot; then the space stays taken until the store is made anew.
    static_cast<void>(::fallocate(file_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                  static_cast<off_t>(table.offset), static_cast<off_t>(table.buckets * bucket_size)));
}

} // namespace apex::replay
