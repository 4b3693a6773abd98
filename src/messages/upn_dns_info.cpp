// SPDX-License-Identifier: MIT
#include "apex/messages/upn_dns_info.h"

#include "ndr_reader.h"

namespace apex {
namespace {

constexpr std::string_view type_name = "UPN_DNS_INFO";
constexpr std::size_t short_length = 12;
constexpr std::size_t extended_length = 20;

/// The octets at a place that the structure names, counted from its start.
Result<ByteView> part_at(ByteView octets, std::size_t head, std::size_t length, std::size_t offset,
                         std::string_view field)
{
    if (length == 0) {
        return ByteView();
    }
    if (offset < head || offset > octets.size() || length > octets.size() - offset) {
        return refuse(Fault::MalformedMessage, std::string(type_name) + ": " + std::string(field) + ": " +
                                                   std::to_string(length) + " octets at " + std::to_string(offset) +
                                                   ", the buffer has " + std::to_string(octets.size()) + ", " +
                                                   std::to_string(head) + " of them in front");
    }
    return octets.subspan(offset, length);
}

Result<std::string> text_at(ByteView octets, std::size_t head, std::size_t length, std::size_t offset,
                            std::string_view field)
{
    const ByteView characters = TRY(part_at(octets, head, length, offset, field));
    return utf8_of(characters, field);
}

} // namespace

Result<UpnDnsInfo> UpnDnsInfo::decode(ByteView octets)
{
    constexpr std::uint32_t extended_flag = 0x2;
    NdrReader reader(octets, type_name);
    const FixedPart<short_length> fixed = TRY(reader.fixed<short_length>("fixed part"));
    const bool extended = (fixed.uint32<8>() & extended_flag) != 0;
    const std::size_t head = extended ? extended_length : short_length;
    UpnDnsInfo info;
    info.user_principal_name = TRY(text_at(octets, head, fixed.uint16<0>(), fixed.uint16<2>(), "Upn"));
    info.dns_domain_name = TRY(text_at(octets, head, fixed.uint16<4>(), fixed.uint16<6>(), "DnsDomainName"));
    if (!extended) {
        return info;
    }
    const FixedPart<extended_length - short_length> more =
        TRY(reader.fixed<extended_length - short_length>("extended part"));
    info.logon_name = TRY(text_at(octets, head, more.uint16<0>(), more.uint16<2>(), "SamName"));
    const ByteView sid = TRY(part_at(octets, head, more.uint16<4>(), more.uint16<6>(), "Sid"));
    if (!sid.empty()) {
        info.sid = TRY(Sid::decode(sid));
    }
    return info;
}

} // namespace apex
