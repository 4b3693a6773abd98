// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <cstdint>
#include <vector>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.2.6
//
// AuthorizationData       ::= SEQUENCE OF SEQUENCE {
//         ad-type         [0] Int32,
//         ad-data         [1] OCTET STRING
// }
// AD-IF-RELEVANT          ::= AuthorizationData

/// Types of authorization data (RFC 4120 7.5.4, RFC 4537, RFC 6113, RFC 7751, [MS-KILE] 2.2).
inline constexpr std::int32_t ad_if_relevant = 1;
inline constexpr std::int32_t ad_kdc_issued = 4;
inline constexpr std::int32_t ad_and_or = 5;
inline constexpr std::int32_t ad_mandatory_for_kdc = 8;
inline constexpr std::int32_t ad_initial_verified_cas = 9;
inline constexpr std::int32_t ad_fx_fast_armor = 71;
inline constexpr std::int32_t ad_cammac = 96;
inline constexpr std::int32_t ad_authentication_indicator = 97;
inline constexpr std::int32_t ad_pac = 128;
inline constexpr std::int32_t ad_etype_negotiation = 129;
inline constexpr std::int32_t ad_token_restrictions = 141;
inline constexpr std::int32_t ad_local = 142;
inline constexpr std::int32_t ad_ap_options = 143;
inline constexpr std::int32_t ad_target_principal = 144;
inline constexpr std::int32_t ad_signed_ticket = 512;

/// AuthorizationElement is one restriction or attribute; `data` is to be read by the rules of `type`.
struct AuthorizationElement final {
    std::int32_t type = 0;
    Bytes data;

    static Result<AuthorizationElement> read(DerReader& reader);
    void write(DerWriter& writer) const;
    friend bool operator==(const AuthorizationElement&, const AuthorizationElement&) = default;
};

using AuthorizationData = std::vector<AuthorizationElement>;

Result<AuthorizationData> read_authorization_data(DerReader& reader);
Result<AuthorizationData> decode_authorization_data(ByteView octets);
void write_authorization_data(DerWriter& writer, const AuthorizationData& elements);
[[nodiscard]] Bytes encode_authorization_data(const AuthorizationData& elements);

/// if_relevant wraps elements into one AD-IF-RELEVANT element.
[[nodiscard]] AuthorizationElement if_relevant(const AuthorizationData& elements);

/// FlatElement is an element found by flatten; `data` points into the AuthorizationData that was flattened.
struct FlatElement final {
    std::int32_t type = 0;
    ByteView data;
    bool inside_if_relevant = false;
};

/// flatten lists all elements in order, with AD-IF-RELEVANT containers replaced by what they hold, at most 8 nested.
/// Other containers are listed as elements. The result must not outlive `elements`. Fault::MalformedMessage.
Result<std::vector<FlatElement>> flatten(const AuthorizationData& elements);

} // namespace apex
