// SPDX-License-Identifier: MIT
#include "apex/messages/encryption_key.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

Result<EncryptionKey> EncryptionKey::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "EncryptionKey"));
    const EncryptionType type = TRY(fields.required(0, "keytype", read_encryption_type));
    Secret value = TRY(fields.required(1, "keyvalue", read_secret_octets));
    TRY(fields.end());
    return EncryptionKey{type, std::move(value)};
}

Result<EncryptionKey> EncryptionKey::decode(ByteView octets)
{
    return decode_whole(octets, "EncryptionKey", read);
}

void EncryptionKey::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_encryption_type(writer, type); });
        write_field(writer, 1, [&] { write_octets(writer, value.view()); });
    });
}

Secret EncryptionKey::encode() const
{
    DerWriter writer;
    write(writer);
    return writer.take_secret();
}

} // namespace apex
