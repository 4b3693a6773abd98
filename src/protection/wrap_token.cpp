// SPDX-License-Identifier: MIT
#include "wrap_token.h"

#include <algorithm>

namespace apex {

WrapSizes::WrapSizes(const EncryptionProfile& profile, Confidentiality confidentiality,
                     std::size_t extra_count) noexcept
    : mac(profile.mac_length)
{
    if (confidentiality == Confidentiality::sealed) {
        confounder = profile.confounder_length;
        tail = extra_count + header_length;
    }
}

Result<WrapToken> WrapToken::read(ByteView token, const MessageProtection::Engine& engine)
{
    const std::size_t frame = frame_length(token, token.size(), engine.settings().mechanism);
    const ByteView bare = token.subspan(frame);
    const WrapHeader header = TRY(WrapHeader::decode(bare));
    const EncryptionProfile* profile = TRY(engine.receiving_profile(header.flags));
    const Confidentiality confidentiality = header.sealed() ? Confidentiality::sealed : Confidentiality::signed_only;
    const WrapSizes sizes(*profile, confidentiality, header.extra_count);
    const ByteView payload = bare.subspan(header_length);
    if (payload.size() < sizes.overhead()) {
        return refuse(Fault::BadMessageToken, std::to_string(payload.size()) + " octets behind the header, at least " +
                                                  std::to_string(sizes.overhead()) + " are needed");
    }
    // RFC 4121 4.2.3: without encryption EC is the length of the checksum.
    if (!header.sealed() && header.extra_count != sizes.mac) {
        return refuse(Fault::BadMessageToken, "EC is " + std::to_string(header.extra_count) + ", the checksum has " +
                                                  std::to_string(sizes.mac) + " octets");
    }
    return WrapToken(header, sizes, frame, payload);
}

std::size_t WrapToken::rotation() const noexcept
{
    // RFC 4121 4.2.5: any count is allowed. The payload is never empty, it holds a MAC.
    return header_.right_rotation_count % payload_.size();
}

Confidentiality WrapToken::confidentiality() const noexcept
{
    return header_.sealed() ? Confidentiality::sealed : Confidentiality::signed_only;
}

void WrapToken::copy(std::size_t offset, ByteSpan target) const noexcept
{
    const std::size_t size = payload_.size();
    const std::size_t start = (rotation() + offset) % size;
    const std::size_t first = std::min(target.size(), size - start);
    std::copy_n(payload_.begin() + static_cast<std::ptrdiff_t>(start), first, target.begin());
    std::copy_n(payload_.begin(), target.size() - first, target.begin() + static_cast<std::ptrdiff_t>(first));
}

namespace {

Result<Ordering> open_sealed(MessageProtection::Engine& engine, const WrapToken& token,
                             std::span<const IovBuffer> order, ByteSpan room)
{
    std::array<std::uint8_t, longest_confounder> confounder_room;
    std::array<std::uint8_t, longest_mac> mac_room;
    const WrapSizes& sizes = token.sizes();
    const ByteSpan confounder = ByteSpan(confounder_room).first(sizes.confounder);
    const ByteSpan mac = ByteSpan(mac_room).first(sizes.mac);
    token.copy(0, confounder);
    token.copy(sizes.confounder, room);
    token.copy(sizes.confounder + room.size(), mac);

    SmallList<Segment> segments(order.size() + 2);
    const ByteSpan message = room.first(token.length());
    const ByteSpan tail = room.subspan(token.length());
    if (order.empty()) {
        segments.add({Segment::Role::sealed, room});
    } else {
        for (const IovBuffer& buffer : order) {
            if (buffer.kind == IovBuffer::Kind::sign_only) {
                segments.add({Segment::Role::sign_only, buffer.octets()});
            } else if (buffer.kind == IovBuffer::Kind::data) {
                segments.add({Segment::Role::sealed, message});
            }
        }
        segments.add({Segment::Role::sealed, tail});
    }
    return engine.open(token.header(), {confounder, segments.items(), tail, mac});
}

Result<Ordering> open_signed(MessageProtection::Engine& engine, const WrapToken& token,
                             std::span<const IovBuffer> order, ByteSpan room)
{
    std::array<std::uint8_t, longest_mac> mac_room;
    const ByteSpan mac = ByteSpan(mac_room).first(token.sizes().mac);
    token.copy(0, room);
    token.copy(room.size(), mac);

    SmallList<ByteView> parts(order.size() + 2);
    if (order.empty()) {
        parts.add(room);
    }
    for (const IovBuffer& buffer : order) {
        if (buffer.kind == IovBuffer::Kind::sign_only) {
            parts.add(buffer.octets());
        } else if (buffer.kind == IovBuffer::Kind::data) {
            parts.add(room);
        }
    }
    return engine.verify_wrap(token.header(), parts, mac);
}

} // namespace

Result<Unwrapped> open_token(MessageProtection::Engine& engine, const WrapToken& token,
                             std::span<const IovBuffer> order, ByteSpan room)
{
    if (room.size() < token.room()) {
        return refuse(Fault::BufferTooSmall, "room for " + std::to_string(room.size()) + " octets, " +
                                                 std::to_string(token.room()) + " are needed");
    }
    const ByteSpan used = room.first(token.room());
    const bool sealed = token.confidentiality() == Confidentiality::sealed;
    Result<Ordering> ordering =
        sealed ? open_sealed(engine, token, order, used) : open_signed(engine, token, order, used);
    if (!ordering) {
        wipe(used);
        return std::move(ordering).error();
    }
    return Unwrapped{.length = token.length(), .confidentiality = token.confidentiality(), .ordering = *ordering};
}

} // namespace apex
