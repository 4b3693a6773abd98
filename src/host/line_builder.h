// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/trace.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace apex {

/// LineBuilder makes one line of a log in a buffer of fixed size, so that telling about a failure cannot fail for want
/// of memory. What does not fit is cut and ends in three dots.
class LineBuilder final {
public:
    /// Adds a text of ours.
    void add(std::string_view text) noexcept;
    /// Adds a text that a peer may have chosen, escaped, of at most `limit` octets.
    void add_escaped(std::string_view text, std::size_t limit = 1024) noexcept;
    void add_number(long long number) noexcept;
    /// Adds `name=value`, the value escaped and, where it needs them, in quotes.
    void add_fact(const TraceFact& fact) noexcept;

    /// The line so far, without a newline.
    [[nodiscard]] std::string_view text() const noexcept { return {buffer_.data(), length_}; }
    /// The line with a newline; the last call.
    [[nodiscard]] std::string_view line() noexcept;

private:
    // Four octets stay free for the dots and the newline.
    std::array<char, 4096> buffer_;
    std::size_t length_ = 0;
    bool full_ = false;
};

} // namespace apex
