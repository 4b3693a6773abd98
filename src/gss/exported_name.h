// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <string>
#include <string_view>

namespace apex {

/// export_name writes the exported form of RFC 2743 3.2, under the krb5 OID whichever of the mechanism's OIDs was used, as
/// MIT does: names must compare as octets wherever they came from. Fault::FieldTooLong.
Result<Bytes> export_name(std::string_view text);

/// export_composite_name writes the form with attributes (RFC 6680 7.8); the part of the attributes may be empty.
/// Fault::FieldTooLong.
Result<Bytes> export_composite_name(std::string_view text, ByteView attributes);

/// ExportedName is an exported name taken apart; `attributes` points into the token.
struct ExportedName final {
    std::string text;
    ByteView attributes; // empty: none

    /// Reads either form; every length must fit to the octet. Fault::BadName.
    static Result<ExportedName> read(ByteView token);
};

} // namespace apex
