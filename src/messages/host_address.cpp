// SPDX-License-Identifier: MIT
#include "apex/messages/host_address.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <limits>

namespace apex {

Result<HostAddress> HostAddress::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "HostAddress"));
    const std::int32_t type = TRY(fields.required(0, "addr-type", read_int32));
    Bytes address = TRY(fields.required(1, "address", read_octets));
    TRY(fields.end());
    return HostAddress{type, std::move(address)};
}

Result<HostAddress> HostAddress::decode(ByteView octets)
{
    return decode_whole(octets, "HostAddress", read);
}

void HostAddress::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_int32(writer, type); });
        write_field(writer, 1, [&] { write_octets(writer, address); });
    });
}

Bytes HostAddress::encode() const
{
    return encode_public(*this);
}

Result<HostAddresses> read_host_addresses(DerReader& reader)
{
    return read_list(reader, sequence_tag, std::numeric_limits<std::size_t>::max(), HostAddress::read);
}

void write_host_addresses(DerWriter& writer, const HostAddresses& addresses)
{
    writer.element(sequence_tag, [&] {
        for (const HostAddress& address : addresses) {
            address.write(writer);
        }
    });
}

} // namespace apex
