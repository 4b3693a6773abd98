// SPDX-License-Identifier: MIT
#include "host/path_tokens.h"

#include "apex/base/trace.h"
#include "host/passwd.h"

#include <cstdlib>
#include <optional>
#include <unistd.h>

namespace apex {
namespace {

std::optional<std::string> value_of(std::string_view token)
{
    if (token == "uid" || token == "USERID") {
        return std::to_string(getuid());
    }
    if (token == "euid") {
        return std::to_string(geteuid());
    }
    if (token == "username") {
        return login_name_of(geteuid());
    }
    if (token == "TEMP") {
        const char* directory = secure_getenv("TMPDIR");
        return directory != nullptr ? directory : "/tmp";
    }
    if (token == "null") {
        return std::string();
    }
    return std::nullopt;
}

} // namespace

Result<std::string> expand_path_tokens(std::string_view text)
{
    std::string expanded;
    std::string_view rest = text;
    for (std::size_t start = rest.find("%{"); start != std::string_view::npos; start = rest.find("%{")) {
        const std::size_t end = rest.find('}', start);
        if (end == std::string_view::npos) {
            return refuse(Fault::BadSetting, escape_text(text, 128) + ": a token without its closing brace");
        }
        const std::string_view token = rest.substr(start + 2, end - start - 2);
        const std::optional<std::string> value = value_of(token);
        if (!value) {
            return refuse(Fault::BadSetting,
                          escape_text(text, 128) + ": token %{" + escape_text(token, 64) + "} is not known");
        }
        expanded += rest.substr(0, start);
        expanded += *value;
        rest.remove_prefix(end + 1);
    }
    expanded += rest;
    return expanded;
}

} // namespace apex
