// SPDX-License-Identifier: MIT
#include "host/replay_table.h"

#include "host/replay_journal.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

// What a store needs besides single records: the tick (high-water mark, clock steps), growth, and giving space back.
// Nobody does it in the background; whoever calls `remember` at the right moment does a piece of it.

namespace apex::replay {
namespace {

bool stepped(Moment now, const Header& header)
{
    return std::abs((now.wall - now.boot) - header.clock_offset) > step;
}

} // namespace

bool OpenStore::tick_is_due(const Request& request) const
{
    const std::int64_t ticked = ticked_.load(std::memory_order_relaxed);
    if (ticked == INT64_MIN || request.now.wall > ticked + tick) {
        return true;
    }
    const auto snapshot = snapshot_.load();
    return stepped(request.now, snapshot->header) || request.skew > snapshot->header.skew;
}

Result<OpenStore::HeaderLock> OpenStore::lock_header_for_tick(const Request& request)
{
    const std::int64_t ticked = ticked_.load(std::memory_order_relaxed);
    const auto snapshot = snapshot_.load();
    if (ticked == INT64_MIN || request.now.wall > ticked + tick_latest || stepped(request.now, snapshot->header) ||
        request.skew > snapshot->header.skew) {
        return lock_header();
    }
    HeaderLock lock{.thread = std::unique_lock(header_mutex_, std::try_to_lock), .process = FileLock()};
    if (lock.thread.owns_lock()) {
        lock.process = TRY(FileLock::try_take(file_.number(), header_lock, 1, path_));
    }
    return lock;
}

Result<Outcome> OpenStore::tick_now(const Request& request)
{
    Header header;
    {
        const HeaderLock lock = TRY(lock_header_for_tick(request));
        if (!lock.process.holds()) {
            return Outcome::remembered; // someone else is at it, and the mark is not yet too old
        }
        const Examination file = TRY(examine());
        if (file.stale) {
            return Outcome::stale;
        }
        Result<Header> read = read_header();
        if (!read) {
            return Outcome::damaged;
        }
        header = std::move(*read);
        const Outcome written = TRY(write_tick(request, header, file.size));
        if (written != Outcome::remembered) {
            return written;
        }
    }
    if (request.skew > header.skew) {
        TRY(raise_skew(request));
    }
    const TablePlace& oldest = header.tables.front();
    if (header.tables.size() > 1 && request.now.wall > oldest.keep_wall && request.now.boot > oldest.keep_boot) {
        TRY(drop_old_table(request));
    }
    return Outcome::remembered;
}

namespace {

/// The clock was stepped: what was accepted until now is one segment, another one begins.
void begin_segment(Header& header, Moment now)
{
    header.past.push_back(Segment{.start = header.segment_start, .end = header.high_water});
    if (header.past.size() > most_segments) {
        // The two oldest become one that covers both: refuses more, never less.
        const Segment first = header.past.front();
        header.past.erase(header.past.begin());
        header.past.front().start = std::min(first.start, header.past.front().start);
        header.past.front().end = std::max(first.end, header.past.front().end);
    }
    header.segment_start = now.wall;
    header.high_water = now.wall;
}

} // namespace

Result<Outcome> OpenStore::write_tick(const Request& request, Header header, std::uint64_t size)
{
    const bool step_seen = stepped(request.now, header);
    if (step_seen) {
        begin_segment(header, request.now);
    }
    // Another process may have ticked meanwhile; then there is nothing to write.
    const bool first_without_disk = !durable_ && ticked_.load(std::memory_order_relaxed) == INT64_MIN;
    if (step_seen || first_without_disk || request.now.wall > header.high_water + tick) {
        header.high_water = std::max(header.high_water, request.now.wall);
        header.clock_offset = request.now.wall - request.now.boot;
        ++header.ticks;
        const StoreDirectory where = TRY(directory());
        const JournalHeadUpdate update{.high_water = header.high_water,
                                       .skew = header.skew,
                                       .door = header.door,
                                       .ticks = header.ticks,
                                       .past = header.past};
        // The journal first: whoever sees the mark in the main file may rely on its being on the disk.
        const Result<Outcome> kept =
            update_journal(where, update, durable_ ? Durability::disk : Durability::page_cache);
        if (!kept || *kept != Outcome::remembered) {
            return kept;
        }
        TRY(write_header(header));
    }
    ticked_.store(header.high_water, std::memory_order_relaxed);
    snapshot_.store(std::make_shared<const Snapshot>(Snapshot{.header = std::move(header), .size = size}));
    return Outcome::remembered;
}

Done OpenStore::write_header(const Header& header)
{
    const Bytes page = TRY(encode(header));
    return write_at(file_.number(), page, 0, path_);
}

Done OpenStore::change_layout(const Header& header)
{
    // The size tells everybody that the header must be read again. It changes first: if we die in between, they read the
    // old one once more; the other way round they would go on with the old one unawares.
    const Examination file = TRY(examine());
    if (file.stale) {
        return refuse(Fault::ReplayStoreFailed, path_ + " was replaced; log in again");
    }
    if (::ftruncate(file_.number(), static_cast<off_t>(file.size + header_size)) != 0) {
        return store_failed("enlarge", path_, errno);
    }
    return write_header(header);
}

Done OpenStore::raise_skew(const Request& request)
{
    const Standstill still = TRY(Standstill::begin(*this));
    Header header = TRY(read_header());
    if (request.skew <= header.skew) {
        return {};
    }
    // Records were kept for the smaller skew; what is older may have been dropped.
    header.door = std::max(header.door, request.now.wall - header.skew);
    header.skew = request.skew;
    return change_layout(header);
}

Done OpenStore::drop_old_table(const Request& request)
{
    const Standstill still = TRY(Standstill::begin(*this));
    Header header = TRY(read_header());
    const TablePlace oldest = header.tables.front();
    if (header.tables.size() < 2 || request.now.wall <= oldest.keep_wall || request.now.boot <= oldest.keep_boot) {
        return {};
    }
    header.tables.erase(header.tables.begin());
    TRY(change_layout(header));
    // Some file systems cannot; then the space stays taken until the store is made anew.
    static_cast<void>(::fallocate(file_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                  static_cast<off_t>(oldest.offset), static_cast<off_t>(oldest.buckets * bucket_size)));
    return {};
}

namespace {

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

std::uint64_t final_buckets(std::uint64_t capacity)
{
    return rounded_up(std::max<std::uint64_t>(1, capacity / load_per_bucket), stripe_count);
}

} // namespace

/// True: something was done or is being done by another process, so it is worth trying again.
Result<bool> OpenStore::grow(const Request& request)
{
    Header header;
    {
        HeaderLock lock = TRY(lock_header());
        Result<Header> read = read_header();
        if (!read) {
            return std::move(read).error();
        }
        header = std::move(*read);
        if (header.preparing.buckets == 0) {
            return begin_next_table(std::move(header));
        }
        if (header.prepared < header.preparing.buckets) {
            TRY(fill_next_table(std::move(header)));
            return true;
        }
    }
    TRY(publish_next_table(request));
    return true;
}

Result<bool> OpenStore::begin_next_table(Header header)
{
    const std::uint64_t largest = final_buckets(header.capacity);
    const std::uint64_t current = header.tables.back().buckets;
    if (current >= largest || header.tables.size() == most_tables) {
        return false;
    }
    const Examination file = TRY(examine());
    constexpr std::uint64_t page = 4096;
    header.preparing = TablePlace{.offset = rounded_up(file.size, page), .buckets = std::min(largest, current * 8)};
    header.prepared = 0;
    if (::ftruncate(file_.number(), static_cast<off_t>(header.preparing.end())) != 0) {
        return store_failed("enlarge", path_, errno);
    }
    TRY(write_header(header));
    return true;
}

Done OpenStore::fill_next_table(Header header)
{
    constexpr std::uint64_t piece = 64;
    const std::uint64_t count = std::min(piece, header.preparing.buckets - header.prepared);
    const std::uint64_t start = header.preparing.offset + header.prepared * bucket_size;
    Bytes octets;
    octets.reserve(count * bucket_size);
    BucketOctets bucket;
    for (std::uint64_t i = 0; i < count; ++i) {
        encode(Bucket(), BucketPlace{.id = header.id, .offset = start + i * bucket_size}, bucket);
        append(octets, bucket);
    }
    TRY(write_at(file_.number(), octets, start, path_));
    header.prepared += count;
    return write_header(header);
}

Done OpenStore::publish_next_table(const Request& request)
{
    const Standstill still = TRY(Standstill::begin(*this));
    Header header = TRY(read_header());
    if (header.preparing.buckets == 0 || header.prepared < header.preparing.buckets) {
        return {}; // someone else was faster
    }
    std::int64_t latest = std::max(header.high_water, request.now.wall);
    for (const Segment& segment : header.past) {
        latest = std::max(latest, segment.end);
    }
    const std::int64_t longest_life = 2 * std::max(header.skew, request.skew) + 2 * margin;
    TablePlace& full = header.tables.back();
    full.keep_wall = latest + longest_life;
    full.keep_boot = request.now.boot + longest_life;
    header.tables.push_back(header.preparing);
    header.preparing = TablePlace();
    header.prepared = 0;
    return change_layout(header);
}

} // namespace apex::replay
