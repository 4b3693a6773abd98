// SPDX-License-Identifier: MIT
#pragma once

#include "host/replay_files.h"
#include "host/replay_layout.h"
#include "host/replay_locks.h"

#include <array>
#include <mutex>
#include <string>

// Where a store's buckets lie: in the main file behind its header, or in shared memory (replay_segment.h). Offsets count
// from the start of the main file in both cases.

namespace apex::replay {

/// Examination is what can be told of a store without reading its header. `version` changes whenever the header's tables
/// do; `stale`: this store is no longer the one to use.
struct Examination final {
    bool stale = false;
    std::uint64_t version = 0;
};

/// examine_path asks whether `path` still leads to the file `identity`; the version is the file's size.
/// Fault::ReplayStoreFailed if that cannot be told, or if others could change the file by now.
Result<Examination> examine_path(const std::string& path, FileIdentity identity);

/// StripeGuard excludes every other thread of every process from the buckets of one stripe.
struct StripeGuard final {
    std::unique_lock<std::mutex> thread;
    FileLock process; // declared after `thread`: given back before it
    SharedLock shared;
};

/// BucketArea is the place of the buckets. Each operation but `examine` and `lock` is for a holder of the stripe's guard, or
/// for one who prepares a table that nobody uses yet. All can fail with Fault::ReplayStoreFailed.
class BucketArea {
public:
    BucketArea() = default;
    virtual ~BucketArea() = default;
    BucketArea(const BucketArea&) = delete;
    BucketArea& operator=(const BucketArea&) = delete;

    virtual Result<StripeGuard> lock(std::size_t stripe) = 0;
    /// Whether the store may still be used, and the version of its tables.
    virtual Result<Examination> examine() const = 0;
    /// An area that does not look at the main file's path at each use has to be told to look at it now and then.
    [[nodiscard]] virtual bool watches_path() const noexcept = 0;
    /// Makes the next piece of the tables ready for quick use by this process, where that can be done ahead of the need.
    virtual void warm_up(const Header& header) noexcept = 0;
    /// False if the bucket lies beyond the end.
    virtual Result<bool> read(BucketOctets& octets, std::uint64_t offset) const = 0;
    /// Puts `after`, which differs from the bucket there in the record `index`, in its place. Whoever dies in the middle
    /// leaves the bucket as it was, as it is to be, or such that the stripe's next holder makes it so.
    virtual Done put_record(std::size_t stripe, const BucketOctets& after, std::uint64_t offset, std::size_t index) = 0;
    /// Fills new buckets.
    virtual Done fill(ByteView octets, std::uint64_t offset) = 0;
    /// Where a table of that length can lie. False: there is no room for it.
    virtual Result<bool> make_room(const Header& header, TablePlace& table) = 0;
    /// Tells everybody that the header's tables are other ones now. The caller holds all guards.
    virtual Done change_version() = 0;
    /// Gives the memory of a table that is no longer used back to the system, where it can.
    virtual void give_back(const TablePlace& table) noexcept = 0;
    /// Tells everybody that this store is no longer the one to use. The caller holds all guards.
    virtual void retire() noexcept = 0;
};

/// FileArea is the rest of the main file, read and written under locks between processes: slower than shared memory, but
/// it needs nothing else, and no truncation can kill the host program (INVARIANTS R9).
class FileArea final : public BucketArea {
public:
    /// `file` is the main file's; it outlives the area.
    FileArea(const Descriptor& file, std::string path) : file_(file), path_(std::move(path)) {}

    Result<StripeGuard> lock(std::size_t stripe) override;
    Result<Examination> examine() const override { return examine_path(path_, file_.identity()); }
    [[nodiscard]] bool watches_path() const noexcept override { return true; }
    void warm_up(const Header&) noexcept override {}
    Result<bool> read(BucketOctets& octets, std::uint64_t offset) const override;
    Done put_record(std::size_t stripe, const BucketOctets& after, std::uint64_t offset, std::size_t index) override;
    Done fill(ByteView octets, std::uint64_t offset) override
    {
        return write_at(file_.number(), octets, offset, path_);
    }
    Result<bool> make_room(const Header& header, TablePlace& table) override;
    Done change_version() override;
    void give_back(const TablePlace& table) noexcept override;
    void retire() noexcept override {} // the path leads elsewhere, and everybody looks at it

private:
    Result<std::uint64_t> size() const;

    const Descriptor& file_;
    std::string path_;
    std::array<std::mutex, stripe_count> stripes_;
};

} // namespace apex::replay
