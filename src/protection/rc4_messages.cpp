// SPDX-License-Identifier: MIT
#include "rc4_messages.h"

#include "iov_list.h"

#include <algorithm>
#include <limits>

namespace apex {
namespace {

using Kind = IovBuffer::Kind;

constexpr std::uint8_t padding_octet = 0x01; // RFC 4757 7.3: one octet, which says that it is one
constexpr std::size_t wrap_fields = Rc4Tokens::fields_length + Rc4Tokens::confounder_length;

Rc4Tokens::Kind token_kind(Confidentiality confidentiality) noexcept
{
    return confidentiality == Confidentiality::sealed ? Rc4Tokens::Kind::sealed_wrap : Rc4Tokens::Kind::signed_wrap;
}

Confidentiality confidentiality_of(Rc4Tokens::Kind kind) noexcept
{
    return kind == Rc4Tokens::Kind::sealed_wrap ? Confidentiality::sealed : Confidentiality::signed_only;
}

/// Reads the kind of what should be a Wrap token.
Done check_wrap(ByteView fields, std::size_t size)
{
    if (!Rc4Tokens::is_wrap(TRY(Rc4Tokens::kind_of(fields)))) {
        return refuse(Fault::BadMessageToken, "a mic or deletion token in place of a wrap token");
    }
    if (size < wrap_fields + Rc4Tokens::padding_length) {
        return refuse(Fault::BadMessageToken, std::to_string(size) + " octets are too short for a wrap token");
    }
    return {};
}

} // namespace

Result<std::size_t> rc4_wrapped_size(const Rc4Tokens& tokens, std::size_t length)
{
    constexpr std::size_t more = 128; // than any header and padding
    if (length > std::numeric_limits<std::size_t>::max() - more) {
        return refuse(Fault::MessageTooLong, std::to_string(length) + " octets");
    }
    const std::size_t behind = length + Rc4Tokens::padding_length;
    return tokens.wrap_header_length(behind) + behind;
}

std::size_t rc4_size_limit(const Rc4Tokens& tokens, std::size_t max_output) noexcept
{
    const std::size_t least = tokens.wrap_header_length(0) + Rc4Tokens::padding_length;
    std::size_t length = max_output > least ? max_output - least : 0;
    // A longer message may need a longer length in the frame.
    while (length > 0 && tokens.wrap_header_length(length + Rc4Tokens::padding_length) + length +
                                 Rc4Tokens::padding_length > max_output) {
        --length;
    }
    return length;
}

Done rc4_wrap_into(MessageProtection::Engine& engine, ByteView message, Confidentiality confidentiality,
                   ByteSpan token)
{
    const std::size_t behind = message.size() + Rc4Tokens::padding_length;
    const ByteSpan covered = token.last(behind);
    std::copy(message.begin(), message.end(), covered.begin());
    covered.back() = padding_octet;
    const Segment segment{Segment::Role::sealed, covered};
    return engine.protect_rc4(token_kind(confidentiality), token.first(token.size() - behind), behind, {&segment, 1});
}

Result<std::size_t> rc4_unwrap_room(const Rc4Tokens& tokens, ByteView token)
{
    const ByteView bare = token.subspan(tokens.frame_octets(token, token.size()));
    TRY(check_wrap(bare, bare.size()));
    return bare.size() - wrap_fields;
}

namespace {

/// Opens a whole token in octets of ours: `room` gets message and padding.
Result<Unwrapped> open_copy(MessageProtection::Engine& engine, ByteView token, std::span<const IovBuffer> order,
                            ByteSpan room)
{
    const ByteView bare = token.subspan(engine.rc4_tokens()->frame_octets(token, token.size()));
    std::array<std::uint8_t, wrap_fields> header;
    std::copy_n(bare.begin(), wrap_fields, header.begin());
    std::copy(bare.begin() + wrap_fields, bare.end(), room.begin());
    SmallList<Segment> covered(order.size() + 1);
    for (const IovBuffer& buffer : order) {
        if (buffer.kind == Kind::data) {
            covered.add({Segment::Role::sealed, room});
        } else if (buffer.kind == Kind::sign_only) {
            covered.add({Segment::Role::sign_only, buffer.octets()});
        }
    }
    Result<MessageProtection::Engine::OpenedRc4> opened =
        engine.open_rc4(header, covered.items(), Rc4Tokens::Padding::at_the_end);
    if (!opened) {
        wipe(room);
        return std::move(opened).error();
    }
    return Unwrapped{.length = room.size() - opened->token.padding,
                     .confidentiality = confidentiality_of(opened->token.kind),
                     .ordering = opened->ordering};
}

} // namespace

Result<Unwrapped> rc4_unwrap_into(MessageProtection::Engine& engine, ByteView token, ByteSpan room)
{
    const std::size_t size = TRY(rc4_unwrap_room(*engine.rc4_tokens(), token));
    if (room.size() < size) {
        return refuse(Fault::BufferTooSmall, "room for " + std::to_string(room.size()) + " octets, " +
                                                 std::to_string(size) + " are needed");
    }
    const IovBuffer data{.kind = Kind::data};
    return open_copy(engine, token, {&data, 1}, room.first(size));
}

namespace {

/// Where the parts of a Wrap token go.
struct Rc4Layout final {
    Confidentiality confidentiality;
    std::size_t header_size;
    std::size_t behind; // octets that count to the frame besides the header
    std::size_t padding_size;
    IovBuffer* header;
    IovBuffer* padding;
    IovBuffer* trailer;
};

Result<Rc4Layout> plan(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                       Confidentiality confidentiality)
{
    const bool dce_style = engine.settings().dce_style;
    IovBuffer* header = only(buffers, Kind::header);
    IovBuffer* padding = only(buffers, Kind::padding);
    if (header == nullptr || (padding == nullptr && !dce_style)) {
        return refuse(Fault::BadBuffers, "exactly one header and one padding buffer are needed");
    }
    const std::size_t padding_size = dce_style ? 0 : Rc4Tokens::padding_length;
    const std::size_t behind = dce_style ? 0 : total_length(buffers, Kind::data) + padding_size;
    return Rc4Layout{.confidentiality = has(buffers, Kind::data) ? confidentiality : Confidentiality::signed_only,
                     .header_size = engine.rc4_tokens()->wrap_header_length(behind),
                     .behind = behind,
                     .padding_size = padding_size,
                     .header = header,
                     .padding = padding,
                     .trailer = only(buffers, Kind::trailer)};
}

/// Data, signed parts and padding in the order of the list.
SmallList<Segment> covered_by(std::span<const IovBuffer> buffers, ByteSpan padding)
{
    SmallList<Segment> covered(buffers.size());
    for (const IovBuffer& buffer : buffers) {
        if (buffer.kind == Kind::padding) {
            covered.add({Segment::Role::sealed, padding});
        } else if (is_covered(buffer)) {
            const bool data = buffer.kind == Kind::data;
            covered.add({data ? Segment::Role::sealed : Segment::Role::sign_only, buffer.octets()});
        }
    }
    return covered;
}

} // namespace

Result<Confidentiality> rc4_wrap_iov(MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                                     Confidentiality confidentiality)
{
    const Rc4Layout layout = TRY(plan(engine, buffers, confidentiality));
    IovRoom header = TRY(IovRoom::make(layout.header, layout.header_size));
    IovRoom padding = TRY(IovRoom::make(layout.padding_size == 0 ? nullptr : layout.padding, layout.padding_size));
    std::fill(padding.octets().begin(), padding.octets().end(), padding_octet);
    const SmallList<Segment> covered = covered_by(buffers, padding.octets());
    TRY(engine.protect_rc4(token_kind(layout.confidentiality), header.octets(), layout.behind, covered.items()));
    header.commit();
    padding.commit();
    for (IovBuffer* unused : {layout.trailer, layout.padding_size == 0 ? layout.padding : nullptr}) {
        if (unused != nullptr) {
            unused->length = 0;
        }
    }
    return layout.confidentiality;
}

Result<Confidentiality> rc4_wrap_iov_length(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                                            Confidentiality confidentiality)
{
    const Rc4Layout layout = TRY(plan(engine, buffers, confidentiality));
    announce(layout.header, layout.header_size);
    announce(layout.padding, layout.padding_size);
    announce(layout.trailer, 0);
    return layout.confidentiality;
}

Result<Unwrapped> rc4_unwrap_iov(MessageProtection::Engine& engine, std::span<IovBuffer> buffers)
{
    const IovBuffer* buffer = only(std::span<const IovBuffer>(buffers), Kind::header);
    const IovBuffer* padding = only(std::span<const IovBuffer>(buffers), Kind::padding);
    const IovBuffer* trailer = only(std::span<const IovBuffer>(buffers), Kind::trailer);
    if (buffer == nullptr) {
        return refuse(Fault::BadBuffers, "exactly one header buffer is needed");
    }
    if (trailer != nullptr && trailer->length != 0) {
        return refuse(Fault::BadMessageToken, "a trailer, which these tokens do not have");
    }
    const ByteSpan padded = padding == nullptr ? ByteSpan() : padding->octets();
    const std::size_t total = buffer->length + total_length(buffers, Kind::data) + padded.size();
    const ByteSpan bare = buffer->octets().subspan(engine.rc4_tokens()->frame_octets(buffer->octets(), total));
    TRY(check_wrap(bare, bare.size() + Rc4Tokens::padding_length));
    const SmallList<Segment> covered = covered_by(buffers, padded);
    // Without a padding buffer the octet stays with the data: DCE style has none, and others who cut a token up in this
    // way (WinRM) know what to do with it.
    const auto rule = padded.empty() ? Rc4Tokens::Padding::none : Rc4Tokens::Padding::at_the_end;
    const auto opened = TRY(engine.open_rc4(bare, covered.items(), rule));
    return Unwrapped{.length = total_length(buffers, Kind::data),
                     .confidentiality = confidentiality_of(opened.token.kind),
                     .ordering = opened.ordering};
}

namespace {

Result<Unwrapped> open_in_stream(MessageProtection::Engine& engine, std::span<const IovBuffer> buffers,
                                 ByteSpan stream, IovBuffer& data)
{
    const ByteSpan bare = stream.subspan(engine.rc4_tokens()->frame_octets(stream, stream.size()));
    const ByteSpan message = bare.subspan(wrap_fields);
    SmallList<Segment> covered(buffers.size());
    for (const IovBuffer& buffer : buffers) {
        if (is_covered(buffer)) {
            const bool is_data = buffer.kind == Kind::data;
            covered.add({is_data ? Segment::Role::sealed : Segment::Role::sign_only,
                         is_data ? message : buffer.octets()});
        }
    }
    const auto opened =
        TRY(engine.open_rc4(bare.first(wrap_fields), covered.items(), Rc4Tokens::Padding::at_the_end));
    data.data = message.data();
    data.length = message.size() - opened.token.padding;
    return Unwrapped{.length = data.length,
                     .confidentiality = confidentiality_of(opened.token.kind),
                     .ordering = opened.ordering};
}

} // namespace

Result<Unwrapped> rc4_unwrap_stream(MessageProtection::Engine& engine, std::span<IovBuffer> buffers)
{
    const ByteSpan stream = only(std::span<const IovBuffer>(buffers), Kind::stream)->octets();
    IovBuffer& data = *only(buffers, Kind::data);
    const std::size_t size = TRY(rc4_unwrap_room(*engine.rc4_tokens(), stream));
    if (!data.allocate) {
        return open_in_stream(engine, buffers, stream, data);
    }
    IovRoom room = TRY(IovRoom::make(&data, size));
    const Unwrapped unwrapped = TRY(open_copy(engine, stream, buffers, room.octets()));
    room.commit(unwrapped.length);
    return unwrapped;
}

} // namespace apex
