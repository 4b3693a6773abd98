// SPDX-License-Identifier: MIT
#include "gss/record_fields.h"

#include <algorithm>
#include <string>

namespace apex {
namespace {

constexpr std::size_t number_size = 4;

std::uint32_t number_at(ByteView octets) noexcept
{
    std::uint32_t value = 0;
    for (const std::uint8_t octet : octets.first(number_size)) {
        value = value << 8U | octet;
    }
    return value;
}

} // namespace

ByteSpan RecordWriter::room(std::size_t size)
{
    if (buffer_.size() - size_ < size) {
        constexpr std::size_t smallest = 1024;
        Secret larger(std::max({smallest, buffer_.size() * 2, size_ + size}));
        std::ranges::copy(view(), larger.span().begin());
        buffer_ = std::move(larger);
    }
    const ByteSpan place = buffer_.span().subspan(size_, size);
    size_ += size;
    return place;
}

void RecordWriter::int32(std::int64_t value)
{
    std::uint32_t rest = static_cast<std::uint32_t>(value);
    const ByteSpan place = room(number_size);
    for (std::size_t i = number_size; i-- > 0; rest >>= 8U) {
        place[i] = static_cast<std::uint8_t>(rest);
    }
}

void RecordWriter::int64(std::uint64_t value)
{
    int32(static_cast<std::int64_t>(value >> 32U));
    int32(static_cast<std::int64_t>(value & 0xffffffffU));
}

void RecordWriter::octets(ByteView value)
{
    std::ranges::copy(value, room(value.size()).begin());
}

void RecordWriter::counted(ByteView value)
{
    int32(static_cast<std::int64_t>(value.size()));
    octets(value);
}

Secret RecordWriter::take() &&
{
    buffer_.shrink(size_);
    size_ = 0;
    return std::move(buffer_);
}

Result<std::int32_t> RecordReader::int32(std::string_view what)
{
    return static_cast<std::int32_t>(number_at(TRY(octets(number_size, what))));
}

Result<std::uint64_t> RecordReader::int64(std::string_view what)
{
    const ByteView both = TRY(octets(2 * number_size, what));
    return std::uint64_t{number_at(both)} << 32U | number_at(both.subspan(number_size));
}

Result<ByteView> RecordReader::octets(std::size_t size, std::string_view what)
{
    if (rest_.size() < size) {
        return malformed_record(std::string(what) + " needs " + std::to_string(size) + " octets, " +
                                std::to_string(rest_.size()) + " are left");
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
}

Result<ByteView> RecordReader::counted(std::string_view what)
{
    const std::uint32_t size = number_at(TRY(octets(number_size, what)));
    return octets(size, what);
}

Result<std::size_t> RecordReader::count(std::size_t smallest, std::string_view what)
{
    const std::uint32_t number = number_at(TRY(octets(number_size, what)));
    if (number > rest_.size() / smallest) {
        return malformed_record(std::to_string(number) + " " + std::string(what) + " cannot be in " +
                                std::to_string(rest_.size()) + " octets");
    }
    return number;
}

Done RecordReader::expect(std::int32_t expected, std::string_view what)
{
    const std::int32_t found = TRY(int32(what));
    if (found != expected) {
        return malformed_record(std::string(what) + " is " + std::to_string(found) + ", expected " +
                                std::to_string(expected));
    }
    return {};
}

bool RecordReader::next_is(std::int32_t value) const noexcept
{
    return rest_.size() >= number_size && number_at(rest_) == static_cast<std::uint32_t>(value);
}

Error malformed_record(std::string_view what)
{
    return refuse(Fault::MalformedToken, "exported context: " + std::string(what));
}

} // namespace apex
