// SPDX-License-Identifier: MIT
#include "apex/host/error_table.h"

#include <krb5.h>

namespace apex {

std::string text_of_code(std::int32_t code)
{
    // Without a context libkrb5 asks the com_err tables of the process.
    const char* message = krb5_get_error_message(nullptr, code);
    std::string text = message != nullptr ? message : "unknown code " + std::to_string(code);
    krb5_free_error_message(nullptr, message);
    return text;
}

} // namespace apex
