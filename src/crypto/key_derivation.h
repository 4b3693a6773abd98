// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/encryption_type.h"
#include "crypto/openssl.h"

namespace apex {

// How the schemes derive octets from a protocol key; each is defined beside its scheme.

/// DK of RFC 3961 5.1 with AES: encryption of the folded constant.
Result<Secret> derive_aes(const EncryptionProfile& profile, ByteView key, ByteView constant);

/// KDF-HMAC-SHA2 (RFC 8009 3). No output is longer than one HMAC.
Result<Secret> derive_hmac_sha2(const MacKey& key, ByteView label, ByteView context, std::size_t length);

/// KDF-FEEDBACK-CMAC (RFC 6803 3). `length` is a multiple of block_length.
Result<Secret> derive_cmac(const MacKey& key, ByteView constant, std::size_t length);

} // namespace apex
