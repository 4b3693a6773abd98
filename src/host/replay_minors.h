// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"

// Minor codes of libkrb5's table that tell why a replay store cannot be used (INVARIANTS R10).

namespace apex::replay {

inline constexpr std::int32_t minor_type_not_found = krb5_base + 161; // KRB5_RC_TYPE_NOTFOUND
inline constexpr std::int32_t minor_undecided = krb5_base + 162;      // KRB5_RC_UNKNOWN: it works, but cannot know
inline constexpr std::int32_t minor_parse = krb5_base + 166;          // KRB5_RC_PARSE
inline constexpr std::int32_t minor_permission = krb5_base + 169;     // KRB5_RC_IO_PERM
inline constexpr std::int32_t minor_no_space = krb5_base + 172;       // KRB5_RC_IO_SPACE

} // namespace apex::replay
