// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/host/kerberos_name.h"

#include <string_view>

namespace apex {

/// NameForm is the form of an exported name: RFC 2743 3.2, or with attributes, RFC 6680 7.8.
enum class NameForm : std::uint8_t { simple, composite };

/// export_name writes an exported name, under the krb5 OID whichever of the mechanism's OIDs was used, as MIT does:
/// names must compare as octets wherever they came from. A composite one has an empty attribute part.
/// Fault::FieldTooLong.
Result<Bytes> export_name(std::string_view text, NameForm form);

/// import_exported_name reads either form; every length must fit to the octet. Fault::BadName.
Result<KerberosName> import_exported_name(ByteView token);

} // namespace apex
