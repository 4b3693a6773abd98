// SPDX-License-Identifier: MIT
#include "host/keytab_snapshot.h"

#include "apex/host/krb5_handle.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace apex {
namespace {

std::size_t mix(std::size_t seed, std::size_t value)
{
    constexpr std::size_t odd = 0x9E3779B97F4A7C15;
    return (seed ^ value) * odd ^ (seed >> 29);
}

std::size_t hash_of(const Principal& principal)
{
    const std::hash<std::string_view> hash;
    std::size_t seed = hash(principal.realm);
    for (const std::string& component : principal.name.components) {
        seed = mix(seed, hash(component));
    }
    return seed;
}

std::size_t slot_of(const Ticket& ticket, std::size_t slots)
{
    const std::size_t version = ticket.encrypted_part.kvno.value_or(0);
    const auto type = static_cast<std::size_t>(ticket.encrypted_part.type);
    const std::size_t hash = mix(mix(hash_of(ticket.server), version), type);
    return (hash >> 32) % slots;
}

} // namespace

KeytabEntry::KeytabEntry(Principal principal, std::uint32_t version, EncryptionType type,
                         std::shared_ptr<const Key> key)
    : principal_(std::move(principal)), version_(version), type_(type), key_(std::move(key))
{
}

KeytabEntry::~KeytabEntry()
{
    delete ready_.load(std::memory_order_acquire);
}

Result<const ServiceKey*> KeytabEntry::service_key() const
{
    const ServiceKey* ready = ready_.load(std::memory_order_acquire);
    if (ready != nullptr) {
        return ready;
    }
    UsageKey for_tickets = TRY(key_->for_usage(KeyUsage::ticket));
    auto fresh = std::make_unique<const ServiceKey>(ServiceKey{principal_, version_, key_, std::move(for_tickets)});
    if (ready_.compare_exchange_strong(ready, fresh.get(), std::memory_order_acq_rel, std::memory_order_acquire)) {
        return static_cast<const ServiceKey*>(fresh.release());
    }
    return ready; // another thread was faster
}

bool suits(std::uint32_t held, std::uint32_t asked) noexcept
{
    return held == asked || held == (asked & 0xFF) || held == 0 || asked == 0;
}

void KeytabSnapshot::add(Principal principal, std::uint32_t version, EncryptionType type,
                         std::shared_ptr<const Key> key)
{
    const auto index = static_cast<Index>(entries_.size());
    by_principal_[hash_of(principal)].push_back(index);
    if (key != nullptr) {
        by_type_[type].push_back(index);
    }
    entries_.emplace_back(std::move(principal), version, type, std::move(key));
}

void KeytabSnapshot::finish()
{
    const auto newest_first = [this](Index left, Index right) {
        return entries_[left].version() > entries_[right].version();
    };
    for (auto& [hash, indices] : by_principal_) {
        std::stable_sort(indices.begin(), indices.end(), newest_first);
    }
    for (auto& [type, indices] : by_type_) {
        std::stable_sort(indices.begin(), indices.end(), newest_first);
    }
}

std::span<const KeytabSnapshot::Index> KeytabSnapshot::of_principal(const Principal& principal) const
{
    const auto found = by_principal_.find(hash_of(principal));
    return found != by_principal_.end() ? std::span<const Index>(found->second) : std::span<const Index>();
}

std::span<const KeytabSnapshot::Index> KeytabSnapshot::of_type(EncryptionType type) const
{
    const auto found = by_type_.find(type);
    return found != by_type_.end() ? std::span<const Index>(found->second) : std::span<const Index>();
}

const KeytabEntry* KeytabSnapshot::remembered(const Ticket& ticket) const
{
    const Index index = memory_[slot_of(ticket, memory_.size())].load(std::memory_order_relaxed);
    return index != 0 ? &entries_[index - 1] : nullptr;
}

void KeytabSnapshot::remember(const Ticket& ticket, const KeytabEntry& entry) const
{
    for (const Index index : of_principal(entry.principal())) {
        if (&entries_[index] == &entry) {
            memory_[slot_of(ticket, memory_.size())].store(index + 1, std::memory_order_relaxed);
        }
    }
}

namespace {

/// Iteration owns a running iteration over a keytab.
class Iteration final {
public:
    Iteration(const Krb5Context& context, krb5_keytab keytab) noexcept : context_(context.get()), keytab_(keytab) {}
    ~Iteration()
    {
        if (running_) {
            static_cast<void>(krb5_kt_end_seq_get(context_, keytab_, &cursor_));
        }
    }
    Iteration(const Iteration&) = delete;
    Iteration& operator=(const Iteration&) = delete;

    krb5_error_code start()
    {
        const krb5_error_code code = krb5_kt_start_seq_get(context_, keytab_, &cursor_);
        running_ = code == 0;
        return code;
    }
    krb5_error_code next(Krb5KeytabEntry& entry) { return krb5_kt_next_entry(context_, keytab_, entry.out(), &cursor_); }

private:
    krb5_context context_;
    krb5_keytab keytab_;
    krb5_kt_cursor cursor_ = nullptr;
    bool running_ = false;
};

/// libkrb5 aborts the process when a keytab without iteration (KDB) is iterated, so only the types known to have it are.
bool can_be_listed(const Krb5Context& context, krb5_keytab keytab)
{
    const std::string_view type = krb5_kt_get_type(context.get(), keytab);
    return type == "FILE" || type == "WRFILE" || type == "MEMORY";
}

Done take(KeytabSnapshot& snapshot, const Krb5KeytabEntry& entry)
{
    std::shared_ptr<const Key> key;
    const auto type = static_cast<EncryptionType>(entry->key.enctype);
    if (find_profile(type) != nullptr) {
        Result<Key> taken = key_from(entry->key);
        // A key of the wrong length cannot open anything; the rest of the keytab still can.
        if (taken) {
            key = std::make_shared<const Key>(std::move(taken).value());
        }
    }
    snapshot.add(principal_from(entry->principal), entry->vno, type, std::move(key));
    return {};
}

Done take_wanted(KeytabSnapshot& snapshot, const Krb5Context& context, krb5_keytab keytab, const Ticket& wanted)
{
    const Krb5Principal server = TRY(to_krb5(context, wanted.server));
    Krb5KeytabEntry entry(context);
    const krb5_error_code code =
        krb5_kt_get_entry(context.get(), keytab, server.get(), wanted.encrypted_part.kvno.value_or(0),
                          static_cast<krb5_enctype>(wanted.encrypted_part.type), entry.out());
    if (code == 0) {
        TRY(take(snapshot, entry));
    }
    return {}; // not found is an answer; the search explains it
}

} // namespace

Result<std::shared_ptr<const KeytabSnapshot>> read_keytab(const std::string& name, const Ticket* wanted)
{
    const Krb5Context context = TRY(Krb5Context::make());
    const std::string what = "keytab " + name;
    Krb5Keytab keytab(context);
    krb5_error_code code = krb5_kt_resolve(context.get(), name.c_str(), keytab.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoKeytab, what);
    }
    auto snapshot = std::make_shared<KeytabSnapshot>();
    if (!can_be_listed(context, keytab.get())) {
        snapshot->mark_unlisted();
        if (wanted != nullptr) {
            TRY(take_wanted(*snapshot, context, keytab.get(), *wanted));
        }
        snapshot->finish();
        return std::shared_ptr<const KeytabSnapshot>(std::move(snapshot));
    }
    Iteration iteration(context, keytab.get());
    code = iteration.start();
    Krb5KeytabEntry entry(context);
    while (code == 0) {
        code = iteration.next(entry);
        if (code == 0) {
            TRY(take(*snapshot, entry));
        }
    }
    if (code != KRB5_KT_END) {
        return from_krb5(context, code, Fault::NoKeytab, what);
    }
    snapshot->finish();
    return std::shared_ptr<const KeytabSnapshot>(std::move(snapshot));
}

} // namespace apex
