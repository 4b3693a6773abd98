// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace apex {

/// DerTree is an element taken to pieces, to be changed and put together again, correct or not. It is independent of
/// the reader under test.
struct DerTree final {
    /// How the length of an element is written.
    enum class Length : std::uint8_t { minimal, one_octet_more, four_octets, indefinite, as_told };

    std::uint8_t tag = 0;
    Bytes contents;                // of a primitive element
    std::vector<DerTree> children; // of a constructed one
    Length length = Length::minimal;
    Bytes told_length; // the length octets, for Length::as_told

    [[nodiscard]] bool constructed() const { return (tag & 0x20U) != 0; }
    [[nodiscard]] bool is_field() const { return (tag & 0xe0U) == 0xa0U; }

    /// Takes apart an element that is correct.
    static DerTree from(ByteView octets);
    [[nodiscard]] Bytes encode() const;

    /// Calls `visit` for this element and all below it.
    void walk(const std::function<void(DerTree&)>& visit);
};

} // namespace apex
