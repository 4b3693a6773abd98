// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <span>

namespace apex {

// The parts that the RFC 1964 tokens of RC4 are made of (RFC 4757 7). Policy (`allow_rc4`) is the caller's matter. On a
// FIPS machine both fail with Fault::CryptoFailure.

/// hmac_md5 writes the keyed hash of the concatenated parts, cut to the size of `mac` (at most 16 octets).
Done hmac_md5(ByteView key, std::span<const ByteView> parts, ByteSpan mac);

/// rc4_in_place ciphers the parts as one run with a key of 16 octets; doing it again undoes it.
Done rc4_in_place(ByteView key, std::span<const ByteSpan> parts);

} // namespace apex
