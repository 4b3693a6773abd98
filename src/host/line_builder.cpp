// SPDX-License-Identifier: MIT
#include "host/line_builder.h"

#include <algorithm>
#include <charconv>

namespace apex {
namespace {

constexpr std::string_view dots = "...";
constexpr std::size_t reserve = dots.size() + 1;

} // namespace

void LineBuilder::add(std::string_view text) noexcept
{
    if (full_) {
        return;
    }
    const std::size_t room = buffer_.size() - reserve - length_;
    std::copy_n(text.data(), std::min(room, text.size()), buffer_.data() + length_);
    length_ += std::min(room, text.size());
    if (text.size() > room) {
        full_ = true;
        std::copy(dots.begin(), dots.end(), buffer_.data() + length_);
        length_ += dots.size();
    }
}

void LineBuilder::add_escaped(std::string_view text, std::size_t limit) noexcept
{
    std::size_t used = 0;
    for (const char octet : text) {
        std::array<char, 4> room{};
        const std::string_view piece = escape_octet(octet, room);
        used += piece.size();
        if (used > limit) {
            add(dots);
            return;
        }
        add(piece);
    }
}

void LineBuilder::add_number(long long number) noexcept
{
    std::array<char, 24> digits{};
    const std::to_chars_result end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    add({digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
}

void LineBuilder::add_fact(const TraceFact& fact) noexcept
{
    const bool quoted = fact.value.empty() || fact.value.find(' ') != std::string::npos;
    add(fact.name);
    add("=");
    add(quoted ? "\"" : "");
    add_escaped(fact.value);
    add(quoted ? "\"" : "");
}

std::string_view LineBuilder::line() noexcept
{
    buffer_[length_] = '\n';
    ++length_;
    return text();
}

} // namespace apex
