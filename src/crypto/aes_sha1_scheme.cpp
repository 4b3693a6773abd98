// SPDX-License-Identifier: MIT

// aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962), with the key derivation of RFC 3961 5.1.
#include "crypto/encrypt_and_mac.h"
#include "crypto/key_derivation.h"
#include "crypto/n_fold.h"

#include <cstring>

namespace apex {

namespace {

BlockCipher cipher_of(const EncryptionProfile& profile) noexcept
{
    return profile.key_length == 16 ? BlockCipher::aes128 : BlockCipher::aes256;
}

/// The folded constants of a usage, in the order of `purposes`.
constexpr std::array<Purpose, 3> purposes = {Purpose::checksum, Purpose::encryption, Purpose::integrity};
using FoldedConstants = std::array<Block, purposes.size()>;

constexpr FoldedConstants fold_constants(KeyUsage usage)
{
    FoldedConstants folded{};
    for (std::size_t i = 0; i < purposes.size(); ++i) {
        n_fold(usage_constant(usage, purposes[i]), folded[i]);
    }
    return folded;
}

/// Folding is a good part of a derivation's cost, so the compiler does it for the usages there are.
constexpr std::size_t folded_usages = 32;

constexpr std::array<FoldedConstants, folded_usages> fold_all()
{
    std::array<FoldedConstants, folded_usages> all{};
    for (std::uint32_t usage = 0; usage < folded_usages; ++usage) {
        all[usage] = fold_constants(static_cast<KeyUsage>(usage));
    }
    return all;
}

constexpr std::array<FoldedConstants, folded_usages> folded_constants = fold_all();

Block folded_constant(KeyUsage usage, Purpose purpose)
{
    const auto number = static_cast<std::uint32_t>(usage);
    const std::size_t index = purpose == Purpose::checksum ? 0 : purpose == Purpose::encryption ? 1 : 2;
    return number < folded_usages ? folded_constants[number][index] : fold_constants(usage)[index];
}

/// RFC 3961 5.1: DR(key, constant) = K1 | K2 | ..., K1 = E(key, n-fold(constant)), K2 = E(key, K1). AES needs one or
/// two blocks a key; several keys go through the cipher side by side.
Done derive_sub_keys(const EncryptionProfile& profile, ByteView key, KeyUsage usage,
                     std::span<const Purpose> wanted, std::span<Secret> sub_keys)
{
    Secret constants(wanted.size() * block_length);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const Block constant = folded_constant(usage, wanted[i]);
        std::memcpy(constants.span().data() + i * block_length, constant.data(), block_length);
        sub_keys[i] = Secret(profile.key_length);
    }
    Secret rounds(wanted.size() * profile.key_length);
    TRY(encrypt_blocks(cipher_of(profile), key, constants.view(), rounds.span()));
    const std::uint8_t* source = rounds.view().data();
    for (std::size_t block = 0; block < profile.key_length; block += block_length) {
        for (Secret& sub_key : sub_keys) {
            std::memcpy(sub_key.span().data() + block, source, block_length);
            source += block_length;
        }
    }
    return {};
}

class AesSha1Scheme final : public Scheme {
public:
    Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                      KeyUsage usage) const override
    {
        return {std::make_shared<const EncryptAndMac>(profile, cipher_of(profile), MacAlgorithm::hmac_sha1,
                                                      derive_sub_keys, key, usage)};
    }

    Result<Secret> prf(const EncryptionProfile& profile, ByteView key, ByteView input) const override
    {
        // RFC 3962 6 with RFC 3961 5.3: E(DK(key, "prf"), SHA1(input) cut to whole blocks).
        const Secret derived = TRY(derive_aes(profile, key, view_of("prf")));
        std::array<std::uint8_t, 20> digest;
        const ByteView part = input;
        TRY(hash_of(HashAlgorithm::sha1, {&part, 1}, digest));
        Secret output(block_length);
        TRY(encrypt_blocks(cipher_of(profile), derived.view(), ByteView(digest).first(block_length), output.span()));
        return output;
    }
};

constexpr AesSha1Scheme scheme;

} // namespace

Result<Secret> derive_aes(const EncryptionProfile& profile, ByteView key, ByteView constant)
{
    Block folded;
    n_fold(constant, folded);
    Secret derived(profile.key_length);
    TRY(encrypt_blocks(cipher_of(profile), key, folded, derived.span()));
    return derived;
}

const Scheme& aes_sha1_scheme() noexcept
{
    return scheme;
}

} // namespace apex
