// SPDX-License-Identifier: MIT
#include "host/initiator_state.h"
#include "host/keytab_file.h"

#include <algorithm>
#include <array>
#include <string>

namespace apex {
namespace {

constexpr Duration soon = std::chrono::seconds(30);

/// The client keytab's name: the one asked for, else the default; none if that cannot be resolved, as MIT has it.
std::optional<std::string> client_keytab_name(const Krb5Context& context, const InitiatorState& state)
{
    if (state.client_keytab) {
        return state.client_keytab;
    }
    Krb5Keytab keytab(context);
    std::array<char, 4096> name{};
    if (krb5_kt_client_default(context.get(), keytab.out()) != 0 ||
        krb5_kt_get_name(context.get(), keytab.get(), name.data(), name.size()) != 0) {
        return std::nullopt;
    }
    return std::string(name.data());
}

std::shared_ptr<const KeytabSnapshot> client_keys(const Krb5Context& context, const InitiatorState& state)
{
    const std::optional<std::string> name = client_keytab_name(context, state);
    if (!name) {
        return nullptr;
    }
    const Result<std::shared_ptr<const KeytabSnapshot>> keys = keytab_file(*name)->current(nullptr);
    return keys ? *keys : nullptr;
}

Result<bool> holds_client(const KeytabSnapshot& keys, const InitiatorState& state)
{
    for (const KeytabEntry& entry : keys.entries()) {
        if (state.client ? same_principal(entry.principal(), *state.client)
                         : TRY(matches_name(*state.name, entry.principal()))) {
            return true;
        }
    }
    return false;
}

void remember_refresh_time(const Krb5Context& context, krb5_ccache cache, Time time)
{
    const std::string text = std::to_string(seconds_of(time));
    krb5_data data = data_of(view_of(text));
    // A cache that takes no note is refreshed when it expires: nothing to report.
    static_cast<void>(krb5_cc_set_config(context.get(), cache, nullptr, "refresh_time", &data));
}

krb5_error_code verify_kdc(const Krb5Context& context, Krb5Creds& creds, const VerifyRequest& verify)
{
    Krb5Principal server(context);
    Krb5Keytab keytab(context);
    krb5_error_code code = 0;
    if (!verify.server.empty()) {
        code = krb5_parse_name(context.get(), verify.server.c_str(), server.out());
    }
    if (code == 0 && verify.keytab) {
        code = krb5_kt_resolve(context.get(), verify.keytab->c_str(), keytab.out());
    }
    if (code != 0) {
        return code;
    }
    krb5_verify_init_creds_opt options;
    krb5_verify_init_creds_opt_init(&options);
    krb5_verify_init_creds_opt_set_ap_req_nofail(&options, 1);
    return krb5_verify_init_creds(context.get(), creds.get(), server.get(), keytab.get(), nullptr, &options);
}

/// A password as a C string, wiped afterwards.
class PasswordText final {
public:
    explicit PasswordText(const Secret& password) : text_(password.size() + 1)
    {
        std::copy(password.view().begin(), password.view().end(), text_.span().begin());
    }
    [[nodiscard]] const char* get() const noexcept
    {
        return static_cast<const char*>(static_cast<const void*>(text_.view().data()));
    }

private:
    Secret text_;
};

Result<krb5_error_code> ask_kdc(const Krb5Context& context, krb5_get_init_creds_opt* options, krb5_principal client,
                                const InitiatorState& state, Krb5Creds& creds)
{
    if (state.password != nullptr) {
        const PasswordText password(*state.password);
        return krb5_get_init_creds_password(context.get(), creds.out(), client, password.get(), nullptr, nullptr, 0,
                                            nullptr, options);
    }
    const std::optional<std::string> name = client_keytab_name(context, state);
    if (!name) {
        return krb5_error_code{KRB5_KT_NOTFOUND};
    }
    Krb5Keytab keytab(context);
    const krb5_error_code code = krb5_kt_resolve(context.get(), name->c_str(), keytab.out());
    if (code != 0) {
        return code;
    }
    return krb5_get_init_creds_keytab(context.get(), creds.out(), client, keytab.get(), 0, nullptr, options);
}

Done get_tickets(const Krb5Context& context, const VerifyRequest* verify, InitiatorState& state)
{
    const std::string what = "initial tickets for " + state.client->text() +
                             (state.password != nullptr ? " by password" : " from the client keytab");
    const Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
    const Krb5Principal client = TRY(to_krb5(context, *state.client));
    Krb5InitOptions options(context);
    krb5_error_code code = krb5_get_init_creds_opt_alloc(context.get(), options.out());
    if (code == 0) {
        code = krb5_get_init_creds_opt_set_out_ccache(context.get(), options.get(), cache.get());
    }
    Krb5Creds creds(context);
    if (code == 0) {
        code = TRY(ask_kdc(context, options.get(), client.get(), state, creds));
    }
    if (code == 0 && verify != nullptr && state.password != nullptr) {
        code = verify_kdc(context, creds, *verify);
    }
    if (code != 0) {
        return from_krb5(context, code, Fault::NoCredential, what);
    }
    const Time start = from_timestamp(creds->times.starttime);
    const Time end = from_timestamp(creds->times.endtime);
    if (state.password == nullptr) {
        state.refresh_time = start + (end - start) / 2;
        remember_refresh_time(context, cache.get(), *state.refresh_time);
    }
    state.has_tgt = true;
    state.end_time = end;
    state.client = principal_from(creds->client); // the KDC's canonical form
    return {};
}

} // namespace

bool can_get_tickets(const Krb5Context& context, const InitiatorState& state)
{
    if (state.password != nullptr) {
        return true;
    }
    const std::shared_ptr<const KeytabSnapshot> keys = client_keys(context, state);
    if (keys == nullptr) {
        return false;
    }
    if (!state.client && !state.name) {
        return !keys->entries().empty();
    }
    const Result<bool> holds = holds_client(*keys, state);
    return holds && *holds;
}

std::optional<Principal> client_of_keytab(const Krb5Context& context, const InitiatorState& state)
{
    const std::shared_ptr<const KeytabSnapshot> keys = client_keys(context, state);
    if (keys == nullptr || keys->entries().empty()) {
        return std::nullopt;
    }
    return keys->entries().front().principal();
}

bool refresh_is_due(const InitiatorState& state, Time now)
{
    return !state.end_time || (state.refresh_time && *state.refresh_time <= now) || *state.end_time < now + soon;
}

Done get_tickets_if_due(const Krb5Context& context, const VerifyRequest* verify, InitiatorState& state)
{
    const Time now = time_of_kdc(context);
    if (!state.client || !refresh_is_due(state, now)) {
        return {};
    }
    if (state.end_time && state.refresh_time && *state.refresh_time <= now) {
        // Others who share the cache need not try at the same time, nor we again at once if it fails.
        const Krb5Ccache cache = TRY(open_cache(context, state.cache_name));
        remember_refresh_time(context, cache.get(), now + soon);
        state.refresh_time = now + soon;
    }
    if (state.end_time && !can_get_tickets(context, state)) {
        return {};
    }
    const Done got = get_tickets(context, verify, state);
    if (!got && !state.end_time) {
        return got.error();
    }
    return {}; // the old tickets are still there
}

Duration clock_offset_of(const Krb5Context& context)
{
    krb5_timestamp seconds = 0;
    krb5_int32 microseconds = 0;
    if (krb5_get_time_offsets(context.get(), &seconds, &microseconds) != 0) {
        return Duration{0};
    }
    return std::chrono::seconds(seconds) + std::chrono::microseconds(microseconds);
}

Time time_of_kdc(const Krb5Context& context)
{
    return SystemClock().now() + clock_offset_of(context);
}

} // namespace apex
