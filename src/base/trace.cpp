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

std::string escaped(char c)
{
    constexpr std::string_view digits = "0123456789abcdef";
    const auto octet = static_cast<unsigned char>(c);
    return {'\\', 'x', digits[octet >> 4U], digits[octet & 15U]};
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

std::string escape_text(std::string_view text, std::size_t limit)
{
    std::string safe;
    // How much of `safe` may stay if dots must follow; an escape is never cut in two.
    std::size_t room_for_dots = 0;
    for (const char c : text) {
        const std::string piece = plain(c) ? std::string(1, c) : escaped(c);
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

std::string facts_text(const std::vector<TraceFact>& facts)
{
    std::string text;
    for (const TraceFact& fact : facts) {
        if (!text.empty()) {
            text += ' ';
        }
        text += fact.name;
        text += '=';
        const bool quote = fact.value.empty() || fact.value.find(' ') != std::string::npos;
        text += quote ? "\"" : "";
        text += escape_text(fact.value);
        text += quote ? "\"" : "";
    }
    return text;
}

} // namespace apex
