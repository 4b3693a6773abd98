// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/base/time.h"
#include "apex/der/der_reader.h"
#include "apex/der/der_writer.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace apex {

// The basic types of RFC 4120 5.2. A read_x passes one element and gives its value, or Fault::MalformedMessage.
// A write_x writes one element.

/// Int32 ::= INTEGER (-2147483648..2147483647)
Result<std::int32_t> read_int32(DerReader& reader);
void write_int32(DerWriter& writer, std::int32_t value);

/// UInt32 ::= INTEGER (0..4294967295)
Result<std::uint32_t> read_uint32(DerReader& reader);
void write_uint32(DerWriter& writer, std::uint32_t value);

/// read_wrapped_uint32 is read_uint32 with one tolerance: peers that keep the field in a signed variable send values
/// from 2^31 on as negative INTEGERs (old MIT and Java sequence numbers, MIT nonces, key versions of MIT and of
/// Windows' read-only domain controllers); they stand for the unsigned number with the same 32 bits.
Result<std::uint32_t> read_wrapped_uint32(DerReader& reader);

/// write_key_version writes a kvno as MIT and Windows do: from 2^31 on as a negative INTEGER.
void write_key_version(DerWriter& writer, std::uint32_t value);

/// Microseconds ::= INTEGER (0..999999)
Result<std::int32_t> read_microseconds(DerReader& reader);

/// KerberosString ::= GeneralString. Octets are kept as they are, NUL and those above 127 too (RFC 4120 5.2.1 lets
/// implementations accept them).
Result<std::string> read_kerberos_string(DerReader& reader);
void write_kerberos_string(DerWriter& writer, std::string_view value);

/// Realm ::= KerberosString, without NUL (RFC 4120 5.2.2).
Result<std::string> read_realm(DerReader& reader);

/// OCTET STRING, public or secret.
Result<Bytes> read_octets(DerReader& reader);
Result<Secret> read_secret_octets(DerReader& reader);
void write_octets(DerWriter& writer, ByteView value);

/// KerberosTime ::= GeneralizedTime, exactly YYYYMMDDHHMMSSZ, a day of the calendar, second 0..59.
Result<Time> read_kerberos_time(DerReader& reader);
/// Writes the whole seconds of `value`, rounded down; times outside the years 0..9999 become the nearest one inside.
void write_kerberos_time(DerWriter& writer, Time value);

/// KerberosFlags ::= BIT STRING (SIZE (32..MAX)). Bit 0 of the RFC is the most significant bit of the value.
Result<std::uint32_t> read_kerberos_flags(DerReader& reader);
void write_kerberos_flags(DerWriter& writer, std::uint32_t value);

/// flags_of_other_length is the tolerance behind read_kerberos_flags, for the contents of a BIT STRING that has not 32
/// bits: missing bits are 0 (implementations that drop trailing zeros, as DER has it for named bits), bits beyond the
/// 32nd are ignored (RFC 4120 5.2.8: "it may be longer than 32 bits").
Result<std::uint32_t> flags_of_other_length(ByteView contents);

} // namespace apex
