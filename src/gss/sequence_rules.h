// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/context_flags.h"
#include "apex/protection/sequence_window.h"

namespace apex {

/// sequence_rules says which services of the sequence window a context's flags promise.
constexpr SequenceRules sequence_rules(ContextFlags flags) noexcept
{
    return {.replay = (flags & flag::replay) != 0, .sequence = (flags & flag::sequence) != 0};
}

} // namespace apex
