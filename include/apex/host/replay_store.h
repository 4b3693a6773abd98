// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/exchange/ports.h"
#include "apex/host/settings.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace apex {

/// ReplayStoreSettings says where accepted authenticators are remembered, and what happens when they cannot be.
struct ReplayStoreSettings final {
    /// The directory in which each user has one of its own, apex_<euid>. Empty: /var/lib/apex-replay if the package made
    /// it, else /var/tmp.
    std::string directory;
    /// Living records that the store holds at least; one record takes 68 octets of disk when it is full.
    std::size_t capacity = 1'000'000;
    /// Survive a loss of power without refusing for longer than two seconds afterwards. Costs one write to the disk a
    /// second, and one for each authenticator dated more than half a second ahead.
    bool durable = true;
    /// Keep the records of a new store in memory that all processes of the user share; else in the store's file, which is
    /// slower. Where the system gives no such memory, the file serves.
    bool shared_memory = true;
    ReplayFailurePolicy failure = ReplayFailurePolicy::refuse;
    /// The socket of apex-replayd, which is asked too: the hosts of a cluster share what it remembers. Empty: none is.
    std::string agent_socket;
    std::chrono::milliseconds agent_timeout{5};
    ReplayAgentFailurePolicy agent_failure = ReplayAgentFailurePolicy::refuse;
    /// Keep MIT's own replay file too, so that processes with the built-in mechanism see ours and we theirs.
    bool share_mit_file2 = false;
    /// Empty: /var/tmp/krb5_<euid>.rcache2.
    std::string mit_file2_path;
    /// Called with one line when something happened that an operator should know: damage, a lost file. May be empty.
    std::function<void(const std::string&)> report;

    /// For tests: the clock that runs since the machine started (empty: CLOCK_BOOTTIME), and its identity (none: the
    /// kernel's).
    std::function<Duration()> boot_clock;
    std::optional<std::array<std::uint8_t, 16>> boot_id;
};

/// ReplayStore remembers authenticators in a file that all processes of a user share (INVARIANTS 4). Nothing is opened
/// before the first use; while it cannot be opened, `remember` fails with Fault::ReplayStoreFailed and the text names
/// file, cause and remedy; it is tried again a little later. Safe for concurrent use and across fork.
class ReplayStore final : public ReplayCache {
public:
    explicit ReplayStore(ReplayStoreSettings settings);
    ~ReplayStore() override;
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override;

    /// The path of the store's main file.
    [[nodiscard]] std::string path() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

/// remove_replay_memory removes the memory in which the effective user's store below `parent` keeps its records: for those
/// who remove the directory too. It would stay until the machine restarts. Processes that use it keep it until they end.
void remove_replay_memory(const std::string& parent) noexcept;

/// MemoryReplayCache remembers in this process only. It refuses authenticators dated before two seconds after its first
/// use, for it cannot know whether they were accepted. A forked child begins anew in that way.
class MemoryReplayCache final : public ReplayCache {
public:
    explicit MemoryReplayCache(std::size_t capacity);
    ~MemoryReplayCache() override;
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override;

private:
    class State;
    std::unique_ptr<State> state_;
};

/// NoReplayCache remembers nothing: the name "none:".
class NoReplayCache final : public ReplayCache {
public:
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override;
};

/// MitFile2ReplayCache reads and writes the replay file of MIT krb5 1.18 and later.
class MitFile2ReplayCache final : public ReplayCache {
public:
    /// PathPolicy: as_named opens what the administrator named; own_default demands what MIT demands of its default
    /// file: no symbolic link, and ours.
    enum class PathPolicy : std::uint8_t { as_named, own_default };

    MitFile2ReplayCache(std::string path, PathPolicy policy);
    Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew, Time now) override;

private:
    std::string path_;
    PathPolicy policy_;
};

/// replay_cache_from_name understands the names of KRB5RCACHENAME, default_rcache_name and the credential store's key
/// `rcache`: "none:", "dfl:" or nothing (Apex's own store, and MIT's file too if it is shared), "file2:path" (MIT's file
/// alone), "apex:directory". The cluster's agent is asked after each of them but "none:". Caches of equal name and
/// settings are one object in a process.
/// Fault::ReplayStoreFailed with the minor codes of MIT: no colon KRB5_RC_PARSE, unknown type KRB5_RC_TYPE_NOTFOUND.
Result<std::shared_ptr<ReplayCache>> replay_cache_from_name(const std::string& name,
                                                            const ReplayStoreSettings& settings);

} // namespace apex
