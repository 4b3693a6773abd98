// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.2.2
//
// Realm           ::= KerberosString
// PrincipalName   ::= SEQUENCE {
//         name-type       [0] Int32,
//         name-string     [1] SEQUENCE OF KerberosString
// }

/// Name types of RFC 4120 6.2. A type is a hint only and never part of a comparison.
inline constexpr std::int32_t name_type_unknown = 0;
inline constexpr std::int32_t name_type_principal = 1;
inline constexpr std::int32_t name_type_service_instance = 2;
inline constexpr std::int32_t name_type_service_host = 3;
inline constexpr std::int32_t name_type_enterprise = 10;
inline constexpr std::int32_t name_type_well_known = 11; // RFC 6111

/// PrincipalName is a name without its realm. Components are counted octets: NUL and octets above 127 may occur.
struct PrincipalName final {
    /// More components than anyone uses; it bounds what a message can make us allocate.
    static constexpr std::size_t max_components = 512;

    std::int32_t type = name_type_unknown;
    std::vector<std::string> components;

    /// Reads one element; a name has at least one component. Fault::MalformedMessage.
    static Result<PrincipalName> read(DerReader& reader);
    /// As read, but a name without components passes: Heimdal's KRB-ERROR from a server that does not know its name.
    static Result<PrincipalName> read_maybe_empty(DerReader& reader);
    static Result<PrincipalName> decode(ByteView octets);
    void write(DerWriter& writer) const;
    [[nodiscard]] Bytes encode() const;

    /// Components joined by '/', escaped as in Principal::text.
    [[nodiscard]] std::string text() const;
};

/// Principal is a name in a realm.
struct Principal final {
    PrincipalName name;
    std::string realm;

    /// component/component@REALM as krb5_unparse_name writes it: '/', '@' and '\' with a backslash in front; newline,
    /// tab, backspace and NUL as \n, \t, \b and \0.
    [[nodiscard]] std::string text() const;
};

/// same_name compares the components octet for octet. The name type is ignored (RFC 4120 6.2: a hint).
[[nodiscard]] bool same_name(const PrincipalName& left, const PrincipalName& right) noexcept;

/// same_principal compares realm and components octet for octet. The name type is ignored.
[[nodiscard]] bool same_principal(const Principal& left, const Principal& right) noexcept;

} // namespace apex
