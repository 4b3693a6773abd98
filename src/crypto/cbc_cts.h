// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"
#include "crypto/openssl.h"

namespace apex {

// CBC with ciphertext stealing, mode CS3 (RFC 3962 5, RFC 2040 8), zero initial vector, over octets that may lie in
// several places: the confounder and the sealed segments form one run.

/// Encrypts the run in place. It must hold at least one block, else Fault::CiphertextTooShort. If OpenSSL fails, the
/// octets are wiped: half a ciphertext helps nobody.
Done cts_encrypt(const CbcKey& key, ByteSpan confounder, std::span<const Segment> segments);

/// Decrypts the run in place. Errors as cts_encrypt.
Done cts_decrypt(const CbcKey& key, ByteSpan confounder, std::span<const Segment> segments);

} // namespace apex
