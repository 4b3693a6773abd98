// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/published.h"
#include "host/file_stamp.h"
#include "host/keytab_snapshot.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace apex {

/// KeytabFile keeps the snapshot of one keytab for all its users in the process. A changed file is read anew and replaces
/// the snapshot as a whole; a half-written or unreadable new version leaves the old snapshot in service and is reported
/// once (INVARIANTS E2). Keytabs that are no files are read at each use. No lock is held while reading: threads that
/// notice a change at the same time each read it, once.
class KeytabFile final {
public:
    /// `name` with or without type, as krb5_kt_resolve takes it.
    explicit KeytabFile(std::string name);

    /// The full name, with its type.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// The entries of now: one stat if nothing changed. `wanted` serves keytabs that cannot be listed.
    /// Fault::NoKeytab names the keytab and the cause.
    Result<std::shared_ptr<const KeytabSnapshot>> current(const Ticket* wanted);

    /// The entries after `seen` did not hold the key: read again though the file looks unchanged, at most once a second
    /// (INVARIANTS E3). Gives `seen` itself if there is nothing newer.
    std::shared_ptr<const KeytabSnapshot> after_miss(const std::shared_ptr<const KeytabSnapshot>& seen);

private:
    struct Version final {
        std::shared_ptr<const KeytabSnapshot> snapshot;
        FileStamp stamp; // of the file when it was last looked at, which may be a bad version of it
        bool settled = false;
    };

    Result<std::shared_ptr<const KeytabSnapshot>> reread(const FileStamp& noticed);
    Result<std::shared_ptr<const KeytabSnapshot>> keep_old(const FileStamp& bad, const Error& why);

    const std::string name_;
    const std::optional<std::string> path_;
    Published<Version> version_;
    std::atomic<std::int64_t> last_miss_{0}; // seconds of the monotonic clock
};

/// keytab_file gives the one KeytabFile of a name in this process.
std::shared_ptr<KeytabFile> keytab_file(const std::string& name);

} // namespace apex
