// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"

#include <memory>

namespace apex {

/// DerivedKeys are the sub-keys of one key for one usage and what is done with them: the operations in which schemes
/// differ. UsageKey has checked all lengths before it calls. Immutable, safe for concurrent use.
class DerivedKeys {
public:
    explicit DerivedKeys(const EncryptionProfile& profile) noexcept : profile_(profile) {}
    virtual ~DerivedKeys() = default;
    DerivedKeys(const DerivedKeys&) = delete;
    DerivedKeys& operator=(const DerivedKeys&) = delete;

    [[nodiscard]] const EncryptionProfile& profile() const noexcept { return profile_; }

    /// Seals in place; `confounder` is already random. Writes the MAC.
    virtual Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const = 0;
    /// Opens in place; on failure everything is as it was.
    virtual Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const = 0;
    /// Writes the keyed checksum of the parts.
    virtual Done sign(std::span<const ByteView> parts, ByteSpan mac) const = 0;

private:
    const EncryptionProfile& profile_;
};

/// Scheme is a family of encryption types: how sub-keys come about.
class Scheme {
public:
    /// Where the MAC stands in the cipher octet string.
    enum class MacPlace : std::uint8_t { behind, in_front };

    virtual Result<std::shared_ptr<const DerivedKeys>> derive(const EncryptionProfile& profile, ByteView key,
                                                              KeyUsage usage) const = 0;
    virtual Result<Secret> prf(const EncryptionProfile& profile, ByteView key, ByteView input) const = 0;
    [[nodiscard]] virtual MacPlace mac_place() const noexcept { return MacPlace::behind; }

protected:
    ~Scheme() = default;
};

// The schemes; each lives for ever.
const Scheme& aes_sha1_scheme() noexcept;
const Scheme& aes_sha2_scheme() noexcept;
const Scheme& camellia_scheme() noexcept;
const Scheme& rc4_scheme() noexcept;

/// The last octet of the constant a sub-key is derived from (RFC 3961 5.3).
enum class Purpose : std::uint8_t {
    checksum = 0x99,
    encryption = 0xaa,
    integrity = 0x55,
};

/// usage_constant is the usage in four octets, big-endian, and the purpose (RFC 3961 5.3).
constexpr std::array<std::uint8_t, 5> usage_constant(KeyUsage usage, Purpose purpose) noexcept
{
    const auto number = static_cast<std::uint32_t>(usage);
    return {static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
            static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number),
            static_cast<std::uint8_t>(purpose)};
}

} // namespace apex
