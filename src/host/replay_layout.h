// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

// The octets of the replay store: a header page, then tables of buckets, each a power of eight larger than the one before.
// The header is the start of the main file; the tables follow there or lie in shared memory (replay_area.h). All numbers
// are little-endian; times are microseconds of the wall clock since 1970 or of CLOCK_BOOTTIME.

namespace apex::replay {

/// Moment is one reading of both clocks, in microseconds.
struct Moment final {
    std::int64_t wall = 0;
    std::int64_t boot = 0;
};

inline constexpr std::int64_t second = 1'000'000;

/// An authenticator dated further ahead than this is also kept in the journal (INVARIANTS R5). Together with `tick` it is
/// less than the `door_ahead` for which a store that lost its table refuses.
inline constexpr std::int64_t ahead_limit = second / 2;
inline constexpr std::int64_t tick = second;
inline constexpr std::int64_t tick_latest = 3 * second / 2;
inline constexpr std::int64_t door_ahead = 2 * second;
/// A clock that goes back by less than `step` is no step; `margin` is longer, so no record is dropped too early for it.
inline constexpr std::int64_t step = 5 * second;
inline constexpr std::int64_t margin = 10 * second;

inline constexpr std::size_t key_length = 16;
using RecordKey = std::array<std::uint8_t, key_length>;
using StoreId = std::array<std::uint8_t, 8>;
using StoreSecret = std::array<std::uint8_t, 32>;
using BootId = std::array<std::uint8_t, 16>;

inline constexpr std::size_t header_size = 4096;
inline constexpr std::size_t bucket_size = 1024;
inline constexpr std::size_t bucket_records = 41;
inline constexpr std::size_t record_length = key_length + 8;
/// A table is stretched to the next size when a bucket holds this many living records.
inline constexpr std::size_t crowded = 30;
/// Living records a bucket has on average when the store holds its stated capacity; more than `bucket_records` then fall
/// into one bucket with a probability of about 1e-8.
inline constexpr std::size_t load_per_bucket = 15;
/// Numbers of buckets are multiples of the number of stripes, so that a bucket never straddles two locks.
inline constexpr std::size_t stripe_count = 256;
inline constexpr std::size_t most_tables = 8;
inline constexpr std::size_t most_segments = 8;

/// Segment is a stretch of wall-clock time in which the store worked before the clock was stepped.
struct Segment final {
    std::int64_t start = 0;
    std::int64_t end = 0;
};

/// TablePlace is where a table lies, and until when a table that is no longer the newest may hold living records.
struct TablePlace final {
    std::uint64_t offset = 0;
    std::uint64_t buckets = 0;
    std::int64_t keep_wall = 0;
    std::int64_t keep_boot = 0;

    [[nodiscard]] std::uint64_t end() const { return offset + buckets * bucket_size; }
};

/// SegmentPlace says in which segment of shared memory the tables lie. size == 0: in none, but in the main file.
struct SegmentPlace final {
    std::uint64_t size = 0;
    std::int32_t number = -1;     // System V's shmid
    std::uint64_t name_space = 0; // of the IPC namespace in which that is its number, and of the PID namespace
};

/// Header is the first page of the main file.
struct Header final {
    StoreId id{};
    StoreSecret secret{};
    BootId boot_id{};
    std::int64_t born = 0;          // T0: when this file was made
    std::int64_t door = INT64_MIN;  // authenticators dated up to here are refused
    std::int64_t high_water = 0;    // W: the latest wall-clock time seen, at most a tick behind
    std::int64_t clock_offset = 0;  // wall minus boot clock at the last tick
    std::int64_t segment_start = 0; // since when the wall clock has not been stepped
    std::int64_t skew = 0;          // the largest allowed clock skew seen
    std::int64_t wall_base = 0;     // seconds; expiry times count from here
    std::uint64_t capacity = 0;
    std::uint64_t ticks = 0;    // the journal counts the same; it may be one ahead
    TablePlace preparing;       // the next table, buckets == 0: none
    std::uint64_t prepared = 0; // buckets of it already initialised
    SegmentPlace segment;
    std::vector<Segment> past;      // oldest first
    std::vector<TablePlace> tables; // oldest first, the last one takes new records

    [[nodiscard]] std::uint64_t end() const;
    /// Octets that the main file has at least.
    [[nodiscard]] std::uint64_t end_in_file() const { return segment.size != 0 ? header_size : end(); }
};

/// encode writes a header page with its MAC. Fault::CryptoFailure.
Result<Bytes> encode(const Header& header);

/// decode_header reads a header page; every field is validated. Fault::ReplayStoreFailed says what is wrong.
Result<Header> decode_header(ByteView page);

/// Record is what the store keeps of an authenticator.
struct Record final {
    RecordKey key{};
    std::uint32_t wall = 0; // expiry, seconds from Header::wall_base; 0 with boot == 0: free
    std::uint32_t boot = 0; // expiry, seconds of CLOCK_BOOTTIME
};

/// BucketPlace tells a bucket from every other one of every store; it is part of the checksum.
struct BucketPlace final {
    StoreId id{};
    std::uint64_t offset = 0;
};

/// BucketOctets are a run of records under one checksum: read and written by the holder of the stripe's guard.
using BucketOctets = std::array<std::uint8_t, bucket_size>;

/// empty_bucket is the bucket of a place without records.
BucketOctets empty_bucket(const BucketPlace& place) noexcept;

/// is_sound tells whether the octets are what was written to this place.
bool is_sound(const BucketOctets& bucket, const BucketPlace& place) noexcept;

/// record_at decodes a record.
Record record_at(const BucketOctets& bucket, std::size_t index) noexcept;

/// has_key looks for a record with a key, dead or alive.
bool has_key(const BucketOctets& bucket, const RecordKey& key) noexcept;

/// put_record writes a record; the bucket is to be sealed then.
void put_record(BucketOctets& bucket, std::size_t index, const Record& record) noexcept;

/// octets_of gives the octets of one record, put_octets writes them.
ByteView octets_of(const BucketOctets& bucket, std::size_t index) noexcept;
void put_octets(BucketOctets& bucket, std::size_t index, ByteView record) noexcept;

/// seal writes the checksum.
void seal(BucketOctets& bucket, const BucketPlace& place) noexcept;

/// largest_table gives the number of buckets of the last table of a store with this capacity, next_table that of the table
/// after one with so many.
std::uint64_t largest_table(std::uint64_t capacity) noexcept;
std::uint64_t next_table(std::uint64_t buckets, std::uint64_t capacity) noexcept;

/// offset_of locates a key's bucket.
std::uint64_t offset_of(const RecordKey& key, const TablePlace& table) noexcept;

/// stripe_of gives the number of the lock under which a key's buckets, in all tables, are read and written.
std::size_t stripe_of(const RecordKey& key) noexcept;

/// expiry_of makes a record that lives until both clocks have passed `until` (INVARIANTS R3).
Record record_until(const RecordKey& key, Moment until, std::int64_t wall_base) noexcept;

/// lives tells whether a record may not yet be dropped.
bool lives(const Record& record, Moment now, std::int64_t wall_base) noexcept;

/// checksum64 is no cryptographic hash: it notices every change within one 64-bit word, and any other but for one in 2^64.
std::uint64_t checksum64(ByteView octets, std::uint64_t seed) noexcept;

} // namespace apex::replay
