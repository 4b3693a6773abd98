// SPDX-License-Identifier: MIT
#include "token_header.h"

#include <algorithm>

namespace apex {
namespace {

constexpr std::uint8_t filler = 0xff;
constexpr std::uint8_t mic_identifier[] = {0x04, 0x04};
constexpr std::uint8_t wrap_identifier[] = {0x05, 0x04};

void put16(std::uint8_t* target, std::uint16_t value) noexcept
{
    target[0] = static_cast<std::uint8_t>(value >> 8);
    target[1] = static_cast<std::uint8_t>(value);
}

std::uint16_t take16(const std::uint8_t* source) noexcept
{
    return static_cast<std::uint16_t>(source[0] << 8 | source[1]);
}

void put64(std::uint8_t* target, std::uint64_t value) noexcept
{
    for (int octet = 7; octet >= 0; --octet) {
        target[octet] = static_cast<std::uint8_t>(value);
        value >>= 8;
    }
}

std::uint64_t take64(const std::uint8_t* source) noexcept
{
    std::uint64_t value = 0;
    for (int octet = 0; octet < 8; ++octet) {
        value = value << 8 | source[octet];
    }
    return value;
}

HeaderOctets compose(const std::uint8_t* identifier, std::uint8_t flags, std::uint64_t sequence) noexcept
{
    HeaderOctets octets;
    octets.fill(filler);
    octets[0] = identifier[0];
    octets[1] = identifier[1];
    octets[2] = flags;
    put64(octets.data() + 8, sequence);
    return octets;
}

Done check_start(ByteView token, const std::uint8_t* identifier, const char* kind)
{
    if (token.size() < header_length) {
        return refuse(Fault::BadMessageToken,
                      std::to_string(token.size()) + " octets are too short for a " + kind + " token");
    }
    if (token[0] != identifier[0] || token[1] != identifier[1]) {
        return refuse(Fault::BadMessageToken, "identifier " + hex(token.first(2)) + " is not that of a " + kind + " token");
    }
    return {};
}

/// Reads a DER length that must announce exactly what remains behind it of `total` octets. 0 if it does not.
std::size_t exact_length_octets(ByteView start, std::size_t total) noexcept
{
    const std::uint8_t first = start[1];
    if (first < 0x80) {
        return total - 2 == first ? 1 : 0;
    }
    const std::size_t count = first & 0x7fU;
    if (count == 0 || count > 8 || start.size() < 2 + count || start[2] == 0) {
        return 0;
    }
    std::uint64_t length = 0;
    for (const std::uint8_t octet : start.subspan(2, count)) {
        length = length << 8 | octet;
    }
    return length >= 0x80 && length == total - 2 - count ? 1 + count : 0;
}

} // namespace

HeaderOctets WrapHeader::encode() const noexcept
{
    HeaderOctets octets = compose(wrap_identifier, flags, sequence);
    put16(octets.data() + 4, extra_count);
    put16(octets.data() + 6, right_rotation_count);
    return octets;
}

HeaderOctets WrapHeader::sealed_copy() const noexcept
{
    WrapHeader copy = *this;
    copy.right_rotation_count = 0;
    return copy.encode();
}

HeaderOctets WrapHeader::signed_copy() const noexcept
{
    WrapHeader copy = *this;
    copy.extra_count = 0;
    copy.right_rotation_count = 0;
    return copy.encode();
}

Result<WrapHeader> WrapHeader::decode(ByteView token)
{
    TRY(check_start(token, wrap_identifier, "wrap"));
    if (token[3] != filler) {
        return refuse(Fault::BadMessageToken, "the filler of the wrap token's header is wrong");
    }
    return WrapHeader{.flags = token[2],
                      .extra_count = take16(token.data() + 4),
                      .right_rotation_count = take16(token.data() + 6),
                      .sequence = take64(token.data() + 8)};
}

HeaderOctets MicHeader::encode() const noexcept
{
    return compose(mic_identifier, flags, sequence);
}

Result<MicHeader> MicHeader::decode(ByteView token)
{
    TRY(check_start(token, mic_identifier, "mic"));
    const ByteView fill = token.subspan(3, 5);
    if (!std::all_of(fill.begin(), fill.end(), [](std::uint8_t octet) { return octet == filler; })) {
        return refuse(Fault::BadMessageToken, "the filler of the mic token's header is wrong");
    }
    if ((token[2] & sealed_flag) != 0) {
        return refuse(Fault::BadMessageToken, "a mic token cannot be sealed");
    }
    return MicHeader{.flags = token[2], .sequence = take64(token.data() + 8)};
}

std::size_t frame_length(ByteView start, std::size_t total, ByteView mechanism) noexcept
{
    if (start.size() < 2 || total < start.size() || start[0] != 0x60) {
        return 0;
    }
    const std::size_t length_octets = exact_length_octets(start, total);
    const std::size_t frame = 1 + length_octets + 2 + mechanism.size();
    if (length_octets == 0 || start.size() < frame) {
        return 0;
    }
    const ByteView oid = start.subspan(1 + length_octets, 2 + mechanism.size());
    if (oid[0] != 0x06 || oid[1] != mechanism.size() || !same(oid.subspan(2), mechanism)) {
        return 0;
    }
    return frame;
}

} // namespace apex
