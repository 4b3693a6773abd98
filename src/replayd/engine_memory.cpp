// SPDX-License-Identifier: MIT
#include "replayd/engine_memory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace apex::replayd {
namespace {

/// The value of a line `name:value` of INFO.
std::string field(const std::string& info, std::string_view name)
{
    const std::string start = "\n" + std::string(name) + ":";
    const std::string text = "\n" + info;
    const std::size_t found = text.find(start);
    if (found == std::string::npos) {
        return {};
    }
    const std::size_t value = found + start.size();
    return text.substr(value, text.find_first_of("\r\n", value) - value);
}

std::optional<std::int64_t> number_of(std::string_view text)
{
    std::int64_t number = 0;
    const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size() && number >= 0 ? std::optional(number)
                                                                                          : std::nullopt;
}

} // namespace

EngineFacts read_info(const std::string& info)
{
    return {.run_id = field(info, "run_id"), .role = field(info, "role"), .policy = field(info, "maxmemory_policy")};
}

std::optional<std::string> objection_to(const EngineFacts& facts)
{
    const bool is_word = !facts.run_id.empty() && std::all_of(facts.run_id.begin(), facts.run_id.end(), [](char each) {
        return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z');
    });
    if (!is_word) {
        return "it does not tell its run_id: no Redis or Valkey";
    }
    if (facts.role != "master") {
        return "its role is \"" + facts.role + "\"; name the one that takes writes";
    }
    if (facts.policy != "noeviction") {
        return "its maxmemory-policy is \"" + facts.policy + "\", under which it forgets; set noeviction";
    }
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> time_of(const Reply& reply)
{
    if (reply.kind != Reply::Kind::list || reply.list.size() != 2) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> seconds = number_of(reply.list[0].text);
    const std::optional<std::int64_t> microseconds = number_of(reply.list[1].text);
    constexpr std::int64_t latest = 1'000'000'000'000;
    if (!seconds || !microseconds || *seconds > latest || *microseconds > 999999) {
        return std::nullopt;
    }
    return std::chrono::seconds(*seconds) + std::chrono::milliseconds(*microseconds / 1000);
}

void EngineMemory::heard_time(std::chrono::milliseconds time, Instant now)
{
    // More than a reply can be late by.
    constexpr std::chrono::seconds tolerated(5);
    const std::chrono::milliseconds offset = time - now;
    if (offset_ && offset > *offset_ + tolerated) {
        stepped_ = time;
        say("the engine's clock was set forward by " + std::to_string((offset - *offset_).count()) +
            " ms: its entries expire too early, so what came before is taken for forgotten");
    }
    offset_ = offset;
}

std::string EngineMemory::fresh_marker(Instant now, bool trusted, std::uint64_t nonce) const
{
    std::array<char, 64> text{};
    const long long since = trusted ? 0 : engine_time(now).count();
    static_cast<void>(
        std::snprintf(text.data(), text.size(), "%lld:%016llx", since, static_cast<unsigned long long>(nonce)));
    return text.data();
}

bool EngineMemory::heard_marker(const std::string& marker)
{
    const std::size_t colon = marker.find(':');
    const std::optional<std::int64_t> since = number_of(std::string_view(marker).substr(0, colon));
    if (colon == std::string::npos || !since) {
        return false;
    }
    marker_ = marker;
    since_ = std::chrono::milliseconds(*since);
    return true;
}

std::chrono::milliseconds EngineMemory::reach(Instant now) const
{
    if (!offset_ || marker_.empty()) {
        return std::chrono::milliseconds(0);
    }
    return std::max(std::chrono::milliseconds(0), engine_time(now) - std::max(since_, stepped_));
}

} // namespace apex::replayd
