// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"

#include <string>
#include <string_view>

namespace apex {

/// expand_path_tokens replaces the tokens of krb5.conf(5) "parameter expansion" that make sense for a replay cache:
/// %{uid}, %{euid}, %{USERID}, %{username}, %{TEMP}, %{null}. Fault::BadSetting names any other.
Result<std::string> expand_path_tokens(std::string_view text);

} // namespace apex
