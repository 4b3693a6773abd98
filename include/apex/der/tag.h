// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace apex {

/// Tag is the identifier octet of a DER element: class, form and number. Kerberos uses no number above 30, so the
/// form with further octets does not exist here (RFC 4120 5.1.5: answered with an error).
struct Tag final {
    std::uint8_t octet;

    [[nodiscard]] constexpr unsigned number() const noexcept { return octet & 0x1fU; }
    [[nodiscard]] constexpr bool constructed() const noexcept { return (octet & 0x20U) != 0; }
    [[nodiscard]] constexpr bool is_application() const noexcept { return (octet & 0xc0U) == 0x40U; }
    [[nodiscard]] constexpr bool is_context() const noexcept { return (octet & 0xc0U) == 0x80U; }
    friend constexpr bool operator==(Tag, Tag) noexcept = default;
};

/// application is [APPLICATION number], constructed. `number` is 0..30.
constexpr Tag application(unsigned number) noexcept
{
    return Tag{static_cast<std::uint8_t>(0x60U | (number & 0x1fU))};
}

/// context is [number], constructed, as every explicit tag is. `number` is 0..30.
constexpr Tag context(unsigned number) noexcept
{
    return Tag{static_cast<std::uint8_t>(0xa0U | (number & 0x1fU))};
}

inline constexpr Tag integer_tag{0x02};
inline constexpr Tag bit_string_tag{0x03};
inline constexpr Tag octet_string_tag{0x04};
inline constexpr Tag generalized_time_tag{0x18};
inline constexpr Tag general_string_tag{0x1b};
inline constexpr Tag sequence_tag{0x30};

/// describe names a tag for people: "INTEGER", "[3]", "[APPLICATION 14]", "tag 0x1f".
std::string describe(Tag tag);

} // namespace apex
