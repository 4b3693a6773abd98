// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <array>
#include <cstdint>

namespace apex {

using SipHashKey = std::array<std::uint8_t, 16>;

/// siphash_2_4 is the keyed hash of Aumasson and Bernstein with 2 and 4 rounds, by which MIT's replay file places its
/// records.
std::uint64_t siphash_2_4(const SipHashKey& key, ByteView message) noexcept;

} // namespace apex
