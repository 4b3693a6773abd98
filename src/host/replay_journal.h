// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_files.h"
#include "host/replay_layout.h"
#include "host/replay_table.h"

#include <memory>
#include <optional>
#include <vector>

// The small second file: what must survive a loss of power or of the main file (INVARIANTS R5). It holds the store's
// secret, the high-water mark of the wall clock, and the records of authenticators dated ahead. It is opened for each use,
// at most once a second but for authenticators dated ahead, so no descriptor is kept.

namespace apex::replay {

/// JournalState is the journal's head.
struct JournalState final {
    StoreSecret secret{};
    BootId boot_id{};
    std::int64_t high_water = 0;
    std::int64_t skew = 0;
    /// Authenticators dated up to here stay refused when the store is made anew.
    std::int64_t door = INT64_MIN;
    /// Every authenticator dated ahead that was accepted since then is in here. Moved on while a process works with
    /// [apex] replay_durable off, and when the journal itself was lost.
    std::int64_t complete_from = INT64_MIN;
    std::uint64_t ticks = 0;
    std::uint64_t sequence = 0;  // of this head; the greater of the two valid ones counts
    std::uint64_t rotate_at = 0; // the file is written anew when it is longer than this
    std::vector<Segment> past;
};

/// JournalRecord is an authenticator dated ahead.
struct JournalRecord final {
    RecordKey key{};
    std::int64_t wall_until = 0;
    std::int64_t boot_until = 0;
};

/// JournalContents is all that a journal holds.
struct JournalContents final {
    JournalState state;
    std::vector<JournalRecord> records;
};

/// Condition of a file that was looked at before a store is made.
/// `out_of_reach`: intact, but its records are in
/// memory that is gone or that this process cannot use.
enum class Condition : std::uint8_t { missing, damaged, out_of_reach, intact };

/// JournalReading is what was found. Contents are there if the condition is intact; of a damaged journal's records
/// those that could be read, and the head if it could be read.
struct JournalReading final {
    Condition condition = Condition::missing;
    JournalContents contents;
    bool head_valid = false;
};

/// read_journal reads the whole file. Fault::ReplayStoreFailed only if the file cannot be opened or read.
Result<JournalReading> read_journal(const StoreDirectory& directory);

/// read_journal_head reads the newest valid head only.
Result<std::optional<JournalState>> read_journal_head(const StoreDirectory& directory);

/// create_journal writes a journal under a temporary name, synchronises it and puts it in place. The caller holds the
/// directory's lock.
Done create_journal(const StoreDirectory& directory, const JournalContents& contents);

/// Durability says whether to wait for the disk.
enum class Durability : std::uint8_t { page_cache, disk };

/// JournalHeadUpdate is what the tick writes into the head.
struct JournalHeadUpdate final {
    std::int64_t high_water = 0;
    std::int64_t skew = 0;
    std::int64_t door = INT64_MIN;
    std::uint64_t ticks = 0;
    std::vector<Segment> past;
};

/// update_journal renews the head; the older of its two copies is overwritten. Outcome::journal_lost if there is no
/// good journal.
Result<Outcome> update_journal(const StoreDirectory& directory, const JournalHeadUpdate& update, Durability durability);

/// append_journal adds a record; it is on the disk when this returns. Written anew without dead records when it grew.
Done append_journal(const StoreDirectory& directory, const JournalRecord& record, Moment now);

inline constexpr const char* journal_name = "replay.journal";

} // namespace apex::replay
