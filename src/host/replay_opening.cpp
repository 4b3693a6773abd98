// SPDX-License-Identifier: MIT
#include "host/replay_opening.h"

#include "host/replay_creation.h"
#include "host/replay_journal.h"
#include "host/replay_segment.h"

#include "apex/crypto/digest.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace apex::replay {

Result<BootId> this_boot()
{
    const std::string path = "/proc/sys/kernel/random/boot_id";
    const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (number < 0) {
        return store_failed("open", path, errno);
    }
    const Descriptor file(number);
    Bytes text(36); // the text form of a UUID
    const std::size_t length = TRY(read_at(number, text, 0, path));
    if (length != text.size()) {
        return refuse(Fault::ReplayStoreFailed, path + " holds no boot identifier");
    }
    const Sha256Digest digest = TRY(sha256(text));
    BootId boot_id{};
    std::copy_n(digest.begin(), boot_id.size(), boot_id.begin());
    return boot_id;
}

namespace {

/// Reads the main file. Under the header's lock, so that a header just being written is not taken for damage.
Result<Found> look(const StoreDirectory& directory)
{
    Found found;
    found.file = TRY(open_store_file(directory, store_name));
    const int number = found.file.number();
    if (number < 0) {
        return found;
    }
    const std::string path = directory.path + "/" + store_name;
    const FileLock lock = TRY(FileLock::take(number, header_lock, path));
    Bytes page(header_size);
    page.resize(TRY(read_at(number, page, 0, path)));
    Result<Header> header = decode_header(page);
    struct stat status {};
    if (::fstat(number, &status) != 0) {
        return store_failed("examine", path, errno);
    }
    found.condition = Condition::damaged;
    if (!header) {
        found.what_is_wrong = header.error().detail;
        return found;
    }
    if (static_cast<std::uint64_t>(status.st_size) < header->end_in_file()) {
        found.what_is_wrong = "the file is cut short";
    } else {
        found.condition = Condition::intact;
    }
    if (const auto journal = TRY(read_journal_head(directory)); journal && found.condition == Condition::intact) {
        // Both carry the store's secret, and both count the ticks; a process that died in between leaves a difference
        // of one.
        found.strangers = journal->secret != header->secret;
        if (found.strangers || header->ticks + 1 < journal->ticks) {
            found.condition = Condition::damaged;
            found.what_is_wrong = "it is older than its journal, or another store's";
        }
    }
    found.header = std::move(*header);
    return found;
}

/// The store that was found, if it can be used. Null if not; where only its records are out of reach, `found` says why.
std::shared_ptr<OpenStore> as_store(const StoreDirectory& directory, Found& found, const OpeningOptions& options)
{
    if (found.condition != Condition::intact || found.header->boot_id != options.boot_id) {
        return nullptr;
    }
    SegmentAttempt attempt;
    if (found.header->segment.size != 0) {
        attempt = options.shared_memory ? attach_segment(*found.header)
                                        : SegmentAttempt{.area = nullptr, .why = "its records are to be in the file"};
        if (attempt.area == nullptr) {
            found.condition = Condition::out_of_reach;
            found.what_is_wrong = attempt.why;
            found.elsewhere = attempt.elsewhere;
            return nullptr;
        }
    }
    return std::make_shared<OpenStore>(
        directory.path, directory.descriptor.identity(), std::move(found.file), std::move(*found.header),
        OpenStore::Ways{.durable = options.durable, .boot_clock = options.boot_clock}, std::move(attempt.area));
}

/// The caller holds the directory's lock.
Result<std::shared_ptr<OpenStore>> opened_or_made(const StoreDirectory& directory, const OpeningOptions& options,
                                                  const Occasion& occasion)
{
    Found found = TRY(look(directory));
    if (std::shared_ptr<OpenStore> store = as_store(directory, found, options)) {
        return store;
    }
    TRY(create_store(directory, options, occasion, std::move(found)));
    Found made = TRY(look(directory));
    std::shared_ptr<OpenStore> store = as_store(directory, made, options);
    if (store == nullptr) {
        return refuse(Fault::ReplayStoreFailed, directory.path + "/" + store_name + " could not be read back");
    }
    return store;
}

} // namespace

Result<std::shared_ptr<OpenStore>> open_store(const OpeningOptions& options, const Occasion& occasion)
{
    const StoreDirectory directory = TRY(open_store_directory(options.parent));
    Patience patience;
    for (;;) {
        Found found = TRY(look(directory));
        if (std::shared_ptr<OpenStore> store = as_store(directory, found, options)) {
            return store;
        }
        const DirectoryLock lock = TRY(DirectoryLock::try_take(directory.path));
        if (lock.holds()) {
            return opened_or_made(directory, options, occasion);
        }
        if (!patience.wait()) { // someone else is making it
            return lock_timed_out(directory.path);
        }
    }
}

Done replace_damaged(const OpeningOptions& options, const Occasion& occasion, OpenStore& store)
{
    const StoreDirectory directory = TRY(open_store_directory(options.parent));
    const DirectoryLock lock = TRY(DirectoryLock::take(directory.path));
    Found found = TRY(look(directory));
    if (found.file.number() < 0 || found.file.identity() != store.identity()) {
        return {};
    }
    // Whoever is using the old file finishes first; who comes later sees that the path leads elsewhere.
    OpenStore::Standstill still = TRY(OpenStore::Standstill::begin(store));
    found.condition = Condition::damaged;
    if (found.what_is_wrong.empty()) {
        found.what_is_wrong = "a block of records is damaged";
    }
    still.retire();
    return create_store(directory, options, occasion, std::move(found));
}

Done repair_journal(const OpeningOptions& options, const Occasion& occasion, OpenStore& store)
{
    const StoreDirectory directory = TRY(open_store_directory(options.parent));
    const DirectoryLock lock = TRY(DirectoryLock::take(directory.path));
    const OpenStore::Standstill still = TRY(OpenStore::Standstill::begin(store));
    const Header header = TRY(store.read_header());
    JournalReading reading = TRY(read_journal(directory));
    const JournalState& found = reading.contents.state;
    const bool ours = reading.head_valid && found.secret == header.secret;
    if (ours && reading.condition == Condition::intact && found.ticks + 1 >= header.ticks) {
        return {}; // someone else was faster
    }
    if (!ours) {
        reading.contents.records.clear(); // they say nothing under this store's secret
    }
    if (reading.condition == Condition::intact) {
        reading.condition = Condition::damaged;
    }
    TRY(put_journal_aside(directory, options, reading));
    JournalContents contents;
    contents.state = JournalState{.secret = header.secret,
                                  .boot_id = header.boot_id,
                                  .high_water = std::max(header.high_water, occasion.now.wall),
                                  .skew = header.skew,
                                  .door = header.door,
                                  .complete_from = occasion.now.wall + tick,
                                  .ticks = header.ticks,
                                  .past = header.past};
    contents.records = std::move(reading.contents.records);
    return create_journal(directory, contents);
}

} // namespace apex::replay
