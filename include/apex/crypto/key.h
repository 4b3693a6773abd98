// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/random.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/crypto/encryption_type.h"
#include "apex/crypto/key_usage.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace apex {

/// Segment is one part of a message that is sealed, opened or signed in place, in the order of the message.
struct Segment final {
    enum class Role : std::uint8_t {
        sealed,    // covered by the MAC and encrypted
        sign_only, // covered by the MAC, left as it is
    };
    Role role = Role::sealed;
    ByteSpan octets;
};

class DerivedKeys;

/// UsageKey is a key with its sub-keys for one usage derived once (RFC 3961 5.3): sealing, opening, signing and
/// verifying derive nothing more. Immutable and safe for concurrent use: cipher and hash contexts come from a small
/// pool inside. Cheap to copy (shared).
class UsageKey final {
public:
    [[nodiscard]] const EncryptionProfile& profile() const noexcept;

    /// Octets that sealing adds: confounder in front, MAC behind.
    [[nodiscard]] std::size_t overhead() const noexcept;

    /// Seals `plaintext` into confounder | ciphertext | MAC (the RFC 3961 cipher octet string).
    [[nodiscard]] Result<Bytes> seal(ByteView plaintext, Random& random) const;

    /// Checks the MAC and gives the plaintext. Fault::BadIntegrity, Fault::CiphertextTooShort.
    [[nodiscard]] Result<Secret> open(ByteView ciphertext) const;

    /// Seals in place. `confounder` (profile().confounder_length octets, in: anything, out: sealed confounder), then the
    /// segments in order, then `mac` (profile().mac_length octets, out). The sealed octets form one run across segments,
    /// the MAC covers confounder and all segments in order (for encrypt-then-MAC schemes RFC 8009 5: the ciphertext;
    /// sign_only segments are covered as MIT does: in order of appearance).
    Done seal_in_place(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac, Random& random) const;

    /// Opens in place what seal_in_place made. On failure the octets are what they were before the call (INVARIANTS
    /// P7): plaintext that failed its check never stays.
    Done open_in_place(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const;

    /// Writes the keyed checksum (the type's required one) of the concatenated parts into `mac`, mac_length octets.
    Done sign(std::span<const ByteView> parts, ByteSpan mac) const;

    /// Compares in constant time. Fault::BadIntegrity if it differs.
    Done verify(std::span<const ByteView> parts, ByteView mac) const;

private:
    friend class Key;
    explicit UsageKey(std::shared_ptr<const DerivedKeys> keys) noexcept : keys_(std::move(keys)) {}
    std::shared_ptr<const DerivedKeys> keys_;
};

/// UsageCache remembers the sub-keys of one key for the usages it was asked for. Readers take no lock; entries stay
/// until the cache dies.
class UsageCache final {
public:
    UsageCache() = default;
    ~UsageCache();
    UsageCache(UsageCache&& other) noexcept;
    UsageCache& operator=(UsageCache&& other) noexcept;
    UsageCache(const UsageCache&) = delete;
    UsageCache& operator=(const UsageCache&) = delete;

    /// The remembered sub-keys, or nullptr.
    [[nodiscard]] const UsageKey* find(KeyUsage usage) const noexcept;
    /// Remembers sub-keys. Two threads may remember the same usage: both entries are right, one is found.
    void remember(KeyUsage usage, const UsageKey& keys) const;

private:
    struct Entry;
    void clear() noexcept;
    mutable std::atomic<const Entry*> newest_{nullptr};
};

/// Key is a protocol key: octets of one encryption type. Immutable, move-only (clone is explicit).
class Key final {
public:
    /// Takes over octets. Fault::UnknownEncryptionType, Fault::BadKeyLength.
    static Result<Key> from(EncryptionType type, Secret octets);
    /// Makes a fresh random key. Fault::NoRandomness.
    static Result<Key> generate(EncryptionType type, Random& random);

    [[nodiscard]] EncryptionType type() const noexcept { return profile_->type; }
    [[nodiscard]] const EncryptionProfile& profile() const noexcept { return *profile_; }
    [[nodiscard]] const Secret& octets() const noexcept { return octets_; }
    [[nodiscard]] Key clone() const;

    /// Derives the sub-keys of a usage. The same usage asked again of the same Key may be served from memory.
    [[nodiscard]] Result<UsageKey> for_usage(KeyUsage usage) const;

    /// Shorthands over for_usage, for one-time use.
    [[nodiscard]] Result<Bytes> seal(KeyUsage usage, ByteView plaintext, Random& random) const;
    [[nodiscard]] Result<Secret> open(KeyUsage usage, ByteView ciphertext) const;
    [[nodiscard]] Result<Bytes> sign(KeyUsage usage, ByteView message) const;
    Done verify(KeyUsage usage, ByteView message, ByteView mac) const;

    /// The pseudo-random function of the type (RFC 3961 3, RFC 8009 5, RFC 6803 6), profile().prf_length octets.
    [[nodiscard]] Result<Secret> prf(ByteView input) const;

    /// Four hexadecimal digits that tell keys apart in a trace and reveal nothing useful.
    [[nodiscard]] std::string fingerprint() const;

private:
    Key(const EncryptionProfile& profile, Secret octets) noexcept : profile_(&profile), octets_(std::move(octets)) {}
    const EncryptionProfile* profile_;
    Secret octets_;
    UsageCache usages_;
};

} // namespace apex
