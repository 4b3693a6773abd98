// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/crypto/encryption_type.h"

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.2.9
//
// EncryptionKey   ::= SEQUENCE {
//         keytype         [0] Int32 -- actually encryption type --,
//         keyvalue        [1] OCTET STRING
// }

/// EncryptionKey is a key as a message carries it: not yet known to be of a supported type or of the right length
/// (Key::from finds out).
struct EncryptionKey final {
    EncryptionType type = EncryptionType::none;
    Secret value;

    [[nodiscard]] EncryptionKey clone() const { return EncryptionKey{type, value.clone()}; }
    static Result<EncryptionKey> read(DerReader& reader);
    static Result<EncryptionKey> decode(ByteView octets);
    void write(DerWriter& writer) const;
    [[nodiscard]] Secret encode() const;
};

} // namespace apex
