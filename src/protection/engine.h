// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fork_mutex.h"
#include "apex/protection/message_protection.h"
#include "rc4_token.h"
#include "small_list.h"
#include "token_header.h"

#include <atomic>
#include <mutex>
#include <optional>

namespace apex {

/// The longest confounder and the longest MAC of any encryption type.
inline constexpr std::size_t longest_confounder = 16;
inline constexpr std::size_t longest_mac = 24;

/// has_rfc4121_tokens tells whether the tokens of a type are those of RFC 4121, and not of RFC 4757.
bool has_rfc4121_tokens(const EncryptionProfile& profile) noexcept;

/// LazyUsageKey derives the sub-keys of one usage when they are first needed: an accept whose context never protects a
/// message pays for none. Safe for concurrent use.
class LazyUsageKey final {
public:
    Result<const UsageKey*> of(const Key& key, KeyUsage usage);

private:
    std::atomic<bool> ready_{false};
    ForkMutex mutex_;
    std::optional<UsageKey> key_;
};

/// SealedParts are the places of a Wrap token with encryption (RFC 4121 4.2.4), wherever they lie.
struct SealedParts final {
    ByteSpan confounder;
    std::span<const Segment> segments; // the message and, last, the tail
    ByteSpan tail;                     // EC octets of filler and the copy of the header
    ByteSpan mac;
};

/// Engine is the context's part of the work: keys, flags, numbers, order. It knows tokens by their parts only.
class MessageProtection::Engine final {
public:
    struct Settings final {
        Role role;
        ProtectionKeys keys;
        SequenceRules rules;
        bool dce_style;
        Bytes mechanism;
    };

    /// `rc4` makes and opens the tokens if the key is one of RC4.
    Engine(Settings settings, const ProtectionState& state, Random& random, std::optional<Rc4Tokens> rc4);

    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    [[nodiscard]] ProtectionState state() const;
    /// What makes RFC 1964 tokens; null in a context of RFC 4121.
    [[nodiscard]] const Rc4Tokens* rc4_tokens() const noexcept { return rc4_ ? &*rc4_ : nullptr; }

    /// The constants of the key we send with.
    [[nodiscard]] const EncryptionProfile& sending_profile() const noexcept;
    /// The constants of the key a token was made with. Fault::WrongDirection if it is our own; Fault::BadSignature if
    /// its AcceptorSubkey flag is impossible.
    [[nodiscard]] Result<const EncryptionProfile*> receiving_profile(std::uint8_t flags) const;

    /// Seals the parts; `header` (16 octets) is written last. The number is given back if it fails.
    Done seal(const SealedParts& parts, std::uint16_t extra_count, std::uint16_t rotation, ByteSpan header);
    /// Opens the parts in place. After a failure they are what they were.
    Result<Ordering> open(const WrapHeader& header, const SealedParts& parts);

    /// Writes the checksum of a Wrap token without encryption, then its header. `parts` has room for one more.
    Done sign_wrap(SmallList<ByteView>& parts, ByteSpan mac, std::uint16_t rotation, ByteSpan header);
    Result<Ordering> verify_wrap(const WrapHeader& header, SmallList<ByteView>& parts, ByteView mac);

    /// Makes and opens RFC 1964 tokens; see Rc4Tokens. Only where rc4_tokens() is there.
    struct OpenedRc4 final {
        Rc4Tokens::Opened token;
        Ordering ordering = Ordering::InOrder;
    };
    Done protect_rc4(Rc4Tokens::Kind kind, ByteSpan header, std::size_t behind, std::span<const Segment> covered);
    Result<OpenedRc4> open_rc4(ByteSpan header, std::span<const Segment> covered, Rc4Tokens::Padding padding);

    /// Writes a MIC token of either kind. `parts` has room for one more.
    Done sign_mic(SmallList<ByteView>& parts, ByteSpan token);
    /// Verifies a MIC token, with or without a frame.
    Result<Ordering> verify_mic(SmallList<ByteView>& parts, ByteView token);
    /// Verifies a deletion token. Fault::BadMessageToken in a context of RFC 4121, which has none.
    Done verify_deletion(ByteView token);

private:
    enum class Purpose : std::uint8_t { seal, sign };

    [[nodiscard]] std::uint8_t sending_flags() const noexcept;
    [[nodiscard]] bool uses_acceptor_subkey(std::uint8_t flags) const noexcept;
    Result<const UsageKey*> sending_key(Purpose purpose);
    Result<const UsageKey*> receiving_key(Purpose purpose, std::uint8_t flags);
    Done seal_again(const UsageKey& key, const SealedParts& parts) const;

    Result<std::uint64_t> take_number();
    void give_back(std::uint64_t number) noexcept;
    Ordering arrived(std::uint8_t flags, std::uint64_t number) noexcept;

    Done sign_rc4_mic(std::span<const ByteView> parts, ByteSpan token);
    Result<Ordering> verify_rc4_signature(Rc4Tokens::Kind kind, std::span<const ByteView> parts, ByteView token);

    const Settings settings_;
    Random& random_;
    const std::optional<Rc4Tokens> rc4_;
    std::array<LazyUsageKey, 2> sending_keys_;        // by purpose
    std::array<LazyUsageKey, 2> own_keys_;            // for receiving, by purpose
    std::array<LazyUsageKey, 2> acceptor_subkeys_;    // for receiving, by purpose
    std::atomic<bool> peer_used_acceptor_subkey_;

    mutable ForkMutex mutex_; // guards what follows
    std::uint64_t send_sequence_;
    bool send_exhausted_;
    SequenceWindow window_;
};

} // namespace apex
