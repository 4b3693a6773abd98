// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/messages/encrypted_data.h"
#include "apex/messages/encryption_key.h"
#include "apex/messages/host_address.h"
#include "apex/messages/principal.h"
#include "apex/messages/ticket.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.8.1
//
// KRB-CRED        ::= [APPLICATION 22] SEQUENCE {
//         pvno            [0] INTEGER (5),
//         msg-type        [1] INTEGER (22),
//         tickets         [2] SEQUENCE OF Ticket,
//         enc-part        [3] EncryptedData -- EncKrbCredPart
// }
//
// EncKrbCredPart  ::= [APPLICATION 29] SEQUENCE {
//         ticket-info     [0] SEQUENCE OF KrbCredInfo,
//         nonce           [1] UInt32 OPTIONAL,
//         timestamp       [2] KerberosTime OPTIONAL,
//         usec            [3] Microseconds OPTIONAL,
//         s-address       [4] HostAddress OPTIONAL,
//         r-address       [5] HostAddress OPTIONAL
// }
//
// KrbCredInfo     ::= SEQUENCE {
//         key             [0] EncryptionKey,
//         prealm          [1] Realm OPTIONAL,
//         pname           [2] PrincipalName OPTIONAL,
//         flags           [3] TicketFlags OPTIONAL,
//         authtime        [4] KerberosTime OPTIONAL,
//         starttime       [5] KerberosTime OPTIONAL,
//         endtime         [6] KerberosTime OPTIONAL,
//         renew-till      [7] KerberosTime OPTIONAL,
//         srealm          [8] Realm OPTIONAL,
//         sname           [9] PrincipalName OPTIONAL,
//         caddr           [10] HostAddresses OPTIONAL
// }

/// KrbCred carries tickets to someone who is to use them; its encrypted part holds their keys.
struct KrbCred final {
    /// More than anyone delegates; it bounds what a message can make us allocate.
    static constexpr std::size_t max_tickets = 64;

    std::vector<Ticket> tickets;
    /// Encryption type 0 ("none"): the cipher is the plaintext, as some peers delegate inside the authenticator.
    EncryptedData encrypted_part;

    /// Fault::MalformedMessage, Fault::WrongMessageType, Fault::UnsupportedVersion.
    static Result<KrbCred> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;
};

/// KrbCredInfo tells about the ticket at the same place of the list.
struct KrbCredInfo final {
    EncryptionKey key;
    std::optional<std::string> client_realm;
    std::optional<PrincipalName> client_name;
    std::optional<TicketFlags> flags;
    std::optional<Time> auth_time;
    std::optional<Time> start_time;
    std::optional<Time> end_time;
    std::optional<Time> renew_till;
    std::optional<std::string> server_realm;
    std::optional<PrincipalName> server_name;
    HostAddresses addresses;

    static Result<KrbCredInfo> read(DerReader& reader);
    void write(DerWriter& writer) const;

    /// The client, if both realm and name are there.
    [[nodiscard]] std::optional<Principal> client() const;
    /// The server, if both realm and name are there.
    [[nodiscard]] std::optional<Principal> server() const;
};

/// KrbCredContents is the plaintext of a KRB-CRED's encrypted part.
struct KrbCredContents final {
    std::vector<KrbCredInfo> infos;
    std::optional<std::uint32_t> nonce;
    std::optional<Time> timestamp; // whole seconds
    std::optional<std::int32_t> microseconds;
    std::optional<HostAddress> sender_address;
    std::optional<HostAddress> recipient_address;

    /// Fault::MalformedMessage, Fault::WrongMessageType.
    static Result<KrbCredContents> decode(ByteView octets);
    [[nodiscard]] Secret encode() const;
};

/// check_delegation requires what a delegated credential needs: at least one ticket, as many infos as tickets, and in
/// each info a client, a server and an end. Fault::BadDelegation (RFC 4120 3.6.2; crashes elsewhere came from the
/// fields being optional).
Done check_delegation(const KrbCred& message, const KrbCredContents& contents);

} // namespace apex
