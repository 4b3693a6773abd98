// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <algorithm>

namespace apex::fuzz {

/// Applies changes of four octets and more to an honest plaintext: place (2), what to do, how much, octets.
inline Bytes changed(ByteView honest, ByteView changes)
{
    Bytes octets = bytes_of(honest);
    while (changes.size() >= 4) {
        const std::size_t place = octets.empty() ? 0 : (changes[0] * 256U + changes[1]) % octets.size();
        const std::size_t length = std::min<std::size_t>(changes[3], changes.size() - 4);
        const ByteView given = changes.subspan(4, length);
        const auto at = octets.begin() + static_cast<std::ptrdiff_t>(place);
        switch (changes[2] % 4) {
        case 0: // overwrite
            std::copy_n(given.begin(), std::min(length, octets.size() - place), at);
            break;
        case 1: // insert
            octets.insert(at, given.begin(), given.end());
            break;
        case 2: // delete as many
            octets.erase(at,
                         at + static_cast<std::ptrdiff_t>(std::min<std::size_t>(changes[3], octets.size() - place)));
            break;
        default: // cut off
            octets.resize(place);
        }
        changes = changes.subspan(4 + length);
    }
    return octets;
}

} // namespace apex::fuzz
