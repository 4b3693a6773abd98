// SPDX-License-Identifier: MIT
#include "apex/messages/ap_request.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

namespace {

constexpr unsigned message_number = 14;

Result<ApRequest> read_request(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, message_number, "AP-REQ"));
    TRY(fields.constant(0, "pvno", protocol_version, Fault::UnsupportedVersion));
    TRY(fields.constant(1, "msg-type", message_number, Fault::WrongMessageType));
    const std::uint32_t options = TRY(fields.required(2, "ap-options", read_kerberos_flags));
    Ticket ticket = TRY(fields.required(3, "ticket", Ticket::read));
    EncryptedData authenticator = TRY(fields.required(4, "authenticator", EncryptedData::read));
    TRY(fields.end());
    return ApRequest{ApOptions{options}, std::move(ticket), std::move(authenticator)};
}

} // namespace

Result<ApRequest> ApRequest::decode(ByteView octets)
{
    return decode_whole(octets, "AP-REQ", read_request);
}

Bytes ApRequest::encode() const
{
    DerWriter writer;
    write_message(writer, message_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_int32(writer, message_number); });
        write_field(writer, 2, [&] { write_kerberos_flags(writer, options.bits); });
        write_field(writer, 3, [&] { ticket.write(writer); });
        write_field(writer, 4, [&] { authenticator.write(writer); });
    });
    return writer.take_bytes();
}

} // namespace apex
