// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_area.h"

#include <memory>
#include <optional>

// A System V segment of shared memory for the buckets. Of all memory that processes can share it is the only one whose size
// nobody can change, so no truncation can kill a host program that has it mapped (INVARIANTS R9). It stays when the
// processes end and is gone when the machine restarts, or when somebody removes it: then the store is made anew as after a
// loss of power (R5). The main file says which segment it is.

namespace apex::replay {

/// SegmentAttempt is what came of trying to reach the segment that a header names.
struct SegmentAttempt final {
    std::unique_ptr<BucketArea> area; // none: it cannot be reached
    std::string why;
    bool elsewhere = false; // it is in another namespace, or made for processes of another kind
};

/// attach_segment reaches the segment of a store.
SegmentAttempt attach_segment(const Header& header);

/// create_segment makes one that holds all tables a store can ever have, beginning with header.tables.front(), and names it
/// in the header. A segment left over from a former store of `directory` is removed. None if the system gives no memory:
/// `why` says what is the matter.
SegmentAttempt create_segment(const StoreDirectory& directory, Header& header);

/// remove_leftover_segment removes the segment of the effective user's store below `parent`, whatever its header says.
void remove_leftover_segment(const std::string& parent) noexcept;

/// remove_segment removes the segment of a store that was put aside; those who still use it keep it until they are done.
void remove_segment(const Header& header) noexcept;

} // namespace apex::replay
