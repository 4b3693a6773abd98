// SPDX-License-Identifier: MIT
#include "apex/der/kerberos_types.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

namespace apex {

namespace {

Error malformed(std::string detail)
{
    return refuse(Fault::MalformedMessage, std::move(detail));
}

/// Reads an INTEGER of up to eight octets, of which there are no more than needed (X.690 8.3.2).
Result<std::int64_t> read_integer(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(integer_tag));
    if (octets.empty()) {
        return malformed("INTEGER without octets");
    }
    if (octets.size() > 1 && ((octets[0] == 0x00 && octets[1] < 0x80) || (octets[0] == 0xff && octets[1] >= 0x80))) {
        return malformed("INTEGER written in too many octets");
    }
    if (octets.size() > 8) {
        return malformed("INTEGER of " + std::to_string(octets.size()) + " octets");
    }
    std::uint64_t bits = octets[0] >= 0x80 ? ~std::uint64_t{0} : 0;
    for (const std::uint8_t octet : octets) {
        bits = bits << 8U | octet;
    }
    return static_cast<std::int64_t>(bits);
}

Result<std::int64_t> read_integer_within(DerReader& reader, std::int64_t least, std::int64_t most)
{
    const std::int64_t value = TRY(read_integer(reader));
    if (value < least || value > most) {
        return malformed("INTEGER " + std::to_string(value) + " outside " + std::to_string(least) + ".." +
                         std::to_string(most));
    }
    return value;
}

constexpr std::int64_t int32_least = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t int32_most = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t uint32_most = std::numeric_limits<std::uint32_t>::max();

/// Writes a number of up to 33 bits in the fewest octets.
void write_integer(DerWriter& writer, std::int64_t value)
{
    if (value >= 0 && value < 0x80) {
        const auto only = static_cast<std::uint8_t>(value);
        writer.primitive(integer_tag, ByteView(&only, 1));
        return;
    }
    std::array<std::uint8_t, 8> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        octets[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * (7 - i)));
    }
    std::size_t start = 0;
    while (start < 7 && ((octets[start] == 0x00 && octets[start + 1] < 0x80) ||
                         (octets[start] == 0xff && octets[start + 1] >= 0x80))) {
        ++start;
    }
    writer.primitive(integer_tag, ByteView(octets).subspan(start));
}

} // namespace

Result<std::int32_t> read_int32(DerReader& reader)
{
    const std::int64_t value = TRY(read_integer_within(reader, int32_least, int32_most));
    return static_cast<std::int32_t>(value);
}

void write_int32(DerWriter& writer, std::int32_t value)
{
    write_integer(writer, value);
}

Result<std::uint32_t> read_uint32(DerReader& reader)
{
    const std::int64_t value = TRY(read_integer_within(reader, 0, uint32_most));
    return static_cast<std::uint32_t>(value);
}

void write_uint32(DerWriter& writer, std::uint32_t value)
{
    write_integer(writer, value);
}

Result<std::uint32_t> read_wrapped_uint32(DerReader& reader)
{
    const std::int64_t value = TRY(read_integer_within(reader, int32_least, uint32_most));
    return static_cast<std::uint32_t>(value);
}

void write_key_version(DerWriter& writer, std::uint32_t value)
{
    write_integer(writer, static_cast<std::int32_t>(value));
}

Result<std::int32_t> read_microseconds(DerReader& reader)
{
    const std::int64_t value = TRY(read_integer_within(reader, 0, 999999));
    return static_cast<std::int32_t>(value);
}

Result<std::string> read_kerberos_string(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(general_string_tag));
    return text_of(octets);
}

void write_kerberos_string(DerWriter& writer, std::string_view value)
{
    writer.primitive(general_string_tag, view_of(value));
}

Result<std::string> read_realm(DerReader& reader)
{
    std::string realm = TRY(read_kerberos_string(reader));
    if (realm.find('\0') != std::string::npos) {
        return malformed("realm with a NUL octet");
    }
    return realm;
}

Result<Bytes> read_octets(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(octet_string_tag));
    return bytes_of(octets);
}

Result<Secret> read_secret_octets(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(octet_string_tag));
    return Secret(octets);
}

void write_octets(DerWriter& writer, ByteView value)
{
    writer.primitive(octet_string_tag, value);
}

namespace {

constexpr std::size_t time_length = 15; // YYYYMMDDHHMMSSZ

/// Reads `count` decimal digits from `start`; the caller has checked that they are digits.
int digits(ByteView octets, std::size_t start, std::size_t count)
{
    int value = 0;
    for (const std::uint8_t octet : octets.subspan(start, count)) {
        value = value * 10 + (octet - '0');
    }
    return value;
}

void put_digits(ByteSpan octets, std::size_t start, std::size_t count, int value)
{
    for (std::size_t i = count; i > 0; --i) {
        octets[start + i - 1] = static_cast<std::uint8_t>('0' + value % 10);
        value /= 10;
    }
}

bool is_digit(std::uint8_t octet)
{
    return octet >= '0' && octet <= '9';
}

} // namespace

Result<Time> read_kerberos_time(DerReader& reader)
{
    const ByteView octets = TRY(reader.read(generalized_time_tag));
    if (octets.size() != time_length || octets[14] != 'Z' ||
        !std::all_of(octets.begin(), octets.begin() + 14, is_digit)) {
        return malformed("time that is not YYYYMMDDHHMMSSZ");
    }
    const std::chrono::year_month_day date{std::chrono::year(digits(octets, 0, 4)),
                                           std::chrono::month(static_cast<unsigned>(digits(octets, 4, 2))),
                                           std::chrono::day(static_cast<unsigned>(digits(octets, 6, 2)))};
    const int hour = digits(octets, 8, 2);
    const int minute = digits(octets, 10, 2);
    const int second = digits(octets, 12, 2);
    // A leap second has no place in seconds since 1970; no implementation sends one.
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) {
        return malformed("time " + text_of(octets) + " is in no calendar");
    }
    return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

void write_kerberos_time(DerWriter& writer, Time value)
{
    using std::chrono::days;
    constexpr std::int64_t first = -62167219200; // 0000-01-01T00:00:00Z
    constexpr std::int64_t last = 253402300799;  // 9999-12-31T23:59:59Z
    const std::chrono::sys_seconds time{std::chrono::seconds(std::clamp(seconds_of(value), first, last))};
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::array<std::uint8_t, time_length> octets{};
    put_digits(octets, 0, 4, static_cast<int>(date.year()));
    put_digits(octets, 4, 2, static_cast<int>(static_cast<unsigned>(date.month())));
    put_digits(octets, 6, 2, static_cast<int>(static_cast<unsigned>(date.day())));
    put_digits(octets, 8, 2, static_cast<int>(clock.hours().count()));
    put_digits(octets, 10, 2, static_cast<int>(clock.minutes().count()));
    put_digits(octets, 12, 2, static_cast<int>(clock.seconds().count()));
    octets[14] = 'Z';
    writer.primitive(generalized_time_tag, octets);
}

Result<std::uint32_t> read_kerberos_flags(DerReader& reader)
{
    const ByteView contents = TRY(reader.read(bit_string_tag));
    if (contents.size() != 5 || contents[0] != 0) {
        return flags_of_other_length(contents);
    }
    std::uint32_t bits = 0;
    for (const std::uint8_t octet : contents.subspan(1)) {
        bits = bits << 8U | octet;
    }
    return bits;
}

void write_kerberos_flags(DerWriter& writer, std::uint32_t value)
{
    const std::array<std::uint8_t, 5> contents{
        0, static_cast<std::uint8_t>(value >> 24U), static_cast<std::uint8_t>(value >> 16U),
        static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
    writer.primitive(bit_string_tag, contents);
}

Result<std::uint32_t> flags_of_other_length(ByteView contents)
{
    if (contents.empty()) {
        return malformed("BIT STRING without octets");
    }
    const unsigned unused = contents[0];
    if (unused > 7 || (unused != 0 && contents.size() == 1)) {
        return malformed("BIT STRING with " + std::to_string(unused) + " unused bits in " +
                         std::to_string(contents.size() - 1) + " octets");
    }
    // X.690 11.2.1: unused bits are zero.
    if ((contents.back() & ((1U << unused) - 1)) != 0 && contents.size() > 1) {
        return malformed("BIT STRING with unused bits set");
    }
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        bits = bits << 8U | (i + 1 < contents.size() ? contents[i + 1] : 0U);
    }
    return bits;
}

} // namespace apex
