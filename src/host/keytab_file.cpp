// SPDX-License-Identifier: MIT
#include "host/keytab_file.h"

#include "apex/host/refusal_log.h"

#include <cerrno>
#include <chrono>
#include <map>
#include <utility>

namespace apex {
namespace {

/// More keytabs than a process uses; beyond it the list starts anew, so that invented names cannot fill the memory.
constexpr std::size_t most_keytabs = 256;

using Registry = std::map<std::string, std::shared_ptr<KeytabFile>>;

Published<Registry>& registry()
{
    static Published<Registry>& only = *new Published<Registry>();
    return only;
}

std::string full_name(std::string name, const std::optional<std::string>& path)
{
    return path == name ? "FILE:" + name : std::move(name);
}

std::int64_t monotonic_seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count() + 1; // never 0
}

Error unusable(const std::string& name, const std::string& why)
{
    return refuse(Fault::NoKeytab, "keytab " + name + " is nonexistent or empty: " + why);
}

} // namespace

KeytabFile::KeytabFile(std::string name) : name_(full_name(name, path_of(name))), path_(path_of(name)) {}

Result<std::shared_ptr<const KeytabSnapshot>> KeytabFile::current(const Ticket* wanted)
{
    if (!path_) {
        return read_keytab(name_, wanted);
    }
    const std::optional<FileStamp> stamp = stamp_of(*path_);
    if (!stamp) {
        return unusable(name_, system_text(errno));
    }
    const std::shared_ptr<const Version> version = version_.load();
    if (version != nullptr && version->settled && version->stamp == *stamp) {
        return version->snapshot;
    }
    return reread(*stamp);
}

Result<std::shared_ptr<const KeytabSnapshot>> KeytabFile::reread(const FileStamp& noticed)
{
    // A file that is written while it is read shows another stamp behind: two that agree bracket one version of it.
    constexpr int most_tries = 3;
    FileStamp before = noticed;
    for (int tries = 0; tries < most_tries; ++tries) {
        const bool settled = is_settled(before);
        const Done whole = check_whole(*path_);
        Result<std::shared_ptr<const KeytabSnapshot>> read =
            whole ? read_keytab(name_, nullptr) : Result<std::shared_ptr<const KeytabSnapshot>>(whole.error());
        const std::optional<FileStamp> after = stamp_of(*path_);
        if (!after) {
            return unusable(name_, system_text(errno));
        }
        if (*after == before) {
            if (!read) {
                return keep_old(before, read.error());
            }
            version_.store(std::make_shared<const Version>(Version{*read, before, settled}));
            return read;
        }
        before = *after;
    }
    return keep_old(before, refuse(Fault::NoKeytab, "keytab " + name_ + " changes while it is read"));
}

Result<std::shared_ptr<const KeytabSnapshot>> KeytabFile::keep_old(const FileStamp& bad, const Error& why)
{
    const std::shared_ptr<const Version> old = version_.load();
    if (old == nullptr) {
        return why;
    }
    if (old->stamp != bad) {
        refusal_log().complain(why.text() + "; the keys read before stay in use");
    }
    version_.store(std::make_shared<const Version>(Version{old->snapshot, bad, is_settled(bad)}));
    return old->snapshot;
}

std::shared_ptr<const KeytabSnapshot> KeytabFile::after_miss(const std::shared_ptr<const KeytabSnapshot>& seen)
{
    if (!path_) {
        return seen;
    }
    const std::int64_t now = monotonic_seconds();
    std::int64_t last = last_miss_.load(std::memory_order_relaxed);
    if (last == now || !last_miss_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
        return seen;
    }
    const std::optional<FileStamp> stamp = stamp_of(*path_);
    if (!stamp) {
        return seen;
    }
    Result<std::shared_ptr<const KeytabSnapshot>> again = reread(*stamp);
    return again ? *again : seen;
}

std::shared_ptr<KeytabFile> keytab_file(const std::string& name)
{
    for (;;) {
        const std::shared_ptr<const Registry> known = registry().load();
        if (known != nullptr) {
            const auto found = known->find(name);
            if (found != known->end()) {
                return found->second;
            }
        }
        const bool room = known != nullptr && known->size() < most_keytabs;
        auto grown = room ? std::make_shared<Registry>(*known) : std::make_shared<Registry>();
        auto file = std::make_shared<KeytabFile>(name);
        grown->emplace(name, file);
        if (registry().replace(known, std::move(grown))) {
            return file;
        }
    }
}

} // namespace apex
