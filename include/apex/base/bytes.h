// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace apex {

/// ByteView is a borrowed run of octets; it never owns.
using ByteView = std::span<const std::uint8_t>;

/// ByteSpan is a borrowed run of octets that may be written.
using ByteSpan = std::span<std::uint8_t>;

/// Bytes owns octets that are not secret. Secret ones live in Secret.
using Bytes = std::vector<std::uint8_t>;

/// view_of shows the octets of a text, without a terminator.
ByteView view_of(std::string_view text) noexcept;

/// view_of shows `length` octets at `data`; a null pointer gives an empty view.
ByteView view_of(const void* data, std::size_t length) noexcept;

/// text_of copies octets into a string, every octet as it is.
std::string text_of(ByteView octets);

/// bytes_of copies a view.
Bytes bytes_of(ByteView octets);

/// append adds the octets at the end.
void append(Bytes& target, ByteView octets);

/// hex writes octets as lower-case hexadecimal digits, for messages and tests.
std::string hex(ByteView octets);

/// from_hex reads hexadecimal digits, white space allowed between octets. Anything else ends the program:
/// it is for constants and test vectors.
Bytes from_hex(std::string_view digits);

/// same tells whether two public octet strings are equal. Not for secrets and not for MACs.
bool same(ByteView left, ByteView right) noexcept;

} // namespace apex
