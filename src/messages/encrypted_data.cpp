// SPDX-License-Identifier: MIT
#include "apex/messages/encrypted_data.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

Result<EncryptedData> EncryptedData::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "EncryptedData"));
    const EncryptionType type = TRY(fields.required(0, "etype", read_encryption_type));
    const std::optional<std::uint32_t> kvno = TRY(fields.optional(1, "kvno", read_wrapped_uint32));
    Bytes cipher = TRY(fields.required(2, "cipher", read_octets));
    TRY(fields.end());
    return EncryptedData{type, kvno, std::move(cipher)};
}

Result<EncryptedData> EncryptedData::decode(ByteView octets)
{
    return decode_whole(octets, "EncryptedData", read);
}

void EncryptedData::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_encryption_type(writer, type); });
        if (kvno) {
            write_field(writer, 1, [&] { write_key_version(writer, *kvno); });
        }
        write_field(writer, 2, [&] { write_octets(writer, cipher); });
    });
}

Bytes EncryptedData::encode() const
{
    return encode_public(*this);
}

} // namespace apex
