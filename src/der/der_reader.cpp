// SPDX-License-Identifier: MIT
#include "apex/der/der_reader.h"

#include <string>

namespace apex {

namespace {

Error malformed(std::string detail)
{
    return refuse(Fault::MalformedMessage, std::move(detail));
}

/// Header is the length of an element's contents and of the octets in front of them, or what is wrong with them.
struct Header final {
    enum class Flaw : std::uint8_t { none, cut, indefinite, huge, not_minimal, beyond_end };

    std::size_t size = 0;
    std::size_t length = 0;
    Flaw flaw = Flaw::none;
};

/// Reads a length of several octets: X.690 10.1, as few of them as possible. Lengths of more than four octets (4 GiB)
/// belong to no message.
Header read_long_length(ByteView octets, std::size_t count) noexcept
{
    if (count == 0) {
        return {.flaw = Header::Flaw::indefinite};
    }
    if (count > 4) {
        return {.length = count, .flaw = Header::Flaw::huge};
    }
    if (octets.size() < 2 + count) {
        return {.flaw = Header::Flaw::cut};
    }
    std::uint64_t length = 0;
    for (const std::uint8_t octet : octets.subspan(2, count)) {
        length = length << 8U | octet;
    }
    Header header{2 + count, static_cast<std::size_t>(length), Header::Flaw::none};
    if (length < 0x80 || length >> (8 * (count - 1)) == 0) {
        header.flaw = Header::Flaw::not_minimal;
    } else if (length > octets.size() - header.size) {
        header.flaw = Header::Flaw::beyond_end;
    }
    return header;
}

Header read_header(ByteView octets) noexcept
{
    if (octets.size() < 2) {
        return {.flaw = Header::Flaw::cut};
    }
    const std::size_t first = octets[1];
    if (first >= 0x80) {
        return read_long_length(octets, first & 0x7fU);
    }
    return {2, first, first > octets.size() - 2 ? Header::Flaw::beyond_end : Header::Flaw::none};
}

std::string describe(const Header& header, std::size_t available)
{
    switch (header.flaw) {
    case Header::Flaw::cut:
        return "ends within a length";
    case Header::Flaw::indefinite:
        return "indefinite length";
    case Header::Flaw::huge:
        return "length of " + std::to_string(header.length) + " octets";
    case Header::Flaw::not_minimal:
        return "length " + std::to_string(header.length) + " written in too many octets";
    case Header::Flaw::beyond_end:
        return "length " + std::to_string(header.length) + " exceeds the " + std::to_string(available - header.size) +
               " octets left";
    case Header::Flaw::none:
        break;
    }
    return "length refused";
}

} // namespace

DerReader::Element DerReader::find(Tag tag) const noexcept
{
    if (!next_is(tag) || tag.number() == 31) {
        return {};
    }
    // Nearly all elements of Kerberos have a length of one octet.
    if (rest_.size() >= 2 && rest_[1] < 0x80) {
        const std::size_t length = rest_[1];
        return length <= rest_.size() - 2 ? Element{rest_.first(2 + length), rest_.subspan(2, length)} : Element{};
    }
    const Header header = read_header(rest_);
    if (header.flaw != Header::Flaw::none) {
        return {};
    }
    return {rest_.first(header.size + header.length), rest_.subspan(header.size, header.length)};
}

Error DerReader::explain(Tag tag) const
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
    return malformed(describe(read_header(rest_), rest_.size()));
}

Result<ByteView> DerReader::read(Tag tag)
{
    const Element element = find(tag);
    if (element.whole.empty()) {
        return explain(tag);
    }
    rest_ = rest_.subspan(element.whole.size());
    return element.contents;
}

Result<DerReader> DerReader::enter(Tag tag)
{
    if (depth_ == max_depth) {
        return malformed("nested more than " + std::to_string(max_depth) + " deep");
    }
    const Element element = find(tag);
    if (element.whole.empty()) {
        return explain(tag);
    }
    rest_ = rest_.subspan(element.whole.size());
    return DerReader(element.contents, depth_ + 1);
}

Result<ByteView> DerReader::read_whole(Tag tag)
{
    const Element element = find(tag);
    if (element.whole.empty()) {
        return explain(tag);
    }
    rest_ = rest_.subspan(element.whole.size());
    return element.whole;
}

Result<std::size_t> DerReader::count(Tag tag) const
{
    DerReader rest = *this;
    std::size_t number = 0;
    while (!rest.at_end()) {
        const Element element = rest.find(tag);
        if (element.whole.empty()) {
            return rest.explain(tag);
        }
        rest.rest_ = rest.rest_.subspan(element.whole.size());
        ++number;
    }
    return number;
}

Error DerReader::leftover() const
{
    return malformed(std::to_string(rest_.size()) + " octets after the end");
}

} // namespace apex
