// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/session.h"

namespace apex {

/// open_delegated reads a KRB-CRED from an authenticator's checksum (RFC 4121 4.1.1.1). Peers seal it with the session
/// key, as the RFC says, or with the initiator's subkey; some leave it unsealed, relying on the authenticator around it.
/// Fault::BadDelegation.
Result<DelegatedCredential> open_delegated(ByteView krb_cred, const SessionKeys& keys);

} // namespace apex
