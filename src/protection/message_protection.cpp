// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "engine.h"
#include "rc4_messages.h"
#include "wrap_token.h"

#include <algorithm>
#include <limits>

namespace apex {
namespace {

/// 1.2.840.113554.1.2.2, the mechanism of RFC 4121 4.1.
constexpr std::uint8_t krb5_mechanism[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

Done check_size(ByteSpan token, std::size_t size)
{
    if (token.size() != size) {
        return refuse(Fault::BufferTooSmall,
                      std::to_string(token.size()) + " octets for a token of " + std::to_string(size));
    }
    return {};
}

} // namespace

MessageProtection::MessageProtection(std::unique_ptr<Engine> engine) noexcept : engine_(std::move(engine)) {}
MessageProtection::~MessageProtection() = default;
MessageProtection::MessageProtection(MessageProtection&& other) noexcept = default;
MessageProtection& MessageProtection::operator=(MessageProtection&& other) noexcept = default;

Result<MessageProtection> MessageProtection::make(Role role, ProtectionKeys keys, std::uint64_t send_sequence,
                                                  std::uint64_t receive_sequence, SequenceRules rules, bool dce_style,
                                                  Random& random, ByteView mechanism)
{
    const ProtectionState state{.send_sequence = send_sequence, .receive = {.first = receive_sequence}};
    return restore(role, std::move(keys), state, rules, dce_style, random, mechanism);
}

Result<MessageProtection> MessageProtection::restore(Role role, ProtectionKeys keys, const ProtectionState& state,
                                                     SequenceRules rules, bool dce_style, Random& random,
                                                     ByteView mechanism)
{
    if (!keys.own) {
        return refuse(Fault::Internal, "a context without a key");
    }
    Engine::Settings settings{.role = role,
                              .keys = std::move(keys),
                              .rules = rules,
                              .dce_style = dce_style,
                              .mechanism = bytes_of(mechanism.empty() ? ByteView(krb5_mechanism) : mechanism)};
    const Key& sending = settings.keys.acceptor_subkey ? *settings.keys.acceptor_subkey : *settings.keys.own;
    std::optional<Rc4Tokens> rc4;
    if (!has_rfc4121_tokens(sending.profile())) {
        rc4 = TRY(Rc4Tokens::make(sending, settings.mechanism));
    }
    return MessageProtection(std::make_unique<Engine>(std::move(settings), state, random, std::move(rc4)));
}

Role MessageProtection::role() const noexcept
{
    return engine_->settings().role;
}

const ProtectionKeys& MessageProtection::keys() const noexcept
{
    return engine_->settings().keys;
}

SequenceRules MessageProtection::rules() const noexcept
{
    return engine_->settings().rules;
}

bool MessageProtection::dce_style() const noexcept
{
    return engine_->settings().dce_style;
}

ProtectionState MessageProtection::state() const
{
    return engine_->state();
}

Result<std::size_t> MessageProtection::wrapped_size(std::size_t length, Confidentiality confidentiality) const
{
    if (const Rc4Tokens* rc4 = engine_->rc4_tokens()) {
        return rc4_wrapped_size(*rc4, length);
    }
    const WrapSizes sizes(engine_->sending_profile(), confidentiality, 0);
    const std::size_t overhead = header_length + sizes.overhead();
    if (length > std::numeric_limits<std::size_t>::max() - overhead) {
        return refuse(Fault::MessageTooLong, std::to_string(length) + " octets");
    }
    return length + overhead;
}

Done MessageProtection::wrap_into(ByteView message, Confidentiality confidentiality, ByteSpan token)
{
    const std::size_t size = TRY(wrapped_size(message.size(), confidentiality));
    TRY(check_size(token, size));
    if (engine_->rc4_tokens() != nullptr) {
        return rc4_wrap_into(*engine_, message, confidentiality, token);
    }
    const WrapSizes sizes(engine_->sending_profile(), confidentiality, 0);
    const ByteSpan header = token.first(header_length);
    const ByteSpan confounder = token.subspan(header_length, sizes.confounder);
    const ByteSpan sealed = token.subspan(header_length + sizes.confounder, message.size() + sizes.tail);
    const ByteSpan mac = token.last(sizes.mac);
    std::copy(message.begin(), message.end(), sealed.begin());
    if (confidentiality == Confidentiality::sealed) {
        const Segment segment{Segment::Role::sealed, sealed};
        return engine_->seal({confounder, {&segment, 1}, sealed.last(sizes.tail), mac}, 0, 0, header);
    }
    SmallList<ByteView> parts(2);
    parts.add(message);
    return engine_->sign_wrap(parts, mac, 0, header);
}

Result<Bytes> MessageProtection::wrap(ByteView message, Confidentiality confidentiality)
{
    Bytes token(TRY(wrapped_size(message.size(), confidentiality)));
    TRY(wrap_into(message, confidentiality, token));
    return token;
}

std::size_t MessageProtection::size_limit(Confidentiality confidentiality, std::size_t max_output) const noexcept
{
    if (const Rc4Tokens* rc4 = engine_->rc4_tokens()) {
        return rc4_size_limit(*rc4, max_output);
    }
    const std::size_t overhead =
        header_length + WrapSizes(engine_->sending_profile(), confidentiality, 0).overhead();
    return max_output > overhead ? max_output - overhead : 0;
}

Result<std::size_t> MessageProtection::unwrap_room(ByteView token) const
{
    if (const Rc4Tokens* rc4 = engine_->rc4_tokens()) {
        return rc4_unwrap_room(*rc4, token);
    }
    return TRY(WrapToken::read(token, *engine_)).room();
}

Result<Unwrapped> MessageProtection::unwrap_into(ByteView token, ByteSpan room)
{
    if (engine_->rc4_tokens() != nullptr) {
        return rc4_unwrap_into(*engine_, token, room);
    }
    const WrapToken read = TRY(WrapToken::read(token, *engine_));
    return open_token(*engine_, read, {}, room);
}

Result<UnwrappedMessage> MessageProtection::unwrap(ByteView token)
{
    Secret room(TRY(unwrap_room(token)));
    const Unwrapped unwrapped = TRY(unwrap_into(token, room.span()));
    room.shrink(unwrapped.length);
    return UnwrappedMessage{std::move(room), unwrapped.confidentiality, unwrapped.ordering};
}

std::size_t MessageProtection::mic_size() const noexcept
{
    if (const Rc4Tokens* rc4 = engine_->rc4_tokens()) {
        return rc4->mic_length();
    }
    return header_length + engine_->sending_profile().mac_length;
}

Done MessageProtection::sign_into(std::span<const ByteView> parts, ByteSpan token)
{
    TRY(check_size(token, mic_size()));
    SmallList<ByteView> covered(parts.size() + 1);
    for (const ByteView part : parts) {
        covered.add(part);
    }
    return engine_->sign_mic(covered, token);
}

Result<Bytes> MessageProtection::sign(ByteView message)
{
    Bytes token(mic_size());
    TRY(sign_into({&message, 1}, token));
    return token;
}

Result<Ordering> MessageProtection::verify(std::span<const ByteView> parts, ByteView token)
{
    SmallList<ByteView> covered(parts.size() + 1);
    for (const ByteView part : parts) {
        covered.add(part);
    }
    return engine_->verify_mic(covered, token);
}

Result<Ordering> MessageProtection::verify(ByteView message, ByteView token)
{
    return verify(std::span<const ByteView>(&message, 1), token);
}

Done MessageProtection::verify_deletion(ByteView token)
{
    return engine_->verify_deletion(token);
}

} // namespace apex
