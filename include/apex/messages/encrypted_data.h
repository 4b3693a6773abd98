// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/crypto/encryption_type.h"

#include <cstdint>
#include <optional>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.2.9
//
// EncryptedData   ::= SEQUENCE {
//         etype   [0] Int32 -- EncryptionType --,
//         kvno    [1] UInt32 OPTIONAL,
//         cipher  [2] OCTET STRING -- ciphertext
// }

/// EncryptedData is a sealed value, with the type and, where a long-term key sealed it, the version of its key.
struct EncryptedData final {
    EncryptionType type = EncryptionType::none;
    std::optional<std::uint32_t> kvno;
    Bytes cipher;

    static Result<EncryptedData> read(DerReader& reader);
    static Result<EncryptedData> decode(ByteView octets);
    void write(DerWriter& writer) const;
    [[nodiscard]] Bytes encode() const;
};

} // namespace apex
