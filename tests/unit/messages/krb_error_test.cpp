// SPDX-License-Identifier: MIT
#include "apex/messages/krb_error.h"

#include "message_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

KrbError some_error()
{
    return KrbError::decode(message_sample("mit-error", "KrbError").der).value();
}

} // namespace

class KrbErrorTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KrbErrorTest);
    CPPUNIT_TEST(all_subsets_of_the_optional_fields_round_trip);
    CPPUNIT_TEST(text_is_made_fit_to_be_shown);
    CPPUNIT_TEST(a_server_without_a_name_may_still_complain);
    CPPUNIT_TEST(codes_of_any_size_are_kept);
    CPPUNIT_TEST_SUITE_END();

    void all_subsets_of_the_optional_fields_round_trip()
    {
        for (unsigned subset = 0; subset < 64; ++subset) {
            KrbError error = some_error();
            if ((subset & 1U) != 0) {
                error.client_time.reset();
            }
            if ((subset & 2U) != 0) {
                error.client_microseconds.reset();
            }
            if ((subset & 4U) != 0) {
                error.client_realm.reset();
            }
            if ((subset & 8U) != 0) {
                error.client_name.reset();
            }
            if ((subset & 16U) != 0) {
                error.text.reset();
            }
            if ((subset & 32U) != 0) {
                error.data.reset();
            }
            const Bytes octets = error.encode();
            CPPUNIT_ASSERT_EQUAL(hex(octets), hex(KrbError::decode(octets).value().encode()));
        }
    }

    void text_is_made_fit_to_be_shown()
    {
        KrbError error = some_error();
        CPPUNIT_ASSERT_EQUAL(std::string("krb5data"), error.safe_text());
        error.text = std::string("a\x1b[31m\nb\x7f\xff~ \0hidden", 19);
        CPPUNIT_ASSERT_EQUAL(std::string("a?[31m?b??~ "), error.safe_text());
        error.text = std::string(100000, 'x');
        CPPUNIT_ASSERT_EQUAL(std::size_t{200}, error.safe_text().size());
        error.text = "";
        CPPUNIT_ASSERT(error.safe_text().empty());
        error.text.reset();
        CPPUNIT_ASSERT(error.safe_text().empty());
    }

    void a_server_without_a_name_may_still_complain()
    {
        // Heimdal's krb5_mk_error without a server principal.
        KrbError error = some_error();
        error.server = Principal{PrincipalName{}, "<unspecified realm>"};
        const Result<KrbError> read = KrbError::decode(error.encode());
        CPPUNIT_ASSERT(read.has_value());
        CPPUNIT_ASSERT(read->server.name.components.empty());
    }

    void codes_of_any_size_are_kept()
    {
        KrbError error = some_error();
        for (const std::int32_t code : {0, 37, 60, 127, 128, -1, INT32_MAX, INT32_MIN}) {
            error.code = code;
            CPPUNIT_ASSERT_EQUAL(code, KrbError::decode(error.encode())->code);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(KrbErrorTest);

} // namespace apex
