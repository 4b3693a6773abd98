// SPDX-License-Identifier: MIT
#include "apex/host/initiator_credential.h"
#include "apex/host/name_service.h"
#include "apex/host/settings.h"
#include "host/cache_iteration.h"
#include "host/initiator_state.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace apex {
namespace {

constexpr std::string_view config_impersonator = "proxy_impersonator";
constexpr std::string_view config_refresh_time = "refresh_time";

Done take_config(const Krb5Context& context, const Krb5Creds& creds, InitiatorState& state)
{
    const Principal config = principal_from(creds->server);
    if (config.name.components.size() != 2) {
        return {};
    }
    const std::string text = text_of(view_of(creds->ticket));
    const std::string& key = config.name.components[1];
    if (key == config_impersonator && !state.impersonator) {
        Krb5Principal principal(context);
        const krb5_error_code code = krb5_parse_name(context.get(), text.c_str(), principal.out());
        if (code != 0) {
            return from_krb5(context, code, Fault::NoCredential, "the proxy's name in credential cache " +
                                                                     state.cache_name);
        }
        state.impersonator = principal_from(principal.get());
    }
    if (key == config_refresh_time && !state.refresh_time) {
        std::int64_t seconds = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc() && seconds > 0) {
            state.refresh_time = time_from_seconds(seconds);
        }
    }
    return {};
}

bool is_local_tgt(const Principal& server, const std::string& realm)
{
    return server.realm == realm && server.name.components == std::vector<std::string>{"krbtgt", realm};
}

/// Learns from each ticket: the local TGT's end counts, else the first ticket's.
Done take_tickets(const Krb5Context& context, krb5_ccache cache, InitiatorState& state)
{
    CacheIteration iteration(context, cache);
    krb5_error_code code = iteration.start();
    Krb5Creds creds(context);
    while (code == 0) {
        code = iteration.next(creds);
        if (code != 0) {
            break;
        }
        if (krb5_is_config_principal(context.get(), creds->server) != 0) {
            TRY(take_config(context, creds, state));
            continue;
        }
        const bool tgt = is_local_tgt(principal_from(creds->server), state.client->realm);
        state.has_tgt = state.has_tgt || tgt;
        if (tgt || !state.end_time) {
            state.end_time = from_timestamp(creds->times.endtime);
        }
    }
    if (code != KRB5_CC_END) {
        return from_krb5(context, code, Fault::NoCredential, "credential cache " + state.cache_name);
    }
    return {};
}

/// Flags of a cache that are set for a while: no session keys are needed to look around.
class WithoutKeys final {
public:
    WithoutKeys(const Krb5Context& context, krb5_ccache cache) noexcept : context_(context.get()), cache_(cache)
    {
        static_cast<void>(krb5_cc_set_flags(context_, cache_, KRB5_TC_NOTICKET));
    }
    ~WithoutKeys() { static_cast<void>(krb5_cc_set_flags(context_, cache_, 0)); }
    WithoutKeys(const WithoutKeys&) = delete;
    WithoutKeys& operator=(const WithoutKeys&) = delete;

private:
    krb5_context context_;
    krb5_ccache cache_;
};

} // namespace

Done use_thread_cache(const Krb5Context& context)
{
    const char* name = thread_ccache_name();
    if (name == nullptr) {
        return {};
    }
    const krb5_error_code code = krb5_cc_set_default_name(context.get(), name);
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, std::string("credential cache ") + name);
    }
    return {};
}

namespace {

/// The principals that a wanted name may mean.
Result<std::vector<Principal>> forms_of(const KerberosName& wanted)
{
    if (!wanted.host_based) {
        return std::vector<Principal>{wanted.principal};
    }
    std::vector<Principal> forms = TRY(host_based_candidates(wanted));
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    for (Principal& form : forms) {
        if (form.realm.empty()) {
            form.realm = settings->default_realm;
        }
    }
    return forms;
}

} // namespace

Result<bool> matches_name(const KerberosName& wanted, const Principal& principal)
{
    const std::vector<Principal> forms = TRY(forms_of(wanted));
    for (const Principal& form : forms) {
        if (same_principal(form, principal)) {
            return true;
        }
    }
    return false;
}

Result<bool> scan_cache(const Krb5Context& context, krb5_ccache cache, NameCheck check, InitiatorState& state)
{
    state.cache_name = TRY(full_name_of(context, cache));
    std::optional<Principal> owner;
    {
        const WithoutKeys look_around(context, cache);
        owner = TRY(owner_of(context, cache));
        if (!owner) {
            return false;
        }
        const bool free = !state.name || check == NameCheck::not_needed;
        const bool fits = free || TRY(matches_name(*state.name, *owner));
        if (!fits) {
            return refuse(Fault::CredentialCacheMismatch, "credential cache " + state.cache_name + " belongs to " +
                                                              owner->text() + ", wanted is " +
                                                              state.name->principal.text());
        }
        state.client = std::move(owner);
        state.has_tgt = false;
        state.end_time.reset();
        state.refresh_time.reset();
        state.impersonator.reset();
        TRY(take_tickets(context, cache, state));
    }
    if (!state.end_time && !can_get_tickets(context, state)) {
        return refuse(Fault::EmptyCredentialCache,
                      state.cache_name + " of " + state.client->text() + "; get a ticket with kinit");
    }
    return true;
}

namespace {

/// Takes over the cache in the collection that belongs to one of the forms.
Result<bool> take_matching_cache(const Krb5Context& context, const std::vector<Principal>& forms,
                                 InitiatorState& state, std::optional<Error>& last_error)
{
    for (const Principal& form : forms) {
        const Krb5Principal principal = TRY(to_krb5(context, form));
        Krb5Ccache cache(context);
        const krb5_error_code code = krb5_cc_cache_match(context.get(), principal.get(), cache.out());
        if (code == 0) {
            return scan_cache(context, cache.get(), NameCheck::not_needed, state);
        }
        last_error = from_krb5(context, code, Fault::NoCredential, "credentials of " + form.text());
        if (code != KRB5_CC_NOTFOUND) {
            return *last_error;
        }
    }
    return false;
}

/// Where initial tickets of a client without a cache go: the default cache if it is free, else a new one.
Done take_new_cache(const Krb5Context& context, InitiatorState& state)
{
    Krb5Ccache cache(context);
    krb5_error_code code = krb5_cc_default(context.get(), cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "the default credential cache");
    }
    const std::string type = krb5_cc_get_type(context.get(), cache.get());
    const bool collection = krb5_cc_support_switch(context.get(), type.c_str()) != 0;
    if (state.password != nullptr || !collection) {
        const std::optional<Principal> owner = TRY(owner_of(context, cache.get()));
        if (!owner) {
            state.cache_name = TRY(full_name_of(context, cache.get()));
            return {};
        }
        if (!collection) {
            return refuse(Fault::CredentialCacheMismatch, "credential cache " +
                                                              TRY(full_name_of(context, cache.get())) + " belongs to " +
                                                              owner->text() + ", wanted is " + state.client->text());
        }
    }
    code = krb5_cc_new_unique(context.get(), type.c_str(), nullptr, cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "a new credential cache of type " + type);
    }
    state.cache_name = TRY(full_name_of(context, cache.get()));
    return {};
}

} // namespace

Done cache_for_name(const Krb5Context& context, InitiatorState& state)
{
    const std::vector<Principal> forms =
        state.client ? std::vector<Principal>{*state.client} : TRY(forms_of(*state.name));
    // Asked first: the error to report is that of the search.
    const bool obtainable = can_get_tickets(context, state);
    std::optional<Error> not_found;
    const bool found = TRY(take_matching_cache(context, forms, state, not_found));
    if (found) {
        return {};
    }
    if (!obtainable) {
        return not_found.value_or(refuse(Fault::NoCredential));
    }
    if (!state.client) {
        state.client = forms.front();
    }
    return take_new_cache(context, state);
}

namespace {

/// Lets krb5_cc_select choose: the user's .k5identity, then by realm and host name.
Done select_cache(const Krb5Context& context, const KerberosName& target, InitiatorState& state)
{
    const Krb5Principal server = TRY(to_krb5(context, target.principal));
    Krb5Ccache cache(context);
    Krb5Principal client(context);
    const krb5_error_code code = krb5_cc_select(context.get(), server.get(), cache.out(), client.out());
    if (code != 0 && code != KRB5_CC_NOTFOUND) {
        return from_krb5(context, code, Fault::NoCredential, "choosing credentials for " + target.principal.text());
    }
    if (client) {
        state.client = principal_from(client.get());
    }
    if (cache) {
        static_cast<void>(TRY(scan_cache(context, cache.get(), NameCheck::not_needed, state)));
    }
    return {};
}

Done take_default_cache(const Krb5Context& context, InitiatorState& state)
{
    Krb5Ccache cache(context);
    const krb5_error_code code = krb5_cc_default(context.get(), cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "the default credential cache");
    }
    const bool exists = TRY(scan_cache(context, cache.get(), NameCheck::not_needed, state));
    if (!exists) {
        state.cache_name.clear();
    }
    return {};
}

} // namespace

Done settle(const Krb5Context& context, const KerberosName* target, InitiatorState& state)
{
    if (target != nullptr) {
        TRY(select_cache(context, *target, state));
    }
    if (!state.client) {
        TRY(take_default_cache(context, state));
    }
    if (!state.client) {
        state.client = client_of_keytab(context, state);
    }
    if (!state.client) {
        const char* name = krb5_cc_default_name(context.get());
        return refuse(Fault::NoCredential, "no Kerberos credentials available (default cache: " +
                                                       std::string(name != nullptr ? name : "none") +
                                                       "); get a ticket with kinit");
    }
    if (state.cache_name.empty()) {
        TRY(cache_for_name(context, state));
    }
    return get_tickets_if_due(context, nullptr, state);
}

} // namespace apex
