// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include "host/replay_minors.h"

#include "apex/crypto/digest.h"
#include "apex/host/published.h"

#include <atomic>
#include <ctime>
#include <map>
#include <mutex>
#include <utility>

namespace apex {
namespace {

Duration boot_now()
{
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::floor<Duration>(std::chrono::nanoseconds(time.tv_nsec));
}

/// Table is what one process remembers.
class Table final {
public:
    Table(std::size_t capacity, Time born) : generation(process_generation()), capacity_(capacity), born_(born) {}

    Done remember(const Sha256Digest& key, Time authenticator_time, Duration skew, Time now);

    const std::uint32_t generation;

private:
    using Records = std::map<Sha256Digest, Time>;
    void drop_dead(Time now, Duration boot);

    std::mutex mutex_;
    std::size_t capacity_;
    Time born_;
    Records records_; // with the wall-clock end of life
    std::multimap<Duration, Records::iterator> by_boot_end_;
};

void Table::drop_dead(Time now, Duration boot)
{
    constexpr int at_once = 16; // bounded work for one login; more than one comes in, so the table cannot but shrink
    auto next = by_boot_end_.begin();
    for (int i = 0; i < at_once && next != by_boot_end_.end() && next->first < boot; ++i) {
        if (next->second->second < now) {
            records_.erase(next->second);
            next = by_boot_end_.erase(next);
        } else {
            ++next; // the wall clock was set back: it lives on
        }
    }
}

Done Table::remember(const Sha256Digest& key, Time authenticator_time, Duration skew, Time now)
{
    constexpr Duration margin = std::chrono::seconds(10);
    if (authenticator_time <= born_ + std::chrono::seconds(2)) {
        Error undecided = refuse(Fault::ReplayStoreFailed,
                                 "this process remembers requests since " + iso_text(born_) +
                                     " only, and cannot know whether an earlier one was accepted; log in again");
        undecided.minor_override = replay::minor_undecided;
        return undecided;
    }
    const std::lock_guard guard(mutex_);
    const Duration boot = boot_now();
    drop_dead(now, boot);
    if (records_.contains(key)) {
        return refuse(Fault::Replay);
    }
    if (records_.size() >= capacity_) {
        Error full = refuse(Fault::ReplayStoreFailed, "the memory for replays is full: it holds " +
                                                          std::to_string(capacity_) +
                                                          " living records; raise [apex] replay_capacity");
        full.minor_override = replay::minor_no_space;
        return full;
    }
    const Duration ahead = std::max(Duration(0), std::chrono::duration_cast<Duration>(authenticator_time - now));
    const Duration life = ahead + skew + margin;
    const auto record = records_.emplace(key, now + life).first;
    by_boot_end_.emplace(boot + life, record);
    return {};
}

} // namespace

class MemoryReplayCache::State final {
public:
    explicit State(std::size_t capacity) : capacity_(capacity) {}

    /// A forked child takes a new table: the old one's lock may be held by a thread that does not exist here.
    std::shared_ptr<Table> table(Time now)
    {
        for (;;) {
            const std::shared_ptr<const Held> held = held_.load();
            if (held != nullptr && held->table->generation == process_generation()) {
                return held->table;
            }
            held_.replace(held, std::make_shared<const Held>(Held{std::make_shared<Table>(capacity_, now)}));
        }
    }

private:
    struct Held final {
        std::shared_ptr<Table> table;
    };
    std::size_t capacity_;
    Published<Held> held_;
};

MemoryReplayCache::MemoryReplayCache(std::size_t capacity) : state_(std::make_unique<State>(capacity)) {}
MemoryReplayCache::~MemoryReplayCache() = default;

Done MemoryReplayCache::remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew,
                                 Time now)
{
    Bytes message(4);
    for (std::size_t i = 0; i < 4; ++i) {
        message[i] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(type) >> (8 * i));
    }
    append(message, ciphertext);
    const Sha256Digest key = TRY(sha256(message));
    return state_->table(now)->remember(key, authenticator_time, skew, now);
}

Done NoReplayCache::remember(ByteView, EncryptionType, Time, Duration, Time)
{
    return {};
}

} // namespace apex
