// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"
#include "apex/messages/ticket.h"
#include "host/keytab_snapshot.h"

#include <functional>
#include <optional>
#include <string>

namespace apex {

/// KeytabSearch is what a search for a ticket's key knew and did.
struct KeytabSearch final {
    const KeytabSnapshot& keytab;
    const std::string& keytab_name;
    const Ticket& ticket;
    /// The acceptor's principal, if it answers to exactly one; its text otherwise for people ("HTTP@", "host@a.b").
    std::optional<Principal> exact;
    std::string acceptor_text; // empty: any principal
    std::function<bool(const Principal&)> allows;
    std::size_t tried = 0;
    bool gave_up = false; // the time for one request was over
};

/// why_no_key explains, by the table of MIT's codes (spec/acceptor.md 3.3) and with the values, why no key opened the
/// ticket. Fault::NoServiceKey, WrongServer, WrongKeyVersion, TicketIntegrity.
Error why_no_key(const KeytabSearch& search);

/// held_keys lists the versions and types that a keytab has of a principal: "kvno 4 (aes256-..., aes128-...), kvno 3 (...)".
std::string held_keys(const KeytabSnapshot& keytab, const Principal& principal);

} // namespace apex
