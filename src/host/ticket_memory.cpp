// SPDX-License-Identifier: MIT
#include "host/ticket_memory.h"

#include "apex/host/published.h"

#include <unordered_map>
#include <utility>

namespace apex {
namespace {

// Bounds of what is remembered; beyond them the list starts anew.
constexpr std::size_t most_caches = 64;
constexpr std::size_t most_tickets = 256;

struct CacheTickets final {
    FileStamp stamp;
    std::unordered_map<std::string, std::shared_ptr<const ServiceTicket>> tickets;
};

using Caches = std::unordered_map<std::string, std::shared_ptr<const CacheTickets>>;

Published<Caches>& caches()
{
    static Published<Caches>& only = *new Published<Caches>();
    return only;
}

std::shared_ptr<CacheTickets> grown(const Caches& known, const std::string& path, const FileStamp& stamp)
{
    const auto found = known.find(path);
    if (found != known.end() && found->second->stamp == stamp && found->second->tickets.size() < most_tickets) {
        return std::make_shared<CacheTickets>(*found->second);
    }
    return std::make_shared<CacheTickets>(CacheTickets{stamp, {}});
}

} // namespace

std::shared_ptr<const ServiceTicket> TicketMemory::recall(const std::string& path, const FileStamp& stamp,
                                                          const std::string& key)
{
    const std::shared_ptr<const Caches> known = caches().load();
    if (known == nullptr) {
        return nullptr;
    }
    const auto cache = known->find(path);
    if (cache == known->end() || cache->second->stamp != stamp) {
        return nullptr;
    }
    const auto ticket = cache->second->tickets.find(key);
    return ticket != cache->second->tickets.end() ? ticket->second : nullptr;
}

void TicketMemory::remember(const std::string& path, const FileStamp& stamp, const std::string& key,
                            std::shared_ptr<const ServiceTicket> ticket)
{
    for (;;) {
        const std::shared_ptr<const Caches> known = caches().load();
        const bool room = known != nullptr && (known->size() < most_caches || known->contains(path));
        auto next = room ? std::make_shared<Caches>(*known) : std::make_shared<Caches>();
        std::shared_ptr<CacheTickets> cache = grown(*next, path, stamp);
        cache->tickets.insert_or_assign(key, ticket);
        next->insert_or_assign(path, std::move(cache));
        if (caches().replace(known, std::move(next))) {
            return;
        }
    }
}

} // namespace apex
