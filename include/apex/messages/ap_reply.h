// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/messages/encrypted_data.h"
#include "apex/messages/encryption_key.h"

#include <cstdint>
#include <optional>

namespace apex {

// RFC 4120 5.5.2
//
// AP-REP          ::= [APPLICATION 15] SEQUENCE {
//         pvno            [0] INTEGER (5),
//         msg-type        [1] INTEGER (15),
//         enc-part        [2] EncryptedData -- EncAPRepPart
// }
//
// EncAPRepPart    ::= [APPLICATION 27] SEQUENCE {
//         ctime           [0] KerberosTime,
//         cusec           [1] Microseconds,
//         subkey          [2] EncryptionKey OPTIONAL,
//         seq-number      [3] UInt32 OPTIONAL
// }

/// ApReply is the acceptor's answer (and, in DCE style, the initiator's third leg).
struct ApReply final {
    EncryptedData encrypted_part;

    /// Fault::MalformedMessage, Fault::WrongMessageType, Fault::UnsupportedVersion.
    static Result<ApReply> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;
};

/// ApReplyContents is what an AP-REP seals: the client's own time, a subkey and a sequence number.
struct ApReplyContents final {
    Time time; // ctime and cusec
    std::optional<EncryptionKey> subkey;
    std::optional<std::uint32_t> sequence_number;

    /// Reads the plaintext. Fault::MalformedMessage, Fault::WrongMessageType.
    static Result<ApReplyContents> decode(ByteView octets);
    [[nodiscard]] Secret encode() const;
};

} // namespace apex
