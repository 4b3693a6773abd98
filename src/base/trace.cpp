// SPDX-License-Identifier: MIT
#include "apex/base/trace.h"

#include <algorithm>

namespace apex {
namespace {

constexpr std::string_view dots = "...";

bool plain(char c)
{
    return c >= ' ' && c <= '~' && c != '\\' && c != '"';
}

} // namespace

std::string_view role_name(TraceRole role) noexcept
{
    switch (role) {
    case TraceRole::initiator:
        return "initiator";
    case TraceRole::acceptor:
        return "acceptor";
    case TraceRole::neither:
        break;
    }
    return "-";
}

std::string_view escape_octet(char octet, std::array<char, 4>& room) noexcept
{
    constexpr std::string_view digits = "0123456789abcdef";
    if (plain(octet)) {
        room[0] = octet;
        return {room.data(), 1};
    }
    const auto number = static_cast<unsigned char>(octet);
    room = {'\\', 'x', digits[number >> 4U], digits[number & 15U]};
    return {room.data(), room.size()};
}

std::string escape_text(std::string_view text, std::size_t limit)
{
    std::string safe;
    // How much of `safe` may stay if dots must follow; an escape is never cut in two.
    std::size_t room_for_dots = 0;
    for (const char octet : text) {
        std::array<char, 4> room{};
        const std::string_view piece = escape_octet(octet, room);
        if (safe.size() + piece.size() > limit) {
            safe.resize(room_for_dots);
            safe += dots.substr(0, std::min(dots.size(), limit));
            return safe;
        }
        safe += piece;
        if (safe.size() + dots.size() <= limit) {
            room_for_dots = safe.size();
        }
    }
    return safe;
}

} // namespace apex
