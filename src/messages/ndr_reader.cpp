// SPDX-License-Identifier: MIT
#include "ndr_reader.h"

namespace apex {

Error NdrReader::malformed(std::string_view field, const std::string& what) const
{
    return refuse(Fault::MalformedMessage, std::string(type_) + ": " + std::string(field) + ": " + what);
}

Result<NdrReader> NdrReader::of_serialized(ByteView octets, std::string_view type)
{
    constexpr std::uint32_t version_1 = 0x00081001; // version 1, little-endian, 8 octets of header
    NdrReader outside(octets, type);
    const FixedPart<16> headers = TRY(outside.fixed<16>("serialization headers"));
    if (headers.uint32<0>() != version_1) {
        return outside.malformed("serialization headers",
                                 hex(octets.first(4)) + ", expected 01100800 (version 1, little-endian)");
    }
    const std::size_t length = headers.uint32<8>();
    const ByteView body = TRY(outside.take(length, "serialized object"));
    NdrReader reader(body, type);
    const FixedPart<4> pointer = TRY(reader.fixed<4>("pointer in front"));
    if (pointer.uint32<0>() == 0) {
        return reader.malformed("pointer in front", "it is null");
    }
    return reader;
}

Result<ByteView> NdrReader::take(std::size_t size, std::string_view field)
{
    const std::size_t padding = (4 - position_ % 4) % 4;
    const std::size_t left = octets_.size() - position_;
    if (padding > left || size > left - padding) {
        return malformed(field, std::to_string(size) + " octets at " + std::to_string(position_ + padding) + " of " +
                                    std::to_string(octets_.size()));
    }
    const ByteView taken = octets_.subspan(position_ + padding, size);
    position_ += padding + size;
    return taken;
}

Result<ByteView> NdrReader::array(std::uint32_t referent, std::uint32_t count, std::size_t size, std::string_view field)
{
    if (referent == 0) {
        if (count != 0) {
            return malformed(field, std::to_string(count) + " elements behind a null pointer");
        }
        return ByteView();
    }
    const FixedPart<4> conformance = TRY(fixed<4>(field));
    if (conformance.uint32<0>() != count) {
        return malformed(field, "an array of " + std::to_string(conformance.uint32<0>()) + " elements, expected " +
                                    std::to_string(count));
    }
    return take(std::size_t{count} * size, field);
}

Result<ByteView> NdrReader::string(NdrString string, std::string_view field)
{
    if (string.referent == 0) {
        if (string.length != 0) {
            return malformed(field, std::to_string(string.length) + " octets behind a null pointer");
        }
        return ByteView();
    }
    const FixedPart<12> head = TRY(fixed<12>(field));
    const std::uint32_t room = head.uint32<0>();
    const std::uint32_t offset = head.uint32<4>();
    const std::size_t units = head.uint32<8>();
    if (offset != 0 || units > room || units * 2 != string.length || string.length > string.maximum) {
        return malformed(field, "a string of " + std::to_string(units) + " units from " + std::to_string(offset) +
                                    " in an array of " + std::to_string(room) + ", expected " +
                                    std::to_string(string.length) + " octets from 0");
    }
    return take(string.length, field);
}

Result<Sid> NdrReader::sid(std::string_view field)
{
    const FixedPart<4> conformance = TRY(fixed<4>(field));
    const std::uint32_t parts = conformance.uint32<0>();
    if (parts > Sid::max_parts) {
        return malformed(field, "a SID of " + std::to_string(parts) + " parts, at most 15 are allowed");
    }
    const ByteView octets = TRY(take(8 + std::size_t{parts} * 4, field));
    Result<Sid> sid = Sid::decode(octets);
    if (!sid) {
        return malformed(field, sid.error().detail);
    }
    return sid;
}

Done NdrReader::end() const
{
    constexpr std::size_t most_padding = 7;
    if (octets_.size() - position_ > most_padding) {
        return malformed("end", std::to_string(octets_.size() - position_) + " octets are left over");
    }
    return {};
}

namespace {

void append_utf8(std::string& text, std::uint32_t character)
{
    const auto put = [&text](std::uint32_t octet) { text += static_cast<char>(octet); };
    if (character < 0x80) {
        put(character);
        return;
    }
    if (character < 0x800) {
        put(0xc0 | character >> 6U);
    } else if (character < 0x10000) {
        put(0xe0 | character >> 12U);
        put(0x80 | (character >> 6U & 0x3f));
    } else {
        put(0xf0 | character >> 18U);
        put(0x80 | (character >> 12U & 0x3f));
        put(0x80 | (character >> 6U & 0x3f));
    }
    put(0x80 | (character & 0x3f));
}

bool is_high_surrogate(std::uint32_t unit)
{
    return unit >> 10U == 0xd800 >> 10U;
}

bool is_low_surrogate(std::uint32_t unit)
{
    return unit >> 10U == 0xdc00 >> 10U;
}

} // namespace

Result<std::string> utf8_of(ByteView utf16, std::string_view field)
{
    const auto malformed = [&](const std::string& what) {
        return refuse(Fault::MalformedMessage, std::string(field) + ": " + what);
    };
    if (utf16.size() % 2 != 0) {
        return malformed("UTF-16 of " + std::to_string(utf16.size()) + " octets, expected an even number");
    }
    std::string text;
    text.reserve(utf16.size() / 2);
    for (std::size_t i = 0; i < utf16.size(); i += 2) {
        std::uint32_t character = little_endian<std::uint16_t>(utf16.subspan(i).first<2>());
        if (is_high_surrogate(character) && i + 2 < utf16.size()) {
            const std::uint32_t low = little_endian<std::uint16_t>(utf16.subspan(i + 2).first<2>());
            if (is_low_surrogate(low)) {
                character = 0x10000 + ((character & 0x3ff) << 10U | (low & 0x3ff));
                i += 2;
            }
        }
        if (character == 0 || is_high_surrogate(character) || is_low_surrogate(character)) {
            return malformed(character == 0 ? "it has a NUL character" : "it has half a surrogate pair");
        }
        append_utf8(text, character);
    }
    return text;
}

} // namespace apex
