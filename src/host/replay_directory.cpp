// SPDX-License-Identifier: MIT
#include "host/replay_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace apex::replay {

std::string store_directory_path(const std::string& parent)
{
    return (parent == "/" ? std::string() : parent) + "/apex_" + std::to_string(::geteuid());
}

std::string default_parent()
{
    // Made by the package or by tmpfiles.d, root's, mode 1777. /var/tmp is what MIT uses; a service with PrivateTmp has
    // one of its own there (INVARIANTS R8).
    const std::string made_for_us = "/var/lib/apex-replay";
    struct stat status{};
    return ::stat(made_for_us.c_str(), &status) == 0 && S_ISDIR(status.st_mode) ? made_for_us : "/var/tmp";
}

namespace {

bool trusted_owner(uid_t owner)
{
    return owner == 0 || owner == ::geteuid();
}

} // namespace

bool only_root_or_we_change(const struct stat& link, const struct stat& directory) noexcept
{
    const bool writable_by_others = (directory.st_mode & 022) != 0;
    const bool protected_by_sticky_bit = (directory.st_mode & S_ISVTX) != 0 && directory.st_uid == 0;
    return trusted_owner(directory.st_uid) && trusted_owner(link.st_uid) &&
           (!writable_by_others || protected_by_sticky_bit);
}

namespace {

/// Whoever can write a directory on the way can put another one in our place; a sticky one of root's protects entries.
Done check_ancestor(const std::string& path)
{
    struct stat link{};
    struct stat status{};
    if (::lstat(path.c_str(), &link) != 0 || ::stat(path.c_str(), &status) != 0) {
        return store_failed("use the directory", path, errno);
    }
    if (!S_ISDIR(status.st_mode)) {
        return store_failed("use the directory", path, ENOTDIR);
    }
    if (!only_root_or_we_change(link, status)) {
        return refuse(Fault::ReplayStoreFailed, "the directory " + path + " could be changed by other users than root and uid " +
                                                    std::to_string(::geteuid()) +
                                                    "; take their write permission or set [apex] replay_directory");
    }
    return {};
}

Done check_ancestors(const std::string& parent)
{
    if (parent.empty() || parent.front() != '/') {
        return refuse(Fault::ReplayStoreFailed,
                      "the directory \"" + parent + "\" is not an absolute path; set [apex] replay_directory to one");
    }
    TRY(check_ancestor("/"));
    for (std::size_t slash = parent.find('/', 1); slash != std::string::npos; slash = parent.find('/', slash + 1)) {
        TRY(check_ancestor(parent.substr(0, slash)));
    }
    return check_ancestor(parent);
}

/// Locks do not hold between the machines that share these (INVARIANTS R11). FUSE is let through: containers without
/// root have their overlay on it, and its locks hold on one machine.
Done check_file_system(int directory, const std::string& path)
{
    constexpr std::array<unsigned long, 13> network = {0x6969,     0x517b,     0xff534d42, 0xfe534d42, 0x01021997,
                                                       0x5346414f, 0x00c36400, 0x0bd00bd0, 0x01161970, 0x7461636f,
                                                       0x73757245, 0x6b414653, 0x47504653};
    struct statfs status{};
    if (::fstatfs(directory, &status) != 0) {
        return store_failed("examine", path, errno);
    }
    const auto type = static_cast<unsigned long>(status.f_type) & 0xffffffffUL;
    if (std::find(network.begin(), network.end(), type) != network.end()) {
        return refuse(Fault::ReplayStoreFailed, path + " lies on a network file system, whose locks do not hold; set "
                                                       "[apex] replay_directory to a local directory");
    }
    return {};
}

} // namespace

Result<StoreDirectory> open_store_directory(const std::string& parent)
{
    TRY(check_ancestors(parent));
    const std::string path = store_directory_path(parent);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return store_failed("create the directory", path, errno);
    }
    const int number = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (number < 0) {
        return store_failed("open the directory", path, errno);
    }
    StoreDirectory directory{.descriptor = Descriptor(number), .path = path};
    struct stat status{};
    if (::fstat(number, &status) != 0) {
        return store_failed("examine", path, errno);
    }
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        return refuse(Fault::ReplayStoreFailed, "the directory " + path + " must belong to uid " +
                                                    std::to_string(::geteuid()) + " alone (mode 0700); remove it");
    }
    TRY(check_file_system(number, path));
    return directory;
}

} // namespace apex::replay
