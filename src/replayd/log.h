// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

namespace apex::replayd {

/// Instant is a point of CLOCK_BOOTTIME: it runs on while the machine sleeps, and nobody sets it.
using Instant = std::chrono::milliseconds;

Instant boot_now();

/// say writes one line to standard error, where systemd's journal listens.
void say(const std::string& line);

/// cause_of words an errno.
std::string cause_of(int number);

} // namespace apex::replayd
