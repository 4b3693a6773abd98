// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/exchange/context_flags.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/krb_cred.h"
#include "apex/messages/principal.h"

#include <memory>
#include <optional>

namespace apex {

/// SessionKeys are the up to three keys of an exchange, each under its own name.
struct SessionKeys final {
    std::shared_ptr<const Key> ticket_session; // seals authenticator and AP-REP
    std::shared_ptr<const Key> initiator_subkey;
    std::shared_ptr<const Key> acceptor_subkey;

    /// The key of an initiator that has not seen an acceptor subkey: its subkey, else the session key (RFC 4121 2).
    [[nodiscard]] const std::shared_ptr<const Key>& of_initiator() const noexcept
    {
        return initiator_subkey ? initiator_subkey : ticket_session;
    }

    /// The key that protects messages (RFC 4121 2: the acceptor's subkey if it sent one).
    [[nodiscard]] const std::shared_ptr<const Key>& for_messages() const noexcept
    {
        return acceptor_subkey ? acceptor_subkey : of_initiator();
    }
};

/// DelegatedCredential is what an initiator forwarded (RFC 4121 4.1.1.1).
struct DelegatedCredential final {
    KrbCredContents contents;
    std::vector<Ticket> tickets;
};

/// Session is what an exchange leaves behind: complete and not changed any more.
struct Session final {
    Principal initiator;
    Principal acceptor;
    SessionKeys keys;
    std::uint64_t send_sequence = 0;
    std::uint64_t receive_sequence = 0;
    ContextFlags flags = 0;
    Time auth_time;
    std::optional<Time> start_time;
    Time end_time;
    std::optional<Time> renew_till;
    std::uint32_t ticket_flags = 0;
    EncryptionType ticket_type = EncryptionType::none; // of the long-term key
    std::uint32_t key_version = 0;                     // kvno of the long-term key
    AuthorizationData ticket_authorization;
    AuthorizationData authenticator_authorization;
    std::optional<DelegatedCredential> delegated;
    /// The client's ticket as received, for an S4U2Proxy credential of the acceptor.
    Bytes ticket;
    /// The service key that opened the ticket, for signatures inside its authorization data (PAC).
    std::shared_ptr<const Key> service_key;
};

} // namespace apex
