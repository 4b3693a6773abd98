// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace apex {

/// CountedParts takes an exported name apart: numbers of four octets, most significant first, and parts with such a number
/// in front. A view; nothing is owned. Fault::BadName, with what was found.
class CountedParts final {
public:
    explicit CountedParts(ByteView octets) noexcept : rest_(octets) {}

    Result<std::uint32_t> number(std::string_view what);
    Result<ByteView> part(std::string_view what);
    /// Takes octets off the front that must be these.
    Done expect(ByteView octets, std::string_view what);
    /// Refuses what is left over.
    [[nodiscard]] Done end() const;

    [[nodiscard]] static Error malformed(const std::string& what);

private:
    Result<ByteView> take(std::size_t size, std::string_view what);

    ByteView rest_;
};

void append_number(Bytes& target, std::uint32_t number);
/// `part` must be shorter than 2^32 octets.
void append_part(Bytes& target, ByteView part);

} // namespace apex
