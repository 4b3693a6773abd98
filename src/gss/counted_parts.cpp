// SPDX-License-Identifier: MIT
#include "gss/counted_parts.h"

namespace apex {

namespace {

constexpr std::size_t number_length = 4;

} // namespace

Error CountedParts::malformed(const std::string& what)
{
    return refuse(Fault::BadName, "exported name: " + what);
}

Result<ByteView> CountedParts::take(std::size_t size, std::string_view what)
{
    if (rest_.size() < size) {
        return malformed(std::string(what) + " of " + std::to_string(size) + " octets is cut short at " +
                         std::to_string(rest_.size()));
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
}

Result<std::uint32_t> CountedParts::number(std::string_view what)
{
    const ByteView octets = TRY(take(number_length, what));
    std::uint32_t number = 0;
    for (const std::uint8_t octet : octets) {
        number = number << 8U | octet;
    }
    return number;
}

Result<ByteView> CountedParts::part(std::string_view what)
{
    const std::size_t size = TRY(number(what));
    return take(size, what);
}

Done CountedParts::expect(ByteView octets, std::string_view what)
{
    const ByteView found = TRY(take(octets.size(), what));
    if (!same(found, octets)) {
        return malformed(std::string(what) + " is " + hex(found) + ", expected " + hex(octets));
    }
    return {};
}

Done CountedParts::end() const
{
    if (!rest_.empty()) {
        return malformed(std::to_string(rest_.size()) + " octets stand behind its end");
    }
    return {};
}

void append_number(Bytes& target, std::uint32_t number)
{
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        target.push_back(static_cast<std::uint8_t>(number >> shift));
    }
}

void append_part(Bytes& target, ByteView part)
{
    append_number(target, static_cast<std::uint32_t>(part.size()));
    append(target, part);
}

} // namespace apex
