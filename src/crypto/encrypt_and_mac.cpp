// SPDX-License-Identifier: MIT
#include "crypto/encrypt_and_mac.h"

#include "crypto/cbc_cts.h"

namespace apex {

EncryptAndMac::EncryptAndMac(const EncryptionProfile& profile, BlockCipher cipher, MacAlgorithm mac,
                             const SubKeys& keys)
    : DerivedKeys(profile), encryption_(cipher, keys.encryption.view()), integrity_(mac, keys.integrity.view()),
      checksum_(mac, keys.checksum.view())
{
}

Done EncryptAndMac::mac_of_plaintext(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const
{
    MacRun run(integrity_);
    run.update(confounder);
    for (const Segment& segment : segments) {
        run.update(segment.octets);
    }
    return run.finish(mac);
}

Done EncryptAndMac::seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const
{
    TRY(mac_of_plaintext(confounder, segments, mac));
    return cts_encrypt(encryption_, confounder, segments);
}

Done EncryptAndMac::open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const
{
    TRY(cts_decrypt(encryption_, confounder, segments));
    Block room;
    const ByteSpan expected = ByteSpan(room).first(mac.size());
    Done verdict = mac_of_plaintext(confounder, segments, expected);
    if (verdict && !constant_time_equal(expected, mac)) {
        verdict = refuse(Fault::BadIntegrity);
    }
    wipe(room);
    if (!verdict) {
        // INVARIANTS P7: encrypting again is the exact inverse; if even that fails, the octets are wiped.
        TRY(cts_encrypt(encryption_, confounder, segments));
    }
    return verdict;
}

Done EncryptAndMac::sign(std::span<const ByteView> parts, ByteSpan mac) const
{
    MacRun run(checksum_);
    for (const ByteView part : parts) {
        run.update(part);
    }
    return run.finish(mac);
}

} // namespace apex
