// SPDX-License-Identifier: MIT
#include "apex/host/name_service.h"

#include "apex/base/trace.h"
#include "apex/host/krb5_handle.h"
#include "host/name_cache.h"
#include "host/passwd.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace apex {
namespace {

constexpr std::uint32_t gss_failure = 13; // RFC 2744 3.9.1, unshifted
constexpr std::int32_t ggss = -2045022976; // MIT's table of generic minors
constexpr std::int32_t no_user = ggss + 2;
constexpr std::int32_t wrong_size = ggss + 6;

constexpr std::string_view anonymous_realm = "WELLKNOWN:ANONYMOUS";
constexpr std::string_view well_known = "WELLKNOWN";
constexpr std::string_view anonymous = "ANONYMOUS";

Error unusable(const Krb5Context& context, krb5_error_code code, std::string_view text)
{
    Error error = from_krb5(context, code, Fault::BadName, "'" + escape_text(text, 256) + "'");
    error.routine_override = gss_failure;
    return error;
}

/// The text as a C string: NULs at its end dropped, refused if there are others.
Result<std::string> c_string(std::string_view text)
{
    const std::size_t last = text.find_last_not_of('\0');
    const std::string_view kept = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    if (kept.find('\0') != std::string_view::npos) {
        Error error = refuse(Fault::BadName, "'" + escape_text(text, 256) + "' has a NUL octet within");
        error.routine_override = gss_failure;
        error.minor_override = KRB5_PARSE_MALFORMED;
        return error;
    }
    return std::string(kept);
}

Result<KerberosName> parse(const std::string& text, int flags)
{
    const Krb5Context context = TRY(Krb5Context::make());
    Krb5Principal parsed(context);
    const krb5_error_code code = krb5_parse_name_flags(context.get(), text.c_str(), flags, parsed.out());
    if (code != 0) {
        return unusable(context, code, text);
    }
    return KerberosName{.principal = principal_from(parsed.get()), .service = {}, .host = {}};
}

/// The parts of `service@host`: the first '@' divides, as in MIT.
KerberosName divide(const std::string& text)
{
    KerberosName name;
    name.host_based = true;
    const std::size_t at = text.find('@');
    name.service = text.substr(0, at);
    name.host = at == std::string::npos ? std::string() : text.substr(at + 1);
    return name;
}

Result<KerberosName> import_service(const std::string& text)
{
    KerberosName name = divide(text);
    const Krb5Context context = TRY(Krb5Context::make());
    Krb5Principal principal(context);
    const krb5_error_code code =
        krb5_sname_to_principal(context.get(), name.host.empty() ? nullptr : name.host.c_str(), name.service.c_str(),
                                KRB5_NT_SRV_HST, principal.out());
    if (code != 0) {
        return unusable(context, code, text);
    }
    name.principal = principal_from(principal.get());
    return name;
}

} // namespace

Result<KerberosName> import_principal_text(std::string_view text)
{
    const std::string kept = TRY(c_string(text));
    return cached_name(NameKind::principal, kept, [&] { return parse(kept, 0); });
}

Result<KerberosName> import_enterprise(std::string_view text)
{
    const std::string kept = TRY(c_string(text));
    return cached_name(NameKind::enterprise, kept, [&] { return parse(kept, KRB5_PRINCIPAL_PARSE_ENTERPRISE); });
}

Result<KerberosName> import_certificate(ByteView certificate)
{
    KerberosName name;
    name.certificate = true;
    name.principal.name.type = name_type_unknown;
    name.principal.name.components.push_back(apex::text_of(certificate));
    return name;
}

Result<KerberosName> import_host_based(std::string_view text)
{
    const std::string kept = TRY(c_string(text));
    return cached_name(NameKind::host_based, kept, [&] { return import_service(kept); });
}

Result<KerberosName> import_user_id(std::uint32_t user_id)
{
    const std::optional<std::string> login = login_name_of(user_id);
    if (!login) {
        Error error = refuse(Fault::BadName, "no user has the number " + std::to_string(user_id));
        error.minor_override = no_user;
        return error;
    }
    return import_principal_text(*login);
}

Result<KerberosName> import_krb5_principal(ByteView handle)
{
    krb5_const_principal principal = nullptr;
    if (handle.size() != sizeof principal) {
        Error error = refuse(Fault::BadName, "a krb5_principal of " + std::to_string(handle.size()) + " octets");
        error.minor_override = wrong_size;
        return error;
    }
    std::memcpy(&principal, handle.data(), sizeof principal);
    if (principal == nullptr) {
        return refuse(Fault::BadName, "a null krb5_principal");
    }
    return KerberosName{.principal = principal_from(principal), .service = {}, .host = {}};
}

KerberosName anonymous_name()
{
    KerberosName name;
    name.principal.name.type = name_type_well_known;
    name.principal.name.components = {std::string(well_known), std::string(anonymous)};
    name.principal.realm = anonymous_realm;
    return name;
}

bool is_anonymous(const Principal& principal) noexcept
{
    const std::vector<std::string>& components = principal.name.components;
    return principal.realm == anonymous_realm && components.size() == 2 && components[0] == well_known &&
           components[1] == anonymous;
}

Result<std::string> local_name_of(const Principal& principal)
{
    const Krb5Context context = TRY(Krb5Context::make());
    const Krb5Principal owned = TRY(to_krb5(context, principal));
    std::array<char, 8192> name{};
    const krb5_error_code code =
        krb5_aname_to_localname(context.get(), owned.get(), static_cast<int>(name.size()), name.data());
    if (code != 0) {
        Error error = from_krb5(context, code, Fault::NoLocalName, principal.text());
        error.minor_override = KRB5_NO_LOCALNAME; // whatever the reason, as MIT
        return error;
    }
    return std::string(name.data());
}

Done may_log_in(const Principal& principal, const std::string& user)
{
    const Krb5Context context = TRY(Krb5Context::make());
    const Krb5Principal owned = TRY(to_krb5(context, principal));
    // A C string would end early and name another user.
    const bool whole = !user.empty() && user.find('\0') == std::string::npos;
    if (!whole || krb5_kuserok(context.get(), owned.get(), user.c_str()) == 0) {
        return refuse(Fault::NotAuthorized, principal.text() + " as " + escape_text(user, 256));
    }
    return {};
}

} // namespace apex
