// SPDX-License-Identifier: MIT
#include "apex/host/recent_tickets.h"

#include "apex/base/secret.h"

#include <cstring>

namespace apex {
namespace {

/// The last octets of a ticket belong to its MAC (or its ciphertext): as good as random, and of a genuine ticket nobody
/// but the KDC can choose them.
std::size_t slot_of(ByteView ticket) noexcept
{
    std::uint64_t end = 0;
    if (ticket.size() >= sizeof end) {
        std::memcpy(&end, ticket.last(sizeof end).data(), sizeof end);
    }
    return end % RecentTickets::most_tickets;
}

} // namespace

std::shared_ptr<const OpenedTicket> RecentTickets::find(const Ticket& ticket, const ServiceKey& key) const
{
    if (ticket.original.empty()) {
        return nullptr;
    }
    std::shared_ptr<const OpenedTicket> known = slots_[slot_of(ticket.original)].load();
    // Compared in constant time, because the MAC is a part of it.
    if (known == nullptr || known->service_key != key.key || known->key_version != key.version ||
        !same_principal(known->service, key.principal) || !constant_time_equal(known->original, ticket.original)) {
        return nullptr;
    }
    return known;
}

void RecentTickets::remember(std::shared_ptr<const OpenedTicket> opened, Time now)
{
    Published<OpenedTicket>& swept = slots_[next_swept_.fetch_add(1, std::memory_order_relaxed) % most_tickets];
    const std::shared_ptr<const OpenedTicket> old = swept.load();
    if (old != nullptr && old->contents.end_time < now) {
        static_cast<void>(swept.replace(old, nullptr));
    }
    if (opened->original.size() <= longest_ticket) {
        Published<OpenedTicket>& slot = slots_[slot_of(opened->original)];
        slot.store(std::move(opened));
    }
}

} // namespace apex
