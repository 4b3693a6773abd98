// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>

namespace apex::fuzz {

/// require ends the program, so that the fuzzer keeps the input.
inline void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

} // namespace apex::fuzz
