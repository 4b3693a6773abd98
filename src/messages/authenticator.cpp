// SPDX-License-Identifier: MIT
#include "apex/messages/authenticator.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

namespace {

constexpr unsigned authenticator_number = 2;

Result<Authenticator> read_authenticator(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, authenticator_number, "Authenticator"));
    TRY(fields.constant(0, "authenticator-vno", protocol_version, Fault::UnsupportedVersion));
    std::string realm = TRY(fields.required(1, "crealm", read_realm));
    PrincipalName name = TRY(fields.required(2, "cname", PrincipalName::read));
    std::optional<Checksum> checksum = TRY(fields.optional(3, "cksum", Checksum::read));
    const std::int32_t microseconds = TRY(fields.required(4, "cusec", read_microseconds));
    const Time seconds = TRY(fields.required(5, "ctime", read_kerberos_time));
    std::optional<EncryptionKey> subkey = TRY(fields.optional(6, "subkey", EncryptionKey::read));
    const std::optional<std::uint32_t> sequence_number = TRY(fields.optional(7, "seq-number", read_wrapped_uint32));
    AuthorizationData data = TRY(fields.optional_list(8, "authorization-data", read_authorization_data));
    TRY(fields.end());
    return Authenticator{.client = Principal{std::move(name), std::move(realm)},
                         .checksum = std::move(checksum),
                         .time = joined(seconds, microseconds),
                         .subkey = std::move(subkey),
                         .sequence_number = sequence_number,
                         .authorization_data = std::move(data)};
}

} // namespace

Result<Checksum> Checksum::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "Checksum"));
    const std::int32_t type = TRY(fields.required(0, "cksumtype", read_int32));
    Bytes value = TRY(fields.required(1, "checksum", read_octets));
    TRY(fields.end());
    return Checksum{type, std::move(value)};
}

void Checksum::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_int32(writer, type); });
        write_field(writer, 1, [&] { write_octets(writer, value); });
    });
}

Result<Authenticator> Authenticator::decode(ByteView octets)
{
    return decode_whole(octets, "Authenticator", read_authenticator);
}

Secret Authenticator::encode() const
{
    DerWriter writer;
    write_message(writer, authenticator_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_kerberos_string(writer, client.realm); });
        write_field(writer, 2, [&] { client.name.write(writer); });
        if (checksum) {
            write_field(writer, 3, [&] { checksum->write(writer); });
        }
        write_field(writer, 4, [&] { write_int32(writer, microseconds_of(time)); });
        write_field(writer, 5, [&] { write_kerberos_time(writer, time); });
        if (subkey) {
            write_field(writer, 6, [&] { subkey->write(writer); });
        }
        if (sequence_number) {
            write_field(writer, 7, [&] { write_uint32(writer, *sequence_number); });
        }
        if (!authorization_data.empty()) {
            write_field(writer, 8, [&] { write_authorization_data(writer, authorization_data); });
        }
    });
    return writer.take_secret();
}

} // namespace apex
