// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace apex {

/// OidReading is what MIT's mechglue makes of the text of an object identifier in a mech file.
struct OidReading final {
    Bytes body;           ///< the DER contents octets
    bool complete = true; ///< false where the mechglue stopped early and dropped the rest without a word
};

/// read_oid reads dotted decimal as generic_gss_str_to_oid of MIT does, its arithmetic and its leniency included:
/// an arc that overflows ends the identifier. Nothing comes back where MIT drops the whole line.
std::optional<OidReading> read_oid(std::string_view text);

/// dotted writes DER contents octets as dotted decimal; octets that are no identifier come back as hexadecimal.
std::string dotted(ByteView body);

/// krb5_oid is 1.2.840.113554.1.2.2, the mechanism that an interposer takes over.
ByteView krb5_oid() noexcept;

/// interposer_of takes the interposer's own identifier out of the pair (interposer, mechanism) by which the
/// mechglue names an interposed mechanism. Nothing where `pair` does not end in `mechanism` or is equal to it.
std::optional<Bytes> interposer_of(ByteView pair, ByteView mechanism);

} // namespace apex
