// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_journal.h"
#include "host/replay_opening.h"

#include <optional>

namespace apex::replay {

/// Found is what stands at the main file's path.
struct Found final {
    Condition condition = Condition::missing;
    Descriptor file;
    std::optional<Header> header; // if it could be read, whatever else is wrong
    std::string what_is_wrong;
    bool elsewhere = false; // out of reach because others have it in another namespace
    bool strangers = false; // main file and journal are not of one store
};

/// create_store makes the main file, and the journal with it, from what is left (INVARIANTS R5, R6). The caller holds the
/// directory's lock, and all locks of a file that others may still use.
Done create_store(const StoreDirectory& directory, const OpeningOptions& options, const Occasion& occasion,
                  Found found);

/// put_journal_aside renames a damaged journal and reports it.
Done put_journal_aside(const StoreDirectory& directory, const OpeningOptions& options, const JournalReading& reading);

} // namespace apex::replay
