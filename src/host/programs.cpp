// SPDX-License-Identifier: MIT
#include "apex/host/programs.h"

#include <algorithm>
#include <array>
#include <climits>
#include <unistd.h>

namespace apex {
namespace {

bool lists(const std::vector<std::string>& programs, std::string_view program)
{
    const std::string_view name = program.substr(program.rfind('/') + 1);
    return !program.empty() && std::any_of(programs.begin(), programs.end(), [&](const std::string& each) {
        return each == (each.front() == '/' ? program : name);
    });
}

std::string text_of(std::string_view program)
{
    return program.empty() ? "this program, whose path cannot be read" : escape_text(program, 256);
}

} // namespace

std::string program_at(const std::string& link)
{
    std::array<char, PATH_MAX> path{};
    const ssize_t length = readlink(link.c_str(), path.data(), path.size());
    std::string program(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    // So the kernel marks a program whose file was replaced while it runs.
    constexpr std::string_view gone = " (deleted)";
    if (program.ends_with(gone)) {
        program.resize(program.size() - gone.size());
    }
    return program;
}

std::string running_program()
{
    return program_at("/proc/self/exe");
}

std::optional<std::string> exclusion_of(const Settings& settings, std::string_view program)
{
    if (lists(settings.not_programs, program)) {
        return "[apex] not_programs in krb5.conf lists " + text_of(program);
    }
    if (!settings.only_programs.empty() && !lists(settings.only_programs, program)) {
        return "[apex] only_programs in krb5.conf does not list " + text_of(program);
    }
    return std::nullopt;
}

} // namespace apex
