// SPDX-License-Identifier: MIT
#include "apex/host/initiator_credential.h"

#include "apex/base/trace_events.h"
#include "apex/host/settings.h"
#include "host/default_choices.h"
#include "host/initiator_state.h"
#include "host/service_tickets.h"

#include <utility>

namespace apex {
namespace {

/// Puts the tickets of a password into a cache of the credential's own.
Done use_own_cache(const Krb5Context& context, InitiatorState& state)
{
    state.own_cache = TRY(TemporaryCache::make(context));
    state.cache_name = state.own_cache->name();
    state.client = state.name->principal;
    return {};
}

/// Takes the cache that the caller named; a cache that does not exist may be filled from the client keytab.
Done use_given_cache(const Krb5Context& context, krb5_ccache cache, InitiatorState& state)
{
    const bool exists = TRY(scan_cache(context, cache, NameCheck::must_match, state));
    if (exists) {
        return {};
    }
    if (!can_get_tickets(context, state)) {
        return from_krb5(context, KRB5_FCC_NOFILE, Fault::NoCredential, "credential cache " + state.cache_name);
    }
    state.client = state.name ? state.name->principal : client_of_keytab(context, state);
    return {};
}

Done use_default_cache(const Krb5Context& context, InitiatorState& state)
{
    Krb5Ccache cache(context);
    const krb5_error_code code = krb5_cc_default(context.get(), cache.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "the default credential cache");
    }
    return use_given_cache(context, cache.get(), state);
}

/// Without a name or cache only asks whether anything could work; the choice waits for the target.
Done check_possible(const Krb5Context& context, const InitiatorState& state)
{
    if (can_get_tickets(context, state)) {
        return {};
    }
    const krb5_error_code code = krb5_cccol_have_content(context.get());
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, "default credentials");
    }
    return {};
}

Done find(const Krb5Context& context, const std::optional<std::string>& ccache, InitiatorState& state)
{
    if (state.password != nullptr) {
        return use_own_cache(context, state);
    }
    if (ccache) {
        const Krb5Ccache cache = TRY(open_cache(context, *ccache));
        return use_given_cache(context, cache.get(), state);
    }
    if (thread_ccache_name() != nullptr) {
        return use_default_cache(context, state);
    }
    if (state.name) {
        return cache_for_name(context, state);
    }
    return check_possible(context, state);
}

void tell_choice(const InitiatorState& state)
{
    tell(trace_if_enabled(), [&] {
        return CredentialChosen{.role = TraceRole::initiator, .name = state.client->text(), .source = state.cache_name};
    });
}

/// Whether a settled state has to be looked at again: its tickets come from a keytab, or end.
bool is_stale(const InitiatorState& state)
{
    return state.own_cache == nullptr && refresh_is_due(state, SystemClock().now());
}

/// Looks at the cache anew, another process may have refreshed it, and refreshes it if not.
Done refresh(const Krb5Context& context, InitiatorState& state)
{
    const Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
    const Principal client = *state.client;
    const Result<bool> scanned = scan_cache(context, cache.get(), NameCheck::not_needed, state);
    if (!scanned || !*scanned || !same_principal(client, *state.client)) {
        state.client = client;
        return {}; // the search for a ticket will say what is wrong with the cache
    }
    return get_tickets_if_due(context, nullptr, state);
}

} // namespace

InitiatorCredential::InitiatorCredential(std::shared_ptr<const InitiatorState> state)
    : state_(std::move(state))
{
}

InitiatorCredential::~InitiatorCredential() = default;

Result<std::shared_ptr<InitiatorCredential>> InitiatorCredential::acquire(InitiatorRequest request)
{
    const Krb5Context context = TRY(Krb5Context::make());
    TRY(use_thread_cache(context));
    InitiatorState state;
    state.name = std::move(request.name);
    state.client_keytab = std::move(request.client_keytab);
    if (request.password) {
        if (!state.name) {
            return refuse(Fault::BadName, "a password needs the name that it belongs to");
        }
        state.password = std::make_shared<const Secret>(std::move(*request.password));
    }
    TRY(find(context, request.ccache, state));
    if (state.settled()) {
        const VerifyRequest verify{request.verify.value_or(""), request.verify_keytab};
        TRY(get_tickets_if_due(context, request.verify ? &verify : nullptr, state));
        tell_choice(state);
    }
    return std::make_shared<InitiatorCredential>(std::make_shared<const InitiatorState>(std::move(state)));
}

std::shared_ptr<InitiatorCredential> InitiatorCredential::unsettled()
{
    return std::make_shared<InitiatorCredential>(std::make_shared<const InitiatorState>());
}

Result<std::shared_ptr<InitiatorCredential>> InitiatorCredential::of_cache(std::shared_ptr<const TemporaryCache> own)
{
    const Krb5Context context = TRY(Krb5Context::make());
    const Krb5Ccache cache = TRY(open_cache(context, own->name()));
    InitiatorState state;
    state.own_cache = std::move(own);
    const bool exists = TRY(scan_cache(context, cache.get(), NameCheck::not_needed, state));
    if (!exists) {
        return refuse(Fault::BadCredential, "the credential cache in memory is gone");
    }
    return std::make_shared<InitiatorCredential>(std::make_shared<const InitiatorState>(std::move(state)));
}

Done InitiatorCredential::resolve(const KerberosName* target)
{
    const std::shared_ptr<const InitiatorState> now = state_.load();
    if (now->settled() && !is_stale(*now)) {
        return {};
    }
    const DefaultChoice choice(*now, target);
    std::shared_ptr<const InitiatorState> known = choice.recall();
    if (known != nullptr) {
        tell_choice(*known);
        static_cast<void>(state_.replace(now, std::move(known)));
        return {};
    }
    const Krb5Context context = TRY(Krb5Context::make());
    TRY(use_thread_cache(context));
    auto next = std::make_shared<InitiatorState>(*now);
    if (now->settled()) {
        TRY(refresh(context, *next));
    } else {
        TRY(settle(context, target, *next));
        choice.remember(next);
        tell_choice(*next);
    }
    // Should another thread have been faster, its choice stands.
    static_cast<void>(state_.replace(now, std::move(next)));
    return {};
}

Result<std::shared_ptr<const ServiceTicket>> InitiatorCredential::ticket_for(const Principal& service,
                                                                             std::optional<Time> end_time)
{
    TRY(resolve(nullptr));
    return service_ticket(*state_.load(), service, end_time);
}

Result<Bytes> InitiatorCredential::forwarded_credential(const ServiceTicket& ticket)
{
    TRY(resolve(nullptr));
    return forwarded_tgt(*state_.load(), ticket);
}

std::shared_ptr<InitiatorCredential> InitiatorCredential::restricted_to(std::vector<EncryptionType> types) const
{
    auto state = std::make_shared<InitiatorState>(*state_.load());
    state->types = std::move(types);
    return std::make_shared<InitiatorCredential>(std::move(state));
}

std::optional<Principal> InitiatorCredential::client() const
{
    return state_.load()->client;
}

std::optional<Time> InitiatorCredential::end_time() const
{
    return state_.load()->end_time;
}

std::optional<Principal> InitiatorCredential::impersonator() const
{
    return state_.load()->impersonator;
}

std::string InitiatorCredential::cache_name() const
{
    return state_.load()->cache_name;
}

} // namespace apex
