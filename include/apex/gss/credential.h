// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/exchange/ports.h"
#include "apex/exchange/session.h"
#include "apex/host/credential_store.h"
#include "apex/host/initiator_credential.h"
#include "apex/host/kerberos_name.h"
#include "apex/host/keytab_keys.h"
#include "apex/host/published.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// CredentialUsage has the numbers of RFC 2744 (GSS_C_BOTH, GSS_C_INITIATE, GSS_C_ACCEPT).
enum class CredentialUsage : std::uint8_t { both = 0, initiate = 1, accept = 2 };

/// CredentialRequest is what a caller of gss_acquire_cred and its kin asks for.
struct CredentialRequest final {
    std::optional<KerberosName> name;
    CredentialUsage usage = CredentialUsage::both;
    CredentialStore store;
};

/// CredentialFacts is what gss_inquire_cred reports.
struct CredentialFacts final {
    std::optional<Principal> name;
    std::optional<Time> end_time; // none: does not end (acceptors)
    CredentialUsage usage = CredentialUsage::both;
};

/// Credential is what a gss_cred_id_t stands for: an initiator part, an acceptor part, and a few options. The object is a
/// shell around an immutable state, replaced as a whole when an option is set. Safe for concurrent use.
class Credential final {
public:
    /// Acquires credentials (RFC 2744 5.2). The acceptor part comes first. Errors of keytab_keys and
    /// InitiatorCredential::acquire; Fault::BadUsage and BadName for elements that do not fit together. The trace is told
    /// of either outcome.
    static Result<std::shared_ptr<Credential>> acquire(CredentialRequest request);

    /// The credential of a caller that gave none: nothing is looked at before it is used. Fault::BadSetting.
    static Result<std::shared_ptr<Credential>> default_credential(CredentialUsage usage);

    /// What an initiator forwarded to us (RFC 4121 4.1.1.1): its first ticket in a cache that dies with the credential.
    static Result<std::shared_ptr<Credential>> delegated(const DelegatedCredential& forwarded);

    /// What this service may do for a client that shows up without forwarding a ticket (S4U2Proxy): its initiator part
    /// with the client's ticket as evidence. Fault::BadUsage unless the credential has both parts and is no proxy's.
    Result<std::shared_ptr<Credential>> proxy_for(const Session& session);

    /// The credential of a user who did not show up (S4U2Self). Fault::NoCredential for an acceptor's credential,
    /// BadUsage, KdcFailed.
    Result<std::shared_ptr<Credential>> impersonate(const KerberosName& user);

    /// A token from which another process makes the same credential, in MIT's form. As secret as the tickets in it.
    [[nodiscard]] Result<Secret> exported() const;
    /// The credential of such a token. Fault::MalformedToken.
    static Result<std::shared_ptr<Credential>> import(ByteView token);

    [[nodiscard]] CredentialUsage usage() const noexcept { return usage_; }

    /// The tickets to use for a target; settles a choice that was left open. Fault::NoCredential for an acceptor's
    /// credential; errors of InitiatorCredential::resolve.
    Result<std::shared_ptr<TicketSource>> initiator_for(const KerberosName& target);

    /// The keys to accept with. Fault::NoCredential for an initiator's credential.
    [[nodiscard]] Result<std::shared_ptr<const KeySource>> acceptor_keys() const;

    /// The name the acceptor part answers to; none: every principal of the keytab.
    [[nodiscard]] std::optional<KerberosName> acceptor_name() const;

    /// The replay cache that the caller chose ("none:", "file2:/x"); empty: the default one.
    [[nodiscard]] const std::string& replay_cache_name() const noexcept { return replay_cache_name_; }

    /// The encryption types that gss_krb5_set_allowable_enctypes left; empty: all that the settings permit.
    [[nodiscard]] std::vector<EncryptionType> allowable_types() const;
    /// Restricts the types; unknown ones are dropped. An empty list lifts the restriction. Fault::EncryptionTypeRefused
    /// (KRB5_PROG_ETYPE_NOSUPP) if none is left.
    Done allow_types(const std::vector<std::int32_t>& types);

    /// Whether confidentiality and integrity are offered only when asked for (GSS_KRB5_CRED_NO_CI_FLAGS_X).
    [[nodiscard]] bool suppresses_ci_flags() const;
    void suppress_ci_flags();

    /// Name, end and usage (RFC 2744 5.21), settling a choice that was left open. Errors of InitiatorCredential::resolve.
    Result<CredentialFacts> facts();

    /// The principal behind a proxy credential, if it is one (GSS_KRB5_GET_CRED_IMPERSONATOR).
    Result<std::optional<Principal>> impersonator();

    /// The initiator part. Fault::BadUsage for an acceptor's credential.
    Result<std::shared_ptr<InitiatorCredential>> initiator() const;

private:
    struct State;

    Credential(CredentialUsage usage, std::shared_ptr<const KeytabKeys> keys, std::string replay_cache_name,
               std::shared_ptr<InitiatorCredential> initiator);
    static Result<std::shared_ptr<Credential>> find(CredentialRequest request);
    static std::shared_ptr<Credential> make(CredentialUsage usage, std::shared_ptr<const KeytabKeys> keys,
                                            std::string replay_cache_name,
                                            std::shared_ptr<InitiatorCredential> initiator);
    template <typename Change>
    void change(const Change& change);

    const CredentialUsage usage_;
    const std::shared_ptr<const KeytabKeys> keys_; // null: an initiator's credential
    const std::string replay_cache_name_;
    Published<State> state_;
};

} // namespace apex
