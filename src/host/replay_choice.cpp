// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include "host/replay_cluster.h"
#include "host/replay_minors.h"

#include "apex/host/published.h"

#include <atomic>
#include <map>
#include <unistd.h>
#include <utility>

namespace apex {
namespace {

Error with_minor(Error error, std::int32_t minor)
{
    error.minor_override = minor;
    return error;
}

/// BothCaches succeeds when both of its caches do.
class BothCaches final : public ReplayCache {
public:
    BothCaches(std::shared_ptr<ReplayCache> first, std::shared_ptr<ReplayCache> second)
        : first_(std::move(first)), second_(std::move(second))
    {
    }

    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override
    {
        TRY(first_->remember(ciphertext, type, authenticator_time, skew, now));
        return second_->remember(ciphertext, type, authenticator_time, skew, now);
    }

private:
    std::shared_ptr<ReplayCache> first_;
    std::shared_ptr<ReplayCache> second_;
};

/// MemoryInstead remembers in memory while the store cannot be used ([apex] replay_store_failure = memory). Once it did,
/// it asks the memory always: the store does not know what was accepted meanwhile.
class MemoryInstead final : public ReplayCache {
public:
    MemoryInstead(std::shared_ptr<ReplayCache> store, const ReplayStoreSettings& settings)
        : store_(std::move(store)), memory_(settings.capacity), report_(settings.report)
    {
    }

    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override
    {
        const Done stored = store_->remember(ciphertext, type, authenticator_time, skew, now);
        const bool unusable = !stored && stored.error().fault == Fault::ReplayStoreFailed &&
                              stored.error().minor_override != replay::minor_undecided;
        if (unusable && !used_memory_.exchange(true) && report_) {
            report_("replays are remembered in the memory of process " + std::to_string(::getpid()) +
                    " only: " + stored.error().text());
        }
        if (!stored && !unusable) {
            return stored;
        }
        if (!unusable && !used_memory_.load()) {
            return {};
        }
        const Done remembered = memory_.remember(ciphertext, type, authenticator_time, skew, now);
        // What the store took it knows; the memory's first seconds of ignorance do not matter then.
        const bool undecided = !remembered && remembered.error().minor_override == replay::minor_undecided;
        return stored && undecided ? Done() : remembered;
    }

private:
    std::shared_ptr<ReplayCache> store_;
    MemoryReplayCache memory_;
    std::function<void(const std::string&)> report_;
    std::atomic<bool> used_memory_{false};
};

std::string mit_path(const ReplayStoreSettings& settings)
{
    return settings.mit_file2_path.empty() ? "/var/tmp/krb5_" + std::to_string(::geteuid()) + ".rcache2"
                                           : settings.mit_file2_path;
}

std::shared_ptr<ReplayCache> own_store(const ReplayStoreSettings& settings)
{
    std::shared_ptr<ReplayCache> cache = std::make_shared<ReplayStore>(settings);
    if (settings.failure == ReplayFailurePolicy::memory) {
        cache = std::make_shared<MemoryInstead>(std::move(cache), settings);
    }
    if (settings.share_mit_file2) {
        cache = std::make_shared<BothCaches>(
            std::move(cache), std::make_shared<MitFile2ReplayCache>(mit_path(settings),
                                                                    MitFile2ReplayCache::PathPolicy::own_default));
    }
    return cache;
}

/// The cache of this machine, as it is named.
Result<std::shared_ptr<ReplayCache>> local_cache(const std::string& name, ReplayStoreSettings settings)
{
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos && !name.empty()) {
        return with_minor(refuse(Fault::ReplayStoreFailed, "the replay cache name \"" + name +
                                                               "\" has no colon; use dfl:, none: or file2:path"),
                          replay::minor_parse);
    }
    const std::string type = name.substr(0, name.empty() ? 0 : colon);
    const std::string rest = name.empty() ? std::string() : name.substr(colon + 1);
    if (type == "none") {
        return std::shared_ptr<ReplayCache>(std::make_shared<NoReplayCache>());
    }
    if (type.empty() || type == "dfl") {
        return own_store(settings);
    }
    if (type == "file2") {
        return std::shared_ptr<ReplayCache>(
            std::make_shared<MitFile2ReplayCache>(rest, MitFile2ReplayCache::PathPolicy::as_named));
    }
    if (type == "apex") {
        settings.directory = rest;
        return own_store(settings);
    }
    return with_minor(refuse(Fault::ReplayStoreFailed,
                             "the replay cache type \"" + type + "\" is unknown; use dfl:, none: or file2:path"),
                      replay::minor_type_not_found);
}

Result<std::shared_ptr<ReplayCache>> make_cache(const std::string& name, const ReplayStoreSettings& settings)
{
    std::shared_ptr<ReplayCache> local = TRY(local_cache(name, settings));
    // Who names "none:" wants no memory at all.
    if (settings.agent_socket.empty() || name.starts_with("none:")) {
        return local;
    }
    return std::shared_ptr<ReplayCache>(std::make_shared<ClusterCache>(std::move(local), settings));
}

/// What makes two caches the same one. Tests' clocks are not part of it: caches with one are not shared.
std::string identity_of(const std::string& name, const ReplayStoreSettings& settings)
{
    std::string text = name;
    for (const std::string& part :
         {settings.directory, std::to_string(settings.capacity), std::string(settings.durable ? "1" : "0"),
          std::string(settings.shared_memory ? "1" : "0"),
          std::string(settings.failure == ReplayFailurePolicy::memory ? "1" : "0"),
          std::string(settings.share_mit_file2 ? "1" : "0"), settings.mit_file2_path, settings.agent_socket,
          std::to_string(settings.agent_timeout.count()),
          std::string(settings.agent_failure == ReplayAgentFailurePolicy::local ? "1" : "0"),
          std::to_string(::geteuid())}) {
        text += '\0';
        text += part;
    }
    return text;
}

using Caches = std::map<std::string, std::shared_ptr<ReplayCache>>;

/// Never destroyed: threads may still log in while the process ends.
Published<Caches>& known_caches()
{
    static Published<Caches>* const caches = new Published<Caches>();
    return *caches;
}

} // namespace

Result<std::shared_ptr<ReplayCache>> replay_cache_from_name(const std::string& name,
                                                            const ReplayStoreSettings& settings)
{
    if (settings.boot_clock || settings.boot_id) {
        return make_cache(name, settings);
    }
    const std::string identity = identity_of(name, settings);
    std::shared_ptr<ReplayCache> made;
    for (;;) {
        const std::shared_ptr<const Caches> caches = known_caches().load();
        if (caches != nullptr) {
            if (const auto known = caches->find(identity); known != caches->end()) {
                return known->second;
            }
        }
        if (made == nullptr) {
            made = TRY(make_cache(name, settings));
        }
        auto more = std::make_shared<Caches>(caches != nullptr ? *caches : Caches());
        more->emplace(identity, made);
        if (known_caches().replace(caches, std::move(more))) {
            return made;
        }
    }
}

} // namespace apex
