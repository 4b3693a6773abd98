// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/exchange/ports.h"
#include "apex/messages/principal.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace apex {

/// KeytabEntry is one key of a keytab. The sub-keys that open tickets are derived at the first use.
class KeytabEntry final {
public:
    KeytabEntry(Principal principal, std::uint32_t version, EncryptionType type, std::shared_ptr<const Key> key);
    ~KeytabEntry();
    KeytabEntry(const KeytabEntry&) = delete;
    KeytabEntry& operator=(const KeytabEntry&) = delete;

    [[nodiscard]] const Principal& principal() const noexcept { return principal_; }
    [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
    [[nodiscard]] EncryptionType type() const noexcept { return type_; }
    /// Whether Apex has the entry's encryption type.
    [[nodiscard]] bool usable() const noexcept { return key_ != nullptr; }

    /// The key ready to open tickets; lives as long as the entry. Only of usable entries. Fault::CryptoFailure.
    [[nodiscard]] Result<const ServiceKey*> service_key() const;

private:
    Principal principal_;
    std::uint32_t version_;
    EncryptionType type_;
    std::shared_ptr<const Key> key_;
    mutable std::atomic<const ServiceKey*> ready_{nullptr};
};

/// suits tells whether a key of version `held` may be the one of version `asked`: equal, or equal in the low 8 bits that
/// old keytabs keep, or one of them unknown (0).
[[nodiscard]] bool suits(std::uint32_t held, std::uint32_t asked) noexcept;

/// KeytabSnapshot is what a keytab held at one moment, indexed by principal and by type. Immutable, but for the memory of
/// which entry opened which kind of ticket.
class KeytabSnapshot final {
public:
    using Index = std::uint32_t;

    void add(Principal principal, std::uint32_t version, EncryptionType type, std::shared_ptr<const Key> key);
    /// Ends the adding: orders the index, the newest version of a key first.
    void finish();

    /// Says that the keytab cannot be listed: entries() holds no more than the one that was asked for.
    void mark_unlisted() noexcept { listed_ = false; }
    [[nodiscard]] bool listed() const noexcept { return listed_; }

    [[nodiscard]] const std::deque<KeytabEntry>& entries() const noexcept { return entries_; }

    /// The entries whose principal may be `principal` (compare: some may be of another one), the newest version first.
    [[nodiscard]] std::span<const Index> of_principal(const Principal& principal) const;
    /// The usable entries of a type, the newest version first.
    [[nodiscard]] std::span<const Index> of_type(EncryptionType type) const;

    /// The entry that last opened a ticket like this one, or none.
    [[nodiscard]] const KeytabEntry* remembered(const Ticket& ticket) const;
    void remember(const Ticket& ticket, const KeytabEntry& entry) const;

    /// Where the next long search of a type begins: where the last one ran out of time.
    [[nodiscard]] std::size_t start_of_search() const noexcept { return start_.load(std::memory_order_relaxed); }
    void continue_search_at(std::size_t position) const noexcept { start_.store(position, std::memory_order_relaxed); }

private:
    bool listed_ = true;
    std::deque<KeytabEntry> entries_;
    std::unordered_map<std::size_t, std::vector<Index>> by_principal_;
    std::map<EncryptionType, std::vector<Index>> by_type_;
    mutable std::array<std::atomic<Index>, 64> memory_{}; // index + 1; 0: nothing yet
    mutable std::atomic<std::size_t> start_{0};
};

/// read_keytab reads a keytab of any type through libkrb5. A keytab that cannot be listed is asked for the key of `wanted`
/// alone, if given. Fault::NoKeytab with libkrb5's code and text.
Result<std::shared_ptr<const KeytabSnapshot>> read_keytab(const std::string& name, const Ticket* wanted);

/// check_whole refuses a keytab file whose records do not fill it: libkrb5 takes such a file's beginning for all of it.
/// Fault::NoKeytab.
Done check_whole(const std::string& path);

} // namespace apex
