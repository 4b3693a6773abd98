// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_area.h"

#include "apex/host/published.h"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace apex::replay {

/// Request is one authenticator to remember. Times in microseconds.
struct Request final {
    RecordKey key{};
    std::int64_t dated = 0; // the authenticator's own time
    std::int64_t skew = 0;
    Moment now;
};

/// Outcome of an attempt that was decided, or that must be made again.
enum class Outcome : std::uint8_t {
    remembered,
    replay,
    stale,        // the path leads to another file by now, or the host program closed our descriptor: open again
    damaged,      // the file is not what was written
    journal_lost, // the journal is missing or damaged
};

/// OpenStore is the main file, opened by this process. Safe for concurrent use by its threads. A forked child opens its
/// own: it would share the locks of this one.
class OpenStore final {
public:
    /// Ways is how this process uses the file.
    struct Ways final {
        bool durable = true;
        std::function<std::int64_t()> boot_clock; // microseconds
    };

    /// `area` null: the buckets follow the header in the file.
    OpenStore(std::string directory, FileIdentity directory_identity, Descriptor file, Header header, Ways ways,
              std::unique_ptr<BucketArea> area);

    /// remember-or-refuse. Fault::ReplayStoreFailed if it cannot be decided.
    Result<Outcome> remember(const Request& request);

    [[nodiscard]] const StoreSecret& secret() const noexcept { return secret_; }
    [[nodiscard]] FileIdentity identity() const noexcept { return file_.identity(); }
    [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    class Standstill;

    /// The header as it stands in the file now. Fault::ReplayStoreFailed if it is damaged.
    Result<Header> read_header() const;

private:
    struct Snapshot final {
        Header header;
        std::uint64_t version = 0;
    };
    /// What the locked part of `remember` found.
    struct Insertion final {
        Outcome outcome = Outcome::stale;
        std::size_t living = 0; // records in the bucket
        bool full = false;
    };
    struct HeaderLock final {
        std::unique_lock<std::mutex> thread;
        FileLock process;
    };

    Result<Outcome> decide(const Request& request);
    Result<Insertion> insert(const Request& request);
    Result<Insertion> search(const Request& request, const Snapshot& snapshot);
    Result<Insertion> insert_making_room(const Request& request);
    Result<Outcome> keep_for_power_loss(const Request& request);

    [[nodiscard]] bool path_is_to_be_looked_at(const Request& request) const;
    Result<Outcome> look_at_path(const Request& request);
    Result<std::shared_ptr<const Snapshot>> refreshed(std::uint64_t version);
    Result<HeaderLock> lock_header();
    Result<HeaderLock> try_lock_header();

    Result<HeaderLock> lock_header_for_tick(const Request& request);
    [[nodiscard]] bool tick_is_due(const Request& request) const;
    Result<Outcome> tick_now(const Request& request);
    Result<Outcome> write_tick(const Request& request, Header header, std::uint64_t version);
    Done write_header(const Header& header);
    Done raise_skew(const Request& request);
    Done drop_old_table(const Request& request);
    /// What a process does that cannot have the header at once.
    enum class Patient : std::uint8_t { no, yes };
    Result<bool> grow(const Request& request, Patient patient);
    Result<bool> begin_next_table(Header header);
    Done fill_next_table(Header header);
    Done publish_next_table(const Request& request);
    Done change_layout(const Header& header);
    Result<StoreDirectory> directory() const;

    std::string directory_;
    FileIdentity directory_identity_;
    std::string path_;
    Descriptor file_;
    StoreSecret secret_;
    StoreId id_;
    bool durable_;
    std::function<std::int64_t()> boot_clock_;
    std::uint32_t generation_;
    std::atomic<std::int64_t> ticked_;
    Published<Snapshot> snapshot_;
    std::mutex header_mutex_;
    std::unique_ptr<BucketArea> area_;
    std::atomic<std::int64_t> looked_wall_{INT64_MIN}; // when the path was last seen to lead to our file
    std::atomic<std::int64_t> looked_boot_{INT64_MIN};
};

/// Standstill holds all locks of a store, in the order in which everybody takes them: stripes, then header.
class OpenStore::Standstill final {
public:
    static Result<Standstill> begin(OpenStore& store);
    /// Tells everybody who waits that the store is no longer the one to use.
    void retire() noexcept { area_->retire(); }

private:
    std::vector<StripeGuard> stripes_;
    HeaderLock header_;
    BucketArea* area_ = nullptr;
};

/// The header's lock follows those of the stripes.
inline constexpr std::int64_t header_lock = first_lock + static_cast<std::int64_t>(stripe_count);

inline constexpr const char* store_name = "replay.store";

} // namespace apex::replay
