// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"
#include "apex/crypto/encryption_type.h"
#include "apex/der/kerberos_types.h"

#include <cstdint>

namespace apex {

/// The constant of pvno, tkt-vno and authenticator-vno (RFC 4120 5.2.4).
inline constexpr std::int32_t protocol_version = 5;

/// read_encryption_type reads an Int32 that numbers an encryption type, supported or not.
inline Result<EncryptionType> read_encryption_type(DerReader& reader)
{
    const std::int32_t number = TRY(read_int32(reader));
    return static_cast<EncryptionType>(number);
}

inline void write_encryption_type(DerWriter& writer, EncryptionType type)
{
    write_int32(writer, static_cast<std::int32_t>(type));
}

/// joined makes one time of a KerberosTime and its Microseconds.
inline Time joined(Time seconds, std::int32_t microseconds)
{
    return seconds + Duration(microseconds);
}

/// write_field writes [number] around what `body` writes.
template <typename Body>
void write_field(DerWriter& writer, unsigned number, Body body)
{
    writer.element(context(number), body);
}

/// write_message writes [APPLICATION number] SEQUENCE around what `body` writes.
template <typename Body>
void write_message(DerWriter& writer, unsigned number, Body body)
{
    writer.element(application(number), [&] { writer.element(sequence_tag, body); });
}

/// encode_public gives the encoding of a value that holds no key.
template <typename Value>
Bytes encode_public(const Value& value)
{
    DerWriter writer;
    value.write(writer);
    return writer.take_bytes();
}

} // namespace apex
