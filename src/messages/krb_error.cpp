// SPDX-License-Identifier: MIT
#include "apex/messages/krb_error.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <algorithm>

namespace apex {

namespace {

constexpr unsigned message_number = 30;
constexpr std::size_t max_shown_text = 200;

Result<KrbError> read_error(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, message_number, "KRB-ERROR"));
    TRY(fields.constant(0, "pvno", protocol_version, Fault::UnsupportedVersion));
    TRY(fields.constant(1, "msg-type", message_number, Fault::WrongMessageType));
    const std::optional<Time> client_time = TRY(fields.optional(2, "ctime", read_kerberos_time));
    const std::optional<std::int32_t> client_microseconds = TRY(fields.optional(3, "cusec", read_microseconds));
    const Time seconds = TRY(fields.required(4, "stime", read_kerberos_time));
    const std::int32_t microseconds = TRY(fields.required(5, "susec", read_microseconds));
    const std::int32_t code = TRY(fields.required(6, "error-code", read_int32));
    std::optional<std::string> client_realm = TRY(fields.optional(7, "crealm", read_realm));
    std::optional<PrincipalName> client_name = TRY(fields.optional(8, "cname", PrincipalName::read_maybe_empty));
    std::string realm = TRY(fields.required(9, "realm", read_realm));
    PrincipalName name = TRY(fields.required(10, "sname", PrincipalName::read_maybe_empty));
    std::optional<std::string> text = TRY(fields.optional(11, "e-text", read_kerberos_string));
    std::optional<Bytes> data = TRY(fields.optional(12, "e-data", read_octets));
    TRY(fields.end());
    return KrbError{.client_time = client_time,
                    .client_microseconds = client_microseconds,
                    .server_time = joined(seconds, microseconds),
                    .code = code,
                    .client_realm = std::move(client_realm),
                    .client_name = std::move(client_name),
                    .server = Principal{std::move(name), std::move(realm)},
                    .text = std::move(text),
                    .data = std::move(data)};
}

void write_client(DerWriter& writer, const KrbError& error)
{
    if (error.client_realm) {
        write_field(writer, 7, [&] { write_kerberos_string(writer, *error.client_realm); });
    }
    if (error.client_name) {
        write_field(writer, 8, [&] { error.client_name->write(writer); });
    }
}

} // namespace

Result<KrbError> KrbError::decode(ByteView octets)
{
    return decode_whole(octets, "KRB-ERROR", read_error);
}

Bytes KrbError::encode() const
{
    DerWriter writer;
    write_message(writer, message_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_int32(writer, message_number); });
        if (client_time) {
            write_field(writer, 2, [&] { write_kerberos_time(writer, *client_time); });
        }
        if (client_microseconds) {
            write_field(writer, 3, [&] { write_int32(writer, *client_microseconds); });
        }
        write_field(writer, 4, [&] { write_kerberos_time(writer, server_time); });
        write_field(writer, 5, [&] { write_int32(writer, microseconds_of(server_time)); });
        write_field(writer, 6, [&] { write_int32(writer, code); });
        write_client(writer, *this);
        write_field(writer, 9, [&] { write_kerberos_string(writer, server.realm); });
        write_field(writer, 10, [&] { server.name.write(writer); });
        if (text) {
            write_field(writer, 11, [&] { write_kerberos_string(writer, *text); });
        }
        if (data) {
            write_field(writer, 12, [&] { write_octets(writer, *data); });
        }
    });
    return writer.take_bytes();
}

std::string KrbError::safe_text() const
{
    if (!text) {
        return {};
    }
    // Old MIT servers count the terminating NUL of a C string into e-text.
    std::string shown = text->substr(0, std::min(text->find('\0'), max_shown_text));
    std::replace_if(shown.begin(), shown.end(), [](char octet) { return octet < 0x20 || octet > 0x7e; }, '?');
    return shown;
}

} // namespace apex
