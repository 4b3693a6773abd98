// SPDX-License-Identifier: MIT
#include "apex/gss/mechanism.h"

#include "apex/base/fork_mutex.h"
#include "apex/crypto/system_random.h"
#include "apex/host/programs.h"
#include "apex/host/realm_paths.h"
#include "apex/host/recent_tickets.h"
#include "apex/host/refusal_log.h"
#include "apex/host/replay_store.h"

#include <map>
#include <mutex>
#include <string>
#include <unistd.h>
#include <utility>

namespace apex {

/// The replay caches that are in use. There are as many as there are names in the configuration: one or two.
class Mechanism::ReplayCaches final {
public:
    Result<std::shared_ptr<ReplayCache>> find(const std::string& name, const Settings& settings)
    {
        const std::lock_guard lock(mutex_);
        // Settings are the same object as long as nothing changed, so their address is a part of the key.
        const Choice choice{name, &settings};
        const auto found = caches_.find(choice);
        if (found != caches_.end()) {
            return found->second;
        }
        std::shared_ptr<ReplayCache> made = TRY(replay_cache_from_name(name, store_settings(settings)));
        caches_.emplace(choice, made);
        return made;
    }

private:
    using Choice = std::pair<std::string, const Settings*>;

    static ReplayStoreSettings store_settings(const Settings& settings)
    {
        ReplayStoreSettings store;
        store.directory = settings.replay_directory;
        store.capacity = settings.replay_capacity;
        store.durable = settings.replay_durable;
        store.shared_memory = settings.replay_shared_memory;
        store.failure = settings.replay_store_failure;
        store.agent_socket = settings.replay_agent;
        store.agent_timeout = settings.replay_agent_timeout;
        store.agent_failure = settings.replay_agent_failure;
        store.share_mit_file2 = settings.replay_share_mit;
        store.mit_file2_path = settings.mit_rcache_directory + "/krb5_" + std::to_string(geteuid()) + ".rcache2";
        store.report = [](const std::string& line) { refusal_log().complain(line); };
        return store;
    }

    ForkMutex mutex_;
    std::map<Choice, std::shared_ptr<ReplayCache>> caches_;
};

Mechanism::Mechanism()
    : clock_(std::make_unique<SystemClock>()), random_(std::make_unique<SystemRandom>()),
      realms_(std::make_unique<RealmPaths>()), opened_tickets_(std::make_unique<RecentTickets>()),
      replay_caches_(std::make_unique<ReplayCaches>())
{
}

bool serves_this_program()
{
    const Result<std::shared_ptr<const Settings>> settings = current_settings();
    return !settings || !exclusion_of(**settings, running_program());
}

Mechanism& Mechanism::instance()
{
    // A pointer, so that nothing is destroyed while other threads still run at the end of the process.
    static Mechanism* const mechanism = new Mechanism;
    return *mechanism;
}

Result<std::shared_ptr<ReplayCache>> Mechanism::replay_cache(const std::string& name, const Settings& settings)
{
    return replay_caches_->find(name.empty() ? settings.default_rcache_name : name, settings);
}

void Mechanism::inject(std::unique_ptr<Clock> clock, std::unique_ptr<Random> random)
{
    clock_ = std::move(clock);
    random_ = std::move(random);
}

} // namespace apex
