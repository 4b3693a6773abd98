// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/ports.h"
#include "apex/host/published.h"

#include <array>
#include <atomic>
#include <cstddef>

namespace apex {

/// RecentTickets keeps the tickets of the last accepted requests, so that a client that comes again costs no decryption,
/// decoding and key derivation of the ticket. Bounded in number and size; the session keys of a ticket that leaves are
/// wiped as soon as no context uses them. Safe for concurrent use and in a forked child.
class RecentTickets final : public OpenedTickets {
public:
    static constexpr std::size_t most_tickets = 64;
    /// Longer tickets are opened anew each time.
    static constexpr std::size_t longest_ticket = 16384;

    [[nodiscard]] std::shared_ptr<const OpenedTicket> find(const Ticket& ticket, const ServiceKey& key) const override;
    /// A ticket takes the place of the one that hashes alike, if any. Each call drops an expired one elsewhere as well.
    void remember(std::shared_ptr<const OpenedTicket> opened, Time now) override;

private:
    std::array<Published<OpenedTicket>, most_tickets> slots_;
    std::atomic<std::size_t> next_swept_{0};
};

} // namespace apex
