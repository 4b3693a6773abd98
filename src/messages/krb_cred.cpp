// SPDX-License-Identifier: MIT
#include "apex/messages/krb_cred.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

namespace {

constexpr unsigned message_number = 22;
constexpr unsigned contents_number = 29;

Result<std::vector<Ticket>> read_tickets(DerReader& reader)
{
    return read_list(reader, application(1), KrbCred::max_tickets, Ticket::read);
}

Result<KrbCred> read_cred(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, message_number, "KRB-CRED"));
    TRY(fields.constant(0, "pvno", protocol_version, Fault::UnsupportedVersion));
    TRY(fields.constant(1, "msg-type", message_number, Fault::WrongMessageType));
    std::vector<Ticket> tickets = TRY(fields.required(2, "tickets", read_tickets));
    EncryptedData encrypted_part = TRY(fields.required(3, "enc-part", EncryptedData::read));
    TRY(fields.end());
    return KrbCred{std::move(tickets), std::move(encrypted_part)};
}

} // namespace

Result<KrbCred> KrbCred::decode(ByteView octets)
{
    return decode_whole(octets, "KRB-CRED", read_cred);
}

Bytes KrbCred::encode() const
{
    DerWriter writer;
    write_message(writer, message_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_int32(writer, message_number); });
        write_field(writer, 2, [&] {
            writer.element(sequence_tag, [&] {
                for (const Ticket& ticket : tickets) {
                    ticket.write(writer);
                }
            });
        });
        write_field(writer, 3, [&] { encrypted_part.write(writer); });
    });
    return writer.take_bytes();
}

namespace {

Result<TicketFlags> read_ticket_flags(DerReader& reader)
{
    const std::uint32_t bits = TRY(read_kerberos_flags(reader));
    return TicketFlags{bits};
}

void write_optional_time(DerWriter& writer, unsigned number, const std::optional<Time>& time)
{
    if (time) {
        write_field(writer, number, [&] { write_kerberos_time(writer, *time); });
    }
}

void write_optional_name(DerWriter& writer, unsigned first, const std::optional<std::string>& realm,
                         const std::optional<PrincipalName>& name)
{
    if (realm) {
        write_field(writer, first, [&] { write_kerberos_string(writer, *realm); });
    }
    if (name) {
        write_field(writer, first + 1, [&] { name->write(writer); });
    }
}

std::optional<Principal> principal_of(const std::optional<std::string>& realm,
                                      const std::optional<PrincipalName>& name)
{
    if (!realm || !name) {
        return std::nullopt;
    }
    return Principal{*name, *realm};
}

} // namespace

Result<KrbCredInfo> KrbCredInfo::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "KrbCredInfo"));
    EncryptionKey key = TRY(fields.required(0, "key", EncryptionKey::read));
    std::optional<std::string> client_realm = TRY(fields.optional(1, "prealm", read_realm));
    std::optional<PrincipalName> client_name = TRY(fields.optional(2, "pname", PrincipalName::read));
    const std::optional<TicketFlags> flags = TRY(fields.optional(3, "flags", read_ticket_flags));
    const std::optional<Time> auth_time = TRY(fields.optional(4, "authtime", read_kerberos_time));
    const std::optional<Time> start_time = TRY(fields.optional(5, "starttime", read_kerberos_time));
    const std::optional<Time> end_time = TRY(fields.optional(6, "endtime", read_kerberos_time));
    const std::optional<Time> renew_till = TRY(fields.optional(7, "renew-till", read_kerberos_time));
    std::optional<std::string> server_realm = TRY(fields.optional(8, "srealm", read_realm));
    std::optional<PrincipalName> server_name = TRY(fields.optional(9, "sname", PrincipalName::read));
    HostAddresses addresses = TRY(fields.optional_list(10, "caddr", read_host_addresses));
    TRY(fields.end());
    return KrbCredInfo{.key = std::move(key),
                       .client_realm = std::move(client_realm),
                       .client_name = std::move(client_name),
                       .flags = flags,
                       .auth_time = auth_time,
                       .start_time = start_time,
                       .end_time = end_time,
                       .renew_till = renew_till,
                       .server_realm = std::move(server_realm),
                       .server_name = std::move(server_name),
                       .addresses = std::move(addresses)};
}

void KrbCredInfo::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { key.write(writer); });
        write_optional_name(writer, 1, client_realm, client_name);
        if (flags) {
            write_field(writer, 3, [&] { write_kerberos_flags(writer, flags->bits); });
        }
        write_optional_time(writer, 4, auth_time);
        write_optional_time(writer, 5, start_time);
        write_optional_time(writer, 6, end_time);
        write_optional_time(writer, 7, renew_till);
        write_optional_name(writer, 8, server_realm, server_name);
        if (!addresses.empty()) {
            write_field(writer, 10, [&] { write_host_addresses(writer, addresses); });
        }
    });
}

std::optional<Principal> KrbCredInfo::client() const
{
    return principal_of(client_realm, client_name);
}

std::optional<Principal> KrbCredInfo::server() const
{
    return principal_of(server_realm, server_name);
}

namespace {

Result<std::vector<KrbCredInfo>> read_infos(DerReader& reader)
{
    return read_list(reader, sequence_tag, KrbCred::max_tickets, KrbCredInfo::read);
}

Result<KrbCredContents> read_contents(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, contents_number, "EncKrbCredPart"));
    std::vector<KrbCredInfo> infos = TRY(fields.required(0, "ticket-info", read_infos));
    const std::optional<std::uint32_t> nonce = TRY(fields.optional(1, "nonce", read_wrapped_uint32));
    const std::optional<Time> timestamp = TRY(fields.optional(2, "timestamp", read_kerberos_time));
    const std::optional<std::int32_t> microseconds = TRY(fields.optional(3, "usec", read_microseconds));
    std::optional<HostAddress> sender = TRY(fields.optional(4, "s-address", HostAddress::read));
    std::optional<HostAddress> recipient = TRY(fields.optional(5, "r-address", HostAddress::read));
    TRY(fields.end());
    return KrbCredContents{.infos = std::move(infos),
                           .nonce = nonce,
                           .timestamp = timestamp,
                           .microseconds = microseconds,
                           .sender_address = std::move(sender),
                           .recipient_address = std::move(recipient)};
}

} // namespace

Result<KrbCredContents> KrbCredContents::decode(ByteView octets)
{
    return decode_whole(octets, "EncKrbCredPart", read_contents);
}

Secret KrbCredContents::encode() const
{
    DerWriter writer;
    write_message(writer, contents_number, [&] {
        write_field(writer, 0, [&] {
            writer.element(sequence_tag, [&] {
                for (const KrbCredInfo& info : infos) {
                    info.write(writer);
                }
            });
        });
        if (nonce) {
            write_field(writer, 1, [&] { write_uint32(writer, *nonce); });
        }
        write_optional_time(writer, 2, timestamp);
        if (microseconds) {
            write_field(writer, 3, [&] { write_int32(writer, *microseconds); });
        }
        if (sender_address) {
            write_field(writer, 4, [&] { sender_address->write(writer); });
        }
        if (recipient_address) {
            write_field(writer, 5, [&] { recipient_address->write(writer); });
        }
    });
    return writer.take_secret();
}

namespace {

Done check_info(const KrbCredInfo& info)
{
    if (!info.client_realm || !info.client_name) {
        return refuse(Fault::BadDelegation, "KRB-CRED: ticket without a client name");
    }
    if (!info.server_realm || !info.server_name) {
        return refuse(Fault::BadDelegation, "KRB-CRED: ticket without a server name");
    }
    if (!info.end_time) {
        return refuse(Fault::BadDelegation, "KRB-CRED: ticket without an end");
    }
    return {};
}

} // namespace

Done check_delegation(const KrbCred& message, const KrbCredContents& contents)
{
    if (message.tickets.empty()) {
        return refuse(Fault::BadDelegation, "KRB-CRED: no ticket");
    }
    if (message.tickets.size() != contents.infos.size()) {
        return refuse(Fault::BadDelegation, "KRB-CRED: " + std::to_string(message.tickets.size()) + " tickets with " +
                                                std::to_string(contents.infos.size()) + " infos");
    }
    for (const KrbCredInfo& info : contents.infos) {
        TRY(check_info(info));
    }
    return {};
}

} // namespace apex
