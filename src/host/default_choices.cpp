// SPDX-License-Identifier: MIT
#include "host/default_choices.h"

#include "apex/host/initiator_credential.h"
#include "apex/host/published.h"
#include "apex/host/settings.h"
#include "host/file_stamp.h"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <unordered_map>
#include <utility>

namespace apex {
namespace {

constexpr std::size_t most_choices = 256;
constexpr std::chrono::seconds lifetime{1};

struct Choice final {
    std::shared_ptr<const InitiatorState> state;
    FileStamp stamp;
    std::chrono::steady_clock::time_point until;
};

using Choices = std::unordered_map<std::string, Choice>;

Published<Choices>& choices()
{
    static Published<Choices>& only = *new Published<Choices>();
    return only;
}

void add(std::string& key, const char* text)
{
    key += text != nullptr ? text : "";
    key += '\0';
}

} // namespace

DefaultChoice::DefaultChoice(const InitiatorState& state, const KerberosName* target)
{
    const Result<std::shared_ptr<const Settings>> settings = current_settings();
    if (state.settled() || state.name || state.client_keytab || !settings) {
        return;
    }
    // The address of the settings tells whether they changed: snapshots stay for the life of the process.
    key_ = std::to_string(std::hash<const Settings*>()(settings->get()));
    add(key_, "");
    add(key_, thread_ccache_name());
    add(key_, secure_getenv("KRB5CCNAME"));
    add(key_, secure_getenv("KRB5_CLIENT_KTNAME"));
    for (const EncryptionType type : state.types) {
        add(key_, std::to_string(static_cast<std::int32_t>(type)).c_str());
    }
    key_ += target != nullptr ? target->principal.text() : "";
}

std::shared_ptr<const InitiatorState> DefaultChoice::recall() const
{
    const std::shared_ptr<const Choices> known = choices().load();
    if (key_.empty() || known == nullptr) {
        return nullptr;
    }
    const auto found = known->find(key_);
    if (found == known->end() || found->second.until < std::chrono::steady_clock::now() ||
        stamp_of(*path_of(found->second.state->cache_name)) != found->second.stamp ||
        refresh_is_due(*found->second.state, SystemClock().now())) {
        return nullptr;
    }
    return found->second.state;
}

void DefaultChoice::remember(const std::shared_ptr<const InitiatorState>& chosen) const
{
    const std::optional<std::string> path = path_of(chosen->cache_name);
    if (key_.empty() || !path) {
        return;
    }
    const std::optional<FileStamp> stamp = stamp_of(*path);
    if (!stamp || !is_settled(*stamp)) {
        return;
    }
    const std::shared_ptr<const Choices> known = choices().load();
    const bool room = known != nullptr && known->size() < most_choices;
    auto next = room ? std::make_shared<Choices>(*known) : std::make_shared<Choices>();
    next->insert_or_assign(key_, Choice{chosen, *stamp, std::chrono::steady_clock::now() + lifetime});
    static_cast<void>(choices().replace(known, std::move(next))); // losing a race costs one more search
}

} // namespace apex
