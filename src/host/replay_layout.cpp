// SPDX-License-Identifier: MIT
#include "host/replay_layout.h"

#include "host/replay_fields.h"

#include "apex/base/secret.h"
#include "apex/crypto/digest.h"

#include <bit>
#include <cstring>

namespace apex::replay {
namespace {

constexpr std::array<std::uint8_t, 8> magic = {'A', 'P', 'E', 'X', 'R', 'P', 'L', 0};
constexpr std::uint32_t version = 2; // 1 had no segment
constexpr std::size_t mac_length = 16;
constexpr std::size_t secret_at = 8 + 4 * 4 + 8;

Result<Bytes> mac_of(ByteView page, ByteView secret)
{
    const Sha256Digest digest = TRY(hmac_sha256(secret, page.first(header_size - mac_length)));
    return Bytes(digest.begin(), digest.begin() + mac_length);
}

void put(FieldWriter& writer, const TablePlace& table)
{
    writer.u64(table.offset);
    writer.u64(table.buckets);
    writer.i64(table.keep_wall);
    writer.i64(table.keep_boot);
}

TablePlace take_table(FieldReader& reader)
{
    TablePlace table;
    table.offset = reader.u64();
    table.buckets = reader.u64();
    table.keep_wall = reader.i64();
    table.keep_boot = reader.i64();
    return table;
}

} // namespace

std::uint64_t Header::end() const
{
    std::uint64_t end = header_size;
    for (const TablePlace& table : tables) {
        end = std::max(end, table.end());
    }
    return end;
}

Result<Bytes> encode(const Header& header)
{
    Bytes page(header_size, 0);
    FieldWriter writer(page);
    writer.octets(magic);
    writer.u32(version);
    writer.u32(bucket_size);
    writer.u32(static_cast<std::uint32_t>(header.tables.size()));
    writer.u32(static_cast<std::uint32_t>(header.past.size()));
    writer.octets(header.id);
    writer.octets(header.secret);
    writer.octets(header.boot_id);
    for (const std::int64_t value : {header.born, header.door, header.high_water, header.clock_offset,
                                     header.segment_start, header.skew, header.wall_base}) {
        writer.i64(value);
    }
    writer.u64(header.capacity);
    writer.u64(header.ticks);
    put(writer, header.preparing);
    writer.u64(header.prepared);
    writer.u64(header.segment.size);
    writer.u32(static_cast<std::uint32_t>(header.segment.number));
    writer.u64(header.segment.name_space);
    for (const Segment& segment : header.past) {
        writer.i64(segment.start);
        writer.i64(segment.end);
    }
    for (const TablePlace& table : header.tables) {
        put(writer, table);
    }
    const Bytes mac = TRY(mac_of(page, header.secret));
    std::copy(mac.begin(), mac.end(), page.end() - static_cast<std::ptrdiff_t>(mac_length));
    return page;
}

namespace {

bool plausible(const TablePlace& table)
{
    constexpr std::uint64_t most = std::uint64_t{1} << 40;
    return table.offset >= header_size && table.offset % bucket_size == 0 && table.offset < most &&
           table.buckets != 0 && table.buckets % stripe_count == 0 && table.buckets < most / bucket_size;
}

bool plausible(const Header& header)
{
    for (const TablePlace& table : header.tables) {
        if (!plausible(table)) {
            return false;
        }
    }
    return header.preparing.buckets == 0 ||
           (plausible(header.preparing) && header.prepared <= header.preparing.buckets);
}

Header take_header(FieldReader& reader, std::size_t tables, std::size_t segments)
{
    Header header;
    header.id = reader.octets<8>();
    header.secret = reader.octets<32>();
    header.boot_id = reader.octets<16>();
    for (std::int64_t* value : {&header.born, &header.door, &header.high_water, &header.clock_offset,
                                &header.segment_start, &header.skew, &header.wall_base}) {
        *value = reader.i64();
    }
    header.capacity = reader.u64();
    header.ticks = reader.u64();
    header.preparing = take_table(reader);
    header.prepared = reader.u64();
    header.segment.size = reader.u64();
    header.segment.number = static_cast<std::int32_t>(reader.u32());
    header.segment.name_space = reader.u64();
    for (std::size_t i = 0; i < segments; ++i) {
        const std::int64_t start = reader.i64();
        header.past.push_back(Segment{start, reader.i64()});
    }
    for (std::size_t i = 0; i < tables; ++i) {
        header.tables.push_back(take_table(reader));
    }
    return header;
}

} // namespace

Result<Header> decode_header(ByteView page)
{
    if (page.size() != header_size) {
        return refuse(Fault::ReplayStoreFailed, "the header is cut short");
    }
    FieldReader reader(page);
    if (reader.octets<8>() != magic) {
        return refuse(Fault::ReplayStoreFailed, "the file does not begin like a replay store");
    }
    if (const std::uint32_t found = reader.u32(); found != version) {
        return refuse(Fault::ReplayStoreFailed,
                      "the file is of version " + std::to_string(found) + ", not " + std::to_string(version));
    }
    const Bytes mac = TRY(mac_of(page, page.subspan(secret_at, sizeof(StoreSecret))));
    const std::uint32_t bucket = reader.u32();
    const std::uint32_t tables = reader.u32();
    const std::uint32_t segments = reader.u32();
    if (!constant_time_equal(mac, page.last(mac_length)) || bucket != bucket_size || tables == 0 ||
        tables > most_tables || segments > most_segments) {
        return refuse(Fault::ReplayStoreFailed, "the header is damaged");
    }
    Header header = take_header(reader, tables, segments);
    if (!plausible(header)) {
        return refuse(Fault::ReplayStoreFailed, "the header is damaged");
    }
    return header;
}

std::uint64_t checksum64(ByteView octets, std::uint64_t seed) noexcept
{
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    constexpr std::size_t word_size = sizeof(std::uint64_t);
    std::array<std::uint64_t, 4> lanes = {seed ^ odd, seed + odd, ~seed, seed * odd + octets.size()};
    const auto mix = [&lanes](std::size_t lane, const std::uint8_t* start, std::size_t length) {
        std::uint64_t word = 0;
        std::memcpy(&word, start, length);
        lanes[lane] = std::rotl((lanes[lane] ^ word) * odd, 29);
    };
    // The lanes do not wait for each other.
    for (; octets.size() >= lanes.size() * word_size; octets = octets.subspan(lanes.size() * word_size)) {
        mix(0, octets.data(), word_size);
        mix(1, octets.data() + word_size, word_size);
        mix(2, octets.data() + 2 * word_size, word_size);
        mix(3, octets.data() + 3 * word_size, word_size);
    }
    for (std::size_t lane = 0; !octets.empty(); ++lane) {
        const std::size_t length = std::min(octets.size(), word_size);
        mix(lane, octets.data(), length);
        octets = octets.subspan(length);
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t value : lanes) {
        sum = std::rotl((sum ^ value) * odd, 31);
    }
    return sum ^ (sum >> 32);
}

namespace {

constexpr std::size_t records_at = 40;
static_assert(records_at + bucket_records * record_length == bucket_size);

std::uint64_t bucket_checksum(const BucketOctets& octets, const BucketPlace& place) noexcept
{
    return checksum64(ByteView(octets).subspan(sizeof(std::uint64_t)), place.offset);
}

constexpr std::size_t offset_in_bucket(std::size_t index)
{
    return records_at + index * record_length;
}

} // namespace

BucketOctets empty_bucket(const BucketPlace& place) noexcept
{
    BucketOctets bucket{};
    FieldWriter writer(ByteSpan(bucket).subspan(sizeof(std::uint64_t)));
    writer.octets(place.id);
    writer.u64(place.offset);
    seal(bucket, place);
    return bucket;
}

bool is_sound(const BucketOctets& bucket, const BucketPlace& place) noexcept
{
    FieldReader reader(bucket);
    return reader.u64() == bucket_checksum(bucket, place) && reader.octets<8>() == place.id &&
           reader.u64() == place.offset;
}

Record record_at(const BucketOctets& bucket, std::size_t index) noexcept
{
    FieldReader reader(octets_of(bucket, index));
    Record record;
    record.key = reader.octets<key_length>();
    record.wall = reader.u32();
    record.boot = reader.u32();
    return record;
}

bool has_key(const BucketOctets& bucket, const RecordKey& key) noexcept
{
    for (std::size_t index = 0; index < bucket_records; ++index) {
        if (std::memcmp(bucket.data() + offset_in_bucket(index), key.data(), key.size()) == 0) {
            const Record record = record_at(bucket, index);
            if (record.wall != 0 || record.boot != 0) {
                return true;
            }
        }
    }
    return false;
}

void put_record(BucketOctets& bucket, std::size_t index, const Record& record) noexcept
{
    FieldWriter writer(ByteSpan(bucket).subspan(offset_in_bucket(index), record_length));
    writer.octets(record.key);
    writer.u32(record.wall);
    writer.u32(record.boot);
}

ByteView octets_of(const BucketOctets& bucket, std::size_t index) noexcept
{
    return ByteView(bucket).subspan(offset_in_bucket(index), record_length);
}

void put_octets(BucketOctets& bucket, std::size_t index, ByteView record) noexcept
{
    std::copy(record.begin(), record.end(), bucket.begin() + static_cast<std::ptrdiff_t>(offset_in_bucket(index)));
}

void seal(BucketOctets& bucket, const BucketPlace& place) noexcept
{
    FieldWriter(bucket).u64(bucket_checksum(bucket, place));
}

namespace {

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

} // namespace

std::uint64_t largest_table(std::uint64_t capacity) noexcept
{
    return rounded_up(std::max<std::uint64_t>(1, capacity / load_per_bucket), stripe_count);
}

std::uint64_t next_table(std::uint64_t buckets, std::uint64_t capacity) noexcept
{
    return std::min(largest_table(capacity), buckets * 8);
}

std::uint64_t offset_of(const RecordKey& key, const TablePlace& table) noexcept
{
    std::uint64_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);
    // The number of buckets is below 2^30 (see plausible), so 32 bits of the key suffice.
    const std::uint64_t index = ((hash >> 32) * table.buckets) >> 32;
    return table.offset + index * bucket_size;
}

std::size_t stripe_of(const RecordKey& key) noexcept
{
    std::uint64_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash);
    return static_cast<std::size_t>(hash >> 56);
}

namespace {

constexpr std::int64_t half = std::int64_t{1} << 31;

std::int64_t seconds_up(std::int64_t microseconds)
{
    return microseconds / second + 1;
}

/// A time before what the field can hold becomes its least, a later one its greatest value: kept longer, never shorter.
std::uint32_t clamp(std::int64_t seconds)
{
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 1, UINT32_MAX));
}

} // namespace

Record record_until(const RecordKey& key, Moment until, std::int64_t wall_base) noexcept
{
    return Record{
        .key = key, .wall = clamp(seconds_up(until.wall) - wall_base + half), .boot = clamp(seconds_up(until.boot))};
}

bool lives(const Record& record, Moment now, std::int64_t wall_base) noexcept
{
    if (record.wall == 0 && record.boot == 0) {
        return false;
    }
    const std::int64_t wall = now.wall / second - wall_base + half;
    return wall <= static_cast<std::int64_t>(record.wall) ||
           now.boot / second <= static_cast<std::int64_t>(record.boot);
}

} // namespace apex::replay
