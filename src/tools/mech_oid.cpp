// SPDX-License-Identifier: MIT
#include "tools/mech_oid.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace apex {

namespace {

constexpr std::array<std::uint8_t, 9> krb5_body{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

bool is_digit(char letter) noexcept
{
    return letter >= '0' && letter <= '9';
}

bool is_blank(char letter) noexcept
{
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

/// next_arc takes one arc off the front of `text`. The overflow test is MIT's and as weak as MIT's: what it lets
/// through wraps around there too.
std::optional<std::uint64_t> next_arc(std::string_view& text)
{
    if (text.empty() || !is_digit(text.front())) {
        return std::nullopt;
    }
    std::uint64_t arc = 0;
    std::size_t used = 0;
    for (; used < text.size() && is_digit(text[used]); ++used) {
        const std::uint64_t next = arc * 10 + static_cast<std::uint64_t>(text[used] - '0');
        if (next < arc) {
            return std::nullopt;
        }
        arc = next;
    }
    while (used < text.size() && (is_blank(text[used]) || text[used] == '.')) {
        ++used;
    }
    text.remove_prefix(used);
    return arc;
}

void append_arc(Bytes& body, std::uint64_t arc)
{
    std::array<std::uint8_t, 10> groups{};
    std::size_t count = 0;
    do {
        groups[count++] = static_cast<std::uint8_t>(arc & 0x7f);
        arc >>= 7;
    } while (arc != 0);
    while (count > 1) {
        body.push_back(static_cast<std::uint8_t>(groups[--count] | 0x80));
    }
    body.push_back(groups[0]);
}

/// arcs_of splits contents octets into sub-identifiers; nothing where the last one is cut or one exceeds 64 bits.
std::optional<std::vector<std::uint64_t>> arcs_of(ByteView body)
{
    std::vector<std::uint64_t> arcs;
    std::uint64_t arc = 0;
    bool inside = false;
    for (const std::uint8_t octet : body) {
        if (arc > (std::numeric_limits<std::uint64_t>::max() >> 7)) {
            return std::nullopt;
        }
        arc = (arc << 7) | (octet & 0x7fU);
        inside = (octet & 0x80U) != 0;
        if (!inside) {
            arcs.push_back(arc);
            arc = 0;
        }
    }
    if (inside || arcs.empty()) {
        return std::nullopt;
    }
    return arcs;
}

} // namespace

std::optional<OidReading> read_oid(std::string_view text)
{
    const bool braced = !text.empty() && text.front() == '{';
    if (braced) {
        text.remove_prefix(1);
    }
    const std::optional<std::uint64_t> first = next_arc(text);
    const std::optional<std::uint64_t> second = next_arc(text);
    if (!first || !second || *first > 2 || (*first < 2 && *second > 39) ||
        *second > std::numeric_limits<std::uint64_t>::max() - 80) {
        return std::nullopt;
    }
    OidReading reading;
    append_arc(reading.body, *first * 40 + *second);
    while (const std::optional<std::uint64_t> arc = next_arc(text)) {
        append_arc(reading.body, *arc);
    }
    if (braced && (text.empty() || text.front() != '}')) {
        return std::nullopt;
    }
    reading.complete = text.empty() || braced;
    return reading;
}

std::string dotted(ByteView body)
{
    const std::optional<std::vector<std::uint64_t>> arcs = arcs_of(body);
    if (!arcs) {
        return hex(body);
    }
    const std::uint64_t top = std::min<std::uint64_t>(arcs->front() / 40, 2);
    std::string text = std::to_string(top) + "." + std::to_string(arcs->front() - top * 40);
    for (std::size_t index = 1; index < arcs->size(); ++index) {
        text += "." + std::to_string((*arcs)[index]);
    }
    return text;
}

ByteView krb5_oid() noexcept
{
    return krb5_body;
}

std::optional<Bytes> interposer_of(ByteView pair, ByteView mechanism)
{
    if (pair.size() <= mechanism.size() || !same(pair.last(mechanism.size()), mechanism)) {
        return std::nullopt;
    }
    return bytes_of(pair.first(pair.size() - mechanism.size()));
}

} // namespace apex
