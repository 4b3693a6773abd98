// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_table.h"

#include <functional>
#include <memory>
#include <string>

namespace apex::replay {

/// OpeningOptions is what opening a store depends on.
struct OpeningOptions final {
    std::string parent; // the directory in which each user's directory lies
    std::uint64_t capacity = 0;
    bool durable = true;
    bool shared_memory = true; // for the buckets of a store that is made anew
    BootId boot_id{};
    std::function<void(const std::string&)> report; // may be empty
    /// The wall clock at the moment of asking, in microseconds: later than the request's if the process was held up.
    std::function<std::int64_t()> wall_clock;
    std::function<std::int64_t()> boot_clock; // microseconds since the machine started
};

/// Occasion is the moment of opening and the allowed clock skew of the request that caused it.
struct Occasion final {
    Moment now;
    std::int64_t skew = 0;
};

/// open_store opens the effective user's store, or makes it anew under the rule of INVARIANTS R5 if it is missing,
/// damaged or of before the last restart. Fault::ReplayStoreFailed.
Result<std::shared_ptr<OpenStore>> open_store(const OpeningOptions& options, const Occasion& occasion);

/// replace_damaged puts the damaged file `store` aside and makes a new one. Does nothing if the path leads to another
/// file by now.
Done replace_damaged(const OpeningOptions& options, const Occasion& occasion, OpenStore& store);

/// repair_journal makes a new journal from the main file.
Done repair_journal(const OpeningOptions& options, const Occasion& occasion, OpenStore& store);

/// this_boot reads the kernel's boot identifier. Fault::ReplayStoreFailed.
Result<BootId> this_boot();

} // namespace apex::replay
