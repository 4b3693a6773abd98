// SPDX-License-Identifier: MIT
#include "host/service_tickets.h"

#include "apex/host/settings.h"
#include "host/file_stamp.h"
#include "host/ticket_memory.h"

#include <algorithm>
#include <utility>

namespace apex {
namespace {

std::string key_of(const InitiatorState& state, const Principal& service)
{
    // Host-based names of unknown realm are another question than the same text as a principal.
    std::string key = service.text() + '\0' + std::to_string(service.name.type) + '\0' + state.client->text();
    for (const EncryptionType type : state.types) {
        key += ' ' + std::to_string(static_cast<std::int32_t>(type));
    }
    return key;
}

bool has_expired(const ServiceTicket& ticket)
{
    return ticket.end_time < SystemClock().now() + ticket.clock_offset;
}

AuthorizationData authorization_of(krb5_authdata* const* list)
{
    AuthorizationData elements;
    for (; list != nullptr && *list != nullptr; ++list) {
        elements.push_back(
            AuthorizationElement{(*list)->ad_type, bytes_of(view_of((*list)->contents, (*list)->length))});
    }
    return elements;
}

std::optional<Time> optional_time(krb5_timestamp timestamp)
{
    return timestamp != 0 ? std::optional<Time>(from_timestamp(timestamp)) : std::nullopt;
}

Result<std::shared_ptr<const ServiceTicket>> ticket_from(const Krb5Context& context, const krb5_creds& creds)
{
    Key session_key = TRY(key_from(creds.keyblock));
    return std::shared_ptr<const ServiceTicket>(std::make_shared<const ServiceTicket>(ServiceTicket{
        .ticket = bytes_of(view_of(creds.ticket)),
        .client = principal_from(creds.client),
        .server = principal_from(creds.server),
        .session_key = std::make_shared<const Key>(std::move(session_key)),
        .flags = static_cast<std::uint32_t>(creds.ticket_flags),
        .auth_time = from_timestamp(creds.times.authtime),
        .start_time = optional_time(creds.times.starttime),
        .end_time = from_timestamp(creds.times.endtime),
        .renew_till = optional_time(creds.times.renew_till),
        .clock_offset = clock_offset_of(context),
        .authorization_data = authorization_of(creds.authdata),
    }));
}

/// Opens the credential's cache and makes sure that it still belongs to the client.
Result<Krb5Ccache> open_own_cache(const Krb5Context& context, const InitiatorState& state)
{
    Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
    Krb5Principal owner(context);
    const krb5_error_code code = krb5_cc_get_principal(context.get(), cache.get(), owner.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::BadCredential, "credential cache " + state.cache_name);
    }
    const Principal now = principal_from(owner.get());
    if (!same_principal(now, *state.client)) {
        Error error = refuse(Fault::BadCredential, "credential cache " + state.cache_name + " now belongs to " +
                                                       now.text() + ", no longer to " + state.client->text());
        error.minor_override = traits_of(Fault::CredentialCacheMismatch).minor;
        return error;
    }
    return cache;
}

/// Request is a question for a service ticket in libkrb5's terms; the parts are lent by the members.
struct Request final {
    explicit Request(const Krb5Context& context) : client(context), server(context), evidence(context) {}

    Krb5Principal client;
    Krb5Principal server;
    Krb5Creds evidence; // of an S4U2Proxy request: the client's ticket for us
    krb5_flags options = 0;

    [[nodiscard]] krb5_creds question(std::optional<Time> end_time) const
    {
        krb5_creds creds{};
        creds.client = client.get();
        creds.server = server.get();
        creds.second_ticket = evidence->ticket;
        creds.times.endtime = end_time ? to_timestamp(*end_time) : 0;
        return creds;
    }
};

bool is_for_impersonator(const Principal& service, const Principal& impersonator)
{
    return service.name.type == name_type_service_host ? same_name(service.name, impersonator.name)
                                                       : same_principal(service, impersonator);
}

/// Shapes a request of a proxy credential (S4U2Proxy, [MS-SFU] 3.1.5.2): the service asks in its own name, showing the
/// client's ticket as evidence. A ticket for the service itself is that evidence.
Done act_as_proxy(const Krb5Context& context, krb5_ccache cache, const InitiatorState& state, const Principal& service,
                  Request& request)
{
    if (is_for_impersonator(service, *state.impersonator)) {
        request.options = KRB5_GC_CACHED;
        return {};
    }
    Krb5Principal self = TRY(to_krb5(context, *state.impersonator));
    krb5_creds sought{};
    sought.client = request.client.get();
    sought.server = self.get();
    const krb5_error_code code =
        krb5_cc_retrieve_cred(context.get(), cache, KRB5_TC_MATCH_AUTHDATA, &sought, request.evidence.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::KdcFailed,
                         "the ticket of " + state.client->text() + " for " + state.impersonator->text());
    }
    request.client = std::move(self);
    request.options = KRB5_GC_CANONICALIZE | KRB5_GC_CONSTRAINED_DELEGATION;
    return {};
}

Result<Request> request_for(const Krb5Context& context, krb5_ccache cache, const InitiatorState& state,
                            const Principal& service)
{
    Request request(context);
    Principal server = service;
    if (state.impersonator && service.name.type == name_type_service_host) {
        server.realm.clear(); // a proxy's request starts in the client's realm
    }
    request.server = TRY(to_krb5(context, server));
    request.client = TRY(to_krb5(context, *state.client));
    if (state.impersonator) {
        TRY(act_as_proxy(context, cache, state, service, request));
    }
    return request;
}

/// Asks the cache first and the KDC then. A cached ticket serves whatever end is wished (as MIT from 1.21 on): otherwise a
/// wish beyond what the KDC grants would cost a round trip each time.
krb5_error_code ask(const Krb5Context& context, krb5_ccache cache, const Request& request,
                    std::optional<Time> end_time, Krb5CredsPointer& answer)
{
    if (end_time) {
        krb5_creds cached = request.question(std::nullopt);
        if (krb5_get_credentials(context.get(), request.options | KRB5_GC_CACHED, cache, &cached, answer.out()) == 0) {
            return 0;
        }
    }
    krb5_creds question = request.question(end_time);
    return krb5_get_credentials(context.get(), request.options, cache, &question, answer.out());
}

Error failed(const Krb5Context& context, krb5_error_code code, const InitiatorState& state, const Principal& service)
{
    const bool expired = code == KRB5KRB_AP_ERR_TKT_EXPIRED;
    std::string what = "a ticket of " + state.client->text() + " for " + service.text();
    if (state.impersonator && !is_for_impersonator(service, *state.impersonator)) {
        what += ", asked for by " + state.impersonator->text() + " (S4U2Proxy)";
        if (code == KRB5KDC_ERR_BADOPTION) {
            what += ": perhaps it is not allowed to, or the client's ticket is not forwardable";
        }
    }
    if (expired && state.end_time) {
        what += " (the tickets in " + state.cache_name + " ended " + iso_text(*state.end_time) + "; renew with kinit)";
    }
    const Settings* settings = latest_settings();
    if (code == KRB5KDC_ERR_ETYPE_NOSUPP && settings != nullptr && !settings->allow_rc4) {
        what += " (perhaps the service has arcfour-hmac keys only, which are off unless krb5.conf says allow_rc4 = true; "
                "give it AES keys)";
    }
    return from_krb5(context, code, expired ? Fault::TicketExpired : Fault::KdcFailed, what);
}

Result<std::shared_ptr<const ServiceTicket>> find_ticket(const InitiatorState& state, const Principal& service,
                                                         std::optional<Time> end_time)
{
    const Krb5Context context = TRY(Krb5Context::make());
    TRY(limit_types(context, state.types));
    const Krb5Ccache cache = TRY(open_own_cache(context, state));
    const Request request = TRY(request_for(context, cache.get(), state, service));
    Krb5CredsPointer answer(context);
    const krb5_error_code code = ask(context, cache.get(), request, end_time, answer);
    if (code != 0) {
        return failed(context, code, state, service);
    }
    const krb5_creds& creds = *answer.get();
    if (!same_principal(principal_from(creds.client), *state.client)) {
        // The KDC ignored the evidence and gave a ticket of the proxy itself.
        return failed(context, KRB5_KDCREP_MODIFIED, state, service);
    }
    // Stricter than libkrb5, which allows for skew: acceptors do not forgive an end that is over.
    if (from_timestamp(creds.times.endtime) < time_of_kdc(context)) {
        return failed(context, KRB5KRB_AP_ERR_TKT_EXPIRED, state, service);
    }
    return ticket_from(context, creds);
}

} // namespace

Done limit_types(const Krb5Context& context, const std::vector<EncryptionType>& allowed)
{
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    std::vector<krb5_enctype> types;
    for (const EncryptionType type : settings->permitted) {
        if (allowed.empty() || std::find(allowed.begin(), allowed.end(), type) != allowed.end()) {
            types.push_back(static_cast<krb5_enctype>(type));
        }
    }
    if (types.empty()) {
        return refuse(Fault::EncryptionTypeRefused, "none of the credential's encryption types is permitted");
    }
    types.push_back(0);
    const krb5_error_code code = krb5_set_default_tgs_enctypes(context.get(), types.data());
    if (code != 0) {
        return from_krb5(context, code, Fault::EncryptionTypeRefused, "the permitted encryption types");
    }
    return {};
}

Result<std::shared_ptr<const ServiceTicket>> service_ticket(const InitiatorState& state, const Principal& service,
                                                            std::optional<Time> end_time)
{
    const std::optional<std::string> path = path_of(state.cache_name);
    if (!path) {
        return find_ticket(state, service, end_time);
    }
    const std::string key = key_of(state, service);
    const std::optional<FileStamp> before = stamp_of(*path);
    if (before) {
        std::shared_ptr<const ServiceTicket> known = TicketMemory::recall(*path, *before, key);
        if (known != nullptr && !has_expired(*known)) {
            return known;
        }
    }
    std::shared_ptr<const ServiceTicket> found = TRY(find_ticket(state, service, end_time));
    // A ticket from the KDC was written to the file: its stamp changed, and the next call reads it from there.
    if (before && is_settled(*before) && stamp_of(*path) == before) {
        TicketMemory::remember(*path, *before, key, found);
    }
    return found;
}

Result<Bytes> forwarded_tgt(const InitiatorState& state, const ServiceTicket& ticket)
{
    const Krb5Context context = TRY(Krb5Context::make());
    const std::string what = "a forwarded ticket of " + state.client->text() + " for " + ticket.server.text();
    const Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
    const Krb5Principal client = TRY(to_krb5(context, ticket.client));
    const Krb5Principal server = TRY(to_krb5(context, ticket.server));
    Krb5Keyblock session_key = TRY(to_krb5(context, *ticket.session_key));
    Krb5AuthContext sealing(context);
    krb5_error_code code = krb5_auth_con_init(context.get(), sealing.out());
    if (code == 0) {
        code = krb5_auth_con_setflags(context.get(), sealing.get(), 0); // no replay cache of libkrb5's
    }
    if (code == 0) {
        // RFC 4121 4.1.1: the session key of the service ticket seals the KRB-CRED.
        code = krb5_auth_con_setuseruserkey(context.get(), sealing.get(), session_key.get());
    }
    Krb5Data message(context);
    if (code == 0) {
        code = krb5_fwd_tgt_creds(context.get(), sealing.get(), nullptr, client.get(), server.get(), cache.get(), 1,
                                  message.out());
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::DelegationFailed, what);
    }
    return bytes_of(view_of(*message));
}

} // namespace apex
