// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/messages/pac.h"
#include "apex/messages/sid.h"

#include <optional>
#include <string>
#include <vector>

namespace apex {

/// PacIdentity is who the user is and what it belongs to, out of the buffers of a PAC that tell it. A KDC without a domain
/// (MIT's own) sends none of them: then all of it is empty.
struct PacIdentity final {
    std::optional<Sid> user;
    std::optional<Sid> primary_group;
    std::vector<Sid> groups;
    std::string logon_name;          // sAMAccountName
    std::string domain_name;         // NetBIOS
    std::string user_principal_name; // user@domain
    std::string dns_domain_name;

    /// Reads LOGON_INFO and UPN_DNS_INFO of a PAC that has been verified. Fault::MalformedMessage, also if the two name
    /// different users; Fault::PacRefused for two of a kind.
    static Result<PacIdentity> read(const Pac& pac);
};

} // namespace apex
