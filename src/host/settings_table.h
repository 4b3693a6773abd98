// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/settings.h"

#include <optional>
#include <string>
#include <string_view>

namespace apex {

/// apply_setting puts the value of an option of section [apex] into `settings`. A value that cannot be used is
/// Fault::BadSetting if security hangs on the option, else a complaint in `settings` and the default stays. A name that
/// is no option is a complaint.
Done apply_setting(Settings& settings, std::string_view name, std::string_view value);

/// boolean_of reads a boolean as libkrb5's profile library does: y, yes, true, t, 1, on, n, no, false, nil, 0, off,
/// without regard to case.
std::optional<bool> boolean_of(std::string_view text) noexcept;

} // namespace apex
