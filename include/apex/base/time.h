// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace apex {

/// Duration is a signed number of microseconds.
using Duration = std::chrono::microseconds;

/// Time is a point of wall-clock time in microseconds since 1970-01-01 UTC (64 bits: no trouble in 2038 or 2106).
using Time = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// time_from_seconds makes a Time of whole seconds since 1970.
constexpr Time time_from_seconds(std::int64_t seconds)
{
    return Time(std::chrono::seconds(seconds));
}

/// seconds_of gives the whole seconds since 1970, rounded down.
constexpr std::int64_t seconds_of(Time time)
{
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// microseconds_of gives the part of the time below a second, 0..999999.
constexpr std::int32_t microseconds_of(Time time)
{
    return static_cast<std::int32_t>((time - std::chrono::floor<std::chrono::seconds>(time)).count());
}

/// iso_text writes a time as 2026-11-24T05:06:07Z, for people.
std::string iso_text(Time time);

/// Clock is the port through which the engine learns what time it is.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Time now() const = 0;
};

/// SystemClock reads the machine's wall clock.
class SystemClock final : public Clock {
public:
    [[nodiscard]] Time now() const override;
};

} // namespace apex
