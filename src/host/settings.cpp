// SPDX-License-Identifier: MIT
#include "apex/host/settings.h"

#include "apex/base/trace_events.h"
#include "apex/host/refusal_log.h"
#include "host/settings_files.h"
#include "host/settings_loader.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <functional>
#include <memory>
#include <utility>

namespace apex {
namespace {

std::int64_t milliseconds_now() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

/// Snapshot is the settings of one version of the files under one environment. It is never freed, so readers need no
/// count and no lock; there is one for each version of krb5.conf that this process has seen.
struct Snapshot final {
    Settings settings;
    Environment environment;
    std::vector<WatchedFile> files;
    /// The files did not change while they were read, and the next change is sure to show.
    bool settled = false;
    const Snapshot* older = nullptr;
    /// When the files were looked at last, CLOCK_MONOTONIC_COARSE in milliseconds.
    mutable std::atomic<std::int64_t> looked_at{0};
};

constexpr std::int64_t look_interval = 1000;

constinit std::atomic<const Snapshot*> current{nullptr};
constinit std::atomic<const Snapshot*> newest{nullptr};
/// Hash of the last complaint, so that each is told once, not once a second.
constinit std::atomic<std::size_t> last_complaint{0};

std::shared_ptr<const Settings> lend(const Snapshot& snapshot) noexcept
{
    return {std::shared_ptr<const void>(), &snapshot.settings};
}

void complain_once(const std::string& text)
{
    const std::size_t hash = std::hash<std::string>()(text);
    if (last_complaint.exchange(hash, std::memory_order_relaxed) != hash) {
        refusal_log().complain(text);
    }
}

void tell_of(const Settings& settings)
{
    std::string complaints;
    for (const std::string& complaint : settings.complaints) {
        complaints += complaints.empty() ? "" : "; ";
        complaints += complaint;
    }
    if (!complaints.empty()) {
        complain_once("krb5.conf: " + complaints);
    }
    std::string files;
    for (const std::string& file : settings.files) {
        files += files.empty() ? "" : " ";
        files += file;
    }
    tell(settings.trace_sink.get(), [&] { return SettingsRead{.files = files, .complaint = complaints}; });
}

/// The snapshot's files are unchanged, or somebody looked within the last second.
bool is_fresh(const Snapshot& snapshot)
{
    const std::int64_t now = milliseconds_now();
    std::int64_t looked_at = snapshot.looked_at.load(std::memory_order_relaxed);
    if (now - looked_at < look_interval) {
        return true;
    }
    // One thread looks, the others go on with what there is.
    if (!snapshot.looked_at.compare_exchange_strong(looked_at, now, std::memory_order_relaxed)) {
        return true;
    }
    return snapshot.settled && all_hold(snapshot.files);
}

const Snapshot* find_earlier(const Environment& environment)
{
    for (const Snapshot* each = newest.load(std::memory_order_acquire); each != nullptr; each = each->older) {
        if (each->settled && each->environment == environment && all_hold(each->files)) {
            return each;
        }
    }
    return nullptr;
}

const Snapshot* find_substitute(const Environment& environment) noexcept
{
    for (const Snapshot* each = newest.load(std::memory_order_acquire); each != nullptr; each = each->older) {
        if (each->environment == environment) {
            return each;
        }
    }
    return nullptr;
}

/// Reads the files between two looks at them that must agree (INVARIANTS E2).
Result<std::unique_ptr<Snapshot>> load(const Environment& environment)
{
    constexpr int tries = 3;
    std::unique_ptr<Snapshot> snapshot = std::make_unique<Snapshot>();
    snapshot->environment = environment;
    for (int i = 0; i < tries; ++i) {
        snapshot->files = TRY(configuration_files());
        snapshot->settled = std::all_of(snapshot->files.begin(), snapshot->files.end(),
                                        [](const WatchedFile& file) { return file.settled(); });
        snapshot->settings = TRY(load_settings(environment));
        if (all_hold(snapshot->files)) {
            break;
        }
        snapshot->settled = false;
    }
    for (const WatchedFile& file : snapshot->files) {
        if (file.stamp) {
            snapshot->settings.files.push_back(file.path);
        }
    }
    for (std::string& doubt : doubts_about(snapshot->files)) {
        snapshot->settings.complaints.push_back(std::move(doubt));
    }
    snapshot->looked_at.store(milliseconds_now(), std::memory_order_relaxed);
    return snapshot;
}

const Snapshot& publish(std::unique_ptr<Snapshot> snapshot) noexcept
{
    snapshot->older = newest.load(std::memory_order_relaxed);
    while (!newest.compare_exchange_weak(snapshot->older, snapshot.get(), std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
    const Snapshot* published = snapshot.release();
    current.store(published, std::memory_order_release);
    return *published;
}

Result<std::shared_ptr<const Settings>> renew()
{
    const Environment environment = Environment::now();
    if (const Snapshot* earlier = find_earlier(environment); earlier != nullptr) {
        earlier->looked_at.store(milliseconds_now(), std::memory_order_relaxed);
        current.store(earlier, std::memory_order_release);
        return lend(*earlier);
    }
    Result<std::unique_ptr<Snapshot>> loaded = load(environment);
    if (loaded) {
        const Snapshot& snapshot = publish(std::move(*loaded));
        tell_of(snapshot.settings);
        return lend(snapshot);
    }
    complain_once("krb5.conf: " + loaded.error().text());
    const Snapshot* substitute = find_substitute(environment);
    if (substitute == nullptr) {
        return std::move(loaded).error();
    }
    current.store(substitute, std::memory_order_release);
    return lend(*substitute);
}

} // namespace

Result<std::shared_ptr<const Settings>> current_settings()
{
    const Snapshot* snapshot = current.load(std::memory_order_acquire);
    if (snapshot != nullptr && snapshot->environment.holds() && is_fresh(*snapshot)) {
        return lend(*snapshot);
    }
    return renew();
}

const Settings* latest_settings() noexcept
{
    const Snapshot* snapshot = current.load(std::memory_order_acquire);
    return snapshot != nullptr ? &snapshot->settings : nullptr;
}

void look_again() noexcept
{
    if (const Snapshot* snapshot = current.load(std::memory_order_acquire); snapshot != nullptr) {
        snapshot->looked_at.store(-look_interval, std::memory_order_relaxed);
    }
}

Trace* trace_if_enabled()
{
    const Result<std::shared_ptr<const Settings>> settings = current_settings();
    return settings ? (*settings)->trace_sink.get() : nullptr;
}

} // namespace apex
