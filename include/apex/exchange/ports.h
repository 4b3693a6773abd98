// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/principal.h"
#include "apex/messages/ticket.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace apex {

/// ServiceKey is one long-term key of a service, as a keytab holds it, ready to open tickets.
struct ServiceKey final {
    Principal principal;
    std::uint32_t version = 0; // kvno
    std::shared_ptr<const Key> key;
    UsageKey for_tickets; // derived for KeyUsage::ticket
};

/// KeySource is the port to the acceptor's long-term keys, bound to one keytab and one acceptor name.
class KeySource {
public:
    virtual ~KeySource() = default;

    /// Offers the keys that may open `ticket`, the likeliest first, until `opens` says true (INVARIANTS A4): of an exact
    /// name the one with the ticket's version and type; otherwise every key that the name allows and whose type is the
    /// ticket's. `opens` is called with the key and returns whether it opened the ticket.
    /// Fails when none did, telling why with the values: Fault::NoServiceKey, WrongServer, WrongKeyVersion,
    /// TicketIntegrity, NoKeytab.
    virtual Done try_keys(const Ticket& ticket, const std::function<bool(const ServiceKey&)>& opens) const = 0;
};

/// OpenedTicket is a ticket that a service key opened, and what the KDC says in it. Immutable: all the contexts whose
/// client shows this ticket may share it.
struct OpenedTicket final {
    TicketContents contents; // the octets of the session key have moved into `session_key`
    std::shared_ptr<const Key> session_key;
    Principal service; // of the key entry: the cleartext name in the ticket proves nothing
    std::uint32_t key_version = 0;
    std::shared_ptr<const Key> service_key;
    EncryptionType type = EncryptionType::none;
    Bytes original; // the ticket's DER as received
};

/// OpenedTickets is the port to a memory of tickets that were opened before: a client shows one ticket many times. What
/// it holds saves work and proves nothing but what the key proved: a ticket is found only by the key that opened it.
class OpenedTickets {
public:
    virtual ~OpenedTickets() = default;

    /// The remembered ticket that equals `ticket` in every octet and that this very key opened, or null.
    [[nodiscard]] virtual std::shared_ptr<const OpenedTicket> find(const Ticket& ticket,
                                                                   const ServiceKey& key) const = 0;
    /// Remembers a ticket whose request was accepted at `now`.
    virtual void remember(std::shared_ptr<const OpenedTicket> opened, Time now) = 0;
};

/// ServiceTicket is what an initiator holds for one service.
struct ServiceTicket final {
    Bytes ticket; // DER, copied byte-exact into the request
    Principal client;
    Principal server;
    std::shared_ptr<const Key> session_key;
    std::uint32_t flags = 0; // RFC 4120 2: bit 0 is the most significant
    Time auth_time;
    std::optional<Time> start_time;
    Time end_time;
    std::optional<Time> renew_till;
    /// KDC clock minus ours, as the credential cache remembers it; added to the authenticator's time.
    Duration clock_offset{0};
    AuthorizationData authorization_data; // for the authenticator, usually none
};


/// TicketSource is the port to the initiator's credentials.
class TicketSource {
public:
    virtual ~TicketSource() = default;

    /// Gives a valid ticket for `service`, from the cache or the KDC. `end_time`: the wished end, or none.
    virtual Result<std::shared_ptr<const ServiceTicket>> ticket_for(const Principal& service,
                                                                    std::optional<Time> end_time) = 0;

    /// Gives a KRB-CRED with a forwarded TGT for the service, sealed with the service ticket's session key
    /// (RFC 4121 4.1.1). Fault::DelegationFailed with the reason.
    virtual Result<Bytes> forwarded_credential(const ServiceTicket& ticket) = 0;
};

/// RealmTrust is the port to the machine's knowledge of trusted realm paths ([capaths] of krb5.conf).
class RealmTrust {
public:
    virtual ~RealmTrust() = default;
    /// Fault::TransitRefused unless every realm that the ticket passed is trusted (RFC 4120 2.7).
    virtual Done check_transited(const TransitedEncoding& transited, const std::string& client_realm,
                                 const std::string& server_realm) const = 0;
};

/// ReplayCache is the port to the memory of accepted authenticators.
class ReplayCache {
public:
    virtual ~ReplayCache() = default;

    /// Remembers an authenticator or refuses it, in one atomic operation (INVARIANTS R1): Fault::Replay if it was
    /// remembered before, Fault::ReplayStoreFailed if that cannot be decided. `ciphertext` is the authenticator's whole
    /// cipher octet string, `authenticator_time` its ctime, `skew` the allowed clock skew: the record must live until
    /// the later of `now` and `authenticator_time`, plus `skew` (INVARIANTS R3).
    virtual Done remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew,
                          Time now) = 0;
};

} // namespace apex
