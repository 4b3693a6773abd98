// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <map>
#include <optional>
#include <string>

namespace apex {

/// Switches are the variables of an environment by which interposers decide whether to serve; a variable that is not
/// set is not in the map.
using Switches = std::map<std::string, std::string>;

/// switch_names are GSS_USE_PROXY (gssproxy's) and APEX_DISABLE.
inline constexpr const char* switch_names[] = {"GSS_USE_PROXY", "APEX_DISABLE"};

/// ModuleProblem says why the mechglue gets no interposer out of a library.
enum class ModuleProblem {
    None,
    Missing,      ///< no such file
    NotLoadable,  ///< the loader refuses it; the detail is the loader's text
    NoInterposer, ///< it has no gss_mech_interposer
    Declines,     ///< its gss_mech_interposer gives no mechanisms
    LeftOut,      ///< krb5.conf leaves the program to the built-in mechanism; the detail is the setting
    OtherMechs,   ///< its gss_mech_interposer gives mechanisms, krb5 not among them
    Crashes,      ///< loading it kills the process or hangs
};

/// ModuleFacts is what a library says of itself, found out in a process of its own.
struct ModuleFacts final {
    ModuleProblem problem = ModuleProblem::None;
    std::string detail;
    std::optional<std::string> apex_version; ///< set for Apex's module, whatever its file is called

    [[nodiscard]] bool is_apex() const noexcept { return apex_version.has_value(); }
};

/// examine_module reads the file without running anything of it: for files that another user may have chosen.
ModuleFacts examine_module(const std::string& path);

/// probe_module loads the library as the mechglue would, in a child process with these switches in its environment, and
/// asks its gss_mech_interposer what it takes over under `oid`.
ModuleFacts probe_module(const std::string& path, const Bytes& oid, const Switches& switches);

} // namespace apex
