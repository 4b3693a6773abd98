// SPDX-License-Identifier: MIT
#include "apex/protection/sequence_window.h"

namespace apex {
namespace {

constexpr std::uint64_t width = 64;

std::uint64_t mask_of(SequenceWindow::Space space) noexcept
{
    return space == SequenceWindow::Space::bits64 ? ~std::uint64_t{0} : 0xffffffffU;
}

/// Shifting a 64-bit number by 64 or more is undefined in C++; here it empties the map, as it should.
std::uint64_t shifted(std::uint64_t map, std::uint64_t places) noexcept
{
    return places < width ? map << places : 0;
}

} // namespace

SequenceWindow::SequenceWindow(std::uint64_t first, SequenceRules rules, Space space) noexcept
    : SequenceWindow(State{.first = first}, rules, space)
{
}

SequenceWindow::SequenceWindow(const State& state, SequenceRules rules, Space space) noexcept
    : state_(state), rules_(rules), mask_(mask_of(space))
{
}

/// In the 64-bit space `expected` is 0 behind a first arrival only if the last number of all has arrived: nothing new
/// can follow. In the 32-bit space the count starts again.
bool SequenceWindow::is_new(std::uint64_t relative) const noexcept
{
    const bool full = mask_ == ~std::uint64_t{0} && state_.expected == 0 && state_.arrived != 0;
    return !full && relative >= state_.expected;
}

Ordering SequenceWindow::receive(std::uint64_t number) noexcept
{
    if (!rules_.replay && !rules_.sequence) {
        return Ordering::InOrder;
    }
    const std::uint64_t relative = (number - state_.first) & mask_;
    if (is_new(relative)) {
        const std::uint64_t skipped = relative - state_.expected;
        state_.arrived = shifted(shifted(state_.arrived, skipped), 1) | 1;
        state_.expected = (relative + 1) & mask_;
        return skipped > 0 && rules_.sequence ? Ordering::Gap : Ordering::InOrder;
    }
    const std::uint64_t behind = (state_.expected - 1 - relative) & mask_;
    if (behind >= width) {
        return rules_.sequence ? Ordering::Unsequenced : Ordering::Old;
    }
    const std::uint64_t bit = std::uint64_t{1} << behind;
    if (rules_.replay && (state_.arrived & bit) != 0) {
        return Ordering::Duplicate;
    }
    state_.arrived |= bit;
    return rules_.sequence ? Ordering::Unsequenced : Ordering::InOrder;
}

} // namespace apex
