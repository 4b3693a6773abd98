// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <array>

namespace apex {

using Md5Digest = std::array<std::uint8_t, 16>;
using Sha256Digest = std::array<std::uint8_t, 32>;

/// md5 serves the hash of channel bindings only (RFC 4121 4.1.1.2, where it is no security function). Works without
/// MD5 in OpenSSL's provider too: FIPS machines have none.
Md5Digest md5(ByteView message);

/// sha256 hashes a message. Fault::CryptoFailure.
Result<Sha256Digest> sha256(ByteView message);

/// hmac_sha256 is the keyed hash under which replay records are stored (INVARIANTS R2).
Result<Sha256Digest> hmac_sha256(ByteView key, ByteView message);

} // namespace apex
