// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <string>
#include <sys/stat.h>
#include <sys/types.h>

// Files that hold replay records: opened so that nobody but we and root can have put them there or can write to them
// (INVARIANTS R7), and used so that a host program that closes our descriptors loses nothing of its own.

namespace apex::replay {

/// FileIdentity tells one file from every other on this machine.
struct FileIdentity final {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const struct stat& status) noexcept;

/// Descriptor owns an open file. It closes it only if the number still stands for the same file: a host program may have
/// closed it and opened another one (daemons close everything above 2).
class Descriptor final {
public:
    Descriptor() = default;
    explicit Descriptor(int number) noexcept;
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] FileIdentity identity() const noexcept { return identity_; }
    /// still_ours asks the system whether the number stands for the file that was opened.
    [[nodiscard]] bool still_ours() const noexcept;

private:
    int number_ = -1;
    FileIdentity identity_;
};

/// StoreDirectory is the open directory of one user's store.
struct StoreDirectory final {
    Descriptor descriptor;
    std::string path;
};

/// store_directory_path gives the path of the effective user's directory below `parent`.
std::string store_directory_path(const std::string& parent);

/// default_parent gives the directory that the package made for stores, or /var/tmp where it is missing.
std::string default_parent();

/// only_root_or_we_change tells whether nobody else can put other things in place of what is in a directory: `link` is what
/// lstat says of it, `directory` what stat says. Root's sticky directories pass, for they protect each entry.
bool only_root_or_we_change(const struct stat& link, const struct stat& directory) noexcept;

/// open_store_directory opens the effective user's directory below `parent`, making it if it is missing.
/// Refused: a parent or any directory above it that others could write (but for root's sticky ones), a directory that is a
/// symbolic link, not ours or open to others, a network file system. Fault::ReplayStoreFailed.
Result<StoreDirectory> open_store_directory(const std::string& parent);

/// check_file refuses anything but a regular file of ours, mode 0600 or less, with one name. Fault::ReplayStoreFailed.
Done check_file(const struct stat& status, const std::string& path);

/// open_store_file opens a file in the store's directory for reading and writing, without following a symbolic link or
/// waiting for a FIFO, and checks it. A file that is missing gives an empty descriptor (number() < 0).
Result<Descriptor> open_store_file(const StoreDirectory& directory, const char* name);

/// create_store_file makes a file that must not exist yet.
Result<Descriptor> create_store_file(const StoreDirectory& directory, const char* name);

/// read_at reads up to octets.size() octets; fewer only at the end of the file. `path` is for messages.
Result<std::size_t> read_at(int file, ByteSpan octets, std::uint64_t offset, const std::string& path);

/// write_at writes all octets.
Done write_at(int file, ByteView octets, std::uint64_t offset, const std::string& path);

/// synchronise waits until the file's octets are on the disk.
Done synchronise(int file, const std::string& path);

/// store_failed words a failed system call: what was tried, with which file, why not, and what helps.
Error store_failed(const std::string& action, const std::string& path, int cause);

} // namespace apex::replay
