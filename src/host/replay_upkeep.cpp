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
    return try_lock_header();
}

Result<Outcome> OpenStore::tick_now(const Request& request)
{
    Header header;
    {
        const HeaderLock lock = TRY(lock_header_for_tick(request));
        if (!lock.process.holds()) {
            return Outcome::remembered; // someone else is at it, and the mark is not yet too old
        }
        const Examination area = TRY(area_->examine());
        if (area.stale || TRY(look_at_path(request)) != Outcome::remembered) {
            return Outcome::stale;
        }
        Result<Header> read = read_header();
        if (!read) {
            return Outcome::damaged;
        }
        header = std::move(*read);
        const Outcome written = TRY(write_tick(request, header, area.version));
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

Result<Outcome> OpenStore::write_tick(const Request& request, Header header, std::uint64_t version)
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
    snapshot_.store(std::make_shared<const Snapshot>(Snapshot{.header = std::move(header), .version = version}));
    return Outcome::remembered;
}

Done OpenStore::write_header(const Header& header)
{
    const Bytes page = TRY(encode(header));
    return write_at(file_.number(), page, 0, path_);
}

Done OpenStore::change_layout(const Header& header)
{
    if (TRY(examine_path(path_, file_.identity())).stale) {
        return refuse(Fault::ReplayStoreFailed, path_ + " was replaced; log in again");
    }
    // The version changes first: if we die in between, everybody reads the old header once more; the other way round they
    // would go on with the old one unawares.
    TRY(area_->change_version());
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
    area_->give_back(oldest);
    return {};
}

/// True: something was done or is being done by another process, so it is worth trying again.
Result<bool> OpenStore::grow(const Request& request, Patient patient)
{
    Header header;
    {
        const HeaderLock lock = TRY(patient == Patient::yes ? lock_header() : try_lock_header());
        if (!lock.process.holds()) {
            return true;
        }
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
    const std::uint64_t current = header.tables.back().buckets;
    if (current >= largest_table(header.capacity) || header.tables.size() == most_tables) {
        return false;
    }
    header.preparing = TablePlace{.buckets = next_table(current, header.capacity)};
    header.prepared = 0;
    if (!TRY(area_->make_room(header, header.preparing))) {
        return false;
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
    for (std::uint64_t i = 0; i < count; ++i) {
        append(octets, empty_bucket(BucketPlace{.id = header.id, .offset = start + i * bucket_size}));
    }
    TRY(area_->fill(octets, start));
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
