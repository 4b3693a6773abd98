// SPDX-License-Identifier: MIT
#pragma once

#include "tools/mech_config.h"
#include "tools/module_probe.h"
#include "tools/process.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// Finding is one thing an operator should know: a stable code for scripts, where it is, what it is, what to do.
struct Finding final {
    std::string code;
    std::string where;
    std::string text;
    std::string remedy;
};

/// Candidate is an interposer entry of the mechglue's list with what its library says of itself.
struct Candidate final {
    ConfiguredMechanism entry;
    ModuleFacts module;
    std::string real_path;   ///< the library with every symbolic link followed; empty where it is missing
    std::uint64_t inode = 0; ///< of the library; 0 where it is missing

    [[nodiscard]] bool is_apex() const { return module.is_apex() || meant_as_apex(); }
    [[nodiscard]] bool meant_as_apex() const { return looks_like_apex(entry.line) || looks_like_apex(entry.path_line); }
    [[nodiscard]] bool serves() const noexcept { return module.problem == ModuleProblem::None; }
};

/// Setup is what the mechglue finds in its files, in the order in which it finds it.
struct Setup final {
    std::string source;                           ///< which files those are, for people
    std::vector<std::string> files;               ///< that were read
    std::vector<Finding> unreadable;              ///< files that should have been read
    std::vector<ConfigLine> lines;
    std::vector<ConfiguredMechanism> mechanisms;  ///< interposers and others
    std::vector<Candidate> candidates;            ///< the interposers among them
    std::string library_folder;                   ///< where relative libraries are looked up
};

/// View says from where files are looked at: empty prefixes for ourselves, those of a Process for its sight of them.
struct View final {
    std::string root;                  ///< before absolute paths
    std::string folder;                ///< before relative paths
    std::optional<std::string> config; ///< GSS_MECH_CONFIG: this file instead of the usual ones
    Switches switches;
    std::optional<std::string> left_out; ///< why krb5.conf leaves the program to the built-in mechanism
    bool foreign = false; ///< the files may be another user's choice: load no library that root has not put in place
};

/// why_left_out tells why krb5.conf, as this process reads it, leaves a program to the built-in mechanism; nothing if it
/// does not.
std::optional<std::string> why_left_out(const std::string& program);

/// read_setup reads what the mechglue would read and asks every interposer's library about itself.
Setup read_setup(const View& view);

} // namespace apex
