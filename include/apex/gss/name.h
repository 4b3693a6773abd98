// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/gss/name_attributes.h"
#include "apex/host/kerberos_name.h"

#include <cstdint>
#include <gssapi/gssapi.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace apex {

/// Name is a Kerberos name behind a gss_name_t: immutable, handed around as shared_ptr<const Name>.
class Name final {
public:
    enum class Change : std::uint8_t { set, deletion };

    explicit Name(KerberosName name, std::shared_ptr<const NameAttributes> attributes = nullptr);

    /// Reads a name of a GSS name type (spec 5.1: user, principal, host-based, enterprise, certificate, krb5_principal,
    /// user numbers, anonymous, exported). `type` null means a user name. Fault::BadNameType for a type not known,
    /// Fault::BadName for a malformed exported name, libkrb5's own code where a text cannot be parsed.
    static Result<std::shared_ptr<const Name>> import(ByteView text, gss_const_OID type);

    [[nodiscard]] const KerberosName& kerberos() const noexcept { return name_; }
    [[nodiscard]] const Principal& principal() const noexcept { return name_.principal; }
    [[nodiscard]] bool anonymous() const noexcept;

    /// The principal's text, as gss_display_name shows it.
    [[nodiscard]] std::string text() const;
    /// The name type that belongs to the text: static storage.
    [[nodiscard]] gss_OID text_type() const noexcept;

    /// The exported form of RFC 2743 3.2, always under the krb5 OID. Fault::FieldTooLong.
    [[nodiscard]] Result<Bytes> exported() const;
    /// The composite form of RFC 6680 7.8, with attributes as MIT carries them. Fault::FieldTooLong.
    [[nodiscard]] Result<Bytes> exported_composite() const;

    /// A value of an attribute, as NameAttributes::value. Fault::NoAttribute for a name without attributes.
    [[nodiscard]] Result<NameAttribute> attribute(std::string_view name, int more) const;
    /// Says why no attribute can be set or deleted: they come from the KDC alone. Always Fault::NoAttribute; the minor is
    /// EPERM for attributes that exist and are not the caller's to change, as in MIT.
    [[nodiscard]] Error refuse_change(std::string_view attribute, Change change) const;

    /// The local user that the principal maps to. Fault::NoLocalName.
    [[nodiscard]] Result<std::string> local_name() const;
    /// Whether the principal may act as a local user; `type` null or GSS_C_NT_USER_NAME. Fault::NotAuthorized,
    /// Fault::BadNameType.
    [[nodiscard]] Done authorize(const std::string& user, gss_const_OID type) const;

    /// An object of another library for an attribute: "mspac" gives a krb5_pac, if the PAC's signature held. The caller
    /// ends it with release_mapping. Fault::NoAttribute.
    [[nodiscard]] Result<void*> mapping(std::string_view type) const;
    static Done release_mapping(std::string_view type, void* mapping);

    /// The attributes of an authenticated peer; null: none.
    [[nodiscard]] const std::shared_ptr<const NameAttributes>& attributes() const noexcept { return attributes_; }

private:
    KerberosName name_;
    std::shared_ptr<const NameAttributes> attributes_;
};

/// same_name tells whether two names are the same principal (RFC 2743 2.4.3; types, parts and attributes do not count).
[[nodiscard]] bool same_name(const Name& left, const Name& right) noexcept;

} // namespace apex
