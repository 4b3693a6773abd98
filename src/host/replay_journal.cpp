// SPDX-License-Identifier: MIT
#include "host/replay_journal.h"

#include "host/replay_fields.h"
#include "host/replay_locks.h"

#include "apex/base/secret.h"
#include "apex/crypto/digest.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace apex::replay {
namespace {

constexpr std::array<std::uint8_t, 8> magic = {'A', 'P', 'E', 'X', 'R', 'P', 'J', 0};
constexpr std::uint32_t version = 1;
constexpr std::size_t head_size = 512; // a sector: written whole or not at all
constexpr std::size_t records_at = 2 * head_size;
constexpr std::size_t record_size = 64;
constexpr std::size_t mac_length = 16;
constexpr std::uint64_t least_rotation = records_at + 4096 * record_size;
constexpr const char* temporary_name = "replay.journal.new";

Result<Bytes> head_mac(ByteView head, ByteView secret)
{
    const Sha256Digest digest = TRY(hmac_sha256(secret, head.first(head_size - mac_length)));
    return Bytes(digest.begin(), digest.begin() + mac_length);
}

Result<Bytes> encode_head(const JournalState& state)
{
    Bytes head(head_size, 0);
    FieldWriter writer(head);
    writer.octets(magic);
    writer.octets(state.secret);
    writer.octets(state.boot_id);
    writer.u32(version);
    writer.u64(state.sequence);
    writer.u64(state.rotate_at);
    writer.i64(state.high_water);
    writer.i64(state.skew);
    writer.i64(state.door);
    writer.i64(state.complete_from);
    writer.u64(state.ticks);
    writer.u64(state.past.size());
    for (const Segment& segment : state.past) {
        writer.i64(segment.start);
        writer.i64(segment.end);
    }
    const Bytes mac = TRY(head_mac(head, state.secret));
    std::copy(mac.begin(), mac.end(), head.end() - static_cast<std::ptrdiff_t>(mac_length));
    return head;
}

Result<std::optional<JournalState>> decode_head(ByteView head)
{
    FieldReader reader(head);
    JournalState state;
    if (head.size() != head_size || reader.octets<8>() != magic) {
        return std::optional<JournalState>();
    }
    state.secret = reader.octets<32>();
    state.boot_id = reader.octets<16>();
    const Bytes mac = TRY(head_mac(head, state.secret));
    if (!constant_time_equal(mac, head.last(mac_length)) || reader.u32() != version) {
        return std::optional<JournalState>();
    }
    state.sequence = reader.u64();
    state.rotate_at = reader.u64();
    state.high_water = reader.i64();
    state.skew = reader.i64();
    state.door = reader.i64();
    state.complete_from = reader.i64();
    state.ticks = reader.u64();
    const std::uint64_t segments = std::min<std::uint64_t>(reader.u64(), most_segments);
    for (std::uint64_t i = 0; i < segments; ++i) {
        const std::int64_t start = reader.i64();
        state.past.push_back(Segment{start, reader.i64()});
    }
    return std::optional<JournalState>(state);
}

std::uint64_t seed_of(const StoreSecret& secret)
{
    return FieldReader(secret).u64();
}

void encode_record(const JournalRecord& record, const StoreSecret& secret, ByteSpan octets)
{
    FieldWriter writer(octets);
    writer.octets(record.key);
    writer.i64(record.wall_until);
    writer.i64(record.boot_until);
    writer.u64(checksum64(ByteView(octets).first(32), seed_of(secret)));
}

std::optional<JournalRecord> decode_record(ByteView octets, const StoreSecret& secret)
{
    FieldReader reader(octets);
    JournalRecord record;
    record.key = reader.octets<key_length>();
    record.wall_until = reader.i64();
    record.boot_until = reader.i64();
    const bool rest_is_zero =
        std::all_of(octets.begin() + 40, octets.end(), [](std::uint8_t octet) { return octet == 0; });
    if (reader.u64() != checksum64(octets.first(32), seed_of(secret)) || !rest_is_zero) {
        return std::nullopt;
    }
    return record;
}

/// OpenJournal is the file, locked, and its valid heads.
struct OpenJournal final {
    Descriptor file;
    FileLock lock; // declared last: given back before the file is closed
    std::string path;
    std::array<std::optional<JournalState>, 2> heads;
    std::uint64_t size = 0;

    [[nodiscard]] std::size_t newest() const
    {
        if (!heads[0] || !heads[1]) {
            return heads[0] ? 0 : 1;
        }
        return heads[0]->sequence > heads[1]->sequence ? 0 : 1;
    }
};

/// Opens and locks; the path must still lead to the file after that, or it was replaced meanwhile.
Result<OpenJournal> open_journal(const StoreDirectory& directory)
{
    for (int attempt = 0; attempt < 100; ++attempt) {
        OpenJournal journal;
        journal.path = directory.path + "/" + journal_name;
        journal.file = TRY(open_store_file(directory, journal_name));
        if (journal.file.number() < 0) {
            return journal;
        }
        journal.lock = TRY(FileLock::take(journal.file.number(), first_lock, journal.path));
        struct stat status{};
        if (::fstatat(directory.descriptor.number(), journal_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            identity_of(status) != journal.file.identity()) {
            continue;
        }
        journal.size = static_cast<std::uint64_t>(status.st_size);
        Bytes heads(records_at);
        heads.resize(TRY(read_at(journal.file.number(), heads, 0, journal.path)));
        for (std::size_t i = 0; i < 2 && heads.size() >= (i + 1) * head_size; ++i) {
            journal.heads[i] = TRY(decode_head(ByteView(heads).subspan(i * head_size, head_size)));
        }
        return journal;
    }
    return refuse(Fault::ReplayStoreFailed, directory.path + "/" + journal_name + " is being replaced all the time");
}

struct RecordsRead final {
    std::vector<JournalRecord> records;
    bool all_valid = true;
};

Result<RecordsRead> read_records(const OpenJournal& journal, const StoreSecret& secret)
{
    RecordsRead read;
    Bytes octets(journal.size - std::min<std::uint64_t>(journal.size, records_at));
    octets.resize(TRY(read_at(journal.file.number(), octets, records_at, journal.path)));
    read.all_valid = octets.size() % record_size == 0;
    for (std::size_t at = 0; at + record_size <= octets.size(); at += record_size) {
        if (const auto record = decode_record(ByteView(octets).subspan(at, record_size), secret)) {
            read.records.push_back(*record);
        } else {
            read.all_valid = false;
        }
    }
    return read;
}

} // namespace

Result<JournalReading> read_journal(const StoreDirectory& directory)
{
    const OpenJournal journal = TRY(open_journal(directory));
    JournalReading reading;
    if (journal.file.number() < 0) {
        return reading;
    }
    reading.condition = Condition::damaged;
    const std::optional<JournalState>& state = journal.heads[journal.newest()];
    if (!state) {
        return reading;
    }
    reading.head_valid = true;
    reading.contents.state = *state;
    RecordsRead read = TRY(read_records(journal, state->secret));
    reading.contents.records = std::move(read.records);
    // One unreadable head may be the newer one, torn or damaged: then the mark may be too low by a tick. Both must be
    // good, or the longer refusal applies.
    if (read.all_valid && journal.heads[0] && journal.heads[1]) {
        reading.condition = Condition::intact;
    }
    return reading;
}

Result<std::optional<JournalState>> read_journal_head(const StoreDirectory& directory)
{
    OpenJournal journal = TRY(open_journal(directory));
    return std::move(journal.heads[journal.newest()]);
}

Done create_journal(const StoreDirectory& directory, const JournalContents& contents)
{
    const std::string path = directory.path + "/" + temporary_name;
    if (::unlinkat(directory.descriptor.number(), temporary_name, 0) != 0 && errno != ENOENT) {
        return store_failed("remove", path, errno);
    }
    const Descriptor file = TRY(create_store_file(directory, temporary_name));
    JournalState state = contents.state;
    state.rotate_at = std::max<std::uint64_t>(least_rotation, records_at + 2 * contents.records.size() * record_size);
    Bytes octets = TRY(encode_head(state));
    ++state.sequence;
    append(octets, TRY(encode_head(state)));
    const std::size_t head = octets.size();
    octets.resize(head + contents.records.size() * record_size, 0);
    for (std::size_t i = 0; i < contents.records.size(); ++i) {
        encode_record(contents.records[i], state.secret, ByteSpan(octets).subspan(head + i * record_size, record_size));
    }
    TRY(write_at(file.number(), octets, 0, path));
    TRY(synchronise(file.number(), path));
    if (::renameat(directory.descriptor.number(), temporary_name, directory.descriptor.number(), journal_name) != 0) {
        return store_failed("rename", path, errno);
    }
    // The new name must be on the disk too, or a loss of power brings back the old file.
    if (::fsync(directory.descriptor.number()) != 0) {
        return store_failed("write to the disk", directory.path, errno);
    }
    return {};
}

namespace {

Result<OpenJournal> open_good_journal(const StoreDirectory& directory)
{
    OpenJournal journal = TRY(open_journal(directory));
    if (journal.file.number() < 0 || !journal.heads[journal.newest()]) {
        return refuse(Fault::ReplayStoreFailed, journal.path + " is missing or damaged");
    }
    return journal;
}

/// Overwrites the older head. The newer one stays valid whatever happens meanwhile.
Done write_head(const OpenJournal& journal, JournalState state)
{
    const std::size_t target = 1 - journal.newest();
    ++state.sequence;
    const Bytes head = TRY(encode_head(state));
    return write_at(journal.file.number(), head, target * head_size, journal.path);
}

} // namespace

Result<Outcome> update_journal(const StoreDirectory& directory, const JournalHeadUpdate& update, Durability durability)
{
    OpenJournal journal = TRY(open_journal(directory));
    if (journal.file.number() < 0 || !journal.heads[0] || !journal.heads[1]) {
        return Outcome::journal_lost;
    }
    JournalState state = *journal.heads[journal.newest()];
    if (state.ticks + 1 < update.ticks) {
        return Outcome::journal_lost; // an older journal was put in its place
    }
    state.ticks = update.ticks;
    state.high_water = update.high_water;
    state.skew = std::max(state.skew, update.skew);
    state.past = update.past;
    state.door = std::max(state.door, update.door);
    if (durability == Durability::page_cache) {
        // What this process accepts until its next tick will not be in here.
        state.complete_from = std::max(state.complete_from, update.high_water + 2 * tick);
    }
    TRY(write_head(journal, state));
    journal.lock = FileLock();
    if (durability == Durability::disk) {
        TRY(synchronise(journal.file.number(), journal.path));
    }
    return Outcome::remembered;
}

namespace {

bool lives(const JournalRecord& record, Moment now)
{
    return record.wall_until >= now.wall || record.boot_until >= now.boot;
}

/// Writes the journal anew without dead records. The lock on the old file is held until the new one is in place; who
/// waits for it then sees that the path leads elsewhere.
Done rotate(const StoreDirectory& directory, Moment now)
{
    const DirectoryLock lock = TRY(DirectoryLock::take(directory.path));
    const OpenJournal journal = TRY(open_good_journal(directory));
    JournalContents contents;
    contents.state = *journal.heads[journal.newest()];
    if (journal.size < contents.state.rotate_at) {
        return {}; // someone else was faster
    }
    RecordsRead read = TRY(read_records(journal, contents.state.secret));
    if (!read.all_valid) {
        return refuse(Fault::ReplayStoreFailed, journal.path + " is missing or damaged");
    }
    contents.records = std::move(read.records);
    std::erase_if(contents.records, [now](const JournalRecord& record) { return !lives(record, now); });
    return create_journal(directory, contents);
}

} // namespace

Done append_journal(const StoreDirectory& directory, const JournalRecord& record, Moment now)
{
    OpenJournal journal = TRY(open_good_journal(directory));
    if (journal.size >= journal.heads[journal.newest()]->rotate_at) {
        journal.lock = FileLock();
        TRY(rotate(directory, now));
        journal = TRY(open_good_journal(directory));
    }
    Bytes octets(record_size, 0);
    encode_record(record, journal.heads[journal.newest()]->secret, octets);
    // A record that a process did not finish is overwritten by the next one: it was never reported as remembered.
    const std::uint64_t end = journal.size - journal.size % record_size;
    TRY(write_at(journal.file.number(), octets, end, journal.path));
    journal.lock = FileLock();
    return synchronise(journal.file.number(), journal.path);
}

} // namespace apex::replay
