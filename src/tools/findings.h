// SPDX-License-Identifier: MIT
#pragma once

#include "tools/setup.h"

#include <optional>
#include <string>

namespace apex {

/// place is `file:line`.
std::string place(const ConfigLine& line);

/// line_finding explains a line from which the mechglue does not get what was meant; nothing for a sound line.
std::optional<Finding> line_finding(const ConfigLine& line);

/// module_finding explains an entry whose library gives no interposer for Kerberos; nothing where it does.
/// `library_folder` is where relative libraries are looked up.
std::optional<Finding> module_finding(const Candidate& candidate, const std::string& library_folder);

/// replaced_finding explains an entry whose library a later line with the same identifier replaces.
std::optional<Finding> replaced_finding(const ConfiguredMechanism& entry);

} // namespace apex
