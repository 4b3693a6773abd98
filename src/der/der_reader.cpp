// SPDX-License-Identifier: MIT
#include "apex/der/der_reader.h"

#include <string>

namespace apex {

namespace {

Error malformed(std::string detail)
{
    return refuse(Fault::MalformedMessage, std::move(detail));
}

/// Header is the length of an element's contents and of the octets in front of them.
struct Header final {
    std::size_t size;
    std::size_t length;
};

/// Reads a length of several octets: X.690 10.1, as few of them as possible. Lengths of more than four octets (4 GiB)
/// belong to no message.
Result<Header> read_long_length(ByteView octets, std::size_t count)
{
    if (count == 0) {
        return malformed("indefinite length");
    }
    if (count > 4) {
        return malformed("length of " + std::to_string(count) + " octets");
    }
    if (octets.size() < 2 + count) {
        return malformed("ends within a length");
    }
    std::uint64_t length = 0;
    for (const std::uint8_t octet : octets.subspan(2, count)) {
        length = length << 8U | octet;
    }
    if (length < 0x80 || length >> (8 * (count - 1)) == 0) {
        return malformed("length " + std::to_string(length) + " written in too many octets");
    }
    if (length > octets.size() - 2 - count) {
        return malformed("length " + std::to_string(length) + " exceeds the " +
                         std::to_string(octets.size() - 2 - count) + " octets left");
    }
    return Header{2 + count, static_cast<std::size_t>(length)};
}

Result<Header> read_header(ByteView octets)
{
    if (octets.size() < 2) {
        return malformed("ends within a length");
    }
    const std::size_t first = octets[1];
    if (first >= 0x80) {
        return read_long_length(octets, first & 0x7fU);
    }
    if (first > octets.size() - 2) {
        return malformed("length " + std::to_string(first) + " exceeds the " + std::to_string(octets.size() - 2) +
                         " octets left");
    }
    return Header{2, first};
}

} // namespace

Result<DerReader::Element> DerReader::peek(Tag tag) const
{
    if (rest_.empty()) {
        return malformed(describe(tag) + " expected, found the end");
    }
    const Tag found{rest_[0]};
    if (found.number() == 31) {
        return malformed(describe(tag) + " expected, found a tag number above 30");
    }
    if (found != tag) {
        return malformed(describe(tag) + " expected, found " + describe(found));
    }
    const Header header = TRY(read_header(rest_));
    return Element{rest_.first(header.size + header.length), rest_.subspan(header.size, header.length)};
}

Result<ByteView> DerReader::read(Tag tag)
{
    const Element element = TRY(peek(tag));
    rest_ = rest_.subspan(element.whole.size());
    return element.contents;
}

Result<DerReader> DerReader::enter(Tag tag)
{
    if (depth_ == max_depth) {
        return malformed("nested more than " + std::to_string(max_depth) + " deep");
    }
    const ByteView contents = TRY(read(tag));
    return DerReader(contents, depth_ + 1);
}

Result<ByteView> DerReader::read_whole(Tag tag)
{
    const Element element = TRY(peek(tag));
    rest_ = rest_.subspan(element.whole.size());
    return element.whole;
}

Result<std::size_t> DerReader::count(Tag tag) const
{
    DerReader rest = *this;
    std::size_t number = 0;
    while (!rest.at_end()) {
        TRY(rest.read(tag));
        ++number;
    }
    return number;
}

Done DerReader::end() const
{
    if (!rest_.empty()) {
        return malformed(std::to_string(rest_.size()) + " octets after the end");
    }
    return {};
}

} // namespace apex
