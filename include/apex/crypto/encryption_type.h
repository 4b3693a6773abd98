// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace apex {

/// EncryptionType is a number of the Kerberos registry (RFC 3961 8). Any 32-bit number may come off the wire; those
/// without a row in the table of profiles do not exist for Apex.
enum class EncryptionType : std::int32_t {
    none = 0,
    aes128_cts_hmac_sha1_96 = 17,
    aes256_cts_hmac_sha1_96 = 18,
    aes128_cts_hmac_sha256_128 = 19,
    aes256_cts_hmac_sha384_192 = 20,
    rc4_hmac = 23,
    rc4_hmac_exp = 24,
    camellia128_cts_cmac = 25,
    camellia256_cts_cmac = 26,
};

/// ChecksumType is a number of the Kerberos registry (RFC 3961 8).
enum class ChecksumType : std::int32_t {
    hmac_sha1_96_aes128 = 15,
    hmac_sha1_96_aes256 = 16,
    cmac_camellia128 = 17,
    cmac_camellia256 = 18,
    hmac_sha256_128_aes128 = 19,
    hmac_sha384_192_aes256 = 20,
    gss = 0x8003, // RFC 4121 4.1.1
    hmac_md5 = -138,
};

class Scheme;

/// EncryptionProfile is what an encryption type is made of: one row of constants per type. All lengths in octets.
struct EncryptionProfile final {
    EncryptionType type;
    std::string_view name;
    std::size_t key_length;          // the protocol key
    std::size_t checksum_key_length; // Kc and Ki (24 for aes256-sha384, not 32)
    std::size_t confounder_length;
    std::size_t mac_length;
    std::size_t prf_length;
    unsigned strength; // security strength factor in bits, as SASL reports it
    ChecksumType required_checksum;
    const Scheme* scheme;
};

/// find_profile gives the row of a type, or nullptr if Apex does not support it.
const EncryptionProfile* find_profile(EncryptionType type) noexcept;

/// profile_of gives the row of a type, or Fault::UnknownEncryptionType naming the number.
Result<const EncryptionProfile*> profile_of(EncryptionType type);

/// all_profiles lists the supported types in the order of their numbers.
std::span<const EncryptionProfile> all_profiles() noexcept;

/// is_rc4 tells the types whose messages are RFC 1964 tokens (RFC 4757 7); all others have those of RFC 4121.
constexpr bool is_rc4(EncryptionType type) noexcept
{
    return type == EncryptionType::rc4_hmac || type == EncryptionType::rc4_hmac_exp;
}

/// name_of writes a type for people: its name, or "encryption type N".
std::string name_of(EncryptionType type);

} // namespace apex
