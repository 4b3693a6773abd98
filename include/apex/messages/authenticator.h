// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/encryption_key.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.5.1
//
// Authenticator   ::= [APPLICATION 2] SEQUENCE {
//         authenticator-vno       [0] INTEGER (5),
//         crealm                  [1] Realm,
//         cname                   [2] PrincipalName,
//         cksum                   [3] Checksum OPTIONAL,
//         cusec                   [4] Microseconds,
//         ctime                   [5] KerberosTime,
//         subkey                  [6] EncryptionKey OPTIONAL,
//         seq-number              [7] UInt32 OPTIONAL,
//         authorization-data      [8] AuthorizationData OPTIONAL
// }
//
// RFC 4120 5.2.9
//
// Checksum        ::= SEQUENCE {
//         cksumtype       [0] Int32,
//         checksum        [1] OCTET STRING
// }

/// Checksum is a checksum as a message carries it; 0x8003 holds the GSS data of RFC 4121 4.1.1.
struct Checksum final {
    std::int32_t type = 0;
    Bytes value;

    static Result<Checksum> read(DerReader& reader);
    void write(DerWriter& writer) const;
};

/// Authenticator is what a client seals with the session key to show that it is alive and meant it.
struct Authenticator final {
    Principal client;
    std::optional<Checksum> checksum;
    Time time; // ctime and cusec
    std::optional<EncryptionKey> subkey;
    std::optional<std::uint32_t> sequence_number;
    AuthorizationData authorization_data;

    /// Reads the plaintext. Fault::MalformedMessage, Fault::WrongMessageType, Fault::UnsupportedVersion.
    static Result<Authenticator> decode(ByteView octets);
    [[nodiscard]] Secret encode() const;
};

} // namespace apex
