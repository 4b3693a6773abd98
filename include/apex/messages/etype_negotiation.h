// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/crypto/encryption_type.h"

#include <vector>

namespace apex {

// RFC 4537 3
//
// EtypeList ::= SEQUENCE OF Int32
//     -- in decreasing preference order (favorite choice first)

/// EtypeNegotiation is the list of encryption types that an initiator offers for the acceptor's subkey; it travels in
/// an authorization element of type ad_etype_negotiation.
struct EtypeNegotiation final {
    std::vector<EncryptionType> types;

    static Result<EtypeNegotiation> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;
};

} // namespace apex
