// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"

#include <cstdint>
#include <string>

namespace apex {

/// remember_error keeps the text of an error for gss_display_status, per thread and minor code. Allocates nothing.
void remember_error(const Error& error) noexcept;

/// text_of_minor gives the text of a minor code: the last error of this thread with that code, else the fault's sentence,
/// else what libkrb5's tables say. Never empty. 0 has a text too: the mechglue asks for it.
std::string text_of_minor(std::int32_t minor);

/// major_of shifts a routine error to where RFC 2744 3.9.1 has it.
std::uint32_t major_of(const Error& error) noexcept;

} // namespace apex
