// SPDX-License-Identifier: MIT
#include "apex/gss/name.h"

#include "apex/base/trace.h"
#include "apex/host/name_service.h"
#include "apex/host/pac_handle.h"
#include "gss/exported_name.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <strings.h>
#include <sys/types.h>

namespace apex {
namespace {

using namespace std::string_view_literals;

Result<KerberosName> import_text(ByteView text)
{
    return import_principal_text(text_of(text));
}

Result<KerberosName> import_service(ByteView text)
{
    return import_host_based(text_of(text));
}

Result<KerberosName> import_enterprise_text(ByteView text)
{
    return import_enterprise(text_of(text));
}

/// A uid_t as it lies in memory.
Result<KerberosName> import_machine_uid(ByteView octets)
{
    constexpr std::int32_t no_user = -2045022974; // MIT's G_NOUSER
    uid_t user = 0;
    if (octets.size() != sizeof user) {
        Error error = refuse(Fault::BadName, "a user number of " + std::to_string(octets.size()) + " octets");
        error.minor_override = no_user;
        return error;
    }
    std::memcpy(&user, octets.data(), sizeof user);
    return import_user_id(user);
}

/// A uid_t in decimal digits; NULs behind them are a counted terminator.
Result<KerberosName> import_string_uid(ByteView octets)
{
    constexpr std::int32_t no_user = -2045022974; // MIT's G_NOUSER
    std::string digits = text_of(octets);
    digits.erase(std::min(digits.size(), digits.find_last_not_of('\0') + 1));
    uid_t user = 0;
    const std::from_chars_result read = std::from_chars(digits.data(), digits.data() + digits.size(), user);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) {
        Error error = refuse(Fault::BadName, "not a user number");
        error.minor_override = no_user;
        return error;
    }
    return import_user_id(user);
}

/// The name without its attributes.
Result<KerberosName> import_exported(ByteView token)
{
    const ExportedName name = TRY(ExportedName::read(token));
    return import_principal_text(name.text);
}

/// RFC 2743 4.5: the value is ignored.
Result<KerberosName> import_anonymous(ByteView /*value*/)
{
    return anonymous_name();
}

constexpr std::string_view pac_mapping = "mspac";

bool same_word(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

struct NameType final {
    std::string_view oid; // contents octets
    Result<KerberosName> (*import)(ByteView);
};

constexpr std::array name_types = std::to_array<NameType>({
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"sv, import_text},                    // GSS_C_NT_USER_NAME
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"sv, import_text},                    // GSS_KRB5_NT_PRINCIPAL_NAME
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"sv, import_service},                 // GSS_C_NT_HOSTBASED_SERVICE
    {"\x2b\x06\x01\x05\x06\x02"sv, import_service},                                 // GSS_C_NT_HOSTBASED_SERVICE_X
    {"\x2b\x06\x01\x05\x06\x04"sv, import_exported},                                // GSS_C_NT_EXPORT_NAME
    {"\x2b\x06\x01\x05\x06\x06"sv, import_exported},                                // GSS_C_NT_COMPOSITE_EXPORT
    {"\x2b\x06\x01\x05\x06\x03"sv, import_anonymous},                               // GSS_C_NT_ANONYMOUS
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x06"sv, import_enterprise_text},         // GSS_KRB5_NT_ENTERPRISE_NAME
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x07"sv, import_certificate},             // GSS_KRB5_NT_X509_CERT
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02"sv, import_krb5_principal},          // gss_nt_krb5_principal
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02"sv, import_machine_uid},             // GSS_C_NT_MACHINE_UID_NAME
    {"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03"sv, import_string_uid},              // GSS_C_NT_STRING_UID_NAME
});

ByteView user_name_type() noexcept
{
    return view_of(name_types.front().oid);
}

} // namespace

Name::Name(KerberosName name, std::shared_ptr<const NameAttributes> attributes)
    : name_(std::move(name)), attributes_(std::move(attributes))
{
}

Result<std::shared_ptr<const Name>> Name::import(ByteView text, gss_const_OID type)
{
    const ByteView oid =
        type != GSS_C_NO_OID ? view_of(type->elements, type->length) : user_name_type();
    const auto* row = std::find_if(name_types.begin(), name_types.end(),
                                   [oid](const NameType& each) { return same(view_of(each.oid), oid); });
    if (row == name_types.end()) {
        return refuse(Fault::BadNameType, "its OID has the octets " + hex(oid));
    }
    KerberosName name = TRY(row->import(text));
    std::shared_ptr<const NameAttributes> attributes;
    if (row->import == import_exported) {
        const ExportedName exported = TRY(ExportedName::read(text));
        attributes = TRY(import_attributes(exported.attributes));
    }
    return std::shared_ptr<const Name>(std::make_shared<const Name>(std::move(name), std::move(attributes)));
}

bool Name::anonymous() const noexcept
{
    return is_anonymous(principal());
}

std::string Name::text() const
{
    return principal().text();
}

gss_OID Name::text_type() const noexcept
{
    // The mechglue keeps the pointer and asks each mechanism to release it: it must be a name type of libgssapi's own.
    return anonymous() ? GSS_C_NT_ANONYMOUS : GSS_KRB5_NT_PRINCIPAL_NAME;
}

Result<Bytes> Name::exported() const
{
    return export_name(text());
}

Result<Bytes> Name::exported_composite() const
{
    const Bytes attributes = attributes_ != nullptr ? attributes_->exported() : Bytes();
    return export_composite_name(text(), attributes);
}

Result<NameAttribute> Name::attribute(std::string_view name, int more) const
{
    if (attributes_ == nullptr) {
        return refuse(Fault::NoAttribute, escape_text(name, 64));
    }
    return attributes_->value(name, more);
}

Error Name::refuse_change(std::string_view attribute, Change change) const
{
    Error error = refuse(Fault::NoAttribute, escape_text(attribute, 64) + " is not for the caller to change");
    const auto has_prefix = [attribute](std::string_view prefix) {
        return same_word(attribute.substr(0, prefix.size()), prefix);
    };
    const bool indicators = same_word(attribute, indicator_attribute) && change == Change::set;
    const bool pac = has_prefix(pac_attribute_prefix) || has_prefix(plain_attribute_prefix);
    if (indicators || (pac && attributes_ != nullptr)) {
        error.minor_override = EPERM;
    }
    return error;
}

Result<std::string> Name::local_name() const
{
    return local_name_of(principal());
}

Done Name::authorize(const std::string& user, gss_const_OID type) const
{
    const ByteView oid = type != GSS_C_NO_OID ? view_of(type->elements, type->length) : user_name_type();
    if (!same(oid, user_name_type())) {
        return refuse(Fault::BadNameType, "the OID of the local user's type has the octets " + hex(oid));
    }
    return may_log_in(principal(), user);
}

Result<void*> Name::mapping(std::string_view type) const
{
    const std::optional<Bytes> pac = attributes_ != nullptr ? attributes_->verified_pac() : std::nullopt;
    if (type != pac_mapping || !pac) {
        return refuse(Fault::NoAttribute, "a mapping to '" + escape_text(type, 64) + "'");
    }
    return krb5_pac_of(*pac);
}

Done Name::release_mapping(std::string_view type, void* mapping)
{
    if (type != pac_mapping) {
        return refuse(Fault::NoAttribute, "a mapping to '" + escape_text(type, 64) + "'");
    }
    return release_krb5_pac(mapping);
}

bool same_name(const Name& left, const Name& right) noexcept
{
    return same_principal(left.principal(), right.principal());
}

} // namespace apex
