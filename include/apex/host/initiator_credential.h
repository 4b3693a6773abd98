// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/exchange/ports.h"
#include "apex/host/kerberos_name.h"
#include "apex/host/published.h"
#include "apex/messages/principal.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// InitiatorRequest says which credentials are wanted. Nothing given: the default ones, chosen when the target is known.
struct InitiatorRequest final {
    std::optional<KerberosName> name;
    std::optional<std::string> ccache; // this cache only
    std::optional<std::string> client_keytab;
    std::optional<Secret> password; // needs a name
    std::optional<std::string> verify; // with a password: check the KDC by a key of `verify_keytab`
    std::optional<std::string> verify_keytab;
};

/// StoreChoice tells what may happen to credentials that are there already.
struct StoreChoice final {
    bool overwrite = false;
    bool make_default = false;
};

class TemporaryCache;
class InitiatorState;

/// InitiatorCredential is somebody's tickets: a credential cache, found or filled as MIT does it (spec/initiator.md 2.3).
/// Its choice of cache is made once and then kept; the tickets of a cache that is a file are remembered by the process
/// and one stat tells whether they still hold, so that a ticket that is there costs no libkrb5 context. Safe for
/// concurrent use; no lock is held across I/O.
class InitiatorCredential final : public TicketSource {
public:
    /// Looks for the credentials of a request as gss_acquire_cred does: with a name (or a cache) at once, without one
    /// only whether there is anything that could work. Fault::NoCredential, EmptyCredentialCache,
    /// CredentialCacheMismatch, KdcFailed (initial tickets could not be had).
    static Result<std::shared_ptr<InitiatorCredential>> acquire(InitiatorRequest request);

    /// The default credentials, nothing looked at yet: resolve does it. For callers that gave no credential.
    static std::shared_ptr<InitiatorCredential> unsettled();

    /// The credential of a cache that lives only as long as it: delegated, impersonated, by password.
    static Result<std::shared_ptr<InitiatorCredential>> of_cache(std::shared_ptr<const TemporaryCache> cache);

    explicit InitiatorCredential(std::shared_ptr<const InitiatorState> state);
    ~InitiatorCredential() override;

    /// Settles the choice of cache for a target (null: none known), and refreshes tickets that come from a client keytab.
    /// Cheap when settled. Errors of acquire.
    Done resolve(const KerberosName* target);

    /// See TicketSource. `service` with an empty realm is a host-based name whose realm the KDC or krb5.conf tells.
    /// Fault::TicketExpired (KRB5KRB_AP_ERR_TKT_EXPIRED), KdcFailed with libkrb5's code, BadCredential if the cache
    /// now belongs to another principal.
    Result<std::shared_ptr<const ServiceTicket>> ticket_for(const Principal& service,
                                                            std::optional<Time> end_time) override;
    Result<Bytes> forwarded_credential(const ServiceTicket& ticket) override;

    /// A proxy credential (S4U2Proxy): this service's tickets with a client's ticket for it as evidence, good for asking
    /// the KDC for tickets in the client's name. Fault::BadUsage if this is a proxy's itself; Library.
    Result<std::shared_ptr<InitiatorCredential>> proxy_for(const ServiceTicket& evidence);

    /// As proxy_for, the evidence being got from the KDC for a user who did not show up (S4U2Self). `user` may be a
    /// principal, an enterprise name or a certificate. Fault::BadUsage, KdcFailed with libkrb5's code.
    Result<std::shared_ptr<InitiatorCredential>> impersonate(const KerberosName& user);

    /// The same credential, restricted to these encryption types (empty: no restriction).
    [[nodiscard]] std::shared_ptr<InitiatorCredential> restricted_to(std::vector<EncryptionType> types) const;

    /// The client, once settled.
    [[nodiscard]] std::optional<Principal> client() const;
    /// When the tickets end: the local TGT's end, else the first ticket's. None before it is settled.
    [[nodiscard]] std::optional<Time> end_time() const;
    /// The principal that acts for the client (S4U2Proxy), if it is such a credential.
    [[nodiscard]] std::optional<Principal> impersonator() const;
    /// The full name of the cache ("FILE:/tmp/krb5cc_0"), empty before it is settled.
    [[nodiscard]] std::string cache_name() const;

    /// Copies the tickets to where programs look for them: `ccache` if given, else this thread's cache, else the default.
    /// In a collection: the client's own cache, or a new one. The destination is replaced as a whole.
    /// Fault::DuplicateElement if credentials are there and may not be overwritten; CredentialExpired; Library.
    Done store_into(const std::optional<std::string>& ccache, const StoreChoice& choice);

    /// Copies all tickets into an open cache of the caller: a krb5_ccache (gss_krb5_copy_ccache). Fault::Library.
    Done copy_to(void* krb5_ccache_handle);

private:
    friend class CredentialCodec;
    static Result<std::shared_ptr<InitiatorCredential>> of_proxy_cache(std::shared_ptr<const TemporaryCache> cache,
                                                                       Time end_time);
    Published<InitiatorState> state_;
};

/// exchange_thread_ccache_name names the cache of later acquires in this thread (gss_krb5_ccache_name; none: the default
/// again) and gives the name that was in force before: the thread's, or the default cache's; null if there is none. That
/// text stays until the next call in this thread.
const char* exchange_thread_ccache_name(std::optional<std::string> name);

/// thread_ccache_name gives this thread's name; null if there is none. The text stays until it is exchanged.
const char* thread_ccache_name() noexcept;

} // namespace apex
