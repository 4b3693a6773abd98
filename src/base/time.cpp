// SPDX-License-Identifier: MIT
#include "apex/base/time.h"

#include <array>
#include <cstdio>

namespace apex {

std::string iso_text(Time time)
{
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time) - day);
    std::array<char, 48> text{};
    const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                     static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                                     static_cast<int>(clock.minutes().count()),
                                     static_cast<int>(clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(length > 0 ? length : 0)};
}

Time SystemClock::now() const
{
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

} // namespace apex
