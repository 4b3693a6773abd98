// SPDX-License-Identifier: MIT
#include "apex/exchange/channel_bindings.h"

namespace apex {
namespace {

void append_little_endian(Bytes& target, std::uint32_t number)
{
    for (int shift = 0; shift < 32; shift += 8) {
        target.push_back(static_cast<std::uint8_t>(number >> shift));
    }
}

void append_counted(Bytes& target, ByteView octets)
{
    append_little_endian(target, static_cast<std::uint32_t>(octets.size()));
    append(target, octets);
}

} // namespace

Md5Digest ChannelBindings::hash() const
{
    // RFC 4121 4.1.1.2: every number as four octets, least significant first; empty parts count as length 0.
    Bytes input;
    append_little_endian(input, initiator_address_type);
    append_counted(input, initiator_address);
    append_little_endian(input, acceptor_address_type);
    append_counted(input, acceptor_address);
    append_counted(input, application_data);
    return md5(input);
}

} // namespace apex
