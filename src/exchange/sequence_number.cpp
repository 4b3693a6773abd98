// SPDX-License-Identifier: MIT
#include "apex/exchange/sequence_number.h"

#include <array>

namespace apex {

Result<std::uint32_t> initial_sequence_number(Random& random)
{
    std::array<std::uint8_t, 4> octets{};
    TRY(random.fill(octets));
    std::uint32_t number = 0;
    for (const std::uint8_t octet : octets) {
        number = number << 8 | octet;
    }
    number &= 0x3FFFFFFF;
    return number != 0 ? number : 1;
}

} // namespace apex
