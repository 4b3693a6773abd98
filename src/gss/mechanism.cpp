// SPDX-License-Identifier: MIT
#include "apex/gss/mechanism.h"

#include "apex/base/fork_mutex.h"
#include "apex/crypto/system_random.h"
#include "apex/host/realm_paths.h"
#include "apex/host/replay_store.h"

#include <map>
#include <mutex>

namespace apex {

/// The replay caches that are in use. There are as many as there are names in the configuration: one or two.
class Mechanism::ReplayCaches final {
public:
    Result<std::shared_ptr<ReplayCache>> find(const std::string& name, const ReplayStoreSettings& settings)
    {
        const std::lock_guard lock(mutex_);
        const std::string key = name + '\n' + describe(settings);
        const auto found = caches_.find(key);
        if (found != caches_.end()) {
            return found->second;
        }
        std::shared_ptr<ReplayCache> made = TRY(replay_cache_from_name(name, settings));
        caches_.emplace(key, made);
        return made;
    }

private:
    static std::string describe(const ReplayStoreSettings& settings)
    {
        return settings.directory + '\n' + std::to_string(settings.capacity) + (settings.durable ? "d" : "") +
               (settings.failure_policy == ReplayFailurePolicy::memory ? "m" : "") +
               (settings.share_mit_file2 ? "s" : "") + '\n' + settings.mit_file2_path;
    }

    ForkMutex mutex_;
    std::map<std::string, std::shared_ptr<ReplayCache>> caches_;
};

Mechanism::Mechanism()
    : clock_(std::make_unique<SystemClock>()), random_(std::make_unique<SystemRandom>()),
      realms_(std::make_unique<RealmPaths>()), replay_caches_(std::make_unique<ReplayCaches>())
{
}

Mechanism& Mechanism::instance()
{
    // A pointer, so that nothing is destroyed while other threads still run at the end of the process.
    static Mechanism* const mechanism = new Mechanism;
    return *mechanism;
}

Result<std::shared_ptr<ReplayCache>> Mechanism::replay_cache(const std::string& name, const Settings& settings)
{
    return replay_caches_->find(name.empty() ? settings.default_rcache_name : name, replay_settings(settings));
}

void Mechanism::inject(std::unique_ptr<Clock> clock, std::unique_ptr<Random> random)
{
    clock_ = std::move(clock);
    random_ = std::move(random);
}

} // namespace apex
