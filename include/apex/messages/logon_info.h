// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/messages/sid.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// GroupMembership is a group of the domain that a list belongs to.
struct GroupMembership final {
    std::uint32_t relative_identifier = 0;
    std::uint32_t attributes = 0;
};

/// SidMembership is a group, or another fact about the user, named by its SID.
struct SidMembership final {
    Sid sid;
    std::uint32_t attributes = 0;
};

/// LogonInfo is KERB_VALIDATION_INFO ([MS-PAC] 2.5), what a domain says of a user: those of its fields that tell who the
/// user is and what groups it is in.
struct LogonInfo final {
    /// Bits of `user_flags`, without which a list does not count.
    static constexpr std::uint32_t extra_sids_are_valid = 0x20;
    static constexpr std::uint32_t resource_groups_are_valid = 0x200;

    std::string logon_name;  // EffectiveName: sAMAccountName
    std::string domain_name; // LogonDomainName: NetBIOS
    std::uint32_t user_id = 0;
    std::uint32_t primary_group_id = 0;
    std::uint32_t user_flags = 0;
    std::vector<GroupMembership> groups;
    std::optional<Sid> domain;
    std::vector<SidMembership> extra_sids;
    std::optional<Sid> resource_domain;
    std::vector<GroupMembership> resource_groups;

    /// Reads the buffer of a PAC. Fault::MalformedMessage.
    static Result<LogonInfo> decode(ByteView octets);

    /// The user: of the domain, or for a user id of 0 the first of the extra SIDs. Fault::MalformedMessage.
    [[nodiscard]] Result<Sid> user_sid() const;
    [[nodiscard]] Result<Sid> primary_group_sid() const;
    /// Groups of the domain, extra SIDs, resource groups, each list in its order: those that are enabled.
    [[nodiscard]] Result<std::vector<Sid>> group_sids() const;
};

} // namespace apex
