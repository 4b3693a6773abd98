// SPDX-License-Identifier: MIT

// rc4-hmac (RFC 4757). Whether it may be used at all is decided elsewhere (`allow_rc4`).
#include "apex/crypto/rc4.h"

#include "crypto/openssl.h"
#include "crypto/scheme.h"

#include <vector>

namespace apex {

Done hmac_md5(ByteView key, std::span<const ByteView> parts, ByteSpan mac)
{
    const MacKey mac_key(MacAlgorithm::hmac_md5, key);
    MacRun run(mac_key);
    for (const ByteView part : parts) {
        run.update(part);
    }
    return run.finish(mac);
}

namespace {

using Md5Octets = std::array<std::uint8_t, 16>;
using UsageOctets = std::array<std::uint8_t, 4>;

/// The message type T of RFC 4757 3, little-endian.
UsageOctets message_type(KeyUsage usage) noexcept
{
    auto number = static_cast<std::uint32_t>(usage);
    switch (number) {
    case 3: // AS-REP encrypted part
    case 9: // TGS-REP encrypted with the subkey
        number = 8;
        break;
    case 23: // what GSS-API signs
        number = 13;
        break;
    default:
        break;
    }
    return {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
            static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 24)};
}

Result<Secret> keyed_hash(ByteView key, ByteView message)
{
    Secret output(16);
    TRY(hmac_md5(key, {&message, 1}, output.span()));
    return output;
}

class Rc4Keys final : public DerivedKeys {
public:
    Rc4Keys(const EncryptionProfile& profile, const UsageOctets& type, Secret usage_key, const Secret& signing_key)
        : DerivedKeys(profile), type_(type), usage_key_(std::move(usage_key)),
          usage_mac_(MacAlgorithm::hmac_md5, usage_key_.view()),
          signing_mac_(MacAlgorithm::hmac_md5, signing_key.view())
    {
    }

    Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const override
    {
        TRY(mac_of_plaintext(confounder, segments, mac));
        return cipher(confounder, segments, mac);
    }

    Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const override
    {
        TRY(cipher(confounder, segments, mac));
        Md5Octets expected;
        Done verdict = mac_of_plaintext(confounder, segments, expected);
        if (verdict && !constant_time_equal(expected, mac)) {
            verdict = refuse(Fault::BadIntegrity);
        }
        wipe(expected);
        if (!verdict) {
            TRY(cipher(confounder, segments, mac)); // INVARIANTS P7
        }
        return verdict;
    }

    Done sign(std::span<const ByteView> parts, ByteSpan mac) const override
    {
        // RFC 4757 4: HMAC(Ksign, MD5(T | data)).
        std::vector<ByteView> message{type_};
        message.insert(message.end(), parts.begin(), parts.end());
        Md5Octets digest;
        TRY(hash_of(HashAlgorithm::md5, message, digest));
        MacRun run(signing_mac_);
        run.update(digest);
        return run.finish(mac);
    }

private:
    Done mac_of_plaintext(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const
    {
        MacRun run(usage_mac_);
        run.update(confounder);
        for (const Segment& segment : segments) {
            run.update(segment.octets);
        }
        return run.finish(mac);
    }

    /// RFC 4757 5: the cipher key is made of the MAC, so that each message has its own. If OpenSSL fails halfway the
    /// octets are wiped.
    Done cipher(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const
    {
        std::vector<ByteSpan> run{confounder};
        for (const Segment& segment : segments) {
            if (segment.role == Segment::Role::sealed) {
                run.push_back(segment.octets);
            }
        }
        const Secret key = TRY(keyed_hash(usage_key_.view(), mac));
        Done result = rc4_in_place(key.view(), run);
        if (!result) {
            for (const ByteSpan part : run) {
                wipe(part);
            }
        }
        return result;
    }

    UsageOctets type_;
    Secret usage_key_;
    MacKey usage_mac_;
    MacKey signing_mac_;
};

class Rc4Scheme final : public Scheme {
public:
    Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                      KeyUsage usage) const override
    {
        // RFC 4757 4: "signaturekey" with its terminating zero.
        constexpr std::string_view signature_label("signaturekey\0", 13);
        const UsageOctets type = message_type(usage);
        Secret usage_key = TRY(keyed_hash(key, type));
        const Secret signing_key = TRY(keyed_hash(key, view_of(signature_label)));
        return {std::make_shared<const Rc4Keys>(profile, type, std::move(usage_key), signing_key)};
    }

    Result<Secret> prf(const EncryptionProfile& profile, ByteView key, ByteView input) const override
    {
        // As MIT and Heimdal: HMAC-SHA1 (RFC 4757 has none).
        const MacKey mac_key(MacAlgorithm::hmac_sha1, key);
        MacRun run(mac_key);
        run.update(input);
        Secret output(profile.prf_length);
        TRY(run.finish(output.span()));
        return output;
    }

    [[nodiscard]] MacPlace mac_place() const noexcept override { return MacPlace::in_front; }
};

constexpr Rc4Scheme scheme;

} // namespace

const Scheme& rc4_scheme() noexcept
{
    return scheme;
}

} // namespace apex
