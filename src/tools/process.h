// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace apex {

/// MappedFile is a file that a process has mapped, once per file.
struct MappedFile final {
    std::string path;      ///< as the process sees it, without the mark " (deleted)"
    std::string range;     ///< of the first mapping, as /proc/PID/map_files names it
    std::uint64_t inode = 0;
    bool deleted = false;  ///< the file was removed or replaced after it was mapped

    [[nodiscard]] std::string_view base_name() const;
};

/// read_maps reads the text of /proc/PID/maps and keeps the files.
std::vector<MappedFile> read_maps(std::string_view text);

/// find_library finds the first mapped file whose base name begins with `name`; null where there is none.
const MappedFile* find_library(const std::vector<MappedFile>& files, std::string_view name);

/// Process holds what can be seen of a running process.
struct Process final {
    pid_t pid = 0;
    std::string program;
    std::string executable;                      ///< path of the program's file, as the process sees it
    std::string root;                            ///< prefix for absolute paths, to see files as the process does
    std::string folder;                          ///< prefix for relative paths
    std::vector<MappedFile> files;
    std::optional<std::string> mech_config;      ///< its GSS_MECH_CONFIG, where the mechglue would heed it
    std::optional<std::string> ignored_config;   ///< its GSS_MECH_CONFIG, where the program is privileged
    std::string environment;                     ///< its variables, each ended by NUL
    std::string trouble;                         ///< why it cannot be looked into; empty where it can
    std::string environment_trouble;             ///< why its environment cannot be read; empty where it can
};

/// look_into reads /proc/PID. What cannot be read leaves its reason in `trouble`.
Process look_into(pid_t pid);

/// variable_of finds NAME in the text of /proc/PID/environ (strings that end in NUL).
std::optional<std::string> variable_of(std::string_view environment, std::string_view name);

/// privileged reads AT_SECURE out of the octets of /proc/PID/auxv.
bool privileged(std::string_view auxiliary_vector);

/// read_file reads a regular file whole, up to 256 MiB; nothing and the reason in `trouble` where it cannot. It never
/// waits, whatever the path names: some paths come from other people's processes.
std::optional<std::string> read_file(const std::string& path, std::string& trouble);

} // namespace apex
