// SPDX-License-Identifier: MIT
#include "host/name_cache.h"

#include "apex/host/published.h"
#include "apex/host/settings.h"

#include <array>
#include <ctime>
#include <functional>
#include <new>

namespace apex {
namespace {

struct Entry final {
    NameKind kind = NameKind::principal;
    std::string text;
    const Settings* settings = nullptr; // the snapshot's address tells whether anything changed
    std::int64_t until = 0;
    KerberosName name;
};

constexpr std::size_t slots = 64;
using Table = std::array<Published<Entry>, slots>;

/// Never destroyed: names are imported while the process ends, too.
Published<Entry>& slot_of(NameKind kind, const std::string& text)
{
    static Table* const table = new Table();
    return (*table)[(std::hash<std::string>()(text) + static_cast<std::size_t>(kind)) % slots];
}

std::int64_t seconds_now() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

/// null: settings cannot be read, nothing is remembered.
const Settings* settings_now()
{
    const Result<std::shared_ptr<const Settings>> settings = current_settings();
    return settings ? settings->get() : nullptr;
}

} // namespace

std::optional<KerberosName> remembered_name(NameKind kind, const std::string& text)
{
    const std::shared_ptr<const Entry> entry = slot_of(kind, text).load();
    if (entry == nullptr || entry->kind != kind || entry->text != text || entry->until < seconds_now() ||
        entry->settings != settings_now()) {
        return std::nullopt;
    }
    return entry->name;
}

void remember_name(NameKind kind, const std::string& text, const KerberosName& name)
{
    constexpr std::int64_t host_based_seconds = 5;
    constexpr std::int64_t other_seconds = 3600;
    const Settings* settings = settings_now();
    if (settings == nullptr) {
        return;
    }
    const std::int64_t until = seconds_now() + (kind == NameKind::host_based ? host_based_seconds : other_seconds);
    slot_of(kind, text).store(std::make_shared<const Entry>(Entry{kind, text, settings, until, name}));
}

} // namespace apex
