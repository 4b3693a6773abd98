// SPDX-License-Identifier: MIT
#include "apex/messages/cammac.h"

#include "support/cammac_maker.h"
#include "support/world.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using test::CammacMaker;

const Key& service_key()
{
    static const Key key = [] {
        test::CountingRandom random;
        return *Key::generate(EncryptionType::aes256_cts_hmac_sha1_96, random);
    }();
    return key;
}

/// The indicators of a ticket with these containers, joined; and behind a bar why one was left out.
std::string indicators_of(const AuthorizationData& elements)
{
    const AuthenticationIndicators found = AuthenticationIndicators::of(elements, service_key());
    std::string text;
    for (const std::string& value : found.values) {
        text += (text.empty() ? "" : " ") + value;
    }
    return text + (found.left_out.empty() ? "" : "|" + found.left_out);
}

AuthorizationElement container(const Bytes& cammac)
{
    return AuthorizationElement{ad_cammac, cammac};
}

class CammacTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(CammacTest);
    CPPUNIT_TEST(indicators_come_in_order);
    CPPUNIT_TEST(all_containers_that_verify_count);
    CPPUNIT_TEST(an_indicator_outside_of_a_container_is_nothing);
    CPPUNIT_TEST(a_container_without_verifier_for_the_service_is_left_out);
    CPPUNIT_TEST(every_flipped_bit_of_the_elements_is_noticed);
    CPPUNIT_TEST(only_the_checksum_type_of_the_key_counts);
    CPPUNIT_TEST(malformed_containers_are_left_out_and_told);
    CPPUNIT_TEST(other_verifiers_are_passed_over);
    CPPUNIT_TEST_SUITE_END();

public:
    void indicators_come_in_order()
    {
        CammacMaker maker(service_key(), {"one", "two"});
        CPPUNIT_ASSERT_EQUAL(std::string("one two"), indicators_of({container(maker.encode())}));
        CPPUNIT_ASSERT_EQUAL(std::string("one two"), indicators_of({if_relevant({container(maker.encode())})}));
        maker.elements = {if_relevant(maker.elements)};
        CPPUNIT_ASSERT_EQUAL(std::string("one two"), indicators_of({container(maker.encode())}));
        CPPUNIT_ASSERT_EQUAL(std::string(), indicators_of({container(CammacMaker(service_key(), {}).encode())}));
        CPPUNIT_ASSERT_EQUAL(std::string(), indicators_of({}));
    }

    void all_containers_that_verify_count()
    {
        const AuthorizationElement first = container(CammacMaker(service_key(), {"one"}).encode());
        const AuthorizationElement second = container(CammacMaker(service_key(), {"two"}).encode());
        AuthorizationElement forged = container(CammacMaker(service_key(), {"six"}).encode());
        forged.data.back() ^= 1U;
        CPPUNIT_ASSERT_EQUAL(
            std::string("one two|the integrity check of decrypted data failed: AD-CAMMAC: the verifier for "
                        "the service does not hold with the key that opened the ticket"),
            indicators_of({first, if_relevant({forged, second})}));
    }

    void an_indicator_outside_of_a_container_is_nothing()
    {
        const CammacMaker maker(service_key(), {"one"});
        CPPUNIT_ASSERT_EQUAL(std::string(), indicators_of(maker.elements));
        CPPUNIT_ASSERT_EQUAL(std::string(), indicators_of({if_relevant(maker.elements)}));
    }

    void a_container_without_verifier_for_the_service_is_left_out()
    {
        CammacMaker maker(service_key(), {"one"});
        maker.for_service = false;
        CPPUNIT_ASSERT_EQUAL(
            std::string("|the integrity check of decrypted data failed: AD-CAMMAC has no verifier for the service"),
            indicators_of({container(maker.encode())}));
    }

    void every_flipped_bit_of_the_elements_is_noticed()
    {
        const CammacMaker maker(service_key(), {"one"});
        const Bytes good = maker.encode();
        const std::size_t elements_end = 4 + encode_authorization_data(maker.elements).size();
        const std::size_t checksum = good.size() - 12;
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            Bytes flipped = good;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));
            const AuthenticationIndicators found = AuthenticationIndicators::of({container(flipped)}, service_key());
            // What stands between elements and checksum says which key it is; the acceptor knows that.
            const bool covered = bit / 8 < elements_end || bit / 8 >= checksum;
            CPPUNIT_ASSERT(found.values.empty() == !found.left_out.empty());
            CPPUNIT_ASSERT(found.values.empty() || (!covered && found.values.front() == "one"));
        }
    }

    void only_the_checksum_type_of_the_key_counts()
    {
        for (int type = -200; type <= 200; ++type) {
            CammacMaker maker(service_key(), {"one"});
            maker.checksum_type = type;
            CPPUNIT_ASSERT_EQUAL(type == 16, indicators_of({container(maker.encode())}) == "one");
        }
    }

    void malformed_containers_are_left_out_and_told()
    {
        const Bytes good = CammacMaker(service_key(), {"one"}).encode();
        const auto told = [](const Bytes& octets) { return Cammac::decode(octets).error().detail; };
        for (std::size_t length = 0; length < good.size(); ++length) {
            const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
            CPPUNIT_ASSERT(!Cammac::decode(cut));
        }
        Bytes longer = good;
        longer.push_back(0);
        CPPUNIT_ASSERT(told(longer).find("AD-CAMMAC") != std::string::npos);
        CPPUNIT_ASSERT(told(from_hex("3000")).find("elements") != std::string::npos);
        CPPUNIT_ASSERT(told(from_hex("3006a00430020500")).find("field elements [0]") != std::string::npos);
        CammacMaker no_text(service_key(), {"one"});
        no_text.elements = {AuthorizationElement{ad_authentication_indicator, from_hex("30020500")}};
        CPPUNIT_ASSERT(indicators_of({container(no_text.encode())}).find("|the Kerberos message cannot be decoded") ==
                       0);
        CPPUNIT_ASSERT(indicators_of({AuthorizationElement{ad_if_relevant, {0x30}}}).find("AD-IF-RELEVANT") !=
                       std::string::npos);
    }

    void other_verifiers_are_passed_over()
    {
        CammacMaker maker(service_key(), {"one"});
        maker.for_kdc = true;
        maker.for_others = true;
        CPPUNIT_ASSERT_EQUAL(std::string("one"), indicators_of({container(maker.encode())}));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CammacTest);

} // namespace
} // namespace apex
