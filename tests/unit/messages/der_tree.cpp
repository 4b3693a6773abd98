// SPDX-License-Identifier: MIT
#include "der_tree.h"

namespace apex {

namespace {

/// Takes the element at the front of `rest` off it.
DerTree take_element(ByteView& rest)
{
    DerTree tree;
    tree.tag = rest[0];
    std::size_t length = rest[1];
    std::size_t header = 2;
    if (length >= 0x80) {
        const std::size_t count = length & 0x7fU;
        length = 0;
        for (std::size_t i = 0; i < count; ++i) {
            length = length << 8U | rest[2 + i];
        }
        header += count;
    }
    ByteView contents = rest.subspan(header, length);
    rest = rest.subspan(header + length);
    if (!tree.constructed()) {
        tree.contents = bytes_of(contents);
        return tree;
    }
    while (!contents.empty()) {
        tree.children.push_back(take_element(contents));
    }
    return tree;
}

Bytes big_endian(std::size_t value, std::size_t count)
{
    Bytes octets;
    for (std::size_t i = count; i > 0; --i) {
        octets.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
    }
    return octets;
}

std::size_t minimal_count(std::size_t length)
{
    std::size_t count = 0;
    for (; length != 0; length >>= 8U) {
        ++count;
    }
    return count;
}

Bytes long_form(std::size_t length, std::size_t count)
{
    Bytes octets{static_cast<std::uint8_t>(0x80U | count)};
    append(octets, big_endian(length, count));
    return octets;
}

Bytes length_octets(const DerTree& tree, std::size_t length)
{
    switch (tree.length) {
    case DerTree::Length::minimal:
        return length < 0x80 ? Bytes{static_cast<std::uint8_t>(length)} : long_form(length, minimal_count(length));
    case DerTree::Length::one_octet_more:
        return length < 0x80 ? long_form(length, 1) : long_form(length, minimal_count(length) + 1);
    case DerTree::Length::four_octets:
        return long_form(length, 4);
    case DerTree::Length::indefinite:
        return Bytes{0x80};
    case DerTree::Length::as_told:
        return tree.told_length;
    }
    return {};
}

} // namespace

DerTree DerTree::from(ByteView octets)
{
    return take_element(octets);
}

Bytes DerTree::encode() const
{
    Bytes inside = contents;
    for (const DerTree& child : children) {
        append(inside, child.encode());
    }
    Bytes octets{tag};
    append(octets, length_octets(*this, inside.size()));
    append(octets, inside);
    if (length == Length::indefinite) {
        append(octets, Bytes{0, 0});
    }
    return octets;
}

void DerTree::walk(const std::function<void(DerTree&)>& visit)
{
    visit(*this);
    for (DerTree& child : children) {
        child.walk(visit);
    }
}

} // namespace apex
