// SPDX-License-Identifier: MIT
#include "host/credential_json.h"

#include "apex/host/name_service.h"
#include "host/cache_iteration.h"
#include "host/ticket_record.h"

#include <limits>
#include <utility>

namespace apex {
namespace {

Error malformed(const std::string& what)
{
    return refuse(Fault::MalformedToken, "the exported credential has a malformed " + what);
}

} // namespace

JsonValue json_of(const std::optional<Principal>& principal)
{
    return principal ? JsonValue(std::string_view(principal->text())) : JsonValue();
}

Result<std::optional<Principal>> optional_principal(const JsonValue& value)
{
    if (value.is_null()) {
        return std::optional<Principal>();
    }
    const Result<KerberosName> name = import_principal_text(text_of(TRY(value.text())));
    return name ? Result<std::optional<Principal>>(name->principal) : malformed("principal");
}

JsonValue json_of(const std::optional<std::string>& text)
{
    return text ? JsonValue(std::string_view(*text)) : JsonValue();
}

Result<std::optional<std::string>> optional_text(const JsonValue& value)
{
    if (value.is_null()) {
        return std::optional<std::string>();
    }
    std::string text = text_of(TRY(value.text()));
    if (text.find('\0') != std::string::npos) {
        return malformed("text");
    }
    return std::optional<std::string>(std::move(text));
}

Result<std::uint32_t> number32(const JsonValue& value)
{
    const std::int64_t number = TRY(value.number());
    if (number < std::numeric_limits<std::int32_t>::min() || number > std::numeric_limits<std::uint32_t>::max()) {
        return malformed("number");
    }
    return static_cast<std::uint32_t>(number);
}

namespace {

JsonValue json_of_number(std::int64_t number)
{
    return JsonValue(number);
}

/// [number, octets]: a key, an address, an element of authorization data.
JsonValue json_of_typed(std::int64_t type, ByteView octets)
{
    JsonValue::Array pair;
    pair.push_back(json_of_number(type));
    pair.push_back(JsonValue::base64(octets));
    return JsonValue(std::move(pair));
}

struct Typed final {
    std::int32_t type = 0;
    Secret octets;
};

Result<Typed> typed_of(const JsonValue& value)
{
    const JsonValue::Array& pair = *TRY(value.array_of(2));
    const std::uint32_t type = TRY(number32(pair[0]));
    return Typed{static_cast<std::int32_t>(type), TRY(pair[1].octets())};
}

JsonValue json_of_addresses(krb5_address* const* list)
{
    if (list == nullptr) {
        return JsonValue();
    }
    JsonValue::Array values;
    for (; *list != nullptr; ++list) {
        values.push_back(json_of_typed((*list)->addrtype, view_of((*list)->contents, (*list)->length)));
    }
    return JsonValue(std::move(values));
}

JsonValue json_of_authorization(krb5_authdata* const* list)
{
    if (list == nullptr) {
        return JsonValue();
    }
    JsonValue::Array values;
    for (; *list != nullptr; ++list) {
        values.push_back(json_of_typed((*list)->ad_type, view_of((*list)->contents, (*list)->length)));
    }
    return JsonValue(std::move(values));
}

JsonValue json_of_ticket(const krb5_creds& creds)
{
    JsonValue::Array fields;
    fields.push_back(json_of(std::optional<Principal>(principal_from(creds.client))));
    fields.push_back(json_of(std::optional<Principal>(principal_from(creds.server))));
    fields.push_back(json_of_typed(creds.keyblock.enctype, view_of(creds.keyblock.contents, creds.keyblock.length)));
    for (const krb5_timestamp time :
         {creds.times.authtime, creds.times.starttime, creds.times.endtime, creds.times.renew_till}) {
        fields.push_back(json_of_number(time));
    }
    fields.push_back(JsonValue(creds.is_skey != 0));
    fields.push_back(json_of_number(creds.ticket_flags));
    fields.push_back(json_of_addresses(creds.addresses));
    fields.push_back(JsonValue::base64(view_of(creds.ticket)));
    fields.push_back(JsonValue::base64(view_of(creds.second_ticket)));
    fields.push_back(json_of_authorization(creds.authdata));
    return JsonValue(std::move(fields));
}

Result<std::optional<Time>> time_of(const JsonValue& value)
{
    const std::uint32_t number = TRY(number32(value));
    return number != 0 ? std::optional<Time>(from_timestamp(static_cast<krb5_timestamp>(number))) : std::nullopt;
}

Result<HostAddresses> addresses_of(const JsonValue& value)
{
    HostAddresses addresses;
    if (!value.is_null()) {
        const JsonValue::Array* list = TRY(value.array());
        for (const JsonValue& element : *list) {
            const Typed typed = TRY(typed_of(element));
            addresses.push_back(HostAddress{typed.type, bytes_of(typed.octets.view())});
        }
    }
    return addresses;
}

Result<AuthorizationData> authorization_of(const JsonValue& value)
{
    AuthorizationData elements;
    if (!value.is_null()) {
        const JsonValue::Array* list = TRY(value.array());
        for (const JsonValue& element : *list) {
            const Typed typed = TRY(typed_of(element));
            elements.push_back(AuthorizationElement{typed.type, bytes_of(typed.octets.view())});
        }
    }
    return elements;
}

Done store_json_ticket(const Krb5Context& context, krb5_ccache cache, const JsonValue& value)
{
    const JsonValue::Array& fields = *TRY(value.array_of(13));
    const std::optional<Principal> client = TRY(optional_principal(fields[0]));
    const std::optional<Principal> server = TRY(optional_principal(fields[1]));
    if (!client || !server) {
        return malformed("ticket: it has no client or no server");
    }
    const Typed key = TRY(typed_of(fields[2]));
    const HostAddresses addresses = TRY(addresses_of(fields[9]));
    const Secret ticket = TRY(fields[10].octets());
    const Secret second = TRY(fields[11].octets());
    const AuthorizationData authorization = TRY(authorization_of(fields[12]));
    const std::optional<Time> end = TRY(time_of(fields[5]));
    return store_ticket(context, cache,
                        TicketRecord{
                            .client = *client,
                            .server = *server,
                            .key_type = static_cast<EncryptionType>(key.type),
                            .session_key = key.octets.view(),
                            .flags = TRY(number32(fields[8])),
                            .auth_time = TRY(time_of(fields[3])),
                            .start_time = TRY(time_of(fields[4])),
                            .end_time = end.value_or(Time{}),
                            .renew_till = TRY(time_of(fields[6])),
                            .ticket = ticket.view(),
                            .second_ticket = second.view(),
                            .addresses = addresses,
                            .authorization_data = authorization,
                            .sealed_with_session_key = TRY(fields[7].boolean()),
                        });
}

} // namespace

Result<JsonValue> json_of_cache(const Krb5Context& context, krb5_ccache cache)
{
    const std::string what = "credential cache " + TRY(full_name_of(context, cache));
    const std::optional<Principal> owner = TRY(owner_of(context, cache));
    JsonValue::Array values;
    values.push_back(json_of(owner));
    CacheIteration iteration(context, cache);
    krb5_error_code code = iteration.start();
    Krb5Creds creds(context);
    while (code == 0) {
        code = iteration.next(creds);
        if (code == 0) {
            values.push_back(json_of_ticket(*creds));
        }
    }
    if (code != KRB5_CC_END) {
        return from_krb5(context, code, Fault::Library, what);
    }
    return JsonValue(std::move(values));
}

Result<std::shared_ptr<const TemporaryCache>> cache_of_json(const Krb5Context& context, const JsonValue& value)
{
    const JsonValue::Array& values = *TRY(value.array());
    const std::optional<Principal> owner =
        values.empty() ? std::nullopt : TRY(optional_principal(values.front()));
    if (!owner) {
        return malformed("credential cache: it has no principal");
    }
    std::shared_ptr<const TemporaryCache> cache = TRY(TemporaryCache::make(context, *owner));
    const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
    for (std::size_t i = 1; i < values.size(); ++i) {
        TRY(store_json_ticket(context, handle.get(), values[i]));
    }
    return cache;
}

} // namespace apex
