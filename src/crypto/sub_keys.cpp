// SPDX-License-Identifier: MIT
#include "crypto/sub_keys.h"

namespace apex {

Result<const SealingKeys*> SubKeys::for_sealing() const
{
    return sealing_.get([this]() -> Result<std::unique_ptr<const SealingKeys>> {
        constexpr std::array<Purpose, 2> purposes = {Purpose::encryption, Purpose::integrity};
        std::array<Secret, 2> keys;
        TRY(derive_(profile_, key_.view(), usage_, purposes, keys));
        return std::unique_ptr<const SealingKeys>(
            new SealingKeys{{cipher_, keys[0].view()}, {mac_, keys[1].view()}});
    });
}

Result<const MacKey*> SubKeys::for_signing() const
{
    return checksum_.get([this]() -> Result<std::unique_ptr<const MacKey>> {
        constexpr Purpose purpose = Purpose::checksum;
        Secret octets;
        TRY(derive_(profile_, key_.view(), usage_, {&purpose, 1}, {&octets, 1}));
        return std::make_unique<const MacKey>(mac_, octets.view());
    });
}

Done SubKeys::sign(std::span<const ByteView> parts, ByteSpan mac) const
{
    const MacKey* const key = TRY(for_signing());
    MacRun run(*key);
    for (const ByteView part : parts) {
        run.update(part);
    }
    return run.finish(mac);
}

} // namespace apex
