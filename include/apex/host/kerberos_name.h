// SPDX-License-Identifier: MIT
#pragma once

#include "apex/messages/principal.h"

#include <string>

namespace apex {

/// KerberosName is a name as the machine understood it when it was imported: what to ask a ticket for, and what an
/// acceptor of that name answers to. Immutable once made.
struct KerberosName final {
    /// The principal, canonicalised as krb5.conf says. The realm of a host-based name may be empty: unknown yet.
    Principal principal;

    /// A host-based name (RFC 2744 4.1) keeps its parts as given: the acceptor matches them (spec: any realm, and any
    /// host if `host` is empty).
    bool host_based = false;
    std::string service;
    std::string host;

    /// The single component is the DER certificate of the subject, for S4U2Self (GSS_KRB5_NT_X509_CERT).
    bool certificate = false;
};

} // namespace apex
