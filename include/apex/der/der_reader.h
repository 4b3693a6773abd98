// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/der/tag.h"

#include <cstddef>

namespace apex {

/// DerReader reads the elements of one DER value in order. It is a view and a position: nothing is owned, nothing is
/// copied, and a failed read leaves it where it was.
///
/// Strict (INVARIANTS A2): lengths are definite and of the fewest octets, tag numbers below 31, every element has the
/// tag that is asked for (class, form and number), nothing may follow the last one. Nothing recurses on the input: an
/// element is entered only because a caller names its tag, at most `max_depth` deep.
///
/// Faults: MalformedMessage, with what was found and what was expected.
class DerReader final {
public:
    static constexpr unsigned max_depth = 32;

    explicit DerReader(ByteView octets) noexcept : rest_(octets) {}

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }

    /// Tells whether the next element has this tag; false at the end.
    [[nodiscard]] bool next_is(Tag tag) const noexcept { return !rest_.empty() && rest_[0] == tag.octet; }

    /// The tag of the next element; not to be asked at the end.
    [[nodiscard]] Tag next_tag() const noexcept { return Tag{rest_[0]}; }

    /// Passes one element with this tag and gives its contents.
    Result<ByteView> read(Tag tag);

    /// Passes one element with this tag and gives a reader of its contents.
    Result<DerReader> enter(Tag tag);

    /// Passes one element with this tag and gives all of it, tag and length included.
    Result<ByteView> read_whole(Tag tag);

    /// Counts the elements that remain, all of which must have this tag. Time is linear in their number.
    [[nodiscard]] Result<std::size_t> count(Tag tag) const;

    /// Refuses what is left over.
    [[nodiscard]] Done end() const
    {
        if (rest_.empty()) {
            return {};
        }
        return leftover();
    }

private:
    struct Element final {
        ByteView whole;
        ByteView contents;
    };
    DerReader(ByteView octets, unsigned depth) noexcept : rest_(octets), depth_(depth) {}
    /// Finds the next element; `whole` is empty if there is none with this tag or its length is wrong.
    [[nodiscard]] Element find(Tag tag) const noexcept;
    /// Says why find found none.
    [[nodiscard]] Error explain(Tag tag) const;
    [[nodiscard]] Error leftover() const;

    ByteView rest_;
    unsigned depth_ = 0;
};

} // namespace apex
