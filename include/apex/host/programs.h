// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/settings.h"

#include <optional>
#include <string>
#include <string_view>

namespace apex {

/// program_at reads a link such as /proc/self/exe: the path of the program that a process runs, also when its file was
/// replaced since; empty if the link cannot be read. A script's is its interpreter's.
std::string program_at(const std::string& link);

/// running_program is the one of this process.
std::string running_program();

/// exclusion_of tells in words why the settings leave `program`, an absolute path, to the built-in mechanism; nothing if
/// it is Apex's to serve. [apex] not_programs wins over only_programs. An entry is an absolute path or the path's last
/// part. A program that is not known (empty) is in no list.
std::optional<std::string> exclusion_of(const Settings& settings, std::string_view program);

} // namespace apex
