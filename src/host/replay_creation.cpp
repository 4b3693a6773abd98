// SPDX-License-Identifier: MIT
#include "host/replay_creation.h"

#include "host/replay_segment.h"

#include "apex/crypto/system_random.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace apex::replay {
namespace {

constexpr const char* temporary_name = "replay.store.new";
constexpr const char* mark_name = "replay.mark";

void report(const OpeningOptions& options, const std::string& event)
{
    if (options.report) {
        options.report(event);
    }
}

Done put_aside(const StoreDirectory& directory, const std::string& name)
{
    const std::string aside = name + ".damaged";
    const int where = directory.descriptor.number();
    if (::renameat(where, name.c_str(), where, aside.c_str()) != 0 && errno != ENOENT) {
        return store_failed("put aside", directory.path + "/" + name, errno);
    }
    return {};
}

/// Those who use a store whose memory we cannot reach see within a tick that the path leads nowhere. The new store's time
/// of birth must be later than that moment (OpenStore::path_is_to_be_looked_at).
Done take_away(const StoreDirectory& directory)
{
    if (::unlinkat(directory.descriptor.number(), store_name, 0) != 0 && errno != ENOENT) {
        return store_failed("remove", directory.path + "/" + store_name, errno);
    }
    return {};
}

/// A directory with any trace of a former store in it is no virgin one. A directory that somebody emptied or removed
/// looks like one: that takes root or the user itself, who hold the service's key, or a cleaner of files that were not
/// used for days, when no record lives any more.
bool has_mark(const StoreDirectory& directory)
{
    struct stat status {};
    for (const char* name : {mark_name, "replay.store.damaged", "replay.journal.damaged"}) {
        if (::fstatat(directory.descriptor.number(), name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            return true;
        }
    }
    return false;
}

Done leave_mark(const StoreDirectory& directory)
{
    const int number =
        ::openat(directory.descriptor.number(), mark_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (number < 0) {
        return store_failed("create", directory.path + "/" + mark_name, errno);
    }
    const Descriptor mark(number);
    static_cast<void>(::fchmod(number, 01600));
    return {};
}

/// Heritage is what is known of former stores.
struct Heritage final {
    bool virgin = false;
    JournalReading journal;
    std::int64_t high_water = INT64_MIN;
    std::int64_t skew = 0;
    std::int64_t door = INT64_MIN;
    std::vector<Segment> past;
};

/// Whether every authenticator dated ahead that could still be accepted is in the journal.
bool journal_suffices(const JournalReading& journal, std::int64_t skew, std::int64_t now)
{
    if (journal.condition != Condition::intact) {
        return false;
    }
    const std::int64_t from = journal.contents.state.complete_from;
    return from == INT64_MIN || from + 2 * skew + margin < now;
}

/// `born` is the time at which the store is made (T0). Not that of the request: others may have gone on with the former
/// file while this process was held up.
Heritage heritage_of(const Found& found, JournalReading journal, const Occasion& occasion, std::int64_t born, bool mark)
{
    Heritage heritage;
    heritage.virgin = found.condition == Condition::missing && journal.condition == Condition::missing && !mark;
    heritage.skew = occasion.skew;
    const JournalState& state = journal.contents.state;
    if (journal.head_valid) {
        heritage.high_water = state.high_water;
        heritage.skew = std::max(heritage.skew, state.skew);
        heritage.door = state.door;
        heritage.past = state.past;
    }
    if (found.header) {
        heritage.high_water = std::max(heritage.high_water, found.header->high_water);
        heritage.skew = std::max(heritage.skew, found.header->skew);
        heritage.door = std::max(heritage.door, found.header->door);
        if (!journal.head_valid) {
            heritage.past = found.header->past;
        }
    }
    if (!heritage.virgin) {
        // INVARIANTS R5: T0 and W stand still from here on, so the door opens by itself.
        const std::int64_t latest = std::max(born, heritage.high_water);
        const std::int64_t reach = !found.strangers && journal_suffices(journal, heritage.skew, occasion.now.wall)
                                       ? door_ahead
                                       : heritage.skew + door_ahead;
        heritage.door = std::max(heritage.door, latest + reach);
    }
    // The records of former segments are lost: all of what they may have accepted is unknown now.
    for (Segment& segment : heritage.past) {
        segment.end += 2 * heritage.skew + 2 * margin;
    }
    heritage.journal = std::move(journal);
    return heritage;
}

Result<Header> new_header(const OpeningOptions& options, const Occasion& occasion, const Found& found,
                          const Heritage& heritage)
{
    SystemRandom random;
    Header header;
    TRY(random.fill(header.id));
    TRY(random.fill(header.secret));
    // The journal's records are known under its secret only.
    if (heritage.journal.head_valid) {
        header.secret = heritage.journal.contents.state.secret;
    } else if (found.header) {
        header.secret = found.header->secret;
    }
    header.boot_id = options.boot_id;
    header.born = occasion.now.wall;
    header.door = heritage.door;
    header.high_water = occasion.now.wall;
    header.clock_offset = occasion.now.wall - occasion.now.boot;
    header.segment_start = occasion.now.wall;
    header.skew = heritage.skew;
    header.wall_base = occasion.now.wall / second;
    header.capacity = options.capacity;
    header.past = heritage.past;
    constexpr std::size_t seldom_more_than = 8; // journal records in a bucket, on average
    const std::uint64_t buckets = heritage.journal.contents.records.size() / seldom_more_than / stripe_count + 1;
    header.tables.push_back(TablePlace{.offset = header_size, .buckets = buckets * stripe_count});
    return header;
}

/// The clock of boot time began anew with the machine: a record of before lives as long as one can from now on.
std::vector<JournalRecord> carried_over(const Heritage& heritage, const Header& header, Moment now)
{
    std::vector<JournalRecord> records = heritage.journal.contents.records;
    if (heritage.journal.contents.state.boot_id != header.boot_id) {
        for (JournalRecord& record : records) {
            record.boot_until = now.boot + 2 * header.skew + margin;
        }
    }
    std::erase_if(records, [now](const JournalRecord& record) {
        return record.wall_until < now.wall && record.boot_until < now.boot;
    });
    return records;
}

Result<std::vector<BucketOctets>> filled_buckets(const Header& header, const std::vector<JournalRecord>& records)
{
    const TablePlace& table = header.tables.front();
    std::vector<BucketOctets> buckets;
    buckets.reserve(table.buckets);
    const auto place = [&](std::size_t index) {
        return BucketPlace{.id = header.id, .offset = table.offset + index * bucket_size};
    };
    for (std::size_t index = 0; index < table.buckets; ++index) {
        buckets.push_back(empty_bucket(place(index)));
    }
    std::vector<std::size_t> used(table.buckets, 0);
    for (const JournalRecord& record : records) {
        const std::size_t index = (offset_of(record.key, table) - table.offset) / bucket_size;
        if (used[index] == bucket_records) {
            return refuse(Fault::ReplayStoreFailed, "a block of records cannot take what the journal holds");
        }
        put_record(
            buckets[index], used[index]++,
            record_until(record.key, Moment{.wall = record.wall_until, .boot = record.boot_until}, header.wall_base));
        seal(buckets[index], place(index));
    }
    return buckets;
}

/// Gives the buckets their place: the area is shared memory, or none for the main file.
Done write_store(const StoreDirectory& directory, const Header& header, const std::vector<JournalRecord>& records,
                 BucketArea* area)
{
    const std::string path = directory.path + "/" + temporary_name;
    const int where = directory.descriptor.number();
    if (::unlinkat(where, temporary_name, 0) != 0 && errno != ENOENT) {
        return store_failed("remove", path, errno);
    }
    const Descriptor file = TRY(create_store_file(directory, temporary_name));
    Bytes octets;
    for (const BucketOctets& bucket : TRY(filled_buckets(header, records))) {
        append(octets, bucket);
    }
    if (area != nullptr) {
        TRY(area->fill(octets, header.tables.front().offset));
    } else {
        TRY(write_at(file.number(), octets, header.tables.front().offset, path));
    }
    const Bytes page = TRY(encode(header));
    TRY(write_at(file.number(), page, 0, path));
    if (::renameat(where, temporary_name, where, store_name) != 0) {
        return store_failed("rename", path, errno);
    }
    return {};
}

Done write_both(const StoreDirectory& directory, const Header& header, const JournalContents& journal, BucketArea* area)
{
    TRY(create_journal(directory, journal));
    TRY(write_store(directory, header, journal.records, area));
    return leave_mark(directory);
}

/// Shared memory, unless it is not wanted, or processes of several IPC namespaces use one directory: then each would put
/// the other's memory out of reach again and again.
std::unique_ptr<BucketArea> chosen_area(const StoreDirectory& directory, const OpeningOptions& options,
                                        const Found& found, Header& header)
{
    constexpr std::int64_t soon = 600 * second; // a restarted container has another namespace too
    const bool same_boot = found.header && found.header->boot_id == header.boot_id;
    const bool in_file = same_boot && found.header->segment.size == 0;
    const bool contended = found.elsewhere && same_boot && header.born < found.header->born + soon;
    if (!options.shared_memory || in_file || contended) {
        return nullptr;
    }
    SegmentAttempt attempt = create_segment(directory, header);
    if (attempt.area == nullptr) {
        report(options,
               "replay store " + directory.path + "/" + store_name + " keeps its records in the file: " + attempt.why);
    }
    return std::move(attempt.area);
}

std::string event_text(const StoreDirectory& directory, const Found& found, const Heritage& heritage, Moment now)
{
    std::string text = "replay store " + directory.path + "/" + store_name;
    switch (found.condition) {
    case Condition::missing:
        text += " was lost and is made anew";
        break;
    case Condition::damaged:
        text += " is damaged (" + found.what_is_wrong + "), was put aside and is made anew";
        break;
    case Condition::out_of_reach:
        text += " is made anew: " + found.what_is_wrong;
        break;
    case Condition::intact:
        text += " is made anew after a restart of the machine";
        break;
    }
    const std::int64_t left = std::max<std::int64_t>(0, heritage.door - now.wall);
    return text + "; logins are refused for up to " + std::to_string((left + second - 1) / second) + " s";
}

} // namespace

Done put_journal_aside(const StoreDirectory& directory, const OpeningOptions& options, const JournalReading& reading)
{
    if (reading.condition != Condition::damaged) {
        return {};
    }
    report(options,
           "replay journal " + directory.path + "/" + journal_name + " is damaged, was put aside and is made anew");
    return put_aside(directory, journal_name);
}

Done create_store(const StoreDirectory& directory, const OpeningOptions& options, const Occasion& occasion, Found found)
{
    JournalReading journal = TRY(read_journal(directory));
    TRY(put_journal_aside(directory, options, journal));
    if (found.condition == Condition::damaged) {
        TRY(put_aside(directory, store_name));
    } else if (found.condition == Condition::out_of_reach) {
        TRY(take_away(directory));
    }
    const Heritage heritage =
        heritage_of(found, std::move(journal), occasion, options.wall_clock(), has_mark(directory));
    Header header = TRY(new_header(options, occasion, found, heritage));
    const std::unique_ptr<BucketArea> area = chosen_area(directory, options, found, header);
    JournalContents contents;
    contents.state = JournalState{.secret = header.secret,
                                  .boot_id = header.boot_id,
                                  .high_water = header.high_water,
                                  .skew = header.skew,
                                  .door = header.door,
                                  .complete_from = options.durable ? INT64_MIN : occasion.now.wall + 2 * tick,
                                  .past = header.past};
    contents.records = carried_over(heritage, header, occasion.now);
    if (const Done written = write_both(directory, header, contents, area.get()); !written) {
        remove_segment(header);
        return written;
    }
    if (found.header) {
        remove_segment(*found.header);
    }
    if (!heritage.virgin) {
        report(options, event_text(directory, found, heritage, occasion.now));
    }
    return {};
}

} // namespace apex::replay
