// SPDX-License-Identifier: MIT
#include "replayd/log.h"

#include <cstdio>
#include <ctime>
#include <system_error>

namespace apex::replayd {

Instant boot_now()
{
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::milliseconds(time.tv_nsec / 1000000);
}

void say(const std::string& line)
{
    std::fprintf(stderr, "apex-replayd: %s\n", line.c_str());
}

std::string cause_of(int number)
{
    return std::generic_category().message(number);
}

} // namespace apex::replayd
