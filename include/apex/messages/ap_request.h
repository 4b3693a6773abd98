// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/messages/encrypted_data.h"
#include "apex/messages/ticket.h"

#include <cstdint>

namespace apex {

// RFC 4120 5.5.1
//
// AP-REQ          ::= [APPLICATION 14] SEQUENCE {
//         pvno            [0] INTEGER (5),
//         msg-type        [1] INTEGER (14),
//         ap-options      [2] APOptions,
//         ticket          [3] Ticket,
//         authenticator   [4] EncryptedData -- Authenticator
// }
// APOptions       ::= KerberosFlags
//         -- reserved(0), use-session-key(1), mutual-required(2)

/// ApOptions are 32 bits, bit 0 of the RFC being the most significant one.
struct ApOptions final {
    static constexpr std::uint32_t use_session_key_bit = 0x40000000;
    static constexpr std::uint32_t mutual_required_bit = 0x20000000;

    std::uint32_t bits = 0;

    [[nodiscard]] constexpr bool use_session_key() const noexcept { return (bits & use_session_key_bit) != 0; }
    [[nodiscard]] constexpr bool mutual_required() const noexcept { return (bits & mutual_required_bit) != 0; }
};

/// ApRequest is the first message of the exchange. Nothing in it is trusted before ticket and authenticator are open.
struct ApRequest final {
    ApOptions options;
    Ticket ticket;
    EncryptedData authenticator;

    /// Fault::MalformedMessage, Fault::WrongMessageType, Fault::UnsupportedVersion.
    static Result<ApRequest> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;
};

} // namespace apex
