// SPDX-License-Identifier: MIT

// aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009).
#include "crypto/cbc_cts.h"
#include "crypto/key_derivation.h"
#include "crypto/sub_keys.h"

namespace apex {

Result<Secret> derive_hmac_sha2(const MacKey& key, ByteView label, ByteView context, std::size_t length)
{
    // The first octets of HMAC(key, 00000001 | label | 00 | context | length in bits).
    constexpr std::array<std::uint8_t, 4> counter = {0, 0, 0, 1};
    constexpr std::array<std::uint8_t, 1> separator = {0};
    const auto bits = static_cast<std::uint32_t>(length * 8);
    const std::array<std::uint8_t, 4> size = {0, 0, static_cast<std::uint8_t>(bits >> 8),
                                              static_cast<std::uint8_t>(bits)};
    MacRun run(key);
    run.update(counter);
    run.update(label);
    run.update(separator);
    run.update(context);
    run.update(size);
    Secret output(length);
    TRY(run.finish(output.span()));
    return output;
}

namespace {

BlockCipher cipher_of(const EncryptionProfile& profile) noexcept
{
    return profile.key_length == 16 ? BlockCipher::aes128 : BlockCipher::aes256;
}

MacAlgorithm mac_of(const EncryptionProfile& profile) noexcept
{
    return profile.key_length == 16 ? MacAlgorithm::hmac_sha256 : MacAlgorithm::hmac_sha384;
}

Done derive_sub_keys(const EncryptionProfile& profile, ByteView key, KeyUsage usage,
                     std::span<const Purpose> purposes, std::span<Secret> sub_keys)
{
    const MacKey base(mac_of(profile), key);
    for (std::size_t i = 0; i < purposes.size(); ++i) {
        const std::size_t length =
            purposes[i] == Purpose::encryption ? profile.key_length : profile.checksum_key_length;
        sub_keys[i] = TRY(derive_hmac_sha2(base, usage_constant(usage, purposes[i]), {}, length));
    }
    return {};
}

Done mac_of_ciphertext(const MacKey& key, ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac)
{
    // RFC 8009 5: the cipher state goes first; in every message of GSS-API it is the zero vector. Octets that are
    // only signed stand among the ciphertext in order of appearance, as MIT has it.
    constexpr Block cipher_state{};
    MacRun run(key);
    run.update(cipher_state);
    run.update(confounder);
    for (const Segment& segment : segments) {
        run.update(segment.octets);
    }
    return run.finish(mac);
}

/// The encrypt-then-MAC construction of RFC 8009 5.
class EncryptThenMac final : public DerivedKeys {
public:
    EncryptThenMac(const EncryptionProfile& profile, ByteView key, KeyUsage usage)
        : DerivedKeys(profile), keys_(profile, cipher_of(profile), mac_of(profile), derive_sub_keys, key, usage)
    {
    }

    Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const override
    {
        const SealingKeys* const keys = TRY(keys_.for_sealing());
        TRY(cts_encrypt(keys->encryption, confounder, segments));
        return mac_of_ciphertext(keys->integrity, confounder, segments, mac);
    }

    Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const override
    {
        const SealingKeys* const keys = TRY(keys_.for_sealing());
        std::array<std::uint8_t, 24> room;
        const ByteSpan expected = ByteSpan(room).first(mac.size());
        TRY(mac_of_ciphertext(keys->integrity, confounder, segments, expected));
        const bool equal = constant_time_equal(expected, mac);
        wipe(room);
        if (!equal) {
            return refuse(Fault::BadIntegrity);
        }
        return cts_decrypt(keys->encryption, confounder, segments);
    }

    Done sign(std::span<const ByteView> parts, ByteSpan mac) const override { return keys_.sign(parts, mac); }

private:
    SubKeys keys_;
};

class AesSha2Scheme final : public Scheme {
public:
    Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                      KeyUsage usage) const override
    {
        return {std::make_shared<const EncryptThenMac>(profile, key, usage)};
    }

    Result<Secret> prf(const EncryptionProfile& profile, ByteView key, ByteView input) const override
    {
        const MacKey base(mac_of(profile), key);
        return derive_hmac_sha2(base, view_of("prf"), input, profile.prf_length);
    }
};

constexpr AesSha2Scheme scheme;

} // namespace

const Scheme& aes_sha2_scheme() noexcept
{
    return scheme;
}

} // namespace apex
