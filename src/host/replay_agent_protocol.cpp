// SPDX-License-Identifier: MIT
#include "apex/host/replay_agent_protocol.h"

#include <algorithm>
#include <string_view>

namespace apex::replay {
namespace {

constexpr std::array<std::uint8_t, 5> question_mark = {'A', 'p', 'x', 'Q', 1};
constexpr std::array<std::uint8_t, 5> answer_mark = {'A', 'p', 'x', 'A', 1};

void put_number(ByteSpan octets, std::size_t offset, std::uint64_t number) noexcept
{
    for (std::size_t i = 0; i < 8; ++i) {
        octets[offset + i] = static_cast<std::uint8_t>(number >> (8 * (7 - i)));
    }
}

std::uint64_t number_at(ByteView octets, std::size_t offset) noexcept
{
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        number = number << 8 | octets[offset + i];
    }
    return number;
}

std::optional<std::chrono::milliseconds> time_at(ByteView octets, std::size_t offset) noexcept
{
    const std::uint64_t number = number_at(octets, offset);
    if (number > static_cast<std::uint64_t>(longest_agent_time.count())) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(number));
}

bool all_zero(ByteView octets) noexcept
{
    return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

bool printable(std::uint8_t octet) noexcept
{
    return octet >= 0x20 && octet < 0x7f;
}

} // namespace

QuestionOctets encode(const AgentQuestion& question) noexcept
{
    QuestionOctets octets{};
    std::copy(question_mark.begin(), question_mark.end(), octets.begin());
    put_number(octets, 8, question.number);
    std::copy(question.tag.begin(), question.tag.end(), octets.begin() + 16);
    put_number(octets, 48, static_cast<std::uint64_t>(question.lifetime.count()));
    put_number(octets, 56, static_cast<std::uint64_t>(question.age.count()));
    return octets;
}

std::optional<AgentQuestion> decode_question(ByteView packet) noexcept
{
    if (packet.size() != question_size || !same(packet.first(question_mark.size()), question_mark) ||
        !all_zero(packet.subspan(5, 3))) {
        return std::nullopt;
    }
    const std::optional<std::chrono::milliseconds> lifetime = time_at(packet, 48);
    const std::optional<std::chrono::milliseconds> age = time_at(packet, 56);
    if (!lifetime || !age || lifetime->count() == 0) {
        return std::nullopt;
    }
    AgentQuestion question{.number = number_at(packet, 8), .tag = {}, .lifetime = *lifetime, .age = *age};
    std::copy_n(packet.begin() + 16, question.tag.size(), question.tag.begin());
    return question;
}

Bytes encode(const AgentAnswer& answer)
{
    Bytes octets(answer_size);
    std::copy(answer_mark.begin(), answer_mark.end(), octets.begin());
    octets[5] = static_cast<std::uint8_t>(answer.status);
    put_number(octets, 8, answer.number);
    append(octets, view_of(std::string_view(answer.text).substr(0, most_agent_text)));
    std::replace_if(
        octets.begin() + answer_size, octets.end(), [](std::uint8_t octet) { return !printable(octet); },
        std::uint8_t{'?'});
    return octets;
}

std::optional<AgentAnswer> decode_answer(ByteView packet)
{
    if (packet.size() < answer_size || packet.size() > answer_size + most_agent_text ||
        !same(packet.first(answer_mark.size()), answer_mark) || !all_zero(packet.subspan(6, 2))) {
        return std::nullopt;
    }
    const std::uint8_t status = packet[5];
    const ByteView text = packet.subspan(answer_size);
    if (status < static_cast<std::uint8_t>(AgentStatus::fresh) ||
        status > static_cast<std::uint8_t>(AgentStatus::misunderstood) ||
        !std::all_of(text.begin(), text.end(), printable)) {
        return std::nullopt;
    }
    return AgentAnswer{
        .number = number_at(packet, 8), .status = static_cast<AgentStatus>(status), .text = text_of(text)};
}

} // namespace apex::replay
