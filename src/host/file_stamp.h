// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace apex {

/// FileStamp is what stat tells about a file that changes when the file does (INVARIANTS E2).
struct FileStamp final {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0; // nanoseconds since 1970
    std::int64_t changed = 0;  // nanoseconds since 1970

    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// stamp_of asks the system once. None with errno set if the file cannot be reached.
std::optional<FileStamp> stamp_of(const std::string& path);

/// is_settled tells whether a change made from now on is sure to change the stamp: the kernel's file times move in ticks,
/// so that two changes within one leave the same time.
bool is_settled(const FileStamp& stamp);

/// path_of gives the path in the name of a keytab or credential cache whose type is `FILE` (or has no type), none for
/// other types.
std::optional<std::string> path_of(const std::string& name);

/// system_text gives the text of an errno value, from any thread.
std::string system_text(int error);

} // namespace apex
