// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <gssapi/gssapi.h>
#include <optional>

namespace apex {

/// The four names of the mechanism as static OIDs: what may be returned to callers, who never free them.
gss_OID static_krb5_oid() noexcept;
gss_OID static_krb5_old_oid() noexcept;
gss_OID static_krb5_microsoft_oid() noexcept;
gss_OID static_apex_oid() noexcept;

/// The static OID with these octets; none for an OID that is not one of ours.
std::optional<gss_OID> static_oid_of(ByteView octets) noexcept;

/// Tells whether an OID pointer is static storage of this module (for gss_release_oid).
bool is_static_oid(gss_const_OID oid) noexcept;

/// True for the two OIDs that peers still use and nobody should choose (RFC 5587 GSS_C_MA_DEPRECATED).
bool is_deprecated_oid(ByteView octets) noexcept;

} // namespace apex
