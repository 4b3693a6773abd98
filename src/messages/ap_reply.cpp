// SPDX-License-Identifier: MIT
#include "apex/messages/ap_reply.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

namespace apex {

namespace {

constexpr unsigned message_number = 15;
constexpr unsigned contents_number = 27;

Result<ApReply> read_reply(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, message_number, "AP-REP"));
    TRY(fields.constant(0, "pvno", protocol_version, Fault::UnsupportedVersion));
    TRY(fields.constant(1, "msg-type", message_number, Fault::WrongMessageType));
    EncryptedData encrypted_part = TRY(fields.required(2, "enc-part", EncryptedData::read));
    TRY(fields.end());
    return ApReply{std::move(encrypted_part)};
}

Result<ApReplyContents> read_contents(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of_application(reader, contents_number, "EncAPRepPart"));
    const Time seconds = TRY(fields.required(0, "ctime", read_kerberos_time));
    const std::int32_t microseconds = TRY(fields.required(1, "cusec", read_microseconds));
    std::optional<EncryptionKey> subkey = TRY(fields.optional(2, "subkey", EncryptionKey::read));
    const std::optional<std::uint32_t> sequence_number = TRY(fields.optional(3, "seq-number", read_wrapped_uint32));
    TRY(fields.end());
    return ApReplyContents{joined(seconds, microseconds), std::move(subkey), sequence_number};
}

} // namespace

Result<ApReply> ApReply::decode(ByteView octets)
{
    return decode_whole(octets, "AP-REP", read_reply);
}

Bytes ApReply::encode() const
{
    DerWriter writer;
    write_message(writer, message_number, [&] {
        write_field(writer, 0, [&] { write_int32(writer, protocol_version); });
        write_field(writer, 1, [&] { write_int32(writer, message_number); });
        write_field(writer, 2, [&] { encrypted_part.write(writer); });
    });
    return writer.take_bytes();
}

Result<ApReplyContents> ApReplyContents::decode(ByteView octets)
{
    return decode_whole(octets, "EncAPRepPart", read_contents);
}

Secret ApReplyContents::encode() const
{
    DerWriter writer;
    write_message(writer, contents_number, [&] {
        write_field(writer, 0, [&] { write_kerberos_time(writer, time); });
        write_field(writer, 1, [&] { write_int32(writer, microseconds_of(time)); });
        if (subkey) {
            write_field(writer, 2, [&] { subkey->write(writer); });
        }
        if (sequence_number) {
            write_field(writer, 3, [&] { write_uint32(writer, *sequence_number); });
        }
    });
    return writer.take_secret();
}

} // namespace apex
