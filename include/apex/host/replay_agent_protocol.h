// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

// What the module and apex-replayd say to each other on a Unix socket of type SOCK_SEQPACKET: one packet is one message,
// and each question gets one answer. Numbers are big-endian.
//
//   question, 64 octets                          answer, 16 to 16 + 240 octets
//    0  "ApxQ"                                    0  "ApxA"
//    4  version, 1                                4  version, 1
//    5  0, 0, 0                                   5  AgentStatus
//    8  number of the question                    6  0, 0
//   16  tag, 32 octets                            8  number of the question
//   48  lifetime in milliseconds                 16  a text for people: why it is not known. Not terminated.
//   56  age in milliseconds

namespace apex::replay {

using AgentTag = std::array<std::uint8_t, 32>;

/// AgentQuestion asks to remember an authenticator unless it is remembered already.
struct AgentQuestion final {
    std::uint64_t number = 0;
    /// A digest that every host derives alike from the authenticator.
    AgentTag tag{};
    /// How long the authenticator can still be accepted by any host: so long it must be remembered.
    std::chrono::milliseconds lifetime{0};
    /// How long ago it can first have been accepted by any host: an engine that does not remember so far back cannot
    /// tell whether it was.
    std::chrono::milliseconds age{0};

    bool operator==(const AgentQuestion&) const = default;
};

/// AgentStatus is the answer. Only `fresh` lets an authenticator be accepted.
enum class AgentStatus : std::uint8_t {
    fresh = 1,        // nobody had it; it is remembered now
    seen = 2,         // it was remembered before
    unavailable = 3,  // the engine cannot be used
    unknowing = 4,    // the engine works, but does not remember far enough back
    overloaded = 5,   // too many questions are waiting
    not_allowed = 6,  // this user may not ask
    misunderstood = 7 // the question cannot be read, or its times are out of bounds
};

struct AgentAnswer final {
    std::uint64_t number = 0;
    AgentStatus status = AgentStatus::unavailable;
    std::string text; // printable; cut to most_agent_text octets

    bool operator==(const AgentAnswer&) const = default;
};

inline constexpr std::size_t question_size = 64;
inline constexpr std::size_t answer_size = 16;
inline constexpr std::size_t most_agent_text = 240;
/// A question with a longer lifetime or age is not understood: no clock skew is so large.
inline constexpr std::chrono::milliseconds longest_agent_time = std::chrono::hours(24 * 7);

using QuestionOctets = std::array<std::uint8_t, question_size>;

QuestionOctets encode(const AgentQuestion& question) noexcept;

/// decode_question gives nothing for a packet of another size, mark or version, or with times out of bounds.
std::optional<AgentQuestion> decode_question(ByteView packet) noexcept;

Bytes encode(const AgentAnswer& answer);

/// decode_answer gives nothing for a packet that is no answer of this version.
std::optional<AgentAnswer> decode_answer(ByteView packet);

} // namespace apex::replay
