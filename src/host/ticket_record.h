// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/crypto/encryption_type.h"
#include "apex/host/krb5_handle.h"
#include "apex/messages/authorization_data.h"
#include "apex/messages/host_address.h"
#include "apex/messages/principal.h"

#include <cstdint>
#include <optional>

namespace apex {

/// TicketRecord is a ticket as a credential cache keeps it. It borrows all its parts.
struct TicketRecord final {
    const Principal& client;
    const Principal& server;
    EncryptionType key_type = EncryptionType::none;
    ByteView session_key;
    std::uint32_t flags = 0;
    std::optional<Time> auth_time;
    std::optional<Time> start_time;
    Time end_time;
    std::optional<Time> renew_till;
    ByteView ticket;
    ByteView second_ticket;
    const HostAddresses& addresses;
    const AuthorizationData& authorization_data;
    bool sealed_with_session_key = false; // a user-to-user ticket
};

/// store_ticket adds a ticket to an open cache. Fault::Library with libkrb5's code.
Done store_ticket(const Krb5Context& context, krb5_ccache cache, const TicketRecord& record);

} // namespace apex
