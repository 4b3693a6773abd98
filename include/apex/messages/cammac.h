// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/crypto/key.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace apex {

class DerReader;

// RFC 7751 4
//
// AD-CAMMAC       ::= SEQUENCE {
//         elements          [0] AuthorizationData,
//         kdc-verifier      [1] Verifier-MAC OPTIONAL,
//         svc-verifier      [2] Verifier-MAC OPTIONAL,
//         other-verifiers   [3] SEQUENCE (SIZE (1..MAX)) OF Verifier OPTIONAL
// }
// Verifier        ::= CHOICE { mac Verifier-MAC, ... }
// Verifier-MAC    ::= SEQUENCE {
//         identifier     [0] PrincipalName OPTIONAL,
//         kvno           [1] UInt32 OPTIONAL,
//         enctype        [2] Int32 OPTIONAL,
//         mac            [3] Checksum
// }
//
// RFC 8129 3
//
// AD-AUTHENTICATION-INDICATOR ::= SEQUENCE OF UTF8String

/// VerifierMac is a checksum of a container, and which key it is under.
struct VerifierMac final {
    std::optional<PrincipalName> identifier;
    std::optional<std::uint32_t> version;
    std::optional<EncryptionType> type;
    Checksum mac;

    static Result<VerifierMac> read(DerReader& reader);
};

/// Cammac is a container whose elements the KDC vouches for to the service. Verifiers for the KDC and for others are passed
/// over: they are under keys that the service does not have.
class Cammac final {
public:
    /// Fault::MalformedMessage.
    static Result<Cammac> decode(ByteView octets);

    /// The elements, if the verifier for the service holds under `service_key`, the key that opened the ticket, and is of
    /// that key's checksum type (RFC 7751 4). Fault::BadIntegrity.
    [[nodiscard]] Result<AuthorizationData> verified_elements(const Key& service_key) const;

private:
    Bytes elements_; // AuthorizationData as it came, over which the checksums are
    std::optional<VerifierMac> service_verifier_;
};

/// AuthenticationIndicators is how a client was authenticated, in the words of the realm (RFC 8129).
struct AuthenticationIndicators final {
    std::vector<std::string> values;
    std::string left_out; // why a container was passed over; empty: none was

    /// Collects the indicators of a ticket out of the containers that verify. Those that do not are left out: a container
    /// that cannot be verified is to be ignored (RFC 7751 5).
    static AuthenticationIndicators of(const AuthorizationData& elements, const Key& service_key);
};

} // namespace apex
