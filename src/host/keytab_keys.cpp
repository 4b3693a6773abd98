// SPDX-License-Identifier: MIT
#include "apex/host/keytab_keys.h"

#include "apex/host/name_service.h"
#include "apex/host/settings.h"
#include "host/keytab_file.h"
#include "host/keytab_refusal.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

namespace apex {
namespace {

using Opens = std::function<bool(const ServiceKey&)>;

/// What one request may cost before its ticket is known to be genuine (INVARIANTS A4, C5).
constexpr std::int64_t most_search_time = 1'000'000; // nanoseconds of processor time

std::int64_t processor_time()
{
    timespec now = {};
    static_cast<void>(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::int64_t>(now.tv_nsec);
}

/// Allowed is the rule by which an acceptor name allows a keytab's principals (MIT: krb5_sname_match).
class Allowed final {
public:
    Allowed(const std::optional<KerberosName>& acceptor, bool ignore_host)
        : acceptor_(acceptor ? &*acceptor : nullptr), ignore_host_(ignore_host)
    {
        if (acceptor_ != nullptr && acceptor_->host_based && acceptor_->principal.name.components.size() == 2) {
            host_ = acceptor_->principal.name.components[1];
        }
    }

    /// Another form of the acceptor's host.
    void use_host(std::string host) { host_ = std::move(host); }

    [[nodiscard]] bool exact() const noexcept { return acceptor_ != nullptr && !acceptor_->host_based; }
    [[nodiscard]] bool names_host() const noexcept
    {
        return acceptor_ != nullptr && acceptor_->host_based && !acceptor_->host.empty() && !ignore_host_;
    }

    [[nodiscard]] bool operator()(const Principal& entry) const
    {
        if (acceptor_ == nullptr) {
            return true;
        }
        if (!acceptor_->host_based) {
            return same_principal(entry, acceptor_->principal);
        }
        const std::vector<std::string>& parts = entry.name.components;
        return parts.size() == 2 && parts[0] == acceptor_->service && (!names_host() || parts[1] == host_);
    }

    [[nodiscard]] std::string text() const
    {
        if (acceptor_ == nullptr) {
            return {};
        }
        if (!acceptor_->host_based) {
            return acceptor_->principal.text();
        }
        return acceptor_->service + "/" + (names_host() ? host_ : "*") + "@";
    }

private:
    const KerberosName* acceptor_;
    bool ignore_host_;
    std::string host_;
};

/// Search tries the keys of one snapshot on one ticket, the likeliest first.
class Search final {
public:
    Search(const KeytabSnapshot& keytab, const Ticket& ticket, const Allowed& allowed, const Opens& opens)
        : keytab_(keytab), ticket_(ticket), allowed_(allowed), opens_(opens)
    {
    }

    Result<bool> run()
    {
        bool opened = TRY(of_principal(Versions::suiting));
        if (opened || allowed_.exact()) {
            return opened;
        }
        const KeytabEntry* known = keytab_.remembered(ticket_);
        if (known != nullptr && known->type() == ticket_.encrypted_part.type) {
            opened = TRY(attempt(*known));
        }
        if (!opened) {
            opened = TRY(of_principal(Versions::others));
        }
        if (!opened) {
            opened = TRY(all_of_type());
        }
        return opened;
    }

    /// The exact principal to look for, where it is not the ticket's server.
    void look_for(const Principal& principal) { exact_ = &principal; }

    [[nodiscard]] std::size_t tried() const noexcept { return tried_.size(); }
    [[nodiscard]] bool gave_up() const noexcept { return gave_up_; }

private:
    enum class Versions : std::uint8_t { suiting, others };

    Result<bool> attempt(const KeytabEntry& entry)
    {
        if (!entry.usable() || !allowed_(entry.principal()) ||
            std::find(tried_.begin(), tried_.end(), &entry) != tried_.end()) {
            return false;
        }
        tried_.push_back(&entry);
        return opens_(*TRY(entry.service_key()));
    }

    /// The entries of the ticket's server with the ticket's type: an equal kvno before one that equals in 8 bits.
    Result<bool> of_principal(Versions versions)
    {
        const Principal& principal = exact_ != nullptr ? *exact_ : ticket_.server;
        const std::uint32_t asked = ticket_.encrypted_part.kvno.value_or(0);
        for (const bool equal : {true, false}) {
            for (const KeytabSnapshot::Index index : keytab_.of_principal(principal)) {
                const KeytabEntry& entry = keytab_.entries()[index];
                const bool right_version = versions == Versions::others
                                               ? !suits(entry.version(), asked)
                                               : suits(entry.version(), asked) && (entry.version() == asked) == equal;
                if (!right_version || entry.type() != ticket_.encrypted_part.type ||
                    !same_principal(entry.principal(), principal)) {
                    continue;
                }
                const bool opened = TRY(attempt(entry));
                if (opened) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Aliases and other kvnos: every key of the type that the name allows, for as long as a request may take. A search
    /// that was cut off goes on at the next request where it stopped, so each key gets its turn.
    Result<bool> all_of_type()
    {
        const std::span<const KeytabSnapshot::Index> indices = keytab_.of_type(ticket_.encrypted_part.type);
        if (indices.empty()) {
            return false;
        }
        const std::int64_t end = processor_time() + most_search_time;
        const std::size_t start = keytab_.start_of_search() % indices.size();
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const KeytabEntry& entry = keytab_.entries()[indices[(start + i) % indices.size()]];
            const bool opened = TRY(attempt(entry));
            if (opened) {
                keytab_.remember(ticket_, entry);
                return true;
            }
            if (processor_time() > end) {
                gave_up_ = i + 1 < indices.size();
                keytab_.continue_search_at((start + i + 1) % indices.size());
                return false;
            }
        }
        return false;
    }

    const KeytabSnapshot& keytab_;
    const Ticket& ticket_;
    const Allowed& allowed_;
    const Opens& opens_;
    const Principal* exact_ = nullptr;
    std::vector<const KeytabEntry*> tried_;
    bool gave_up_ = false;
};

/// The host's second form under dns_canonicalize_hostname = fallback: asked only when the first matched nothing.
Result<bool> use_next_host(const KerberosName& acceptor, Allowed& allowed)
{
    const std::vector<Principal> forms = TRY(host_based_candidates(acceptor));
    if (forms.size() < 2 || forms[1].name.components.size() != 2) {
        return false;
    }
    allowed.use_host(forms[1].name.components[1]);
    return true;
}

bool any_allowed(const KeytabSnapshot& keytab, const Allowed& allowed)
{
    return std::any_of(keytab.entries().begin(), keytab.entries().end(),
                       [&](const KeytabEntry& entry) { return allowed(entry.principal()); });
}

/// The rule for an acceptor name. Only a host-based one asks the settings.
Result<Allowed> rule_for(const std::optional<KerberosName>& acceptor)
{
    const bool asks = acceptor && acceptor->host_based;
    return Allowed(acceptor, asks && TRY(current_settings())->ignore_acceptor_hostname);
}

/// Chooses the form of the acceptor's host that the keytab has, as MIT does.
Done settle_host(const std::optional<KerberosName>& acceptor, const KeytabSnapshot& keytab, Allowed& allowed)
{
    if (!allowed.names_host()) {
        return {};
    }
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    if (settings->dns_canonicalize_hostname == DnsCanonicalization::fallback && !any_allowed(keytab, allowed)) {
        static_cast<void>(TRY(use_next_host(*acceptor, allowed)));
    }
    return {};
}

Error as_acceptor_error(const Error& error)
{
    // While accepting, MIT's code for a keytab that cannot be read is KRB5KRB_AP_ERR_NOKEY, major FAILURE.
    return refuse(Fault::NoServiceKey, error.detail);
}

Error nothing_in(const std::string& keytab_name)
{
    return refuse(Fault::NoKeytab, "keytab " + keytab_name + " is nonexistent or empty: it has no entry");
}

} // namespace

KeytabKeys::KeytabKeys(std::shared_ptr<KeytabFile> file, std::optional<KerberosName> acceptor, Checked checked) noexcept
    : file_(std::move(file)), acceptor_(std::move(acceptor)), checked_(checked)
{
}

const std::string& KeytabKeys::keytab_name() const noexcept
{
    return file_->name();
}

Done KeytabKeys::try_keys(const Ticket& ticket, const Opens& opens) const
{
    Result<std::shared_ptr<const KeytabSnapshot>> first = file_->current(&ticket);
    if (!first) {
        return checked_ == Checked::before ? as_acceptor_error(first.error()) : first.error();
    }
    std::shared_ptr<const KeytabSnapshot> keytab = *first;
    if (checked_ == Checked::at_use && keytab->listed() && keytab->entries().empty()) {
        return nothing_in(file_->name());
    }
    Allowed allowed = TRY(rule_for(acceptor_));
    for (;;) {
        TRY(settle_host(acceptor_, *keytab, allowed));
        Search search(*keytab, ticket, allowed, opens);
        if (allowed.exact()) {
            search.look_for(acceptor_->principal);
        }
        const bool opened = TRY(search.run());
        if (opened) {
            return {};
        }
        std::shared_ptr<const KeytabSnapshot> newer = file_->after_miss(keytab);
        if (newer == keytab) {
            return why_no_key(KeytabSearch{
                .keytab = *keytab,
                .keytab_name = file_->name(),
                .ticket = ticket,
                .exact = allowed.exact() ? std::optional<Principal>(acceptor_->principal) : std::nullopt,
                .acceptor_text = allowed.text(),
                .allows = [&](const Principal& principal) { return allowed(principal); },
                .tried = search.tried(),
                .gave_up = search.gave_up(),
            });
        }
        keytab = std::move(newer);
    }
}

Done KeytabKeys::check() const
{
    const std::shared_ptr<const KeytabSnapshot> keytab = TRY(file_->current(nullptr));
    if (!keytab->listed()) {
        return {}; // asked for each ticket's key then
    }
    if (keytab->entries().empty()) {
        return nothing_in(file_->name());
    }
    Allowed allowed = TRY(rule_for(acceptor_));
    TRY(settle_host(acceptor_, *keytab, allowed));
    if (!any_allowed(*keytab, allowed)) {
        return refuse(Fault::KeytabMismatch, "no key table entry found for " + allowed.text() + " in keytab " +
                                                 file_->name() + "; its first entry is for " +
                                                 keytab->entries().front().principal().text());
    }
    return {};
}

std::optional<Principal> KeytabKeys::first_principal() const
{
    const Result<std::shared_ptr<const KeytabSnapshot>> keytab = file_->current(nullptr);
    if (!keytab || (*keytab)->entries().empty()) {
        return std::nullopt;
    }
    return (*keytab)->entries().front().principal();
}

namespace {

Published<std::string>& registered_keytab()
{
    static Published<std::string>& only = *new Published<std::string>();
    return only;
}

} // namespace

void register_acceptor_keytab(const std::string& keytab_name)
{
    registered_keytab().store(keytab_name.empty() ? nullptr : std::make_shared<const std::string>(keytab_name));
}

Result<std::string> acceptor_keytab_name()
{
    const std::shared_ptr<const std::string> registered = registered_keytab().load();
    if (registered != nullptr) {
        return *registered;
    }
    return TRY(current_settings())->default_keytab_name;
}

Result<std::shared_ptr<const KeytabKeys>> keytab_keys(const std::string& keytab_name,
                                                      const std::optional<KerberosName>& acceptor)
{
    const std::string name = keytab_name.empty() ? TRY(acceptor_keytab_name()) : keytab_name;
    auto keys = std::make_shared<const KeytabKeys>(keytab_file(name), acceptor, KeytabKeys::Checked::before);
    TRY(keys->check());
    return std::shared_ptr<const KeytabKeys>(std::move(keys));
}

std::shared_ptr<const KeytabKeys> imported_keytab_keys(const std::string& keytab_name,
                                                       const std::optional<KerberosName>& acceptor)
{
    return std::make_shared<const KeytabKeys>(keytab_file(keytab_name), acceptor, KeytabKeys::Checked::before);
}

Result<std::shared_ptr<const KeytabKeys>> default_keytab_keys()
{
    return std::make_shared<const KeytabKeys>(keytab_file(TRY(acceptor_keytab_name())), std::nullopt,
                                              KeytabKeys::Checked::at_use);
}

} // namespace apex
