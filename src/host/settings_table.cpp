// SPDX-License-Identifier: MIT
#include "host/settings_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <strings.h>
#include <utility>
#include <vector>

namespace apex {
namespace {

/// Setter puts a value into its place, or says no.
using Setter = bool (*)(Settings&, std::string_view);

/// What a value that cannot be used leads to.
enum class WhenBad : std::uint8_t { refuse, complain };

struct Row final {
    SettingDescription description;
    WhenBad when_bad;
    Setter set;
};

bool same_word(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

template <auto member>
bool set_boolean(Settings& settings, std::string_view text)
{
    const std::optional<bool> value = boolean_of(text);
    settings.*member = value.value_or(settings.*member);
    return value.has_value();
}

/// A path must be absolute: what is relative changes its meaning with the host's directory.
template <auto member>
bool set_path(Settings& settings, std::string_view text)
{
    if (!text.empty() && text.front() != '/') {
        return false;
    }
    settings.*member = std::string(text);
    return true;
}

/// Programs separated by blanks or commas: absolute paths, or names without a slash.
template <auto member>
bool set_programs(Settings& settings, std::string_view text)
{
    constexpr std::string_view separators = " \t,";
    std::vector<std::string> programs;
    for (std::size_t at = text.find_first_not_of(separators); at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        programs.emplace_back(text.substr(at, end - at));
        if (programs.back().front() != '/' && programs.back().find('/') != std::string::npos) {
            return false;
        }
        at = text.find_first_not_of(separators, end);
    }
    settings.*member = std::move(programs);
    return true;
}

bool set_mutual_auth(Settings& settings, std::string_view text)
{
    if (same_word(text, "application")) {
        settings.mutual_auth = MutualPolicy::application;
        return true;
    }
    settings.mutual_auth = MutualPolicy::require;
    return same_word(text, "require");
}

bool set_log(Settings& settings, std::string_view text)
{
    settings.log_refusals = !same_word(text, "off");
    return !settings.log_refusals || same_word(text, "refusals");
}

bool set_replay_failure(Settings& settings, std::string_view text)
{
    const bool memory = same_word(text, "memory");
    settings.replay_store_failure = memory ? ReplayFailurePolicy::memory : ReplayFailurePolicy::refuse;
    return memory || same_word(text, "refuse");
}

/// A decimal number within bounds, and nothing behind it.
std::optional<std::size_t> number_of(std::string_view text, std::size_t least, std::size_t most)
{
    std::size_t number = 0;
    const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || number < least || number > most) {
        return std::nullopt;
    }
    return number;
}

bool set_replay_capacity(Settings& settings, std::string_view text)
{
    const std::optional<std::size_t> number = number_of(text, 1000, 1000000000);
    settings.replay_capacity = number.value_or(settings.replay_capacity);
    return number.has_value();
}

bool set_replay_agent_timeout(Settings& settings, std::string_view text)
{
    const std::optional<std::size_t> number = number_of(text, 1, 10000);
    settings.replay_agent_timeout = std::chrono::milliseconds(number.value_or(1));
    return number.has_value();
}

bool set_replay_records(Settings& settings, std::string_view text)
{
    settings.replay_shared_memory = !same_word(text, "file");
    return !settings.replay_shared_memory || same_word(text, "shared_memory");
}

bool set_replay_agent_failure(Settings& settings, std::string_view text)
{
    const bool local = same_word(text, "local");
    settings.replay_agent_failure = local ? ReplayAgentFailurePolicy::local : ReplayAgentFailurePolicy::refuse;
    return local || same_word(text, "refuse");
}

constexpr std::array rows = std::to_array<Row>({
    {{"mutual_auth", "application | require", "application",
      "Who decides that mutual authentication is asked for: the application's flag, or this host, for every context that "
      "it initiates or accepts."},
     WhenBad::refuse,
     set_mutual_auth},
    {{"trace", "path", "",
      "The file to which every decision of an exchange is appended; APEX_TRACE in the environment wins."},
     WhenBad::complain,
     set_path<&Settings::trace>},
    {{"log", "refusals | off", "refusals",
      "Whether an acceptor sends one line for each refusal to the system log, facility auth."},
     WhenBad::complain,
     set_log},
    {{"strict_authorization_data", "boolean", "true",
      "Whether authorization data that is unknown and not marked as if-relevant refuses the client, as RFC 4120 5.2.6 "
      "asks."},
     WhenBad::refuse,
     set_boolean<&Settings::strict_authorization_data>},
    {{"strict_pac", "boolean", "false",
      "Whether a PAC whose signature does not hold refuses the client; otherwise it is left out of the attributes."},
     WhenBad::refuse,
     set_boolean<&Settings::strict_pac>},
    {{"replay_directory", "path", "",
      "The directory under which each user's replay store lies; none means the directory the package has made, or "
      "/var/tmp."},
     WhenBad::refuse,
     set_path<&Settings::replay_directory>},
    {{"replay_capacity", "number", "1000000",
      "How many accepted requests a replay store remembers at a time, 1000 to 1000000000; more than that are refused."},
     WhenBad::refuse,
     set_replay_capacity},
    {{"replay_durable", "boolean", "true",
      "Whether the replay store survives a loss of power without accepting a request twice."},
     WhenBad::refuse,
     set_boolean<&Settings::replay_durable>},
    {{"replay_records", "shared_memory | file", "shared_memory",
      "Where a replay store that is made anew keeps its records: in memory that all processes of the user share, or in "
      "its file, which is slower."},
     WhenBad::refuse,
     set_replay_records},
    {{"replay_store_failure", "refuse | memory", "refuse",
      "What an acceptor does when its replay store cannot be used: refuse clients, or remember requests in the "
      "process's memory only."},
     WhenBad::refuse,
     set_replay_failure},
    {{"replay_agent", "path", "",
      "The socket of apex-replayd, through which the hosts of a cluster share one memory of accepted requests; none "
      "means that this host stands alone."},
     WhenBad::refuse,
     set_path<&Settings::replay_agent>},
    {{"replay_agent_timeout", "number", "5",
      "How many milliseconds an acceptor waits for apex-replayd, 1 to 10000."},
     WhenBad::refuse,
     set_replay_agent_timeout},
    {{"replay_agent_failure", "refuse | local", "refuse",
      "What an acceptor does when the cluster's memory cannot be asked: refuse clients, or go by this host's store alone "
      "and sound an alarm."},
     WhenBad::refuse,
     set_replay_agent_failure},
    {{"replay_share_mit", "boolean", "false",
      "Whether requests are also remembered in MIT's own replay file, so that built-in and Apex processes see each "
      "other's."},
     WhenBad::refuse,
     set_boolean<&Settings::replay_share_mit>},
    {{"only_programs", "paths or names", "",
      "The programs that Apex serves, by absolute path or by name; all others stay with the built-in mechanism. None "
      "means every program."},
     WhenBad::complain,
     set_programs<&Settings::only_programs>},
    {{"not_programs", "paths or names", "",
      "The programs that stay with the built-in mechanism, by absolute path or by name, even if only_programs lists "
      "them."},
     WhenBad::complain,
     set_programs<&Settings::not_programs>},
});

constexpr auto descriptions = [] {
    std::array<SettingDescription, rows.size()> all{};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        all[i] = rows[i].description;
    }
    return all;
}();

} // namespace

std::span<const SettingDescription> all_settings() noexcept
{
    return descriptions;
}

std::optional<bool> boolean_of(std::string_view text) noexcept
{
    constexpr std::array<std::string_view, 6> yes = {"y", "yes", "true", "t", "1", "on"};
    constexpr std::array<std::string_view, 6> no = {"n", "no", "false", "nil", "0", "off"};
    const auto is_text = [text](std::string_view word) { return same_word(word, text); };
    if (std::any_of(yes.begin(), yes.end(), is_text)) {
        return true;
    }
    if (std::any_of(no.begin(), no.end(), is_text)) {
        return false;
    }
    return std::nullopt;
}

Done apply_setting(Settings& settings, std::string_view name, std::string_view value)
{
    const auto* row = std::find_if(rows.begin(), rows.end(),
                                   [name](const Row& each) { return each.description.name == name; });
    if (row == rows.end()) {
        settings.complaints.push_back("[apex] " + escape_text(name, 64) + ": no such option");
        return {};
    }
    Settings before = settings;
    if (row->set(settings, value)) {
        return {};
    }
    std::string text = "[apex] " + std::string(name) + " = " + escape_text(value, 128) + ": must be " +
                       std::string(row->description.type);
    if (row->when_bad == WhenBad::refuse) {
        return refuse(Fault::BadSetting, std::move(text));
    }
    settings = std::move(before);
    settings.complaints.push_back(text + "; the default serves");
    return {};
}

} // namespace apex
