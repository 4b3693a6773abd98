// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <array>
#include <cstdint>
#include <string>

namespace apex {

/// Sid is a security identifier of Windows ([MS-DTYP] 2.4.2): an authority and up to 15 numbers below it. The last number
/// is the relative identifier (RID) of an account or group inside its domain.
class Sid final {
public:
    static constexpr std::size_t max_parts = 15;

    /// Reads the packet form ([MS-DTYP] 2.4.2.2), which must be all of the octets. Fault::MalformedMessage.
    static Result<Sid> decode(ByteView octets);

    /// The SID of an account of this domain. Fault::MalformedMessage if this one has 15 parts already.
    [[nodiscard]] Result<Sid> with(std::uint32_t relative_identifier) const;

    /// S-1-5-21-1-2-3-1105; an authority of 2^32 and above is hexadecimal ([MS-DTYP] 2.4.2.1).
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Sid&, const Sid&) = default;

private:
    Sid() = default;

    std::uint64_t authority_ = 0; // 48 bits
    std::size_t count_ = 0;
    std::array<std::uint32_t, max_parts> parts_{}; // those beyond count_ are 0
};

} // namespace apex
