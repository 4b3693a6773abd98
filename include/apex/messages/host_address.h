// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <cstdint>
#include <vector>

namespace apex {

class DerReader;
class DerWriter;

// RFC 4120 5.2.5
//
// HostAddress     ::= SEQUENCE {
//         addr-type       [0] Int32,
//         address         [1] OCTET STRING
// }
// HostAddresses   ::= SEQUENCE OF HostAddress

/// Address types of RFC 4120 7.5.3.
inline constexpr std::int32_t address_type_ipv4 = 2;
inline constexpr std::int32_t address_type_ipv6 = 24;

/// HostAddress is an address of a host as Kerberos writes it, network byte order.
struct HostAddress final {
    std::int32_t type = 0;
    Bytes address;

    static Result<HostAddress> read(DerReader& reader);
    static Result<HostAddress> decode(ByteView octets);
    void write(DerWriter& writer) const;
    [[nodiscard]] Bytes encode() const;
    friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

using HostAddresses = std::vector<HostAddress>;

Result<HostAddresses> read_host_addresses(DerReader& reader);
void write_host_addresses(DerWriter& writer, const HostAddresses& addresses);

} // namespace apex
