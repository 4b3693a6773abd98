// SPDX-License-Identifier: MIT
#include "apex/exchange/unique_time.h"

#include <atomic>

namespace apex {

Time unique_time(Time now) noexcept
{
    static std::atomic<std::int64_t> last{0};
    const std::int64_t wanted = now.time_since_epoch().count();
    std::int64_t before = last.load(std::memory_order_relaxed);
    // A clock that was set back must not hold us at a time far ahead: beyond a second we follow the clock again.
    constexpr std::int64_t second = 1'000'000;
    std::int64_t given = 0;
    do {
        given = before >= wanted && before - wanted < second ? before + 1 : wanted;
    } while (!last.compare_exchange_weak(before, given, std::memory_order_relaxed));
    return Time(Duration(given));
}

} // namespace apex
