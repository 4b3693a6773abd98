// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"

#include <cstdint>
#include <string_view>

namespace apex {

/// RecordWriter puts big-endian numbers and counted octets behind each other. Keys pass through it, so its octets are wiped.
class RecordWriter final {
public:
    void int32(std::int64_t value); // its lower 32 bits
    void int64(std::uint64_t value);
    void octets(ByteView value);
    /// A length in four octets, then the octets.
    void counted(ByteView value);
    [[nodiscard]] ByteView view() const noexcept { return buffer_.view().first(size_); }
    [[nodiscard]] Secret take() &&;

private:
    ByteSpan room(std::size_t size);

    Secret buffer_;
    std::size_t size_ = 0;
};

/// RecordReader takes them off again. Fault::MalformedToken names what was expected where the record ends too early.
class RecordReader final {
public:
    explicit RecordReader(ByteView octets) : rest_(octets) {}

    Result<std::int32_t> int32(std::string_view what);
    Result<std::uint64_t> int64(std::string_view what);
    Result<ByteView> octets(std::size_t size, std::string_view what);
    Result<ByteView> counted(std::string_view what);
    /// A number that counts elements of at least `smallest` octets each, so that it cannot ask for more than is there.
    Result<std::size_t> count(std::size_t smallest, std::string_view what);
    /// Takes a number that must be `expected`.
    Done expect(std::int32_t expected, std::string_view what);
    /// Whether the next number is `value`; takes nothing.
    [[nodiscard]] bool next_is(std::int32_t value) const noexcept;
    [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }

private:
    ByteView rest_;
};

/// malformed_record is a refusal of a record.
Error malformed_record(std::string_view what);

} // namespace apex
