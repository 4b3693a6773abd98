// SPDX-License-Identifier: MIT
#include "gss/record_fields.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace apex {
namespace {

constexpr std::size_t number_size = 4;

std::uint32_t number_at(ByteView octets) noexcept
{
    return std::uint32_t{octets[0]} << 24U | std::uint32_t{octets[1]} << 16U | std::uint32_t{octets[2]} << 8U |
           std::uint32_t{octets[3]};
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
    const ByteSpan place = room(value.size());
    if (!value.empty()) {
        std::memcpy(place.data(), value.data(), value.size());
    }
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

namespace {

/// Takes octets off the front of `rest`; false if there are fewer.
bool take_off(ByteView& rest, std::size_t size, ByteView& taken) noexcept
{
    if (rest.size() < size) {
        return false;
    }
    taken = rest.first(size);
    rest = rest.subspan(size);
    return true;
}

[[gnu::cold]] Error too_short(std::string_view what, std::size_t needed, std::size_t left)
{
    return malformed_record(std::string(what) + " needs " + std::to_string(needed) + " octets, " +
                            std::to_string(left) + " are left");
}

} // namespace

Result<std::int32_t> RecordReader::int32(std::string_view what)
{
    ByteView number;
    if (!take_off(rest_, number_size, number)) {
        return too_short(what, number_size, rest_.size());
    }
    return static_cast<std::int32_t>(number_at(number));
}

Result<std::uint64_t> RecordReader::int64(std::string_view what)
{
    constexpr std::size_t size = 2 * number_size;
    ByteView number;
    if (!take_off(rest_, size, number)) {
        return too_short(what, size, rest_.size());
    }
    return std::uint64_t{number_at(number)} << 32U | number_at(number.subspan(number_size));
}

Result<ByteView> RecordReader::octets(std::size_t size, std::string_view what)
{
    ByteView taken;
    if (!take_off(rest_, size, taken)) {
        return too_short(what, size, rest_.size());
    }
    return taken;
}

Result<ByteView> RecordReader::counted(std::string_view what)
{
    ByteView size;
    if (!take_off(rest_, number_size, size)) {
        return too_short(what, number_size, rest_.size());
    }
    return octets(number_at(size), what);
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
