// SPDX-License-Identifier: MIT
#include "apex/messages/etype_negotiation.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <limits>

namespace apex {

namespace {

Result<std::vector<EncryptionType>> read_types(DerReader& reader)
{
    return read_list(reader, integer_tag, std::numeric_limits<std::size_t>::max(), read_encryption_type);
}

} // namespace

Result<EtypeNegotiation> EtypeNegotiation::decode(ByteView octets)
{
    auto types = decode_whole(octets, "EtypeList", read_types);
    if (!types) {
        return std::move(types).error();
    }
    return EtypeNegotiation{std::move(types).value()};
}

Bytes EtypeNegotiation::encode() const
{
    DerWriter writer;
    writer.element(sequence_tag, [&] {
        for (const EncryptionType type : types) {
            write_encryption_type(writer, type);
        }
    });
    return writer.take_bytes();
}

} // namespace apex
