// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/exchange/ports.h"
#include "apex/host/kerberos_name.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace apex {

class KeytabFile;

/// KeytabKeys offers the keys of one keytab that an acceptor name allows. All users of a keytab in the process share one
/// snapshot of its entries with their derived keys; one stat per use notices a change (INVARIANTS E2, E3). Keytabs that
/// are no files (MEMORY, KDB) are read each time. Safe for concurrent use.
class KeytabKeys final : public KeySource {
public:
    /// Whether the keytab was looked at when the credential was acquired. If not, a keytab that cannot be used shows
    /// itself as in gss_acquire_cred: Fault::NoKeytab.
    enum class Checked : std::uint8_t { before, at_use };

    KeytabKeys(std::shared_ptr<KeytabFile> file, std::optional<KerberosName> acceptor, Checked checked) noexcept;

    /// See KeySource. The details name the keytab, the principal, the version and type asked for and those held, and
    /// the remedy. Fault::NoServiceKey, WrongServer, WrongKeyVersion, TicketIntegrity.
    Done try_keys(const Ticket& ticket, const std::function<bool(const ServiceKey&)>& opens) const override;

    /// Tells whether there is a key for the acceptor name, as gss_acquire_cred wants to know. Fault::NoKeytab for a
    /// missing, unreadable or empty keytab, Fault::KeytabMismatch if no entry suits the name.
    [[nodiscard]] Done check() const;

    /// The principal of the first entry, what MIT names a credential that accepts for any. None if there is no entry.
    [[nodiscard]] std::optional<Principal> first_principal() const;

    /// The keytab's full name, type and all ("FILE:/etc/krb5.keytab").
    [[nodiscard]] const std::string& keytab_name() const noexcept;
    [[nodiscard]] const std::optional<KerberosName>& acceptor() const noexcept { return acceptor_; }

private:
    std::shared_ptr<KeytabFile> file_;
    std::optional<KerberosName> acceptor_;
    Checked checked_;
};

/// keytab_keys opens a keytab for an acceptor name (none: every principal in it), checked as KeytabKeys::check does.
/// `keytab_name` empty: the one registered for this process, else the default one. Errors of check, and
/// Fault::NoKeytab with libkrb5's code for a name that cannot be resolved.
Result<std::shared_ptr<const KeytabKeys>> keytab_keys(const std::string& keytab_name,
                                                      const std::optional<KerberosName>& acceptor);

/// imported_keytab_keys opens a keytab without looking at it, for a credential that another process acquired.
std::shared_ptr<const KeytabKeys> imported_keytab_keys(const std::string& keytab_name,
                                                       const std::optional<KerberosName>& acceptor);

/// default_keytab_keys offers every key of the registered or default keytab, not looked at yet: for acceptors that gave no
/// credential. Fault::BadSetting.
Result<std::shared_ptr<const KeytabKeys>> default_keytab_keys();

/// register_acceptor_keytab names the keytab of acceptors that choose none, for the whole process
/// (krb5_gss_register_acceptor_identity). Empty: back to the default.
void register_acceptor_keytab(const std::string& keytab_name);

/// acceptor_keytab_name is what an acceptor uses that chooses none: the registered keytab, else that of the settings.
/// Fault::BadSetting.
Result<std::string> acceptor_keytab_name();

} // namespace apex
