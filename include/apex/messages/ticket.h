// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/encrypted_data.h"
#include "apex/messages/encryption_key.h"
#include "apex/messages/host_address.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.3
//
// Ticket          ::= [APPLICATION 1] SEQUENCE {
//         tkt-vno         [0] INTEGER (5),
//         realm           [1] Realm,
//         sname           [2] PrincipalName,
//         enc-part        [3] EncryptedData -- EncTicketPart
// }
//
// EncTicketPart   ::= [APPLICATION 3] SEQUENCE {
//         flags                   [0] TicketFlags,
//         key                     [1] EncryptionKey,
//         crealm                  [2] Realm,
//         cname                   [3] PrincipalName,
//         transited               [4] TransitedEncoding,
//         authtime                [5] KerberosTime,
//         starttime               [6] KerberosTime OPTIONAL,
//         endtime                 [7] KerberosTime,
//         renew-till              [8] KerberosTime OPTIONAL,
//         caddr                   [9] HostAddresses OPTIONAL,
//         authorization-data      [10] AuthorizationData OPTIONAL
// }
//
// TransitedEncoding       ::= SEQUENCE {
//         tr-type         [0] Int32 -- must be registered --,
//         contents        [1] OCTET STRING
// }

/// Ticket is a ticket as carried: what it says outside its encrypted part is not authenticated.
struct Ticket final {
    Principal server;
    EncryptedData encrypted_part;
    /// The DER that was decoded. If not empty, it is what is written, so that a ticket is copied octet for octet.
    Bytes original;

    static Result<Ticket> read(DerReader& reader);
    static Result<Ticket> decode(ByteView octets);
    void write(DerWriter& writer) const;
    [[nodiscard]] Bytes encode() const;
};

/// TicketFlags are the flags of RFC 4120 2, bit 0 of the RFC being the most significant one.
struct TicketFlags final {
    static constexpr std::uint32_t forwardable = 0x40000000;
    static constexpr std::uint32_t forwarded = 0x20000000;
    static constexpr std::uint32_t proxiable = 0x10000000;
    static constexpr std::uint32_t proxy = 0x08000000;
    static constexpr std::uint32_t may_postdate = 0x04000000;
    static constexpr std::uint32_t postdated = 0x02000000;
    static constexpr std::uint32_t invalid = 0x01000000;
    static constexpr std::uint32_t renewable = 0x00800000;
    static constexpr std::uint32_t initial = 0x00400000;
    static constexpr std::uint32_t pre_authenticated = 0x00200000;
    static constexpr std::uint32_t hardware_authenticated = 0x00100000;
    static constexpr std::uint32_t transited_policy_checked = 0x00080000;
    static constexpr std::uint32_t ok_as_delegate = 0x00040000;
    static constexpr std::uint32_t anonymous = 0x00008000; // RFC 8062

    std::uint32_t bits = 0;

    [[nodiscard]] constexpr bool has(std::uint32_t flag) const noexcept { return (bits & flag) != 0; }
    friend constexpr bool operator==(TicketFlags, TicketFlags) noexcept = default;
};

/// TransitedEncoding lists the realms a cross-realm ticket came through; type 1 is DOMAIN-X500-COMPRESS.
struct TransitedEncoding final {
    std::int32_t type = 0;
    Bytes contents;

    static Result<TransitedEncoding> read(DerReader& reader);
    void write(DerWriter& writer) const;
};

/// TicketContents is what the KDC says in the encrypted part of a ticket. Times are whole seconds.
struct TicketContents final {
    TicketFlags flags;
    EncryptionKey session_key;
    Principal client;
    TransitedEncoding transited;
    Time auth_time;
    std::optional<Time> start_time;
    Time end_time;
    std::optional<Time> renew_till;
    HostAddresses addresses;
    AuthorizationData authorization_data;

    /// Reads the plaintext of an encrypted part. Fault::MalformedMessage, Fault::WrongMessageType.
    static Result<TicketContents> decode(ByteView octets);
    [[nodiscard]] Secret encode() const;
};

} // namespace apex
