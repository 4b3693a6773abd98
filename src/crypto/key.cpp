// SPDX-License-Identifier: MIT
#include "apex/crypto/key.h"

#include "apex/crypto/digest.h"
#include "crypto/scheme.h"

#include <array>
#include <cstring>

namespace apex {

// ---------------------------------------------------------------------------------------------------------------------
// UsageKey

const EncryptionProfile& UsageKey::profile() const noexcept
{
    return keys_->profile();
}

std::size_t UsageKey::overhead() const noexcept
{
    return profile().confounder_length + profile().mac_length;
}

namespace {

/// Where the parts of a cipher octet string of `size` octets stand.
struct Layout final {
    std::size_t confounder;
    std::size_t body;
    std::size_t mac;
};

Layout layout_of(const EncryptionProfile& profile, std::size_t body_size) noexcept
{
    const std::size_t confounder =
        profile.scheme->mac_place() == Scheme::MacPlace::in_front ? profile.mac_length : 0;
    const std::size_t body = confounder + profile.confounder_length;
    return {confounder, body, confounder == 0 ? body + body_size : 0};
}

Done check_lengths(const EncryptionProfile& profile, ByteSpan confounder, std::size_t mac_size)
{
    if (confounder.size() != profile.confounder_length) {
        return refuse(Fault::BadBuffers, "confounder of " + std::to_string(confounder.size()) + " octets");
    }
    if (mac_size != profile.mac_length) {
        return refuse(Fault::BadBuffers, "checksum of " + std::to_string(mac_size) + " octets");
    }
    return {};
}

} // namespace

Result<Bytes> UsageKey::seal(ByteView plaintext, Random& random) const
{
    const Layout layout = layout_of(profile(), plaintext.size());
    Bytes sealed(plaintext.size() + overhead());
    const ByteSpan whole(sealed);
    if (!plaintext.empty()) {
        std::memcpy(whole.data() + layout.body, plaintext.data(), plaintext.size());
    }
    const Segment body{.octets = whole.subspan(layout.body, plaintext.size())};
    const Done done = seal_in_place(whole.subspan(layout.confounder, profile().confounder_length), {&body, 1},
                                    whole.subspan(layout.mac, profile().mac_length), random);
    if (!done) {
        wipe(sealed);
        return done.error();
    }
    return sealed;
}

Result<Secret> UsageKey::open(ByteView ciphertext) const
{
    if (ciphertext.size() < overhead()) {
        return refuse(Fault::CiphertextTooShort, std::to_string(ciphertext.size()) + " octets of at least " +
                                                     std::to_string(overhead()));
    }
    Secret plaintext(ciphertext.size() - overhead());
    const Layout layout = layout_of(profile(), plaintext.size());
    if (!plaintext.empty()) {
        std::memcpy(plaintext.span().data(), ciphertext.data() + layout.body, plaintext.size());
    }
    std::array<std::uint8_t, 16> room;
    const ByteSpan confounder = ByteSpan(room).first(profile().confounder_length);
    std::memcpy(confounder.data(), ciphertext.data() + layout.confounder, confounder.size());
    const Segment body{.octets = plaintext.span()};
    TRY(open_in_place(confounder, {&body, 1}, ciphertext.subspan(layout.mac, profile().mac_length)));
    return plaintext;
}

Done UsageKey::seal_in_place(ByteSpan confounder, std::span<const Segment> segments, ByteSpan mac,
                             Random& random) const
{
    TRY(check_lengths(profile(), confounder, mac.size()));
    TRY(random.fill(confounder));
    return keys_->seal(confounder, segments, mac);
}

Done UsageKey::open_in_place(ByteSpan confounder, std::span<const Segment> segments, ByteView mac) const
{
    TRY(check_lengths(profile(), confounder, mac.size()));
    return keys_->open(confounder, segments, mac);
}

Done UsageKey::sign(std::span<const ByteView> parts, ByteSpan mac) const
{
    if (mac.size() != profile().mac_length) {
        return refuse(Fault::BadBuffers, "checksum of " + std::to_string(mac.size()) + " octets");
    }
    return keys_->sign(parts, mac);
}

Done UsageKey::verify(std::span<const ByteView> parts, ByteView mac) const
{
    if (mac.size() != profile().mac_length) {
        return refuse(Fault::BadIntegrity, "checksum of " + std::to_string(mac.size()) + " octets");
    }
    std::array<std::uint8_t, 24> room;
    const ByteSpan expected = ByteSpan(room).first(profile().mac_length);
    TRY(keys_->sign(parts, expected));
    const bool equal = constant_time_equal(expected, mac);
    wipe(room);
    return equal ? Done{} : refuse(Fault::BadIntegrity);
}

// ---------------------------------------------------------------------------------------------------------------------
// UsageCache

struct UsageCache::Entry final {
    KeyUsage usage;
    UsageKey keys;
    const Entry* older;
};

UsageCache::~UsageCache()
{
    clear();
}

UsageCache::UsageCache(UsageCache&& other) noexcept : newest_(other.newest_.exchange(nullptr))
{
}

UsageCache& UsageCache::operator=(UsageCache&& other) noexcept
{
    if (this != &other) {
        clear();
        newest_.store(other.newest_.exchange(nullptr));
    }
    return *this;
}

void UsageCache::clear() noexcept
{
    for (const Entry* entry = newest_.exchange(nullptr); entry != nullptr;) {
        const Entry* const older = entry->older;
        delete entry;
        entry = older;
    }
}

const UsageKey* UsageCache::find(KeyUsage usage) const noexcept
{
    for (const Entry* entry = newest_.load(std::memory_order_acquire); entry != nullptr; entry = entry->older) {
        if (entry->usage == usage) {
            return &entry->keys;
        }
    }
    return nullptr;
}

void UsageCache::remember(KeyUsage usage, const UsageKey& keys) const
{
    auto* const entry = new Entry{usage, keys, newest_.load(std::memory_order_acquire)};
    while (!newest_.compare_exchange_weak(entry->older, entry, std::memory_order_release, std::memory_order_acquire)) {
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Key

Result<Key> Key::from(EncryptionType type, Secret octets)
{
    const EncryptionProfile* const profile = TRY(profile_of(type));
    if (octets.size() != profile->key_length) {
        return refuse(Fault::BadKeyLength, std::to_string(octets.size()) + " octets for " +
                                               std::string(profile->name));
    }
    return Key(*profile, std::move(octets));
}

Result<Key> Key::generate(EncryptionType type, Random& random)
{
    const EncryptionProfile* const profile = TRY(profile_of(type));
    Secret octets(profile->key_length);
    TRY(random.fill(octets.span()));
    return Key(*profile, std::move(octets));
}

Key Key::clone() const
{
    return Key(*profile_, octets_.clone());
}

Result<UsageKey> Key::for_usage(KeyUsage usage) const
{
    if (const UsageKey* const known = usages_.find(usage); known != nullptr) {
        return *known;
    }
    const UsageKey derived(TRY(profile_->scheme->derive(*profile_, octets_.view(), usage)));
    usages_.remember(usage, derived);
    return derived;
}

Result<Bytes> Key::seal(KeyUsage usage, ByteView plaintext, Random& random) const
{
    const UsageKey keys = TRY(for_usage(usage));
    return keys.seal(plaintext, random);
}

Result<Secret> Key::open(KeyUsage usage, ByteView ciphertext) const
{
    const UsageKey keys = TRY(for_usage(usage));
    return keys.open(ciphertext);
}

Result<Bytes> Key::sign(KeyUsage usage, ByteView message) const
{
    const UsageKey keys = TRY(for_usage(usage));
    Bytes mac(profile_->mac_length);
    TRY(keys.sign({&message, 1}, mac));
    return mac;
}

Done Key::verify(KeyUsage usage, ByteView message, ByteView mac) const
{
    const UsageKey keys = TRY(for_usage(usage));
    return keys.verify({&message, 1}, mac);
}

Result<Secret> Key::prf(ByteView input) const
{
    return profile_->scheme->prf(*profile_, octets_.view(), input);
}

std::string Key::fingerprint() const
{
    const Result<Sha256Digest> digest = sha256(octets_.view());
    return digest ? hex(ByteView(*digest).first(2)) : "????";
}

} // namespace apex
