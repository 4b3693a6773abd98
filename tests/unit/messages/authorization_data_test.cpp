// SPDX-License-Identifier: MIT
#include "apex/messages/authorization_data.h"

#include "apex/messages/authenticator.h"
#include "apex/messages/etype_negotiation.h"
#include "apex/messages/ticket.h"
#include "message_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

AuthorizationElement element(std::int32_t type, std::string_view data)
{
    return AuthorizationElement{type, bytes_of(view_of(data))};
}

AuthorizationElement nested(std::size_t depth, const AuthorizationElement& inside)
{
    AuthorizationElement outer = inside;
    for (std::size_t i = 0; i < depth; ++i) {
        outer = if_relevant({outer});
    }
    return outer;
}

void expect_refusal(const AuthorizationData& elements, const std::string& detail)
{
    const auto flat = flatten(elements);
    CPPUNIT_ASSERT(!flat);
    CPPUNIT_ASSERT(flat.error().fault == Fault::MalformedMessage);
    CPPUNIT_ASSERT_EQUAL(detail, flat.error().detail);
}

} // namespace

class AuthorizationDataTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuthorizationDataTest);
    CPPUNIT_TEST(containers_are_replaced_by_what_they_hold_in_order);
    CPPUNIT_TEST(other_containers_stay_elements);
    CPPUNIT_TEST(nothing_is_flat_already);
    CPPUNIT_TEST(containers_nest_eight_deep_and_no_deeper);
    CPPUNIT_TEST(a_bomb_of_containers_is_refused);
    CPPUNIT_TEST(a_malformed_container_is_refused);
    CPPUNIT_TEST(the_elements_of_a_windows_client_are_found);
    CPPUNIT_TEST(the_pac_of_a_ticket_is_found);
    CPPUNIT_TEST(a_list_of_encryption_types_round_trips);
    CPPUNIT_TEST_SUITE_END();

    void containers_are_replaced_by_what_they_hold_in_order()
    {
        const AuthorizationData elements = {element(71, "a"),
                                            if_relevant({element(128, "b"), if_relevant({element(129, "c")}),
                                                         if_relevant({}), element(143, "")}),
                                            element(-5, "d")};
        const auto flat = flatten(elements).value();
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, flat.size());
        const std::vector<std::int32_t> types = {71, 128, 129, 143, -5};
        const std::vector<std::string> data = {"a", "b", "c", "", "d"};
        for (std::size_t i = 0; i < flat.size(); ++i) {
            CPPUNIT_ASSERT_EQUAL(types[i], flat[i].type);
            CPPUNIT_ASSERT_EQUAL(data[i], text_of(flat[i].data));
            CPPUNIT_ASSERT_EQUAL(i >= 1 && i <= 3, flat[i].inside_if_relevant);
        }
    }

    void other_containers_stay_elements()
    {
        const AuthorizationData elements = {element(ad_kdc_issued, "x"), element(ad_and_or, "y"),
                                            element(ad_cammac, "z")};
        const auto flat = flatten(elements).value();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, flat.size());
        CPPUNIT_ASSERT_EQUAL(ad_and_or, flat[1].type);
    }

    void nothing_is_flat_already()
    {
        CPPUNIT_ASSERT(flatten({}).value().empty());
    }

    void containers_nest_eight_deep_and_no_deeper()
    {
        const AuthorizationData eight = {nested(8, element(128, "p"))};
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, flatten(eight).value().size());
        expect_refusal({nested(9, element(128, "p"))}, "AD-IF-RELEVANT: more than 8 containers nested");
    }

    void a_bomb_of_containers_is_refused()
    {
        expect_refusal({nested(2000, element(128, "p"))}, "AD-IF-RELEVANT: more than 8 containers nested");
    }

    void a_malformed_container_is_refused()
    {
        expect_refusal({element(ad_if_relevant, "")}, "AD-IF-RELEVANT: SEQUENCE expected, found the end");
        AuthorizationElement longer = if_relevant({element(128, "p")});
        longer.data.push_back(0);
        expect_refusal({longer}, "AD-IF-RELEVANT: 1 octets after the end");
        longer.data.resize(longer.data.size() - 2);
        expect_refusal({longer}, "AD-IF-RELEVANT: length 13 exceeds the 12 octets left");
    }

    void the_elements_of_a_windows_client_are_found()
    {
        const Authenticator authenticator =
            Authenticator::decode(message_sample("kn-rc4-claims", "Authenticator").der).value();
        const auto flat = flatten(authenticator.authorization_data).value();
        CPPUNIT_ASSERT(flat.size() >= 2);
        CPPUNIT_ASSERT_EQUAL(ad_etype_negotiation, flat[0].type);
        CPPUNIT_ASSERT(flat[0].inside_if_relevant);
        const EtypeNegotiation offer = EtypeNegotiation::decode(flat[0].data).value();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, offer.types.size());
        CPPUNIT_ASSERT(offer.types[0] == EncryptionType::aes256_cts_hmac_sha1_96);
        CPPUNIT_ASSERT(offer.types[2] == EncryptionType::rc4_hmac);
    }

    void the_pac_of_a_ticket_is_found()
    {
        const TicketContents ticket =
            TicketContents::decode(message_sample("kn-rc4-kerberos", "EncTicketPart").der).value();
        const auto flat = flatten(ticket.authorization_data).value();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, flat.size());
        CPPUNIT_ASSERT_EQUAL(ad_pac, flat[0].type);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1048}, flat[0].data.size());
        CPPUNIT_ASSERT(flat[0].inside_if_relevant);
    }

    void a_list_of_encryption_types_round_trips()
    {
        for (std::size_t count = 0; count < 300; ++count) {
            EtypeNegotiation offer;
            for (std::size_t i = 0; i < count; ++i) {
                offer.types.push_back(static_cast<EncryptionType>(static_cast<std::int32_t>(i * 7) - 138));
            }
            CPPUNIT_ASSERT(offer.types == EtypeNegotiation::decode(offer.encode()).value().types);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthorizationDataTest);

} // namespace apex
