// SPDX-License-Identifier: MIT
#include "apex/crypto/encryption_type.h"

#include "crypto/scheme.h"

#include <algorithm>
#include <array>

namespace apex {

std::span<const EncryptionProfile> all_profiles() noexcept
{
    using Type = EncryptionType;
    using Sum = ChecksumType;
    // key, Kc and Ki, confounder, MAC, PRF, strength
    static const std::array<EncryptionProfile, 7> table = {{
        {Type::aes128_cts_hmac_sha1_96, "aes128-cts-hmac-sha1-96", 16, 16, 16, 12, 16, 128, Sum::hmac_sha1_96_aes128,
         &aes_sha1_scheme()},
        {Type::aes256_cts_hmac_sha1_96, "aes256-cts-hmac-sha1-96", 32, 32, 16, 12, 16, 256, Sum::hmac_sha1_96_aes256,
         &aes_sha1_scheme()},
        {Type::aes128_cts_hmac_sha256_128, "aes128-cts-hmac-sha256-128", 16, 16, 16, 16, 32, 128,
         Sum::hmac_sha256_128_aes128, &aes_sha2_scheme()},
        {Type::aes256_cts_hmac_sha384_192, "aes256-cts-hmac-sha384-192", 32, 24, 16, 24, 48, 256,
         Sum::hmac_sha384_192_aes256, &aes_sha2_scheme()},
        {Type::rc4_hmac, "arcfour-hmac", 16, 16, 8, 16, 20, 64, Sum::hmac_md5, &rc4_scheme()},
        {Type::camellia128_cts_cmac, "camellia128-cts-cmac", 16, 16, 16, 16, 16, 128, Sum::cmac_camellia128,
         &camellia_scheme()},
        {Type::camellia256_cts_cmac, "camellia256-cts-cmac", 32, 32, 16, 16, 16, 256, Sum::cmac_camellia256,
         &camellia_scheme()},
    }};
    return table;
}

const EncryptionProfile* find_profile(EncryptionType type) noexcept
{
    for (const EncryptionProfile& profile : all_profiles()) {
        if (profile.type == type) {
            return &profile;
        }
    }
    return nullptr;
}

namespace {

/// Who still has DES keys may need what has DES (RFC 6649, RFC 8429 deprecate it).
std::string remedy_for(EncryptionType type)
{
    constexpr std::array<std::int32_t, 6> kinds_of_des{1, 2, 3, 5, 7, 16};
    const bool is_des =
        std::find(kinds_of_des.begin(), kinds_of_des.end(), static_cast<std::int32_t>(type)) != kinds_of_des.end();
    return is_des ? ", a kind of DES; better give the accounts AES keys. The built-in mechanism may still have it: "
                    "APEX_DISABLE=1, or not_programs in krb5.conf, hands a program back to it"
                  : "";
}

} // namespace

Result<const EncryptionProfile*> profile_of(EncryptionType type)
{
    const EncryptionProfile* const profile = find_profile(type);
    if (profile == nullptr) {
        return refuse(Fault::UnknownEncryptionType,
                      "number " + std::to_string(static_cast<std::int32_t>(type)) + remedy_for(type));
    }
    return profile;
}

std::string name_of(EncryptionType type)
{
    const EncryptionProfile* const profile = find_profile(type);
    if (profile == nullptr) {
        return "encryption type " + std::to_string(static_cast<std::int32_t>(type));
    }
    return std::string(profile->name);
}

} // namespace apex
