// SPDX-License-Identifier: MIT
#include "apex/messages/sid.h"

#include "ndr_reader.h"

namespace apex {
namespace {

constexpr std::size_t head_length = 8; // revision, number of parts, authority
constexpr std::size_t authority_length = 6;
constexpr std::size_t part_length = 4;

} // namespace

Result<Sid> Sid::decode(ByteView octets)
{
    constexpr std::uint8_t revision = 1;
    if (octets.size() < head_length) {
        return refuse(Fault::MalformedMessage, "a SID of " + std::to_string(octets.size()) +
                                                   " octets, the shortest has " + std::to_string(head_length));
    }
    const std::size_t count = octets[1];
    if (octets[0] != revision || count > max_parts) {
        return refuse(Fault::MalformedMessage, "a SID of revision " + std::to_string(octets[0]) + " with " +
                                                   std::to_string(count) +
                                                   " parts, expected revision 1 and at most 15");
    }
    if (octets.size() != head_length + count * part_length) {
        return refuse(Fault::MalformedMessage, "a SID of " + std::to_string(count) + " parts in " +
                                                   std::to_string(octets.size()) + " octets, expected " +
                                                   std::to_string(head_length + count * part_length));
    }
    Sid sid;
    for (const std::uint8_t octet : octets.subspan(2, authority_length)) {
        sid.authority_ = sid.authority_ << 8U | octet;
    }
    sid.count_ = count;
    for (std::size_t i = 0; i < count; ++i) {
        sid.parts_[i] =
            little_endian<std::uint32_t>(octets.subspan(head_length + i * part_length).first<part_length>());
    }
    return sid;
}

Result<Sid> Sid::with(std::uint32_t relative_identifier) const
{
    if (count_ == max_parts) {
        return refuse(Fault::MalformedMessage, "the domain's SID has 15 parts already: " + text());
    }
    Sid account = *this;
    account.parts_[account.count_++] = relative_identifier;
    return account;
}

std::string Sid::text() const
{
    std::string text = "S-1-";
    if (authority_ >> 32U == 0) {
        text += std::to_string(authority_);
    } else {
        Bytes octets(authority_length);
        for (std::size_t i = 0; i < authority_length; ++i) {
            octets[i] = static_cast<std::uint8_t>(authority_ >> 8U * (authority_length - 1 - i));
        }
        text += "0x" + hex(octets);
    }
    for (std::size_t i = 0; i < count_; ++i) {
        text += "-" + std::to_string(parts_[i]);
    }
    return text;
}

} // namespace apex
