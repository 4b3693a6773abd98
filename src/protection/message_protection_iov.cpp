// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "engine.h"
#include "iov_list.h"
#include "rc4_messages.h"
#include "wrap_token.h"

#include <algorithm>
#include <vector>

namespace apex {
namespace {

using Kind = IovBuffer::Kind;

/// WrapLayout says which octets of a Wrap token go into which buffer (RFC 4121 4.2.4, 4.2.5).
struct WrapLayout final {
    Confidentiality confidentiality;
    WrapSizes sizes;
    std::size_t extra_count; // EC of a sealed token
    IovBuffer* header;
    IovBuffer* trailer; // or null: what belongs behind the data stands in the header, in front of the confounder
    IovBuffer* padding;

    [[nodiscard]] std::size_t behind() const noexcept { return sizes.tail + sizes.mac; }
    [[nodiscard]] std::size_t header_size() const noexcept
    {
        return header_length + sizes.confounder + (trailer == nullptr ? behind() : 0);
    }
    /// The RRC of the token. Windows rotates by EC octets more than RRC says, in DCE style ([MS-KILE] 3.4.5.4.1).
    [[nodiscard]] std::size_t rotation(bool dce_style) const noexcept
    {
        if (trailer != nullptr) {
            return 0;
        }
        return dce_style && confidentiality == Confidentiality::sealed ? behind() - extra_count : behind();
    }
};

/// WrapPlaces are the octets of the parts, in the buffers.
struct WrapPlaces final {
    ByteSpan confounder;
    ByteSpan tail;
    ByteSpan mac;

    WrapPlaces(const WrapLayout& layout, ByteSpan header, ByteSpan trailer) noexcept
    {
        const bool rotated = layout.trailer == nullptr;
        const ByteSpan behind = rotated ? header.subspan(header_length, layout.behind()) : trailer;
        confounder = header.last(layout.sizes.confounder);
        tail = behind.first(layout.sizes.tail);
        mac = behind.subspan(layout.sizes.tail);
    }
};

SmallList<Segment> segments_of(std::span<const IovBuffer> buffers, ByteSpan tail)
{
    SmallList<Segment> segments(buffers.size() + 1);
    for (const IovBuffer& buffer : buffers) {
        if (is_covered(buffer)) {
            const bool data = buffer.kind == Kind::data;
            segments.add({data ? Segment::Role::sealed : Segment::Role::sign_only, buffer.octets()});
        }
    }
    segments.add({Segment::Role::sealed, tail});
    return segments;
}

SmallList<ByteView> parts_of(std::span<const IovBuffer> buffers)
{
    SmallList<ByteView> parts(buffers.size() + 1);
    for (const IovBuffer& buffer : buffers) {
        if (is_covered(buffer)) {
            parts.add(buffer.octets());
        }
    }
    return parts;
}

Result<WrapLayout> plan_wrap(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                             Confidentiality confidentiality)
{
    IovBuffer* header = only(buffers, Kind::header);
    if (header == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one header buffer is needed");
    }
    // Nothing to encrypt: as MIT, the message is only signed.
    const Confidentiality actual = has(buffers, Kind::data) ? confidentiality : Confidentiality::signed_only;
    const EncryptionProfile& profile = engine.sending_profile();
    const bool fills = engine.settings().dce_style && actual == Confidentiality::sealed;
    const std::size_t extra_count = fills ? profile.confounder_length : 0; // one cipher block
    return WrapLayout{.confidentiality = actual,
                      .sizes = WrapSizes(profile, actual, extra_count),
                      .extra_count = extra_count,
                      .header = header,
                      .trailer = only(buffers, Kind::trailer),
                      .padding = only(buffers, Kind::padding)};
}

void clear_padding(IovBuffer* padding) noexcept
{
    if (padding != nullptr) {
        padding->length = 0;
    }
}

} // namespace

Result<Confidentiality> MessageProtection::wrap_iov(std::span<IovBuffer> buffers, Confidentiality confidentiality)
{
    TRY(check_buffers(buffers, Work::making, {Kind::header, Kind::data, Kind::padding, Kind::trailer, Kind::sign_only}));
    if (engine_->rc4_tokens() != nullptr) {
        return rc4_wrap_iov(*engine_, buffers, confidentiality);
    }
    const WrapLayout layout = TRY(plan_wrap(*engine_, buffers, confidentiality));
    IovRoom header = TRY(IovRoom::make(layout.header, layout.header_size()));
    IovRoom trailer = TRY(IovRoom::make(layout.trailer, layout.behind()));
    const WrapPlaces places(layout, header.octets(), trailer.octets());
    const auto rotation = static_cast<std::uint16_t>(layout.rotation(dce_style()));
    const ByteSpan fields = header.octets().first(header_length);
    if (layout.confidentiality == Confidentiality::sealed) {
        const SmallList<Segment> segments = segments_of(buffers, places.tail);
        const SealedParts parts{places.confounder, segments.items(), places.tail, places.mac};
        TRY(engine_->seal(parts, static_cast<std::uint16_t>(layout.extra_count), rotation, fields));
    } else {
        SmallList<ByteView> parts = parts_of(buffers);
        TRY(engine_->sign_wrap(parts, places.mac, rotation, fields));
    }
    header.commit();
    trailer.commit();
    clear_padding(layout.padding);
    return layout.confidentiality;
}

Result<Confidentiality> MessageProtection::wrap_iov_length(std::span<IovBuffer> buffers,
                                                           Confidentiality confidentiality) const
{
    if (engine_->rc4_tokens() != nullptr) {
        return rc4_wrap_iov_length(*engine_, buffers, confidentiality);
    }
    const WrapLayout layout = TRY(plan_wrap(*engine_, buffers, confidentiality));
    announce(layout.header, layout.header_size());
    announce(layout.trailer, layout.behind());
    announce(layout.padding, 0);
    return layout.confidentiality;
}

namespace {

/// Reads what a token in parts says and finds its parts. Fault::BadMessageToken and those of receiving_profile.
struct ReceivedParts final {
    WrapHeader header;
    WrapLayout layout;
    WrapPlaces places;

    static Result<ReceivedParts> read(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers);
};

Done check_lengths(const WrapHeader& header, const WrapLayout& layout, std::size_t header_size, bool dce_style)
{
    if (!header.sealed() && header.extra_count != layout.sizes.mac) {
        return refuse(Fault::BadMessageToken, "EC is " + std::to_string(header.extra_count) + ", the checksum has " +
                                                  std::to_string(layout.sizes.mac) + " octets");
    }
    if (header.right_rotation_count != layout.rotation(dce_style)) {
        return refuse(Fault::BadMessageToken, "RRC is " + std::to_string(header.right_rotation_count) +
                                                  " instead of " + std::to_string(layout.rotation(dce_style)));
    }
    if (header_size != layout.header_size()) {
        return refuse(Fault::BadMessageToken, "a header of " + std::to_string(header_size) + " octets instead of " +
                                                  std::to_string(layout.header_size()));
    }
    if (layout.trailer != nullptr && layout.trailer->length != layout.behind()) {
        return refuse(Fault::BadMessageToken, "a trailer of " + std::to_string(layout.trailer->length) +
                                                  " octets instead of " + std::to_string(layout.behind()));
    }
    if (layout.padding != nullptr && layout.padding->length != 0) {
        return refuse(Fault::BadMessageToken, "padding, which these tokens do not have");
    }
    return {};
}

Result<ReceivedParts> ReceivedParts::read(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers)
{
    IovBuffer* buffer = only(buffers, Kind::header);
    if (buffer == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one header buffer is needed");
    }
    IovBuffer* trailer = only(buffers, Kind::trailer);
    const std::size_t behind = total_length(buffers, Kind::data) + (trailer == nullptr ? 0 : trailer->length);
    const ByteSpan framed = buffer->octets();
    const std::size_t total = framed.size() + (engine.settings().dce_style ? 0 : behind);
    const ByteSpan octets = framed.subspan(frame_length(framed, total, engine.settings().mechanism));
    const WrapHeader header = TRY(WrapHeader::decode(octets));
    const EncryptionProfile* profile = TRY(engine.receiving_profile(header.flags));
    const Confidentiality confidentiality = header.sealed() ? Confidentiality::sealed : Confidentiality::signed_only;
    const WrapLayout layout{.confidentiality = confidentiality,
                            .sizes = WrapSizes(*profile, confidentiality, header.extra_count),
                            .extra_count = header.sealed() ? header.extra_count : std::size_t{0},
                            .header = buffer,
                            .trailer = trailer,
                            .padding = only(buffers, Kind::padding)};
    TRY(check_lengths(header, layout, octets.size(), engine.settings().dce_style));
    return ReceivedParts{header, layout, WrapPlaces(layout, octets, trailer == nullptr ? ByteSpan() : trailer->octets())};
}

Result<Unwrapped> unwrap_parts(MessageProtection::Engine& engine, std::span<IovBuffer> buffers)
{
    const ReceivedParts received = TRY(ReceivedParts::read(engine, buffers));
    const WrapPlaces& places = received.places;
    Unwrapped unwrapped{.length = total_length(buffers, Kind::data),
                        .confidentiality = received.layout.confidentiality};
    if (received.header.sealed()) {
        const SmallList<Segment> segments = segments_of(buffers, places.tail);
        const SealedParts parts{places.confounder, segments.items(), places.tail, places.mac};
        unwrapped.ordering = TRY(engine.open(received.header, parts));
    } else {
        SmallList<ByteView> parts = parts_of(buffers);
        unwrapped.ordering = TRY(engine.verify_wrap(received.header, parts, places.mac));
    }
    return unwrapped;
}

/// The message gets octets of its own; the stream stays as it came.
Result<Unwrapped> unwrap_stream_copy(MessageProtection::Engine& engine, std::span<const IovBuffer> buffers,
                                     const WrapToken& token, IovBuffer& data)
{
    IovRoom room = TRY(IovRoom::make(&data, token.room()));
    const Unwrapped unwrapped = TRY(open_token(engine, token, buffers, room.octets()));
    room.commit(unwrapped.length);
    return unwrapped;
}

/// The message stays in the stream: the rotation is undone there, and the parts are opened where they lie.
Result<Unwrapped> unwrap_stream_in_place(MessageProtection::Engine& engine, std::span<const IovBuffer> buffers,
                                         const WrapToken& token, ByteSpan stream, IovBuffer& data)
{
    const WrapSizes& sizes = token.sizes();
    const ByteSpan payload = stream.subspan(token.frame() + header_length);
    const auto rotation = static_cast<std::ptrdiff_t>(token.rotation());
    std::rotate(payload.begin(), payload.begin() + rotation, payload.end());
    IovBuffer message = data;
    message.data = payload.data() + sizes.confounder;
    message.length = token.length();

    std::vector<IovBuffer> order(buffers.begin(), buffers.end());
    std::replace_if(order.begin(), order.end(), [](const IovBuffer& buffer) { return buffer.kind == Kind::data; }, message);
    const ByteSpan behind = payload.subspan(sizes.confounder + token.length());
    const ByteSpan tail = behind.first(sizes.tail);
    const ByteSpan mac = behind.subspan(sizes.tail);
    Result<Ordering> ordering = Ordering::InOrder;
    if (token.header().sealed()) {
        const SmallList<Segment> segments = segments_of(order, tail);
        ordering = engine.open(token.header(), {payload.first(sizes.confounder), segments.items(), tail, mac});
    } else {
        SmallList<ByteView> parts = parts_of(order);
        ordering = engine.verify_wrap(token.header(), parts, mac);
    }
    if (!ordering) {
        std::rotate(payload.begin(), payload.end() - rotation, payload.end());
        return std::move(ordering).error();
    }
    const ByteSpan rotation_count = stream.subspan(token.frame() + 6, 2);
    std::fill(rotation_count.begin(), rotation_count.end(), std::uint8_t{0});
    data.data = message.data;
    data.length = message.length;
    return Unwrapped{.length = message.length, .confidentiality = token.confidentiality(), .ordering = *ordering};
}

Result<Unwrapped> unwrap_stream(MessageProtection::Engine& engine, std::span<IovBuffer> buffers)
{
    if (engine.settings().dce_style) {
        return refuse(Fault::BadBuffers, "a stream buffer in a context of dce style");
    }
    const IovBuffer* stream = only(std::span<const IovBuffer>(buffers), Kind::stream);
    IovBuffer* data = only(buffers, Kind::data);
    if (stream == nullptr || data == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one stream and one data buffer are needed");
    }
    if (engine.rc4_tokens() != nullptr) {
        return rc4_unwrap_stream(engine, buffers);
    }
    const WrapToken token = TRY(WrapToken::read(stream->octets(), engine));
    if (data->allocate) {
        return unwrap_stream_copy(engine, buffers, token, *data);
    }
    return unwrap_stream_in_place(engine, buffers, token, stream->octets(), *data);
}

/// What the data buffer of a stream holds before the call does not matter.
Done check_stream_buffers(std::span<const IovBuffer> buffers)
{
    std::vector<IovBuffer> meaningful(buffers.begin(), buffers.end());
    for (IovBuffer& buffer : meaningful) {
        if (buffer.kind == Kind::data) {
            buffer = {.kind = Kind::data};
        }
    }
    return check_buffers(meaningful, Work::opening, {Kind::stream, Kind::data, Kind::sign_only});
}

} // namespace

Result<Unwrapped> MessageProtection::unwrap_iov(std::span<IovBuffer> buffers)
{
    if (has(buffers, Kind::stream)) {
        TRY(check_stream_buffers(buffers));
        return unwrap_stream(*engine_, buffers);
    }
    TRY(check_buffers(buffers, Work::opening, {Kind::header, Kind::data, Kind::padding, Kind::trailer, Kind::sign_only}));
    if (engine_->rc4_tokens() != nullptr) {
        return rc4_unwrap_iov(*engine_, buffers);
    }
    return unwrap_parts(*engine_, buffers);
}

Done MessageProtection::sign_iov(std::span<IovBuffer> buffers)
{
    TRY(check_buffers(buffers, Work::making, {Kind::data, Kind::sign_only, Kind::mic_token}));
    IovBuffer* buffer = only(buffers, Kind::mic_token);
    if (buffer == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one mic token buffer is needed");
    }
    IovRoom token = TRY(IovRoom::make(buffer, mic_size()));
    SmallList<ByteView> parts = parts_of(buffers);
    TRY(engine_->sign_mic(parts, token.octets()));
    token.commit();
    return {};
}

Done MessageProtection::sign_iov_length(std::span<IovBuffer> buffers) const
{
    IovBuffer* buffer = only(buffers, Kind::mic_token);
    if (buffer == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one mic token buffer is needed");
    }
    announce(buffer, mic_size());
    return {};
}

Result<Ordering> MessageProtection::verify_iov(std::span<const IovBuffer> buffers)
{
    TRY(check_buffers(buffers, Work::opening, {Kind::data, Kind::sign_only, Kind::mic_token}));
    const IovBuffer* token = only(buffers, Kind::mic_token);
    if (token == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one mic token buffer is needed");
    }
    SmallList<ByteView> parts = parts_of(buffers);
    return engine_->verify_mic(parts, token->octets());
}

} // namespace apex
