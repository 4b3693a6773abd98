// SPDX-License-Identifier: MIT
#include "crypto/encrypt_and_mac.h"

#include "crypto/cbc_cts.h"

namespace apex {

namespace {

Done mac_of_plaintext(const MacKey& key, ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac)
{
    MacRun run(key);
    run.update(confounder);
    for (const Segment& segment : segments) {
        run.update(segment.octets);
    }
    return run.finish(mac);
}

} // namespace

Done EncryptAndMac::seal(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac) const
{
    const SealingKeys* const keys = TRY(keys_.for_sealing());
    TRY(mac_of_plaintext(keys->integrity, confounder, segments, mac));
    return cts_encrypt(keys->encryption, confounder, segments);
}

Done EncryptAndMac::open(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const
{
    const SealingKeys* const keys = TRY(keys_.for_sealing());
    TRY(cts_decrypt(keys->encryption, confounder, segments));
    Block room;
    const ByteSpan expected = ByteSpan(room).first(mac.size());
    Done verdict = mac_of_plaintext(keys->integrity, confounder, segments, expected);
    if (verdict && !constant_time_equal(expected, mac)) {
        verdict = refuse(Fault::BadIntegrity);
    }
    wipe(room);
    if (!verdict) {
        // INVARIANTS P7: encrypting again is the exact inverse; if even that fails, the octets are wiped.
        TRY(cts_encrypt(keys->encryption, confounder, segments));
    }
    return verdict;
}

} // namespace apex
