// SPDX-License-Identifier: MIT

// camellia128-cts-cmac and camellia256-cts-cmac (RFC 6803).
#include "crypto/encrypt_and_mac.h"
#include "crypto/key_derivation.h"

namespace apex {

Result<Secret> derive_cmac(const MacKey& key, ByteView constant, std::size_t length)
{
    // K(i) = CMAC(key, K(i-1) | i | constant | 00 | length in bits), K(0) = 0.
    constexpr std::array<std::uint8_t, 1> separator = {0};
    const auto bits = static_cast<std::uint32_t>(length * 8);
    const std::array<std::uint8_t, 4> size = {0, 0, static_cast<std::uint8_t>(bits >> 8),
                                              static_cast<std::uint8_t>(bits)};
    constexpr Block zero{};
    ByteView previous = zero;
    Secret output(length);
    std::array<std::uint8_t, 4> counter{};
    for (std::size_t at = 0; at < length; at += block_length) {
        ++counter[3];
        MacRun run(key);
        run.update(previous);
        run.update(counter);
        run.update(constant);
        run.update(separator);
        run.update(size);
        const ByteSpan block = output.span().subspan(at, block_length);
        TRY(run.finish(block));
        previous = block;
    }
    return output;
}

namespace {

BlockCipher cipher_of(const EncryptionProfile& profile) noexcept
{
    return profile.key_length == 16 ? BlockCipher::camellia128 : BlockCipher::camellia256;
}

MacAlgorithm mac_of(const EncryptionProfile& profile) noexcept
{
    return profile.key_length == 16 ? MacAlgorithm::cmac_camellia128 : MacAlgorithm::cmac_camellia256;
}

Done derive_sub_keys(const EncryptionProfile& profile, ByteView key, KeyUsage usage,
                     std::span<const Purpose> purposes, std::span<Secret> sub_keys)
{
    const MacKey base(mac_of(profile), key);
    for (std::size_t i = 0; i < purposes.size(); ++i) {
        sub_keys[i] = TRY(derive_cmac(base, usage_constant(usage, purposes[i]), profile.key_length));
    }
    return {};
}

class CamelliaScheme final : public Scheme {
public:
    Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                      KeyUsage usage) const override
    {
        return {std::make_shared<const EncryptAndMac>(profile, cipher_of(profile), mac_of(profile), derive_sub_keys, key,
                                                      usage)};
    }

    Result<Secret> prf(const EncryptionProfile& profile, ByteView key, ByteView input) const override
    {
        // RFC 6803 6: CMAC(KDF-FEEDBACK-CMAC(key, "prf"), input).
        const MacKey base(mac_of(profile), key);
        const Secret derived = TRY(derive_cmac(base, view_of("prf"), profile.key_length));
        const MacKey prf_key(mac_of(profile), derived.view());
        MacRun run(prf_key);
        run.update(input);
        Secret output(profile.prf_length);
        TRY(run.finish(output.span()));
        return output;
    }
};

constexpr CamelliaScheme scheme;

} // namespace

const Scheme& camellia_scheme() noexcept
{
    return scheme;
}

} // namespace apex
