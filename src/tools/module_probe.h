// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <optional>
#include <string>

namespace apex {

/// ModuleProblem says why the mechglue gets no interposer out of a library.
enum class ModuleProblem {
    None,
    Missing,      ///< no such file
    NotLoadable,  ///< the loader refuses it; the detail is the loader's text
    NoInterposer, ///< it has no gss_mech_interposer
    Declines,     ///< its gss_mech_interposer gives no mechanisms
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

/// probe_module loads the library as the mechglue would, in a child process whose GSS_USE_PROXY is `use_proxy`
/// (gssproxy's interposer decides by it), and asks its gss_mech_interposer what it takes over under `oid`.
ModuleFacts probe_module(const std::string& path, const Bytes& oid, const std::optional<std::string>& use_proxy);

} // namespace apex
