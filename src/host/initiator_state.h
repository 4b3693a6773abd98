// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/crypto/encryption_type.h"
#include "apex/host/kerberos_name.h"
#include "apex/host/krb5_handle.h"
#include "apex/messages/principal.h"
#include "host/temporary_cache.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// VerifyRequest asks for a check of a KDC by a key of a keytab, after a password got tickets from it.
struct VerifyRequest final {
    std::string server; // a principal; empty: any host principal of the keytab
    std::optional<std::string> keytab;
};

/// InitiatorState is what an InitiatorCredential knows at one moment. Copied to be changed, then published.
class InitiatorState final {
public:
    // What was asked for.
    std::optional<KerberosName> name;
    std::optional<std::string> client_keytab; // none: the default one
    std::shared_ptr<const Secret> password;   // null: none
    std::vector<EncryptionType> types;        // empty: all that the settings permit

    // What was found.
    std::string cache_name; // full name; empty: not settled yet
    std::shared_ptr<const TemporaryCache> own_cache; // keeps a cache in memory alive
    std::optional<Principal> client;
    bool has_tgt = false;
    std::optional<Time> end_time; // none: no ticket yet
    std::optional<Time> refresh_time;
    std::optional<Principal> impersonator;

    [[nodiscard]] bool settled() const noexcept { return !cache_name.empty() && client.has_value(); }
};

/// Wanted is how scan_cache treats the name that was asked for.
enum class NameCheck : std::uint8_t { must_match, not_needed };

/// use_thread_cache makes this thread's cache name the context's default (MIT: kg_sync_ccache_name).
Done use_thread_cache(const Krb5Context& context);

/// matches_name tells whether a principal is the wanted one; a host-based name matches by its canonical forms in the
/// default realm.
Result<bool> matches_name(const KerberosName& wanted, const Principal& principal);

/// scan_cache learns client, end, refresh time and impersonator from a cache and makes it the state's one. A cache that
/// does not exist: `false`, and the state is unchanged but for the cache's name. Fault::NoCredential,
/// CredentialCacheMismatch, EmptyCredentialCache.
Result<bool> scan_cache(const Krb5Context& context, krb5_ccache cache, NameCheck check, InitiatorState& state);

/// cache_for_name finds the cache of the state's client (or wanted name), or one in which initial tickets may be put.
Done cache_for_name(const Krb5Context& context, InitiatorState& state);

/// settle chooses client and cache for a target (null: none), as MIT's kg_cred_resolve (spec/initiator.md 2.3).
Done settle(const Krb5Context& context, const KerberosName* target, InitiatorState& state);

/// can_get_tickets tells whether a password or the client keytab could give initial tickets for the wanted client.
bool can_get_tickets(const Krb5Context& context, const InitiatorState& state);

/// client_of_keytab gives the client keytab's first principal, none if there is no such keytab.
std::optional<Principal> client_of_keytab(const Krb5Context& context, const InitiatorState& state);

/// refresh_is_due tells whether new initial tickets should be tried, by the clock alone.
bool refresh_is_due(const InitiatorState& state, Time now);

/// get_tickets_if_due gets initial tickets if there are none or a refresh is due. Fails only when there is nothing else
/// to use. Fault::NoCredential with libkrb5's code.
Done get_tickets_if_due(const Krb5Context& context, const VerifyRequest* verify, InitiatorState& state);

/// time_of_kdc is the machine's time corrected as the context's caches say.
Time time_of_kdc(const Krb5Context& context);

/// clock_offset_of is that correction: KDC time minus ours.
Duration clock_offset_of(const Krb5Context& context);

} // namespace apex
