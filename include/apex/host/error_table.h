// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace apex {

/// text_of_code gives the sentence that the com_err tables of this process (libkrb5, libgssapi, errno) have for a code.
std::string text_of_code(std::int32_t code);

} // namespace apex
