// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace apex {

/// login_name_of looks up the login name of a user number, or nothing if there is none.
std::optional<std::string> login_name_of(uid_t user);

} // namespace apex
