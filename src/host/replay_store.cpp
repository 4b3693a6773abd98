// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include "host/replay_opening.h"
#include "host/replay_segment.h"

#include "apex/base/fork_mutex.h"
#include "apex/crypto/digest.h"
#include "apex/host/published.h"

#include <algorithm>
#include <ctime>
#include <mutex>
#include <utility>

namespace apex {
namespace {

using namespace replay;

std::int64_t boot_time(const std::function<Duration()>& clock)
{
    if (clock) {
        return clock().count();
    }
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::int64_t{time.tv_sec} * second + time.tv_nsec / 1000;
}

Result<RecordKey> record_key(const StoreSecret& secret, ByteView ciphertext, EncryptionType type)
{
    Bytes message;
    message.reserve(4 + ciphertext.size());
    const auto number = static_cast<std::uint32_t>(type);
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        message.push_back(static_cast<std::uint8_t>(number >> shift));
    }
    append(message, ciphertext);
    const Sha256Digest digest = TRY(hmac_sha256(secret, message));
    RecordKey key{};
    std::copy_n(digest.begin(), key.size(), key.begin());
    return key;
}

} // namespace

class ReplayStore::State final {
public:
    explicit State(ReplayStoreSettings settings) : settings_(std::move(settings)) {}

    Done remember(ByteView ciphertext, EncryptionType type, Request request);
    Moment moment(Time now) const { return {.wall = now.time_since_epoch().count(), .boot = boot_time(settings_.boot_clock)}; }
    [[nodiscard]] std::string parent() const
    {
        return settings_.directory.empty() ? default_parent() : settings_.directory;
    }

private:
    struct Current final {
        std::shared_ptr<OpenStore> store;
    };
    /// A failure to open, told again for a moment instead of trying at each request.
    struct Failure final {
        Error error;
        std::int64_t boot = 0;
    };

    std::shared_ptr<OpenStore> usable_store() const;
    Result<std::shared_ptr<OpenStore>> opened(const Occasion& occasion);
    Result<OpeningOptions> options(const Occasion& occasion) const;
    std::int64_t wall_time(const Occasion& occasion) const;
    void forget(const std::shared_ptr<OpenStore>& store);
    Done settle(Outcome outcome, const std::shared_ptr<OpenStore>& store, const Occasion& occasion);

    ReplayStoreSettings settings_;
    ForkMutex opening_;
    Published<Current> current_;
    Published<Failure> failure_;
};

std::int64_t ReplayStore::State::wall_time(const Occasion& occasion) const
{
    const std::int64_t by_boot_clock = occasion.now.wall + boot_time(settings_.boot_clock) - occasion.now.boot;
    if (settings_.boot_clock) {
        return by_boot_clock;
    }
    return std::max(by_boot_clock, SystemClock().now().time_since_epoch().count());
}

Result<OpeningOptions> ReplayStore::State::options(const Occasion& occasion) const
{
    OpeningOptions options{.parent = parent(),
                           .capacity = settings_.capacity,
                           .durable = settings_.durable,
                           .shared_memory = settings_.shared_memory,
                           .boot_id = {},
                           .report = settings_.report,
                           .wall_clock = [this, occasion] { return wall_time(occasion); },
                           .boot_clock = [clock = settings_.boot_clock] { return boot_time(clock); }};
    options.boot_id = settings_.boot_id ? *settings_.boot_id : TRY(this_boot());
    return options;
}

std::shared_ptr<OpenStore> ReplayStore::State::usable_store() const
{
    const std::shared_ptr<const Current> current = current_.load();
    // A child forked by the process that opened the store opens its own: locks belong to the open file description.
    return current != nullptr && current->store->generation() == process_generation() ? current->store : nullptr;
}

Result<std::shared_ptr<OpenStore>> ReplayStore::State::opened(const Occasion& occasion)
{
    if (std::shared_ptr<OpenStore> store = usable_store()) {
        return store;
    }
    const std::lock_guard guard(opening_);
    if (std::shared_ptr<OpenStore> store = usable_store()) {
        return store;
    }
    constexpr std::int64_t pause = second / 10;
    const std::shared_ptr<const Failure> failure = failure_.load();
    if (failure != nullptr && occasion.now.boot >= failure->boot && occasion.now.boot < failure->boot + pause) {
        return failure->error;
    }
    const OpeningOptions how = TRY(options(occasion));
    Result<std::shared_ptr<OpenStore>> store = open_store(how, occasion);
    if (!store) {
        failure_.store(std::make_shared<const Failure>(Failure{.error = store.error(), .boot = occasion.now.boot}));
        return store;
    }
    current_.store(std::make_shared<const Current>(Current{.store = *store}));
    return store;
}

void ReplayStore::State::forget(const std::shared_ptr<OpenStore>& store)
{
    const std::shared_ptr<const Current> current = current_.load();
    if (current != nullptr && current->store == store) {
        current_.replace(current, nullptr);
    }
}

/// Makes the store usable again after an attempt that was not decided.
Done ReplayStore::State::settle(Outcome outcome, const std::shared_ptr<OpenStore>& store, const Occasion& occasion)
{
    const OpeningOptions how = TRY(options(occasion));
    if (outcome == Outcome::journal_lost) {
        return repair_journal(how, occasion, *store);
    }
    if (outcome == Outcome::damaged) {
        TRY(replace_damaged(how, occasion, *store));
    }
    forget(store);
    return {};
}

Done ReplayStore::State::remember(ByteView ciphertext, EncryptionType type, Request request)
{
    const Occasion occasion{.now = request.now, .skew = request.skew};
    constexpr int attempts = 16;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const std::shared_ptr<OpenStore> store = TRY(opened(occasion));
        request.key = TRY(record_key(store->secret(), ciphertext, type));
        const Outcome outcome = TRY(store->remember(request));
        if (outcome == Outcome::remembered) {
            return {};
        }
        if (outcome == Outcome::replay) {
            return refuse(Fault::Replay);
        }
        TRY(settle(outcome, store, occasion));
    }
    return refuse(Fault::ReplayStoreFailed,
                  store_directory_path(parent()) + "/" + store_name +
                      " is replaced or damaged again and again; find out by what, or set [apex] replay_directory");
}

ReplayStore::ReplayStore(ReplayStoreSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
ReplayStore::~ReplayStore() = default;

Done ReplayStore::remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now)
{
    return state_->remember(ciphertext, type,
                            Request{.key = {},
                                    .dated = authenticator_time.time_since_epoch().count(),
                                    .skew = skew.count(),
                                    .now = state_->moment(now)});
}

void remove_replay_memory(const std::string& parent) noexcept
{
    replay::remove_leftover_segment(parent);
}

std::string ReplayStore::path() const
{
    return store_directory_path(state_->parent()) + "/" + store_name;
}

} // namespace apex
