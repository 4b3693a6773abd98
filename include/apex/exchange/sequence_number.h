// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"

#include <cstdint>

namespace apex {

/// initial_sequence_number draws a number below 2^30 and never 0: what every peer takes, signed or not (RFC 4120 5.5.1
/// leaves the choice; INVARIANTS A16).
Result<std::uint32_t> initial_sequence_number(Random& random);

} // namespace apex
