// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>
#include <string>

namespace apex {

// RFC 4120 5.9.1
//
// KRB-ERROR       ::= [APPLICATION 30] SEQUENCE {
//         pvno            [0] INTEGER (5),
//         msg-type        [1] INTEGER (30),
//         ctime           [2] KerberosTime OPTIONAL,
//         cusec           [3] Microseconds OPTIONAL,
//         stime           [4] KerberosTime,
//         susec           [5] Microseconds,
//         error-code      [6] Int32,
//         crealm          [7] Realm OPTIONAL,
//         cname           [8] PrincipalName OPTIONAL,
//         realm           [9] Realm -- service realm --,
//         sname           [10] PrincipalName -- service name --,
//         e-text          [11] KerberosString OPTIONAL,
//         e-data          [12] OCTET STRING OPTIONAL
// }

/// KrbError is a peer's refusal. It is not authenticated: nothing in it is more than a hint.
struct KrbError final {
    std::optional<Time> client_time; // ctime, whole seconds
    std::optional<std::int32_t> client_microseconds;
    Time server_time; // stime and susec
    std::int32_t code = 0;
    std::optional<std::string> client_realm;
    std::optional<PrincipalName> client_name;
    Principal server;
    std::optional<std::string> text; // e-text as it came; show safe_text instead
    std::optional<Bytes> data;

    /// Fault::MalformedMessage, Fault::WrongMessageType, Fault::UnsupportedVersion.
    static Result<KrbError> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;

    /// e-text fit for a log or a terminal: up to 200 octets, up to the first NUL, anything but printable ASCII
    /// replaced by '?'. Empty if there is none.
    [[nodiscard]] std::string safe_text() const;
};

} // namespace apex
