// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/sub_keys.h"

namespace apex {

/// EncryptAndMac is the construction of RFC 3961 5.3, shared by RFC 3962 and RFC 6803: the MAC covers the plaintext
/// and is sent in clear behind the ciphertext.
class EncryptAndMac final : public DerivedKeys {
public:
    EncryptAndMac(const EncryptionProfile& profile, BlockCipher cipher, MacAlgorithm mac, SubKeys::Derive derive,
                  ByteView key, KeyUsage usage)
        : DerivedKeys(profile), keys_(profile, cipher, mac, derive, key, usage)
    {
    }

    Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const override;
    Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const override;
    Done sign(std::span<const ByteView> parts, ByteSpan mac) const override { return keys_.sign(parts, mac); }

private:
    SubKeys keys_;
};

} // namespace apex
