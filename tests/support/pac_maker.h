// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/messages/authorization_data.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace apex::test {

// What a domain controller writes, for tests that change one thing of it.

/// The number at a place of a structure of Windows, least significant octet first.
void put_uint16(Bytes& octets, std::size_t offset, std::uint16_t value);
void put_uint32(Bytes& octets, std::size_t offset, std::uint32_t value);
std::uint32_t uint32_at(const Bytes& octets, std::size_t offset);

/// The packet form of S-1-<authority>-<parts>.
Bytes sid_octets(std::uint64_t authority, const std::vector<std::uint32_t>& parts);

/// LogonFacts is what a KERB_VALIDATION_INFO says; as it stands here, alice of the domain S-1-5-21-1-2-3.
struct LogonFacts final {
    using Groups = std::vector<std::pair<std::uint32_t, std::uint32_t>>; // relative identifier and attributes

    std::string logon_name = "alice";
    std::string full_name = "Alice of Apex";
    std::string domain_name = "APEX";
    std::uint32_t user_id = 1105;
    std::uint32_t primary_group_id = 513;
    std::uint32_t user_flags = 0x220; // extra SIDs and resource groups count
    Groups groups = {{513, 7}, {1108, 7}};
    std::optional<Bytes> domain = sid_octets(5, {21, 1, 2, 3});
    std::vector<std::pair<Bytes, std::uint32_t>> extra_sids = {{sid_octets(18, {1}), 7}};
    std::optional<Bytes> resource_domain = sid_octets(5, {21, 4, 5, 6});
    Groups resource_groups = {{2001, 0x20000007}};

    /// The buffer of a PAC. Its fixed part begins at logon_fixed_part.
    [[nodiscard]] Bytes encode() const;
};
inline constexpr std::size_t logon_fixed_part = 20;

/// UpnFacts is what an UPN_DNS_INFO says; without SID it has the short form.
struct UpnFacts final {
    std::string upn = "alice@apex.test";
    std::string dns_domain = "APEX.TEST";
    std::string logon_name = "alice";
    std::optional<Bytes> sid = sid_octets(5, {21, 1, 2, 3, 1105});

    [[nodiscard]] Bytes encode() const;
};

Bytes client_info(std::string_view name, Time auth_time);

/// PacMaker puts buffers together and signs the whole.
class PacMaker final {
public:
    /// A PAC with the facts above about a client, and room for signatures under `key`.
    PacMaker(const Key& key, std::string_view client, Time auth_time);

    /// Buffers in the order of the table.
    std::vector<std::pair<std::uint32_t, Bytes>> buffers;

    /// The contents of the first buffer of a type.
    Bytes& buffer(std::uint32_t type);
    void remove(std::uint32_t type);

    /// The PAC, its signatures as they stand in the buffers.
    [[nodiscard]] Bytes unsigned_pac() const;
    /// The PAC with its server signature made anew.
    [[nodiscard]] Bytes pac() const;

private:
    const Key& key_;
};

/// Makes the server signature of a PAC anew, if its table and its buffers 6 and 7 are such that it can be done.
void sign_pac(Bytes& pac, const Key& key);

/// AD-IF-RELEVANT around an AD-WIN2K-PAC, as KDCs send it.
AuthorizationData ticket_data(const Bytes& pac);

} // namespace apex::test
