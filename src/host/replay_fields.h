// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <algorithm>
#include <array>
#include <cstdint>

// Little-endian fields at a moving position, for the replay store's fixed pages.

namespace apex::replay {

/// FieldWriter fills a page from its start; the page is longer than everything put into it.
class FieldWriter final {
public:
    explicit FieldWriter(ByteSpan page) : page_(page) {}

    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void i64(std::int64_t value) { number(static_cast<std::uint64_t>(value), 8); }
    void octets(ByteView octets)
    {
        std::copy(octets.begin(), octets.end(), page_.begin());
        page_ = page_.subspan(octets.size());
    }

private:
    void number(std::uint64_t value, std::size_t size)
    {
        for (std::size_t i = 0; i < size; ++i) {
            page_[i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
        page_ = page_.subspan(size);
    }

    ByteSpan page_;
};

/// FieldReader reads what FieldWriter wrote; the caller knows that the page is long enough.
class FieldReader final {
public:
    explicit FieldReader(ByteView page) : page_(page) {}

    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::int64_t i64() { return static_cast<std::int64_t>(number(8)); }
    template <std::size_t Size>
    std::array<std::uint8_t, Size> octets()
    {
        std::array<std::uint8_t, Size> value{};
        std::copy_n(page_.begin(), Size, value.begin());
        page_ = page_.subspan(Size);
        return value;
    }

private:
    std::uint64_t number(std::size_t size)
    {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size; ++i) {
            value |= static_cast<std::uint64_t>(page_[i]) << (8 * i);
        }
        page_ = page_.subspan(size);
        return value;
    }

    ByteView page_;
};

} // namespace apex::replay
