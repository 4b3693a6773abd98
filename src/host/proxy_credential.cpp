// SPDX-License-Identifier: MIT
#include "apex/host/initiator_credential.h"
#include "host/initiator_state.h"
#include "host/service_tickets.h"
#include "host/temporary_cache.h"
#include "host/ticket_record.h"

#include <utility>

/// libkrb5 exports it, and its headers do not declare it (S4U2Self, [MS-SFU] 3.1.5.1).
extern "C" krb5_error_code krb5_get_credentials_for_user(krb5_context context, krb5_flags options, krb5_ccache cache,
                                                         krb5_creds* in_creds, krb5_data* subject_certificate,
                                                         krb5_creds** out_creds);

namespace apex {
namespace {

/// A service can stand in for a client with its own tickets only: not one that is itself somebody's proxy.
Done check_may_stand_in(const InitiatorState& state)
{
    if (!state.settled() || state.impersonator) {
        return refuse(Fault::BadUsage, "the credential is itself a proxy's and cannot stand in for another client");
    }
    return {};
}

/// Makes the cache of a proxy credential: the service's own tickets, the client's as evidence, and the note by which
/// libkrb5's tools know what it is.
Result<std::shared_ptr<const TemporaryCache>> proxy_cache(const Krb5Context& context, const InitiatorState& state,
                                                          const Principal& client)
{
    std::shared_ptr<const TemporaryCache> cache = TRY(TemporaryCache::make(context, client));
    const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
    const Krb5Ccache own = TRY(open_cache(context, state.cache_name));
    TRY(copy_tickets(context, own.get(), handle.get()));
    const std::string impersonator = state.client->text();
    krb5_data note = data_of(view_of(impersonator));
    const krb5_error_code code =
        krb5_cc_set_config(context.get(), handle.get(), nullptr, "proxy_impersonator", &note);
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "the proxy credential of " + impersonator);
    }
    return cache;
}

} // namespace

Result<std::shared_ptr<InitiatorCredential>> InitiatorCredential::proxy_for(const ServiceTicket& evidence)
{
    TRY(resolve(nullptr));
    const std::shared_ptr<const InitiatorState> state = state_.load();
    TRY(check_may_stand_in(*state));
    const Krb5Context context = TRY(Krb5Context::make());
    std::shared_ptr<const TemporaryCache> cache = TRY(proxy_cache(context, *state, evidence.client));
    {
        const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
        TRY(store_ticket(context, handle.get(),
                         TicketRecord{
                             .client = evidence.client,
                             .server = evidence.server,
                             .key_type = evidence.session_key->type(),
                             .session_key = evidence.session_key->octets().view(),
                             .flags = evidence.flags,
                             .auth_time = evidence.auth_time,
                             .start_time = evidence.start_time,
                             .end_time = evidence.end_time,
                             .renew_till = evidence.renew_till,
                             .ticket = evidence.ticket,
                             .second_ticket = {},
                             .addresses = {},
                             .authorization_data = {},
                         }));
    }
    return of_proxy_cache(std::move(cache), evidence.end_time);
}

Result<std::shared_ptr<InitiatorCredential>> InitiatorCredential::of_proxy_cache(
    std::shared_ptr<const TemporaryCache> cache, Time end_time)
{
    const std::shared_ptr<InitiatorCredential> scanned = TRY(of_cache(std::move(cache)));
    auto state = std::make_shared<InitiatorState>(*scanned->state_.load());
    state->end_time = end_time; // the evidence's, not that of the service's own tickets
    return std::make_shared<InitiatorCredential>(std::move(state));
}

Result<std::shared_ptr<InitiatorCredential>> InitiatorCredential::impersonate(const KerberosName& user)
{
    TRY(resolve(nullptr));
    const std::shared_ptr<const InitiatorState> state = state_.load();
    TRY(check_may_stand_in(*state));
    const Krb5Context context = TRY(Krb5Context::make());
    TRY(limit_types(context, state->types));
    const Krb5Principal self = TRY(to_krb5(context, *state->client));
    const Krb5Principal client = TRY(to_krb5(context, user.principal));
    krb5_creds question{};
    question.server = self.get();
    krb5_data certificate{};
    if (user.certificate) {
        certificate = data_of(view_of(user.principal.name.components.front()));
    } else {
        question.client = client.get();
    }
    if (!state->types.empty()) {
        question.keyblock.enctype = static_cast<krb5_enctype>(state->types.front());
    }
    const Krb5Ccache own = TRY(open_cache(context, state->cache_name));
    Krb5CredsPointer answer(context);
    krb5_error_code code =
        krb5_get_credentials_for_user(context.get(), KRB5_GC_CANONICALIZE | KRB5_GC_NO_STORE, own.get(), &question,
                                      user.certificate ? &certificate : nullptr, answer.out());
    const std::string what = "a ticket of " + (user.certificate ? "a certificate's subject" : user.principal.text()) +
                             " for " + state->client->text() + " itself (S4U2Self)";
    if (code != 0) {
        return from_krb5(context, code, Fault::KdcFailed, what);
    }
    std::shared_ptr<const TemporaryCache> cache =
        TRY(proxy_cache(context, *state, principal_from(answer.get()->client)));
    {
        const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
        code = krb5_cc_store_cred(context.get(), handle.get(), answer.get());
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, what);
    }
    return of_proxy_cache(std::move(cache), from_timestamp(answer.get()->times.endtime));
}

} // namespace apex
