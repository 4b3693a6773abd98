// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <array>
#include <numeric>

namespace apex {

/// n_fold stretches or folds `input` to the size of `output` (RFC 3961 5.1). Neither may be empty, `output` at most
/// 64 octets.
constexpr void n_fold(ByteView input, ByteSpan output)
{
    const std::size_t bits = input.size() * 8;
    std::array<std::uint32_t, 64> sum{};
    for (std::size_t i = 0; i < std::lcm(input.size(), output.size()); ++i) {
        // Copy number i / size of the input is rotated right by 13 bits more than the one before it.
        const std::size_t rotation = 13 * (i / input.size()) % bits;
        const std::size_t start = (i % input.size() * 8 + bits - rotation) % bits;
        const std::uint32_t pair = static_cast<std::uint32_t>(input[start / 8]) << 8 |
                                   input[(start / 8 + 1) % input.size()];
        sum[i % output.size()] += pair >> (8 - start % 8) & 0xff;
    }
    // Ones' complement addition: what is carried out of the front comes in at the back.
    std::uint32_t carry = 0;
    do {
        for (std::size_t i = output.size(); i-- > 0;) {
            sum[i] += carry;
            carry = sum[i] >> 8;
            sum[i] &= 0xff;
        }
    } while (carry != 0);
    for (std::size_t i = 0; i < output.size(); ++i) {
        output[i] = static_cast<std::uint8_t>(sum[i]);
    }
}

} // namespace apex
