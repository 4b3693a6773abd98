// SPDX-License-Identifier: MIT
#include "host/replay_table.h"

#include "host/replay_journal.h"
#include "host/replay_minors.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace apex::replay {

OpenStore::OpenStore(std::string directory, FileIdentity directory_identity, Descriptor file, Header header, Ways ways,
                     std::unique_ptr<BucketArea> area)
    : directory_(std::move(directory)),
      directory_identity_(directory_identity),
      path_(directory_ + "/" + store_name),
      file_(std::move(file)),
      secret_(header.secret),
      id_(header.id),
      durable_(ways.durable),
      boot_clock_(std::move(ways.boot_clock)),
      generation_(process_generation()),
      ticked_(INT64_MIN), // the first use of each process ticks: it brings the header and the journal up to date
      snapshot_(std::make_shared<const Snapshot>(Snapshot{.header = std::move(header), .version = 0})),
      area_(area != nullptr ? std::move(area) : std::make_unique<FileArea>(file_, path_))
{
}

Result<Outcome> OpenStore::remember(const Request& request)
{
    Result<Outcome> outcome = decide(request);
    // Whatever went wrong, if our descriptor is gone the host program closed it; then nothing is known about the store.
    const bool suspicious = !outcome || *outcome == Outcome::damaged;
    if (suspicious && !file_.still_ours()) {
        return Outcome::stale;
    }
    return outcome;
}

Result<Outcome> OpenStore::decide(const Request& request)
{
    if (tick_is_due(request)) {
        const Outcome ticked = TRY(tick_now(request));
        if (ticked != Outcome::remembered) {
            return ticked;
        }
    }
    if (path_is_to_be_looked_at(request)) {
        const Outcome looked = TRY(look_at_path(request));
        if (looked != Outcome::remembered) {
            return looked;
        }
    }
    const Insertion insertion = TRY(insert_making_room(request));
    if (insertion.outcome != Outcome::remembered) {
        return insertion.outcome;
    }
    if (insertion.living >= crowded || snapshot_.load()->header.preparing.buckets != 0) {
        static_cast<void>(grow(request, Patient::no)); // the record is kept; when there is no room at all, a later call says why
    }
    if (durable_ && request.dated > request.now.wall + ahead_limit) {
        return keep_for_power_loss(request);
    }
    return Outcome::remembered;
}

/// Room is normally made long before it is needed, a piece at each call; here if the bucket is full nevertheless.
Result<OpenStore::Insertion> OpenStore::insert_making_room(const Request& request)
{
    constexpr int most_pieces = 1 << 16;
    Insertion insertion = TRY(insert(request));
    for (int piece = 0; insertion.full && piece < most_pieces && TRY(grow(request, Patient::yes)); ++piece) {
        insertion = TRY(insert(request));
    }
    if (insertion.full) {
        Error full = refuse(Fault::ReplayStoreFailed, path_ + " is full: its capacity is " +
                                                          std::to_string(snapshot_.load()->header.capacity) +
                                                          " living records; raise [apex] replay_capacity");
        full.minor_override = minor_no_space;
        return full;
    }
    return insertion;
}

namespace {

Error undecided(std::string detail)
{
    Error error = refuse(Fault::ReplayStoreFailed, std::move(detail));
    error.minor_override = minor_undecided;
    return error;
}

/// A process that was stopped between reading the clock and taking the lock would judge by an old time, when the record
/// of the same authenticator may already have been dropped. `step` is less than `margin`, so within it none was. (If it
/// was stopped before it read the boot clock, the two clocks disagree, and the tick takes it for a step of the clock.)
Done check_not_held_up(const Request& request, std::int64_t boot_now, const std::string& path)
{
    if (boot_now - request.now.boot > step) {
        return undecided("this process was held up for " + std::to_string((boot_now - request.now.boot) / second) +
                         " s before it could use " + path + "; log in again");
    }
    return {};
}

} // namespace

Result<OpenStore::Insertion> OpenStore::insert(const Request& request)
{
    const StripeGuard guard = TRY(area_->lock(stripe_of(request.key)));
    const Examination area = TRY(area_->examine());
    if (area.stale) {
        return Insertion{.outcome = Outcome::stale};
    }
    TRY(check_not_held_up(request, boot_clock_ ? boot_clock_() : request.now.boot, path_));
    std::shared_ptr<const Snapshot> snapshot = snapshot_.load();
    if (snapshot->version != area.version) {
        snapshot = TRY(refreshed(area.version));
    }
    if (snapshot == nullptr) {
        return Insertion{.outcome = Outcome::damaged};
    }
    area_->warm_up(snapshot->header);
    return search(request, *snapshot);
}

/// Shared memory does not tell that the main file was removed or replaced. A process that looks at the path once in `tick`
/// still never accepts what a new store would accept too: that one refuses what is dated up to `door_ahead` after the old
/// file was gone, and what is dated further ahead than `ahead_limit` goes to the journal, after which the path is looked at.
bool OpenStore::path_is_to_be_looked_at(const Request& request) const
{
    static_assert(tick + ahead_limit < door_ahead);
    if (area_->watches_path()) {
        return false;
    }
    const auto is_over = [](std::int64_t looked, std::int64_t now) {
        return looked == INT64_MIN || now < looked || now > looked + tick;
    };
    return is_over(looked_wall_.load(std::memory_order_relaxed), request.now.wall) ||
           is_over(looked_boot_.load(std::memory_order_relaxed), request.now.boot);
}

Result<Outcome> OpenStore::look_at_path(const Request& request)
{
    if (TRY(examine_path(path_, file_.identity())).stale) {
        return Outcome::stale;
    }
    // The clocks were read before the path was looked at.
    looked_wall_.store(request.now.wall, std::memory_order_relaxed);
    looked_boot_.store(request.now.boot, std::memory_order_relaxed);
    return Outcome::remembered;
}

Result<std::shared_ptr<const OpenStore::Snapshot>> OpenStore::refreshed(std::uint64_t version)
{
    const HeaderLock lock = TRY(lock_header());
    Result<Header> header = read_header();
    if (!header) {
        return std::shared_ptr<const Snapshot>();
    }
    auto snapshot = std::make_shared<const Snapshot>(Snapshot{.header = std::move(*header), .version = version});
    snapshot_.store(snapshot);
    return std::shared_ptr<const Snapshot>(snapshot);
}

namespace {

std::string seconds_text(std::int64_t microseconds)
{
    return std::to_string((microseconds + second - 1) / second) + " s";
}

/// What this store cannot know: authenticators that a lost predecessor may have accepted, and those whose records may
/// have been dropped before the wall clock was set back.
Done check_known(const Request& request, const Header& header, const std::string& path)
{
    if (request.dated <= header.door) {
        return undecided(path +
                         " was made anew after a restart, a loss or damage; whether this request was accepted "
                         "before is not known; log in again in " +
                         seconds_text(std::max<std::int64_t>(second, header.door - request.dated)));
    }
    for (const Segment& segment : header.past) {
        if (request.dated >= segment.start - header.skew - margin &&
            request.dated < segment.end - header.skew - margin + 2 * tick) {
            return undecided("the clock was set back; " + path +
                             " has dropped records of the time that it shows again; log in again later");
        }
    }
    return {};
}

} // namespace

Result<OpenStore::Insertion> OpenStore::search(const Request& request, const Snapshot& snapshot)
{
    const Header& header = snapshot.header;
    TRY(check_known(request, header, path_));
    BucketPlace place;
    BucketOctets bucket;
    for (const TablePlace& table : header.tables) {
        place = BucketPlace{.id = header.id, .offset = offset_of(request.key, table)};
        if (!TRY(area_->read(bucket, place.offset)) || !is_sound(bucket, place)) {
            return Insertion{.outcome = Outcome::damaged};
        }
        // A dead record that matches still tells the truth.
        if (has_key(bucket, request.key)) {
            return Insertion{.outcome = Outcome::replay};
        }
    }
    // The last table is the newest; its bucket is in hand.
    std::size_t free = bucket_records;
    std::size_t living = 0;
    for (std::size_t index = bucket_records; index-- > 0;) {
        const bool alive = lives(record_at(bucket, index), request.now, header.wall_base);
        living += alive ? 1U : 0U;
        free = alive ? free : index;
    }
    if (free == bucket_records) {
        return Insertion{.outcome = Outcome::replay, .living = living, .full = true};
    }
    const std::int64_t ahead = std::max<std::int64_t>(0, request.dated - request.now.wall);
    const std::int64_t life = ahead + std::max(header.skew, request.skew) + margin;
    put_record(bucket, free,
               record_until(request.key, Moment{.wall = request.now.wall + life, .boot = request.now.boot + life},
                            header.wall_base));
    seal(bucket, place);
    TRY(area_->put_record(stripe_of(request.key), bucket, place.offset, free));
    return Insertion{.outcome = Outcome::remembered, .living = living + 1};
}

Result<Outcome> OpenStore::keep_for_power_loss(const Request& request)
{
    const StoreDirectory where = TRY(directory());
    const std::int64_t life = request.dated - request.now.wall + request.skew + margin;
    const JournalRecord record{
        .key = request.key, .wall_until = request.now.wall + life, .boot_until = request.now.boot + life};
    if (const Done kept = append_journal(where, record, request.now); !kept) {
        return kept.error();
    }
    // A store that was made anew meanwhile has not seen this record, and its door does not reach this far ahead.
    if (TRY(examine_path(path_, file_.identity())).stale) {
        return refuse(Fault::ReplayStoreFailed, path_ + " was replaced while a record was written; log in again");
    }
    return Outcome::remembered;
}

Result<StoreDirectory> OpenStore::directory() const
{
    const int number = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (number < 0) {
        return store_failed("open the directory", directory_, errno);
    }
    StoreDirectory where{.descriptor = Descriptor(number), .path = directory_};
    if (where.descriptor.identity() != directory_identity_) {
        return refuse(Fault::ReplayStoreFailed, directory_ + " was replaced while it was used; log in again");
    }
    return where;
}

Result<OpenStore::HeaderLock> OpenStore::lock_header()
{
    std::unique_lock thread(header_mutex_);
    FileLock process = TRY(FileLock::take(file_.number(), header_lock, path_));
    return HeaderLock{.thread = std::move(thread), .process = std::move(process)};
}

/// Holds nothing if someone else has it.
Result<OpenStore::HeaderLock> OpenStore::try_lock_header()
{
    HeaderLock lock{.thread = std::unique_lock(header_mutex_, std::try_to_lock), .process = FileLock()};
    if (lock.thread.owns_lock()) {
        lock.process = TRY(FileLock::try_take(file_.number(), header_lock, 1, path_));
    }
    return lock;
}

Result<Header> OpenStore::read_header() const
{
    Bytes page(header_size);
    page.resize(TRY(read_at(file_.number(), page, 0, path_)));
    Header header = TRY(decode_header(page));
    if (header.id != id_) {
        return refuse(Fault::ReplayStoreFailed, path_ + " holds another store's header");
    }
    return header;
}

Result<OpenStore::Standstill> OpenStore::Standstill::begin(OpenStore& store)
{
    Standstill still;
    still.area_ = store.area_.get();
    still.stripes_.reserve(stripe_count);
    // One after the other, so that a stream of short holders cannot keep it waiting.
    for (std::size_t stripe = 0; stripe < stripe_count; ++stripe) {
        still.stripes_.push_back(TRY(store.area_->lock(stripe)));
    }
    still.header_ = TRY(store.lock_header());
    return still;
}

} // namespace apex::replay
