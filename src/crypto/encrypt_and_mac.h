// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/openssl.h"
#include "crypto/scheme.h"

namespace apex {

/// SubKeys are the three keys of RFC 3961 5.3, in the lengths that their algorithms take.
struct SubKeys final {
    Secret checksum;
    Secret encryption;
    Secret integrity;
};

/// EncryptAndMac is the construction of RFC 3961 5.3, shared by RFC 3962 and RFC 6803: the MAC covers the plaintext
/// and is sent in clear behind the ciphertext.
class EncryptAndMac final : public DerivedKeys {
public:
    EncryptAndMac(const EncryptionProfile& profile, BlockCipher cipher, MacAlgorithm mac, const SubKeys& keys);

    Done seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const override;
    Done open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const override;
    Done sign(std::span<const ByteView> parts, ByteSpan mac) const override;

private:
    Done mac_of_plaintext(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const;

    CbcKey encryption_;
    MacKey integrity_;
    MacKey checksum_;
};

} // namespace apex
