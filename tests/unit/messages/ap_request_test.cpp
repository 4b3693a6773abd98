// SPDX-License-Identifier: MIT
#include "apex/messages/ap_request.h"

#include "apex/messages/ap_reply.h"
#include "der_tree.h"
#include "message_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

DerTree request_tree()
{
    return DerTree::from(message_sample("mit-ap_req", "ApReq").der);
}

/// The value inside field [number] of a message.
DerTree& field(DerTree& message, std::size_t number)
{
    return message.children[0].children[number].children[0];
}

void expect_refusal(Fault fault, const std::string& detail, ByteView octets)
{
    const Result<ApRequest> request = ApRequest::decode(octets);
    CPPUNIT_ASSERT(!request);
    CPPUNIT_ASSERT(request.error().fault == fault);
    CPPUNIT_ASSERT_EQUAL(detail, request.error().detail);
}

} // namespace

class ApRequestTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ApRequestTest);
    CPPUNIT_TEST(options_are_read_from_the_left);
    CPPUNIT_TEST(another_protocol_version_is_refused);
    CPPUNIT_TEST(another_message_type_is_refused);
    CPPUNIT_TEST(another_ticket_version_is_refused);
    CPPUNIT_TEST(another_message_is_refused_as_such);
    CPPUNIT_TEST(a_refusal_names_message_field_and_amount);
    CPPUNIT_TEST(a_ticket_is_copied_octet_for_octet);
    CPPUNIT_TEST(a_made_ticket_is_encoded_from_its_fields);
    CPPUNIT_TEST(tickets_of_64_kibioctets_are_carried);
    CPPUNIT_TEST(a_reply_is_checked_alike);
    CPPUNIT_TEST_SUITE_END();

    void options_are_read_from_the_left()
    {
        DerTree tree = request_tree();
        field(tree, 2).contents = from_hex("00 20000000");
        CPPUNIT_ASSERT(ApRequest::decode(tree.encode())->options.mutual_required());
        CPPUNIT_ASSERT(!ApRequest::decode(tree.encode())->options.use_session_key());
        field(tree, 2).contents = from_hex("00 40000001");
        CPPUNIT_ASSERT(!ApRequest::decode(tree.encode())->options.mutual_required());
        CPPUNIT_ASSERT(ApRequest::decode(tree.encode())->options.use_session_key());
        CPPUNIT_ASSERT_EQUAL(0x40000001U, ApRequest::decode(tree.encode())->options.bits);
    }

    void another_protocol_version_is_refused()
    {
        DerTree tree = request_tree();
        field(tree, 0).contents = Bytes{4};
        expect_refusal(Fault::UnsupportedVersion, "AP-REQ: field pvno [0]: 5 expected, found 4", tree.encode());
    }

    void another_message_type_is_refused()
    {
        DerTree tree = request_tree();
        field(tree, 1).contents = Bytes{15};
        expect_refusal(Fault::WrongMessageType, "AP-REQ: field msg-type [1]: 14 expected, found 15", tree.encode());
    }

    void another_ticket_version_is_refused()
    {
        DerTree tree = request_tree();
        field(tree, 3).children[0].children[0].children[0].contents = Bytes{6};
        expect_refusal(Fault::UnsupportedVersion,
                       "AP-REQ: field ticket [3]: Ticket: field tkt-vno [0]: 5 expected, found 6", tree.encode());
    }

    void another_message_is_refused_as_such()
    {
        expect_refusal(Fault::WrongMessageType, "AP-REQ: [APPLICATION 14] expected, found [APPLICATION 30]",
                       message_sample("mit-error", "KrbError").der);
    }

    void a_refusal_names_message_field_and_amount()
    {
        DerTree tree = request_tree();
        DerTree& ticket = field(tree, 3);
        ticket.length = DerTree::Length::as_told;
        ticket.told_length = from_hex("7f");
        expect_refusal(Fault::MalformedMessage,
                       "AP-REQ: field ticket [3]: Ticket: length 127 exceeds the 92 octets left", tree.encode());
        DerTree shorter = request_tree();
        DerTree& realm = field(field(shorter, 3), 1);
        realm.tag = 0x0c;
        expect_refusal(Fault::MalformedMessage,
                       "AP-REQ: field ticket [3]: Ticket: field realm [1]: GeneralString expected, found tag 0x0c",
                       shorter.encode());
    }

    void a_ticket_is_copied_octet_for_octet()
    {
        // A kvno as a positive INTEGER of five octets is read, but written otherwise: the copy must not change it.
        DerTree tree = request_tree();
        DerTree& sealed = field(field(tree, 3), 3);
        DerTree& version = sealed.children[1].children[0];
        version.contents = from_hex("00ff000000");
        const Bytes octets = tree.encode();
        ApRequest request = ApRequest::decode(octets).value();
        CPPUNIT_ASSERT_EQUAL(0xff000000U, request.ticket.encrypted_part.kvno.value());
        CPPUNIT_ASSERT_EQUAL(hex(octets), hex(request.encode()));
        request.ticket.original.clear();
        CPPUNIT_ASSERT(octets != request.encode());
    }

    void a_made_ticket_is_encoded_from_its_fields()
    {
        Ticket ticket;
        ticket.server = Principal{PrincipalName{name_type_service_host, {"host", "a.b"}}, "R"};
        ticket.encrypted_part = EncryptedData{EncryptionType::aes256_cts_hmac_sha1_96, 7, from_hex("0102")};
        const Ticket read = Ticket::decode(ticket.encode()).value();
        CPPUNIT_ASSERT(same_principal(ticket.server, read.server));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{7}, read.encrypted_part.kvno.value());
        CPPUNIT_ASSERT_EQUAL(hex(ticket.encode()), hex(read.original));
    }

    void tickets_of_64_kibioctets_are_carried()
    {
        ApRequest request = ApRequest::decode(request_tree().encode()).value();
        request.ticket.original.clear();
        request.ticket.encrypted_part.cipher = Bytes(70000, 0x5a);
        const Bytes octets = request.encode();
        CPPUNIT_ASSERT_EQUAL(std::size_t{70000}, ApRequest::decode(octets)->ticket.encrypted_part.cipher.size());
    }

    void a_reply_is_checked_alike()
    {
        DerTree tree = DerTree::from(message_sample("mit-ap_rep", "ApRep").der);
        CPPUNIT_ASSERT(ApReply::decode(tree.encode()).has_value());
        field(tree, 1).contents = Bytes{14};
        CPPUNIT_ASSERT(ApReply::decode(tree.encode()).error().fault == Fault::WrongMessageType);
        field(tree, 1).contents = Bytes{15};
        field(tree, 0).contents = Bytes{6};
        CPPUNIT_ASSERT(ApReply::decode(tree.encode()).error().fault == Fault::UnsupportedVersion);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ApRequestTest);

} // namespace apex
