// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/kerberos_name.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace apex {

/// NameKind is the way in which a text was read.
enum class NameKind : std::uint8_t { principal, enterprise, host_based };

/// remembered_name gives what the same text was read as under the same settings, a host-based one no longer than five
/// seconds ago: the mechglue imports a target name anew for each call, and a krb5_context costs more than the whole
/// exchange, while DNS and the host's own name may change.
std::optional<KerberosName> remembered_name(NameKind kind, const std::string& text);

/// remember_name keeps a name for remembered_name; it takes the place of an older one.
void remember_name(NameKind kind, const std::string& text, const KerberosName& name);

/// cached_name gives the remembered name or makes it. Failures are not remembered.
template <typename Make>
Result<KerberosName> cached_name(NameKind kind, const std::string& text, const Make& make)
{
    if (std::optional<KerberosName> name = remembered_name(kind, text)) {
        return *std::move(name);
    }
    Result<KerberosName> made = make();
    if (made) {
        remember_name(kind, text, *made);
    }
    return made;
}

} // namespace apex
