// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace apex {

/// Ordering is what the sequence number of a verified token says (RFC 2743 1.2.3, RFC 2744 supplementary bits).
enum class Ordering : std::uint8_t {
    InOrder,     // as expected, or nobody asked
    Duplicate,   // seen before
    Old,         // too old to tell whether it was seen before
    Unsequenced, // arrived after a later one
    Gap,         // some before it have not arrived
};

/// SequenceRules says which services the context promised. Without either every token is InOrder.
struct SequenceRules final {
    bool replay = false;
    bool sequence = false;
};

/// SequenceWindow remembers which of the last 64 sequence numbers have arrived and judges each new one as MIT does
/// (gaps, duplicates, tokens out of order). Numbers count modulo 2^64, or modulo 2^32 for RFC 1964 tokens. One
/// difference: in the 64-bit space the number before the first one does not start the count again; what follows it
/// counts as old. Not safe for concurrent use. Feed it only numbers that a MAC covered.
class SequenceWindow final {
public:
    /// How far sequence numbers go before they start again at 0.
    enum class Space : std::uint8_t { bits64, bits32 };

    /// What is remembered, for the export of a context.
    struct State final {
        std::uint64_t first = 0;    // the peer's initial number
        std::uint64_t expected = 0; // the number after the highest that arrived, counted from `first`
        std::uint64_t arrived = 0;  // bit n: number `expected` - 1 - n has arrived
        bool operator==(const State&) const = default;
    };

    SequenceWindow(std::uint64_t first, SequenceRules rules, Space space = Space::bits64) noexcept;
    SequenceWindow(const State& state, SequenceRules rules, Space space) noexcept;

    /// Judges a number and remembers it.
    Ordering receive(std::uint64_t number) noexcept;

    [[nodiscard]] const State& state() const noexcept { return state_; }
    [[nodiscard]] SequenceRules rules() const noexcept { return rules_; }

private:
    [[nodiscard]] bool is_new(std::uint64_t relative) const noexcept;

    State state_;
    SequenceRules rules_;
    std::uint64_t mask_;
};

} // namespace apex
