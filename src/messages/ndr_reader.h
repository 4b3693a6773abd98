// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/messages/sid.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace apex {

/// little_endian reads a number whose least significant octet comes first.
template <typename Number>
Number little_endian(std::span<const std::uint8_t, sizeof(Number)> octets) noexcept
{
    Number number = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        number = static_cast<Number>(number << 8U | octets[i]);
    }
    return number;
}

/// FixedPart is the part of a Windows structure that has always the same size: its fields stand at known places. A field
/// outside of it does not compile, so reading one cannot fail.
template <std::size_t Size>
class FixedPart final {
public:
    explicit FixedPart(std::span<const std::uint8_t, Size> octets) noexcept : octets_(octets) {}

    template <std::size_t Offset>
    [[nodiscard]] std::uint16_t uint16() const noexcept
    {
        return number<std::uint16_t, Offset>();
    }
    template <std::size_t Offset>
    [[nodiscard]] std::uint32_t uint32() const noexcept
    {
        return number<std::uint32_t, Offset>();
    }
    template <std::size_t Offset>
    [[nodiscard]] std::uint64_t uint64() const noexcept
    {
        return number<std::uint64_t, Offset>();
    }

private:
    template <typename Number, std::size_t Offset>
    [[nodiscard]] Number number() const noexcept
    {
        static_assert(Offset + sizeof(Number) <= Size, "a field outside of the structure");
        return little_endian<Number>(octets_.template subspan<Offset, sizeof(Number)>());
    }

    std::span<const std::uint8_t, Size> octets_;
};

/// NdrString is what a structure says of an RPC_UNICODE_STRING ([MS-DTYP] 2.3.10), whose characters follow later.
struct NdrString final {
    std::uint16_t length = 0; // octets
    std::uint16_t maximum = 0;
    std::uint32_t referent = 0; // 0: no string
};

/// NdrReader reads NDR ([C706] chapter 14, little-endian) as [MS-PAC] uses it: everything stands at a multiple of 4 octets
/// from the start, and what a pointer leads to follows the structure that holds the pointer, in the order of the fields.
/// It is a view and a position; nothing is owned. Counts are held against what is left before anything is reserved.
/// Faults: MalformedMessage, with the type, the field, what was found and what was expected.
class NdrReader final {
public:
    /// `type` must outlive the reader; it is a string literal, as the names of fields are.
    NdrReader(ByteView octets, std::string_view type) noexcept : octets_(octets), type_(type) {}

    /// Enters a type serialized by version 1 of [MS-RPCE] 2.2.6: checks its headers and the pointer in front.
    static Result<NdrReader> of_serialized(ByteView octets, std::string_view type);

    /// Passes a run of octets.
    Result<ByteView> take(std::size_t size, std::string_view field);

    template <std::size_t Size>
    Result<FixedPart<Size>> fixed(std::string_view field)
    {
        const ByteView octets = TRY(take(Size, field));
        return FixedPart<Size>(octets.first<Size>());
    }

    /// Passes an array that a pointer leads to: a count, which must be the one that the structure says, and elements of
    /// `size` octets each. A null pointer leads to none.
    Result<ByteView> array(std::uint32_t referent, std::uint32_t count, std::size_t size, std::string_view field);

    /// Passes the characters of a string and gives them as they are, UTF-16.
    Result<ByteView> string(NdrString string, std::string_view field);

    /// Passes a SID that a pointer which is not null leads to.
    Result<Sid> sid(std::string_view field);

    /// Refuses what is left over; the serialized form is padded to a multiple of 8 octets.
    [[nodiscard]] Done end() const;

private:
    [[nodiscard]] Error malformed(std::string_view field, const std::string& what) const;

    ByteView octets_;
    std::size_t position_ = 0;
    std::string_view type_;
};

/// utf8_of turns little-endian UTF-16 into UTF-8. Fault::MalformedMessage for an odd length, a surrogate that is not one of
/// a pair, and NUL: in a name it would end the text for some readers and not for others.
Result<std::string> utf8_of(ByteView utf16, std::string_view field);

} // namespace apex
