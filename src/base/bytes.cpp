// SPDX-License-Identifier: MIT
#include "apex/base/bytes.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace apex {

ByteView view_of(std::string_view text) noexcept
{
    return view_of(text.data(), text.size());
}

ByteView view_of(const void* data, std::size_t length) noexcept
{
    if (data == nullptr) {
        return {};
    }
    return {static_cast<const std::uint8_t*>(data), length};
}

std::string text_of(ByteView octets)
{
    return {octets.begin(), octets.end()};
}

Bytes bytes_of(ByteView octets)
{
    return {octets.begin(), octets.end()};
}

void append(Bytes& target, ByteView octets)
{
    target.insert(target.end(), octets.begin(), octets.end());
}

std::string hex(ByteView octets)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(octets.size() * 2);
    for (const std::uint8_t octet : octets) {
        text.push_back(digits[octet >> 4]);
        text.push_back(digits[octet & 15]);
    }
    return text;
}

namespace {

std::uint8_t digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return static_cast<std::uint8_t>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<std::uint8_t>(digit - 'a' + 10);
    }
    if (digit >= 'A' && digit <= 'F') {
        return static_cast<std::uint8_t>(digit - 'A' + 10);
    }
    std::abort();
}

} // namespace

Bytes from_hex(std::string_view digits)
{
    std::string packed;
    std::copy_if(digits.begin(), digits.end(), std::back_inserter(packed),
                 [](unsigned char c) { return std::isspace(c) == 0; });
    if (packed.size() % 2 != 0) {
        std::abort();
    }
    Bytes octets;
    octets.reserve(packed.size() / 2);
    for (std::size_t i = 0; i < packed.size(); i += 2) {
        octets.push_back(static_cast<std::uint8_t>(digit_value(packed[i]) << 4 | digit_value(packed[i + 1])));
    }
    return octets;
}

bool same(ByteView left, ByteView right) noexcept
{
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

} // namespace apex
