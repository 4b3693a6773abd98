// SPDX-License-Identifier: MIT
#include "apex/host/credential_codec.h"

#include "host/credential_json.h"
#include "host/initiator_state.h"
#include "host/json.h"

#include <utility>

namespace apex {
namespace {

constexpr std::string_view magic = "K5C1";
constexpr std::string_view memory_type = "MEMORY:";

/// The fields of MIT's array, in their order.
enum Field : std::size_t {
    usage_field,
    name_field,
    impersonator_field,
    default_identity_field,
    iakerb_field,
    keytab_field,
    rcache_field,
    ccache_field,
    client_keytab_field,
    have_tgt_field,
    expire_field,
    refresh_time_field,
    enctypes_field,
    password_field,
    field_count
};

/// MIT keeps one name for both parts of a credential: the acceptor's, else the client's.
std::optional<KerberosName> name_of_parts(const CredentialParts& parts, const InitiatorState& state)
{
    if (parts.acceptor) {
        return parts.acceptor;
    }
    if (state.client) {
        return KerberosName{.principal = *state.client, .service = {}, .host = {}};
    }
    return state.name;
}

JsonValue json_of_name(const std::optional<KerberosName>& name)
{
    if (!name) {
        return JsonValue();
    }
    const auto part = [&](const std::string& text) {
        return name->host_based && !text.empty() ? JsonValue(std::string_view(text)) : JsonValue();
    };
    JsonValue::Array values;
    values.push_back(JsonValue(std::string_view(name->principal.text())));
    values.push_back(part(name->service));
    values.push_back(part(name->host));
    return JsonValue(std::move(values));
}

Result<JsonValue> json_of_ccache(const InitiatorState& state)
{
    if (state.cache_name.empty()) {
        return JsonValue();
    }
    if (!state.cache_name.starts_with(memory_type)) {
        return JsonValue(std::string_view(state.cache_name));
    }
    const Krb5Context context = TRY(Krb5Context::make());
    const Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
    return json_of_cache(context, cache.get());
}

JsonValue json_of_types(const std::vector<EncryptionType>& types)
{
    if (types.empty()) {
        return JsonValue();
    }
    JsonValue::Array values;
    for (const EncryptionType type : types) {
        values.push_back(JsonValue(std::int64_t{static_cast<std::int32_t>(type)}));
    }
    return JsonValue(std::move(values));
}

JsonValue json_of_time(const std::optional<Time>& time)
{
    return JsonValue(std::int64_t{time ? seconds_of(*time) : 0});
}

} // namespace

Result<Secret> CredentialCodec::encode(const CredentialParts& parts)
{
    const std::shared_ptr<const InitiatorState> held =
        parts.initiator != nullptr ? parts.initiator->state_.load() : std::make_shared<const InitiatorState>();
    const InitiatorState& state = *held;
    JsonValue::Array fields(field_count);
    fields[usage_field] = JsonValue(std::int64_t{parts.usage});
    fields[name_field] = json_of_name(name_of_parts(parts, state));
    fields[impersonator_field] = json_of(state.impersonator);
    fields[default_identity_field] = JsonValue(!parts.acceptor && !state.name);
    fields[iakerb_field] = JsonValue(false);
    fields[keytab_field] = json_of(parts.keytab);
    fields[rcache_field] = json_of(parts.rcache);
    fields[ccache_field] = TRY(json_of_ccache(state));
    fields[client_keytab_field] = json_of(state.client_keytab);
    fields[have_tgt_field] = JsonValue(state.has_tgt);
    fields[expire_field] = json_of_time(state.end_time);
    fields[refresh_time_field] = json_of_time(state.refresh_time);
    fields[enctypes_field] = json_of_types(parts.types);
    fields[password_field] = state.password != nullptr ? JsonValue(state.password->clone()) : JsonValue();
    JsonValue::Array token;
    token.push_back(JsonValue(magic));
    token.push_back(JsonValue(std::move(fields)));
    return JsonValue(std::move(token)).write();
}

namespace {

Result<std::optional<KerberosName>> name_of_json(const JsonValue& value)
{
    if (value.is_null()) {
        return std::optional<KerberosName>();
    }
    const JsonValue::Array& parts = *TRY(value.array_of(3));
    std::optional<Principal> principal = TRY(optional_principal(parts[0]));
    const std::optional<std::string> service = TRY(optional_text(parts[1]));
    if (!principal) {
        return refuse(Fault::MalformedToken, "the exported credential has a name without principal");
    }
    KerberosName name{.principal = std::move(*principal), .service = {}, .host = {}};
    if (service) {
        name.host_based = true;
        name.principal.name.type = name_type_service_host;
        name.service = *service;
        name.host = TRY(optional_text(parts[2])).value_or("");
    }
    return std::optional<KerberosName>(std::move(name));
}

Result<std::vector<EncryptionType>> types_of_json(const JsonValue& value)
{
    std::vector<EncryptionType> types;
    if (!value.is_null()) {
        const JsonValue::Array* numbers = TRY(value.array());
        for (const JsonValue& number : *numbers) {
            types.push_back(static_cast<EncryptionType>(static_cast<std::int32_t>(TRY(number32(number)))));
        }
    }
    return types;
}

/// Takes the cache of a token: by its name, or its tickets into a cache of the credential's own.
Done take_cache(const JsonValue& value, InitiatorState& state)
{
    if (value.is_null()) {
        return {};
    }
    const Krb5Context context = TRY(Krb5Context::make());
    std::string name;
    if (value.array()) {
        state.own_cache = TRY(cache_of_json(context, value));
        name = state.own_cache->name();
    } else {
        name = TRY(optional_text(value)).value_or("");
    }
    const Krb5Ccache cache = TRY(open_cache(context, name));
    InitiatorState scanned = state;
    const Result<bool> found = scan_cache(context, cache.get(), NameCheck::not_needed, scanned);
    if (found && *found) {
        state = std::move(scanned);
        return {};
    }
    // Empty or not there any more: the search for a ticket will say so.
    state.cache_name = TRY(full_name_of(context, cache.get()));
    state.client = state.name ? std::optional<Principal>(state.name->principal) : std::nullopt;
    return {};
}

Result<std::shared_ptr<InitiatorCredential>> initiator_of_json(const JsonValue::Array& fields,
                                                               const std::optional<KerberosName>& name,
                                                               const std::vector<EncryptionType>& types)
{
    InitiatorState state;
    const bool default_identity = TRY(fields[default_identity_field].boolean());
    const bool unsettled = fields[ccache_field].is_null();
    if (!default_identity || !unsettled) {
        state.name = name;
    }
    state.types = types;
    state.impersonator = TRY(optional_principal(fields[impersonator_field]));
    state.client_keytab = TRY(optional_text(fields[client_keytab_field]));
    state.has_tgt = TRY(fields[have_tgt_field].boolean());
    if (!fields[password_field].is_null()) {
        state.password = std::make_shared<const Secret>(TRY(fields[password_field].text()));
    }
    const std::uint32_t expire = TRY(number32(fields[expire_field]));
    const std::uint32_t refresh = TRY(number32(fields[refresh_time_field]));
    if (expire != 0) {
        state.end_time = time_from_seconds(expire);
    }
    if (refresh != 0) {
        state.refresh_time = time_from_seconds(refresh);
    }
    const std::optional<Time> end_time = state.end_time;
    TRY(take_cache(fields[ccache_field], state));
    if (state.impersonator && end_time) {
        state.end_time = end_time; // a proxy's end is its evidence's, not that of the tickets beside it
    }
    if (default_identity) {
        state.name.reset();
    }
    return std::make_shared<InitiatorCredential>(std::make_shared<const InitiatorState>(std::move(state)));
}

} // namespace

Result<CredentialParts> CredentialCodec::decode(ByteView token)
{
    const JsonValue whole = TRY(JsonValue::parse(token));
    const JsonValue::Array& outer = *TRY(whole.array_of(2));
    const ByteView name_of_form = TRY(outer[0].text());
    if (!same(name_of_form, view_of(magic))) {
        return refuse(Fault::MalformedToken, "the exported credential does not begin with K5C1");
    }
    const JsonValue::Array& fields = *TRY(outer[1].array_of(field_count));
    const std::uint32_t usage = TRY(number32(fields[usage_field]));
    const bool iakerb = TRY(fields[iakerb_field].boolean());
    if (usage > 2 || iakerb) {
        return refuse(Fault::MalformedToken, "the exported credential is of a usage or mechanism that Apex has not");
    }
    CredentialParts parts;
    parts.usage = static_cast<std::uint8_t>(usage);
    parts.keytab = TRY(optional_text(fields[keytab_field]));
    parts.rcache = TRY(optional_text(fields[rcache_field]));
    parts.types = TRY(types_of_json(fields[enctypes_field]));
    const std::optional<KerberosName> name = TRY(name_of_json(fields[name_field]));
    const bool default_identity = TRY(fields[default_identity_field].boolean());
    if (!default_identity) {
        parts.acceptor = name;
    }
    constexpr std::uint32_t accept_only = 2;
    if (usage != accept_only) {
        parts.initiator = TRY(initiator_of_json(fields, name, parts.types));
    }
    return parts;
}

} // namespace apex
