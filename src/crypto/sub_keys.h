// SPDX-License-Identifier: MIT
#pragma once

#include "crypto/openssl.h"
#include "crypto/scheme.h"

#include <memory>

namespace apex {

/// Lazy is a value made when it is first asked for. Safe for concurrent use without a lock: if two threads make it at
/// the same time, one of the two is kept.
template <typename T>
class Lazy final {
public:
    Lazy() = default;
    ~Lazy() { delete value_.load(std::memory_order_acquire); }
    Lazy(const Lazy&) = delete;
    Lazy& operator=(const Lazy&) = delete;

    /// The value; `make` gives a Result<std::unique_ptr<const T>>. A failure is not remembered.
    template <typename Make>
    Result<const T*> get(Make make) const
    {
        const T* known = value_.load(std::memory_order_acquire);
        if (known == nullptr) {
            std::unique_ptr<const T> made = TRY(make());
            if (value_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
                known = made.release();
            }
        }
        return known;
    }

private:
    mutable std::atomic<const T*> value_{nullptr};
};

/// SealingKeys are Ke and Ki of RFC 3961 5.3, ready for use.
struct SealingKeys final {
    CbcKey encryption;
    MacKey integrity;
};

/// SubKeys are the three keys of one usage. A usage seals or signs, hardly ever both, and many contexts do neither, so
/// each half is derived when it is first used.
class SubKeys final {
public:
    /// How a scheme derives several sub-keys at once, one for each purpose.
    using Derive = Done (*)(const EncryptionProfile& profile, ByteView key, KeyUsage usage,
                            std::span<const Purpose> purposes, std::span<Secret> sub_keys);

    SubKeys(const EncryptionProfile& profile, BlockCipher cipher, MacAlgorithm mac, Derive derive, ByteView key,
            KeyUsage usage)
        : profile_(profile), cipher_(cipher), mac_(mac), derive_(derive), key_(key), usage_(usage)
    {
    }

    [[nodiscard]] Result<const SealingKeys*> for_sealing() const;
    /// Writes the checksum of the parts with Kc.
    Done sign(std::span<const ByteView> parts, ByteSpan mac) const;

private:
    [[nodiscard]] Result<const MacKey*> for_signing() const;

    const EncryptionProfile& profile_;
    BlockCipher cipher_;
    MacAlgorithm mac_;
    Derive derive_;
    Secret key_;
    KeyUsage usage_;
    Lazy<SealingKeys> sealing_;
    Lazy<MacKey> checksum_;
};

} // namespace apex
