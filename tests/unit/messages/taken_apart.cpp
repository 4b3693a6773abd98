// SPDX-License-Identifier: MIT
#include "taken_apart.h"

#include "apex/der/kerberos_types.h"
#include "apex/messages/ap_reply.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/etype_negotiation.h"
#include "apex/messages/krb_cred.h"
#include "apex/messages/krb_error.h"
#include "apex/messages/ticket.h"

#include <cppunit/TestAssert.h>

namespace apex {

namespace {

/// Fields collects the lines of a message under the path of its parts.
class Fields final {
public:
    std::map<std::string, std::string> lines;

    [[nodiscard]] Fields& at(std::string path)
    {
        path_ = std::move(path);
        return *this;
    }
    void text(const std::string& name, const std::string& value) { lines[path_ + name] = value; }
    void number(const std::string& name, std::int64_t value) { text(name, std::to_string(value)); }
    void octets(const std::string& name, ByteView value)
    {
        text(name, value.size() <= 64 ? hex(value) : "#" + std::to_string(value.size()));
    }
    void flags(const std::string& name, std::uint32_t bits)
    {
        const Bytes octets{static_cast<std::uint8_t>(bits >> 24U), static_cast<std::uint8_t>(bits >> 16U),
                           static_cast<std::uint8_t>(bits >> 8U), static_cast<std::uint8_t>(bits)};
        text(name, hex(octets));
    }
    void time(const std::string& name, Time value)
    {
        DerWriter writer;
        write_kerberos_time(writer, value);
        text(name, text_of(ByteView(writer.take_bytes()).subspan(2)));
    }
    void time(const std::string& name, const std::optional<Time>& value)
    {
        if (value) {
            time(name, *value);
        }
    }
    void name(const std::string& part, const PrincipalName& value)
    {
        number(part + ".name-type", value.type);
        number(part + ".name-string.count", static_cast<std::int64_t>(value.components.size()));
        for (std::size_t i = 0; i < value.components.size(); ++i) {
            text(part + ".name-string." + std::to_string(i), value.components[i]);
        }
    }
    void key(const std::string& part, const EncryptionKey& value)
    {
        number(part + "keytype", static_cast<std::int32_t>(value.type));
        octets(part + "keyvalue", value.value.view());
    }
    void sealed(const std::string& part, const EncryptedData& value)
    {
        number(part + "etype", static_cast<std::int32_t>(value.type));
        if (value.kvno) {
            number(part + "kvno", *value.kvno);
        }
        octets(part + "cipher", value.cipher);
    }
    void ticket(const std::string& part, const Ticket& value)
    {
        text(part + "realm", value.server.realm);
        name(part + "sname", value.server.name);
        sealed(part + "enc-part.", value.encrypted_part);
    }
    void address(const std::string& part, const HostAddress& value)
    {
        number(part + ".addr-type", value.type);
        octets(part + ".address", value.address);
    }
    void addresses(const std::string& part, const HostAddresses& values)
    {
        if (!values.empty()) {
            number(part + ".count", static_cast<std::int64_t>(values.size()));
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            address(part + "." + std::to_string(i), values[i]);
        }
    }
    void authorization(const std::string& part, const AuthorizationData& values)
    {
        if (!values.empty()) {
            number(part + "count", static_cast<std::int64_t>(values.size()));
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            number(part + std::to_string(i) + ".ad-type", values[i].type);
            octets(part + std::to_string(i) + ".ad-data", values[i].data);
        }
    }

private:
    std::string path_;
};

void list(Fields& fields, const ApRequest& message)
{
    fields.flags("ap-options", message.options.bits);
    fields.ticket("ticket.", message.ticket);
    fields.sealed("authenticator.", message.authenticator);
}

void list(Fields& fields, const ApReply& message)
{
    fields.sealed("enc-part.", message.encrypted_part);
}

void list(Fields& fields, const ApReplyContents& message)
{
    fields.time("ctime", message.time);
    fields.number("cusec", microseconds_of(message.time));
    if (message.subkey) {
        fields.key("subkey.", *message.subkey);
    }
    if (message.sequence_number) {
        fields.number("seq-number", *message.sequence_number);
    }
}

void list(Fields& fields, const Ticket& message)
{
    fields.ticket("", message);
}

void list(Fields& fields, const EncryptedData& message)
{
    fields.sealed("", message);
}

void list(Fields& fields, const EncryptionKey& message)
{
    fields.key("", message);
}

void list(Fields& fields, const EtypeNegotiation& message)
{
    fields.number("count", static_cast<std::int64_t>(message.types.size()));
    for (std::size_t i = 0; i < message.types.size(); ++i) {
        fields.number(std::to_string(i), static_cast<std::int32_t>(message.types[i]));
    }
}

void list(Fields& fields, const TicketContents& message)
{
    fields.flags("flags", message.flags.bits);
    fields.key("key.", message.session_key);
    fields.text("crealm", message.client.realm);
    fields.name("cname", message.client.name);
    fields.number("transited.tr-type", message.transited.type);
    fields.octets("transited.contents", message.transited.contents);
    fields.time("authtime", message.auth_time);
    fields.time("starttime", message.start_time);
    fields.time("endtime", message.end_time);
    fields.time("renew-till", message.renew_till);
    fields.addresses("caddr", message.addresses);
    fields.authorization("authorization-data.", message.authorization_data);
}

void list(Fields& fields, const Authenticator& message)
{
    fields.text("crealm", message.client.realm);
    fields.name("cname", message.client.name);
    if (message.checksum) {
        fields.number("cksum.cksumtype", message.checksum->type);
        fields.octets("cksum.checksum", message.checksum->value);
    }
    fields.number("cusec", microseconds_of(message.time));
    fields.time("ctime", message.time);
    if (message.subkey) {
        fields.key("subkey.", *message.subkey);
    }
    if (message.sequence_number) {
        fields.number("seq-number", *message.sequence_number);
    }
    fields.authorization("authorization-data.", message.authorization_data);
}

void list(Fields& fields, const KrbError& message)
{
    fields.time("ctime", message.client_time);
    if (message.client_microseconds) {
        fields.number("cusec", *message.client_microseconds);
    }
    fields.time("stime", message.server_time);
    fields.number("susec", microseconds_of(message.server_time));
    fields.number("error-code", message.code);
    if (message.client_realm) {
        fields.text("crealm", *message.client_realm);
    }
    if (message.client_name) {
        fields.name("cname", *message.client_name);
    }
    fields.text("realm", message.server.realm);
    fields.name("sname", message.server.name);
    if (message.text) {
        fields.text("e-text", *message.text);
    }
    if (message.data) {
        fields.octets("e-data", *message.data);
    }
}

void list(Fields& fields, const KrbCred& message)
{
    fields.number("tickets.count", static_cast<std::int64_t>(message.tickets.size()));
    for (std::size_t i = 0; i < message.tickets.size(); ++i) {
        fields.ticket("tickets." + std::to_string(i) + ".", message.tickets[i]);
    }
    fields.sealed("enc-part.", message.encrypted_part);
}

void list_info(Fields& fields, const KrbCredInfo& info)
{
    fields.key("key.", info.key);
    if (info.client_realm) {
        fields.text("prealm", *info.client_realm);
    }
    if (info.client_name) {
        fields.name("pname", *info.client_name);
    }
    if (info.flags) {
        fields.flags("flags", info.flags->bits);
    }
    fields.time("authtime", info.auth_time);
    fields.time("starttime", info.start_time);
    fields.time("endtime", info.end_time);
    fields.time("renew-till", info.renew_till);
    if (info.server_realm) {
        fields.text("srealm", *info.server_realm);
    }
    if (info.server_name) {
        fields.name("sname", *info.server_name);
    }
    fields.addresses("caddr", info.addresses);
}

void list(Fields& fields, const KrbCredContents& message)
{
    fields.number("ticket-info.count", static_cast<std::int64_t>(message.infos.size()));
    for (std::size_t i = 0; i < message.infos.size(); ++i) {
        list_info(fields.at("ticket-info." + std::to_string(i) + "."), message.infos[i]);
    }
    Fields& outer = fields.at("");
    if (message.nonce) {
        outer.number("nonce", *message.nonce);
    }
    outer.time("timestamp", message.timestamp);
    if (message.microseconds) {
        outer.number("usec", *message.microseconds);
    }
    if (message.sender_address) {
        outer.address("s-address", *message.sender_address);
    }
    if (message.recipient_address) {
        outer.address("r-address", *message.recipient_address);
    }
}

void forget_original(Ticket& ticket)
{
    ticket.original.clear();
}
void forget_original(ApRequest& message)
{
    message.ticket.original.clear();
}
void forget_original(KrbCred& message)
{
    for (Ticket& ticket : message.tickets) {
        ticket.original.clear();
    }
}
template <typename Message>
void forget_original(Message& /*message*/)
{
}

Bytes public_copy(const Bytes& encoded)
{
    return encoded;
}
Bytes public_copy(const Secret& encoded)
{
    return bytes_of(encoded.view());
}

template <typename Message>
Result<TakenApart> take_apart_as(ByteView octets)
{
    Message message = TRY(Message::decode(octets));
    Fields fields;
    list(fields, message);
    forget_original(message);
    return TakenApart{fields.lines, public_copy(message.encode())};
}

Result<TakenApart> take_apart_authorization(ByteView octets)
{
    const AuthorizationData data = TRY(decode_authorization_data(octets));
    Fields fields;
    fields.authorization("", data);
    return TakenApart{fields.lines, encode_authorization_data(data)};
}

} // namespace

Result<TakenApart> take_apart(const std::string& type, ByteView octets)
{
    using Taker = Result<TakenApart> (*)(ByteView);
    static const std::map<std::string, Taker> takers = {
        {"ApReq", take_apart_as<ApRequest>},
        {"ApRep", take_apart_as<ApReply>},
        {"EncApRepPart", take_apart_as<ApReplyContents>},
        {"Ticket", take_apart_as<Ticket>},
        {"EncTicketPart", take_apart_as<TicketContents>},
        {"Authenticator", take_apart_as<Authenticator>},
        {"KrbError", take_apart_as<KrbError>},
        {"KrbCred", take_apart_as<KrbCred>},
        {"EncKrbCredPart", take_apart_as<KrbCredContents>},
        {"EncryptedData", take_apart_as<EncryptedData>},
        {"EncryptionKey", take_apart_as<EncryptionKey>},
        {"EtypeNegotiation", take_apart_as<EtypeNegotiation>},
        {"AuthorizationData", take_apart_authorization},
    };
    const auto found = takers.find(type);
    CPPUNIT_ASSERT_MESSAGE("no type " + type, found != takers.end());
    return found->second(octets);
}

} // namespace apex
