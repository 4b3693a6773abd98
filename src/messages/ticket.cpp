// SPDX-License-Identifier: MIT
#include "apex/messages/ticket.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

namespace {

constexpr unsigned ticket_number = 1;
constexpr unsigned contents_number = 3;

Result<Ticket> read_fields(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, ticket_number, "Ticket"));
    TRY(fields.constant(0, "tkt-vno", protocol_version, Fault::UnsupportedVersion));
    std::string realm = TRY(fields.required(1, "realm", read_realm));
    PrincipalName name = TRY(fields.required(2, "sname", PrincipalName::read));
    EncryptedData encrypted_part = TRY(fields.required(3, "enc-part", EncryptedData::read));
    TRY(fields.end());
    return Ticket{Principal{std::move(name), std::move(realm)}, std::move(encrypted_part), Bytes()};
}

} // namespace

Result<Ticket> Ticket::read(DerReader& reader)
{
    DerReader again = reader;
    Ticket ticket = TRY(read_fields(reader));
    const ByteView whole = TRY(again.read_whole(application(ticket_number)));
    ticket.original = bytes_of(whole);
    return ticket;
}

Result<Ticket> Ticket::decode(ByteView octets)
{
    return decode_whole(octets, "Ticket", read);
}

void Ticket::write(DerWriter& writer) const
{
    if (!original.empty()) {
        writer.raw(original);
        return;
    }
    write_message(writer, ticket_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_kerberos_string(writer, server.realm); });
        write_field(writer, 2, [&] { server.name.write(writer); });
        write_field(writer, 3, [&] { encrypted_part.write(writer); });
    });
}

Bytes Ticket::encode() const
{
    return encode_public(*this);
}

Result<TransitedEncoding> TransitedEncoding::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "TransitedEncoding"));
    const std::int32_t type = TRY(fields.required(0, "tr-type", read_int32));
    Bytes contents = TRY(fields.required(1, "contents", read_octets));
    TRY(fields.end());
    return TransitedEncoding{type, std::move(contents)};
}

void TransitedEncoding::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_int32(writer, type); });
        write_field(writer, 1, [&] { write_octets(writer, contents); });
    });
}

namespace {

Result<TicketContents> read_contents(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, contents_number, "EncTicketPart"));
    const std::uint32_t flags = TRY(fields.required(0, "flags", read_kerberos_flags));
    EncryptionKey key = TRY(fields.required(1, "key", EncryptionKey::read));
    std::string realm = TRY(fields.required(2, "crealm", read_realm));
    PrincipalName name = TRY(fields.required(3, "cname", PrincipalName::read));
    TransitedEncoding transited = TRY(fields.required(4, "transited", TransitedEncoding::read));
    const Time auth_time = TRY(fields.required(5, "authtime", read_kerberos_time));
    const std::optional<Time> start_time = TRY(fields.optional(6, "starttime", read_kerberos_time));
    const Time end_time = TRY(fields.required(7, "endtime", read_kerberos_time));
    const std::optional<Time> renew_till = TRY(fields.optional(8, "renew-till", read_kerberos_time));
    HostAddresses addresses = TRY(fields.optional_list(9, "caddr", read_host_addresses));
    AuthorizationData data = TRY(fields.optional_list(10, "authorization-data", read_authorization_data));
    TRY(fields.end());
    return TicketContents{.flags = TicketFlags{flags},
                          .session_key = std::move(key),
                          .client = Principal{std::move(name), std::move(realm)},
                          .transited = std::move(transited),
                          .auth_time = auth_time,
                          .start_time = start_time,
                          .end_time = end_time,
                          .renew_till = renew_till,
                          .addresses = std::move(addresses),
                          .authorization_data = std::move(data)};
}

} // namespace

Result<TicketContents> TicketContents::decode(ByteView octets)
{
    return decode_whole(octets, "EncTicketPart", read_contents);
}

Secret TicketContents::encode() const
{
    DerWriter writer;
    write_message(writer, contents_number, [&] {
        write_field(writer, 0, [&] { write_kerberos_flags(writer, flags.bits); });
        write_field(writer, 1, [&] { session_key.write(writer); });
        write_field(writer, 2, [&] { write_kerberos_string(writer, client.realm); });
        write_field(writer, 3, [&] { client.name.write(writer); });
        write_field(writer, 4, [&] { transited.write(writer); });
        write_field(writer, 5, [&] { write_kerberos_time(writer, auth_time); });
        if (start_time) {
            write_field(writer, 6, [&] { write_kerberos_time(writer, *start_time); });
        }
        write_field(writer, 7, [&] { write_kerberos_time(writer, end_time); });
        if (renew_till) {
            write_field(writer, 8, [&] { write_kerberos_time(writer, *renew_till); });
        }
        if (!addresses.empty()) {
            write_field(writer, 9, [&] { write_host_addresses(writer, addresses); });
        }
        if (!authorization_data.empty()) {
            write_field(writer, 10, [&] { write_authorization_data(writer, authorization_data); });
        }
    });
    return writer.take_secret();
}

} // namespace apex
