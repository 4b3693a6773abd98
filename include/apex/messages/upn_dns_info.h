// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/messages/sid.h"

#include <optional>
#include <string>

namespace apex {

/// UpnDnsInfo is UPN_DNS_INFO ([MS-PAC] 2.10): names of the user and of its domain, and in the extended form the account.
struct UpnDnsInfo final {
    std::string user_principal_name; // made of account and domain if the account has none
    std::string dns_domain_name;
    std::string logon_name; // sAMAccountName; empty: not said
    std::optional<Sid> sid;

    /// Reads the buffer of a PAC. Fault::MalformedMessage.
    static Result<UpnDnsInfo> decode(ByteView octets);
};

} // namespace apex
