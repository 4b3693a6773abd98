// SPDX-License-Identifier: MIT
#include "tools/mech_config.h"

#include "tools/mech_oid.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

namespace apex {

namespace {

constexpr std::string_view apex_oid_arc = "2.25.61829304718551642";

bool is_space(char letter) noexcept
{
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

std::string_view skip_blanks(std::string_view text)
{
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    return text;
}

/// take_field takes what stands before the first blank off the front, and the blanks after it.
std::string_view take_field(std::string_view& text)
{
    const auto end = std::find_if(text.begin(), text.end(), is_space);
    const std::string_view field = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text = skip_blanks(text.substr(field.size()));
    return field;
}

/// take_until takes what stands before `mark` (all of it where the mark is missing), and the blanks after the mark.
std::string_view take_until(std::string_view& text, char mark)
{
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view field = text.substr(0, end);
    text = skip_blanks(text.substr(std::min(end + 1, text.size())));
    return field;
}

/// next_line takes one line as fgets with a buffer of BUFSIZ does: a longer line falls into pieces.
std::string_view next_line(std::string_view& content)
{
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::size_t length = std::min<std::size_t>(end, BUFSIZ - 1);
    const std::string_view line = content.substr(0, length);
    content.remove_prefix(length == end ? std::min(end + 1, content.size()) : length);
    return line;
}

/// split fills the fields as the mechglue does, column 0 being the first letter of `rest`.
ConfigLine split(std::string_view rest)
{
    ConfigLine line;
    line.name = take_field(rest);
    line.oid = take_field(rest);
    line.library = take_field(rest);
    if (!rest.empty() && rest.front() != '[' && rest.front() != '<') {
        take_field(rest); // the name of a kernel module, which nobody loads any more
    }
    if (!rest.empty() && rest.front() == '[') {
        rest.remove_prefix(1);
        take_until(rest, ']');
    }
    if (!rest.empty() && rest.front() == '<') {
        rest.remove_prefix(1);
        line.type = take_until(rest, '>');
    }
    return line;
}

/// reads_like_an_entry tells a disabled or shifted entry from prose: a dotted identifier and a library follow a name.
bool reads_like_an_entry(const ConfigLine& line)
{
    return !line.library.empty() && line.oid.find('.') != std::string::npos && read_oid(line.oid).has_value();
}

/// judge says what the mechglue makes of a line that is no comment, and sets the identifier where it uses it.
void judge(ConfigLine& line, std::string_view text)
{
    const bool shifted = is_space(text.front());
    if (line.oid.empty() || line.library.empty()) {
        line.problem = shifted ? LineProblem::LeadingBlank : LineProblem::Incomplete;
        return;
    }
    const std::optional<OidReading> oid = read_oid(line.oid);
    if (!oid) {
        line.problem = shifted ? LineProblem::LeadingBlank : LineProblem::BadOid;
        return;
    }
    line.oid_body = oid->body;
    if (shifted) {
        line.problem = LineProblem::LeadingBlank;
    } else if (!oid->complete) {
        line.problem = LineProblem::OverlongOid;
    } else if (line.type.empty()) {
        line.problem = LineProblem::NotInterposer;
    } else if (!line.interposer()) {
        line.problem = LineProblem::WrongType;
    }
}

/// shifted_line shows the fields that were meant by a line whose leading blank made the mechglue drop it.
std::optional<ConfigLine> shifted_line(std::string_view text)
{
    const std::string_view meant = skip_blanks(text);
    if (meant.front() == '#') {
        return std::nullopt;
    }
    ConfigLine line = split(meant);
    line.problem = LineProblem::LeadingBlank;
    return line;
}

std::optional<ConfigLine> read_line(std::string_view text)
{
    if (skip_blanks(text).empty()) {
        return std::nullopt;
    }
    if (text.front() != '#') {
        ConfigLine line = split(text);
        judge(line, text);
        return is_space(text.front()) && !line.used() ? shifted_line(text) : std::optional(std::move(line));
    }
    ConfigLine line = split(skip_blanks(text.substr(std::min(text.find_first_not_of('#'), text.size()))));
    if (!reads_like_an_entry(line)) {
        return std::nullopt;
    }
    line.problem = LineProblem::Comment;
    return line;
}

} // namespace

std::vector<ConfigLine> read_mech_config(std::string_view file, std::string_view content)
{
    std::vector<ConfigLine> lines;
    for (std::size_t number = 1; !content.empty(); ++number) {
        const std::string_view text = next_line(content);
        if (std::optional<ConfigLine> line = read_line(text)) {
            line->file = file;
            line->number = number;
            line->text = text;
            lines.push_back(*std::move(line));
        }
    }
    return lines;
}

std::vector<ConfiguredMechanism> configured_mechanisms(const std::vector<ConfigLine>& lines,
                                                       std::string_view library_folder)
{
    std::vector<ConfiguredMechanism> mechanisms;
    for (const ConfigLine& line : lines) {
        if (!line.used()) {
            continue;
        }
        const auto known = std::find_if(mechanisms.begin(), mechanisms.end(), [&](const ConfiguredMechanism& other) {
            return same(other.line.oid_body, line.oid_body);
        });
        ConfiguredMechanism& entry =
            known == mechanisms.end() ? mechanisms.emplace_back(ConfiguredMechanism{line, line, {}}) : *known;
        entry.path_line = line;
        entry.path = line.library.starts_with('/') ? line.library : std::string(library_folder) + line.library;
    }
    return mechanisms;
}

bool looks_like_apex(const ConfigLine& line)
{
    return line.name.starts_with("apex") || line.oid.starts_with(apex_oid_arc) ||
           line.library.find("mech_apex") != std::string::npos;
}

} // namespace apex
