// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/ports.h"
#include "host/file_stamp.h"

#include <memory>
#include <optional>
#include <string>

namespace apex {

/// TicketMemory remembers, for the whole process, service tickets found in credential caches that are files. What it
/// remembers of a cache holds as long as the file's stamp does. Immutable snapshots inside; safe for concurrent use.
class TicketMemory final {
public:
    /// The ticket remembered under `key` for the cache at `path` in the version of `stamp`, or null.
    static std::shared_ptr<const ServiceTicket> recall(const std::string& path, const FileStamp& stamp,
                                                       const std::string& key);

    /// Remembers a ticket that was read while the file had this stamp. Tickets of other versions of it are forgotten.
    static void remember(const std::string& path, const FileStamp& stamp, const std::string& key,
                         std::shared_ptr<const ServiceTicket> ticket);
};

} // namespace apex
