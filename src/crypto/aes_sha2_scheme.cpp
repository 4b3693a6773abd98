// SPDX-License-Identifier: MIT

// aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009).
#include "crypto/cbc_cts.h"
#include "crypto/key_derivation.h"
#include "crypto/scheme.h"

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

Result<Secret> sub_key(const MacKey& key, KeyUsage usage, Purpose purpose, std::size_t length)
{
    return derive_hmac_sha2(key, usage_constant(usage, purpose), {}, length);
}

/// The encrypt-then-MAC construction of RFC 8009 5.
class EncryptThenMac final : public DerivedKeys {
public:
    EncryptThenMac(const EncryptionProfile& profile, const Secret& encryption, const Secret& integrity,
                   const Secret& checksum)
        : DerivedKeys(profile), encryption_(cipher_of(profile), encryption.view()),
          integrity_(mac_of(profile), integrity.view()), checksum_(mac_of(profile), checksum.view())
    {
    }

    Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const override
    {
        TRY(cts_encrypt(encryption_, confounder, segments));
        return mac_of_ciphertext(confounder, segments, mac);
    }

    Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const override
    {
        std::array<std::uint8_t, 24> room;
        const ByteSpan expected = ByteSpan(room).first(mac.size());
        TRY(mac_of_ciphertext(confounder, segments, expected));
        if (!constant_time_equal(expected, mac)) {
            return refuse(Fault::BadIntegrity);
        }
        return cts_decrypt(encryption_, confounder, segments);
    }

    Done sign(std::span<const ByteView> parts, ByteSpan mac) const override
    {
        MacRun run(checksum_);
        for (const ByteView part : parts) {
            run.update(part);
        }
        return run.finish(mac);
    }

private:
    Done mac_of_ciphertext(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const
    {
        // RFC 8009 5: the cipher state goes first; in every message of GSS-API it is the zero vector. Octets that are
        // only signed stand among the ciphertext in order of appearance, as MIT has it.
        constexpr Block cipher_state{};
        MacRun run(integrity_);
        run.update(cipher_state);
        run.update(confounder);
        for (const Segment& segment : segments) {
            run.update(segment.octets);
        }
        return run.finish(mac);
    }

    CbcKey encryption_;
    MacKey integrity_;
    MacKey checksum_;
};

class AesSha2Scheme final : public Scheme {
public:
    Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                      KeyUsage usage) const override
    {
        const MacKey base(mac_of(profile), key);
        const Secret encryption = TRY(sub_key(base, usage, Purpose::encryption, profile.key_length));
        const Secret integrity = TRY(sub_key(base, usage, Purpose::integrity, profile.checksum_key_length));
        const Secret checksum = TRY(sub_key(base, usage, Purpose::checksum, profile.checksum_key_length));
        return {std::make_shared<const EncryptThenMac>(profile, encryption, integrity, checksum)};
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
