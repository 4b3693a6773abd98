// SPDX-License-Identifier: MIT
#include "engine.h"

#include <algorithm>
#include <limits>

namespace apex {
namespace {

/// KnownConfounder stands in for randomness when a message is sealed again into exactly what it was.
class KnownConfounder final : public Random {
public:
    explicit KnownConfounder(ByteView confounder) noexcept : size_(confounder.size())
    {
        std::copy(confounder.begin(), confounder.end(), octets_.begin());
    }

    Done fill(ByteSpan octets) override
    {
        if (octets.size() != size_) {
            return refuse(Fault::Internal, "the confounder has an unexpected length");
        }
        std::copy_n(octets_.begin(), size_, octets.begin());
        return {};
    }

private:
    std::array<std::uint8_t, longest_confounder> octets_{};
    std::size_t size_;
};

/// A MAC that does not fit is, in the words of RFC 2744, a bad signature.
Error as_bad_signature(Error error)
{
    if (error.fault == Fault::BadIntegrity) {
        return refuse(Fault::BadSignature, std::move(error.detail));
    }
    return error;
}

void put(ByteSpan target, const HeaderOctets& header) noexcept
{
    std::copy(header.begin(), header.end(), target.begin());
}

KeyUsage usage_of(Role sender, bool seal) noexcept
{
    if (sender == Role::acceptor) {
        return seal ? KeyUsage::acceptor_seal : KeyUsage::acceptor_sign;
    }
    return seal ? KeyUsage::initiator_seal : KeyUsage::initiator_sign;
}

Role peer_of(Role role) noexcept
{
    return role == Role::initiator ? Role::acceptor : Role::initiator;
}

} // namespace

bool has_rfc4121_tokens(const EncryptionProfile& profile) noexcept
{
    return profile.type != EncryptionType::rc4_hmac && profile.type != EncryptionType::rc4_hmac_exp;
}

Result<const UsageKey*> LazyUsageKey::of(const Key& key, KeyUsage usage)
{
    if (!ready_.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex_);
        if (!key_.has_value()) {
            key_.emplace(TRY(key.for_usage(usage)));
        }
        ready_.store(true, std::memory_order_release);
    }
    return &*key_;
}

MessageProtection::Engine::Engine(Settings settings, const ProtectionState& state, Random& random,
                                  std::optional<Rc4Tokens> rc4)
    : settings_(std::move(settings)), random_(random), rc4_(std::move(rc4)),
      peer_used_acceptor_subkey_(state.peer_used_acceptor_subkey), send_sequence_(state.send_sequence),
      send_exhausted_(state.send_exhausted),
      window_(state.receive, settings_.rules,
              rc4_ ? SequenceWindow::Space::bits32 : SequenceWindow::Space::bits64)
{
}

ProtectionState MessageProtection::Engine::state() const
{
    const std::lock_guard lock(mutex_);
    return {.send_sequence = send_sequence_,
            .send_exhausted = send_exhausted_,
            .receive = window_.state(),
            .peer_used_acceptor_subkey = peer_used_acceptor_subkey_.load()};
}

const EncryptionProfile& MessageProtection::Engine::sending_profile() const noexcept
{
    const ProtectionKeys& keys = settings_.keys;
    return keys.acceptor_subkey ? keys.acceptor_subkey->profile() : keys.own->profile();
}

std::uint8_t MessageProtection::Engine::sending_flags() const noexcept
{
    const unsigned sender = settings_.role == Role::acceptor ? sent_by_acceptor : 0U;
    const unsigned subkey = settings_.keys.acceptor_subkey ? acceptor_subkey_flag : 0U;
    return static_cast<std::uint8_t>(sender | subkey);
}

Result<const EncryptionProfile*> MessageProtection::Engine::receiving_profile(std::uint8_t flags) const
{
    const Role sender = (flags & sent_by_acceptor) != 0 ? Role::acceptor : Role::initiator;
    if (sender == settings_.role) {
        return refuse(Fault::WrongDirection, "the token was made by this side");
    }
    const ProtectionKeys& keys = settings_.keys;
    if ((flags & acceptor_subkey_flag) != 0) {
        if (!keys.acceptor_subkey) {
            return refuse(Fault::BadSignature, "the token names an acceptor subkey, but there is none");
        }
        return &keys.acceptor_subkey->profile();
    }
    // INVARIANTS P2: a peer may use the older key until it has shown that it knows the acceptor's subkey.
    if (keys.acceptor_subkey && peer_used_acceptor_subkey_.load(std::memory_order_relaxed)) {
        return refuse(Fault::BadSignature, "the peer went back from the acceptor subkey to an older key");
    }
    if (!has_rfc4121_tokens(keys.own->profile())) {
        return refuse(Fault::BadMessageToken, "a token of RFC 4121 under a key of RC4");
    }
    return &keys.own->profile();
}

Result<const UsageKey*> MessageProtection::Engine::sending_key(Purpose purpose)
{
    const ProtectionKeys& keys = settings_.keys;
    const Key& key = keys.acceptor_subkey ? *keys.acceptor_subkey : *keys.own;
    return sending_keys_[static_cast<std::size_t>(purpose)].of(key, usage_of(settings_.role, purpose == Purpose::seal));
}

Result<const UsageKey*> MessageProtection::Engine::receiving_key(Purpose purpose, std::uint8_t flags)
{
    TRY(receiving_profile(flags));
    const bool by_subkey = (flags & acceptor_subkey_flag) != 0;
    const Key& key = by_subkey ? *settings_.keys.acceptor_subkey : *settings_.keys.own;
    auto& kept = by_subkey ? acceptor_subkeys_ : own_keys_;
    const KeyUsage usage = usage_of(peer_of(settings_.role), purpose == Purpose::seal);
    return kept[static_cast<std::size_t>(purpose)].of(key, usage);
}

Result<std::uint64_t> MessageProtection::Engine::take_number()
{
    const std::lock_guard lock(mutex_);
    if (send_exhausted_) {
        return refuse(Fault::SequenceExhausted);
    }
    const std::uint64_t number = send_sequence_;
    send_exhausted_ = number == std::numeric_limits<std::uint64_t>::max();
    send_sequence_ = number + 1;
    return number;
}

/// A number that was not used is the next one again, unless another thread has taken a later one already.
void MessageProtection::Engine::give_back(std::uint64_t number) noexcept
{
    const std::lock_guard lock(mutex_);
    if (send_sequence_ == number + 1) {
        send_sequence_ = number;
        send_exhausted_ = false;
    }
}

Ordering MessageProtection::Engine::arrived(std::uint8_t flags, std::uint64_t number) noexcept
{
    const std::lock_guard lock(mutex_);
    if ((flags & acceptor_subkey_flag) != 0) {
        peer_used_acceptor_subkey_.store(true, std::memory_order_relaxed);
    }
    return window_.receive(number);
}

Done MessageProtection::Engine::seal(const SealedParts& parts, std::uint16_t extra_count, std::uint16_t rotation,
                                     ByteSpan header)
{
    const UsageKey* key = TRY(sending_key(Purpose::seal));
    const std::uint64_t number = TRY(take_number());
    const WrapHeader fields{.flags = static_cast<std::uint8_t>(sending_flags() | sealed_flag),
                            .extra_count = extra_count,
                            .right_rotation_count = rotation,
                            .sequence = number};
    std::fill_n(parts.tail.begin(), extra_count, std::uint8_t{0xff});
    put(parts.tail.subspan(extra_count), fields.sealed_copy());
    Done sealed = key->seal_in_place(parts.confounder, parts.segments, parts.mac, random_);
    if (!sealed) {
        give_back(number);
        return sealed;
    }
    put(header, fields.encode());
    return {};
}

/// Undoes open_in_place: the same confounder gives the same ciphertext (INVARIANTS P7).
Done MessageProtection::Engine::seal_again(const UsageKey& key, const SealedParts& parts) const
{
    KnownConfounder confounder(parts.confounder);
    std::array<std::uint8_t, longest_mac> mac;
    return key.seal_in_place(parts.confounder, parts.segments, ByteSpan(mac).first(parts.mac.size()), confounder);
}

Result<Ordering> MessageProtection::Engine::open(const WrapHeader& header, const SealedParts& parts)
{
    const UsageKey* key = TRY(receiving_key(Purpose::seal, header.flags));
    Done opened = key->open_in_place(parts.confounder, parts.segments, parts.mac);
    if (!opened) {
        return as_bad_signature(std::move(opened).error());
    }
    // RFC 4121 4.2.4: the copy inside must be the header outside, all of it but RRC (CVE-2024-37370).
    if (!constant_time_equal(parts.tail.last(header_length), header.sealed_copy())) {
        TRY(seal_again(*key, parts));
        return refuse(Fault::BadSignature, "the encrypted copy of the header differs from the header");
    }
    return arrived(header.flags, header.sequence);
}

Done MessageProtection::Engine::sign_wrap(SmallList<ByteView>& parts, ByteSpan mac, std::uint16_t rotation,
                                          ByteSpan header)
{
    // RFC 4121 4.2.4: Wrap tokens use the seal usages with or without encryption (2: "keyed checksum in Wrap").
    const UsageKey* key = TRY(sending_key(Purpose::seal));
    const std::uint64_t number = TRY(take_number());
    const WrapHeader fields{.flags = sending_flags(),
                            .extra_count = static_cast<std::uint16_t>(mac.size()),
                            .right_rotation_count = rotation,
                            .sequence = number};
    const HeaderOctets covered = fields.signed_copy();
    parts.add(covered);
    Done made = key->sign(parts.items(), mac);
    if (!made) {
        give_back(number);
        return made;
    }
    put(header, fields.encode());
    return {};
}

Result<Ordering> MessageProtection::Engine::verify_wrap(const WrapHeader& header, SmallList<ByteView>& parts,
                                                        ByteView mac)
{
    const UsageKey* key = TRY(receiving_key(Purpose::seal, header.flags));
    const HeaderOctets covered = header.signed_copy();
    parts.add(covered);
    Done verified = key->verify(parts.items(), mac);
    if (!verified) {
        return as_bad_signature(std::move(verified).error());
    }
    return arrived(header.flags, header.sequence);
}

Done MessageProtection::Engine::sign_mic(SmallList<ByteView>& parts, ByteSpan token)
{
    if (rc4_) {
        return sign_rc4_mic(parts.items(), token);
    }
    const UsageKey* key = TRY(sending_key(Purpose::sign));
    const std::uint64_t number = TRY(take_number());
    const HeaderOctets header = MicHeader{.flags = sending_flags(), .sequence = number}.encode();
    parts.add(header);
    Done made = key->sign(parts.items(), token.subspan(header_length));
    if (!made) {
        give_back(number);
        return made;
    }
    put(token, header);
    return {};
}

Result<Ordering> MessageProtection::Engine::verify_mic(SmallList<ByteView>& parts, ByteView framed)
{
    if (rc4_) {
        return verify_rc4_signature(Rc4Tokens::Kind::mic, parts.items(), framed);
    }
    const ByteView token = framed.subspan(frame_length(framed, framed.size(), settings_.mechanism));
    const MicHeader header = TRY(MicHeader::decode(token));
    const UsageKey* key = TRY(receiving_key(Purpose::sign, header.flags));
    const ByteView mac = token.subspan(header_length);
    if (mac.size() != key->profile().mac_length) {
        return refuse(Fault::BadMessageToken, "a checksum of " + std::to_string(mac.size()) + " octets instead of " +
                                                  std::to_string(key->profile().mac_length));
    }
    // The flags are covered as they came: RFC 4121 4.2.2 reserves some of them.
    parts.add(token.first(header_length));
    Done verified = key->verify(parts.items(), mac);
    if (!verified) {
        return as_bad_signature(std::move(verified).error());
    }
    return arrived(header.flags, header.sequence);
}

Done MessageProtection::Engine::protect_rc4(Rc4Tokens::Kind kind, ByteSpan header, std::size_t behind,
                                            std::span<const Segment> covered)
{
    const std::uint64_t number = TRY(take_number());
    // RFC 1964 1.2.1.2: the number has 32 bits and starts again at 0.
    Done made = rc4_->protect(kind, settings_.role, static_cast<std::uint32_t>(number), header, behind, covered, random_);
    if (!made) {
        give_back(number);
    }
    return made;
}

Result<MessageProtection::Engine::OpenedRc4> MessageProtection::Engine::open_rc4(ByteSpan header,
                                                                                 std::span<const Segment> covered,
                                                                                 Rc4Tokens::Padding padding)
{
    const Rc4Tokens::Opened opened = TRY(rc4_->open(settings_.role, header, covered, padding));
    return OpenedRc4{.token = opened, .ordering = arrived(0, opened.number)};
}

namespace {

/// Parts that are only read, as parts that could be written: a MIC token encrypts nothing.
SmallList<Segment> as_segments(std::span<const ByteView> parts)
{
    SmallList<Segment> segments(parts.size());
    for (const ByteView part : parts) {
        segments.add({Segment::Role::sign_only, {const_cast<std::uint8_t*>(part.data()), part.size()}});
    }
    return segments;
}

} // namespace

Done MessageProtection::Engine::sign_rc4_mic(std::span<const ByteView> parts, ByteSpan token)
{
    const SmallList<Segment> covered = as_segments(parts);
    return protect_rc4(Rc4Tokens::Kind::mic, token, 0, covered.items());
}

Result<Ordering> MessageProtection::Engine::verify_rc4_signature(Rc4Tokens::Kind kind, std::span<const ByteView> parts,
                                                                 ByteView token)
{
    const ByteView bare = token.subspan(rc4_->frame_octets(token, token.size()));
    std::array<std::uint8_t, Rc4Tokens::fields_length> header;
    if (TRY(Rc4Tokens::kind_of(bare)) != kind || bare.size() != header.size()) {
        return refuse(Fault::BadMessageToken, std::to_string(bare.size()) + " octets that are no " +
                                                  (kind == Rc4Tokens::Kind::mic ? "mic token" : "deletion token"));
    }
    std::copy(bare.begin(), bare.end(), header.begin());
    const SmallList<Segment> covered = as_segments(parts);
    return TRY(open_rc4(header, covered.items(), Rc4Tokens::Padding::none)).ordering;
}

Done MessageProtection::Engine::verify_deletion(ByteView token)
{
    if (!rc4_) {
        // RFC 4121 4.3: there are no context deletion tokens any more.
        return refuse(Fault::BadMessageToken, "RFC 4121 has no context tokens after establishment; got " +
                                                  std::to_string(token.size()) + " octets");
    }
    TRY(verify_rc4_signature(Rc4Tokens::Kind::deletion, {}, token));
    return {};
}

} // namespace apex
