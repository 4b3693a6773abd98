// SPDX-License-Identifier: MIT
#include "tools/mech_oid.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace apex;

class MechOidTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MechOidTest);
    CPPUNIT_TEST(krb5_reads_as_its_octets);
    CPPUNIT_TEST(the_largest_arc_of_64_bits_survives);
    CPPUNIT_TEST(an_arc_that_overflows_ends_the_identifier);
    CPPUNIT_TEST(an_arc_that_wraps_does_as_in_mit);
    CPPUNIT_TEST(braces_and_blanks_are_allowed);
    CPPUNIT_TEST(what_is_no_identifier_is_refused);
    CPPUNIT_TEST(octets_that_are_no_identifier_are_shown_as_hexadecimal);
    CPPUNIT_TEST(the_interposer_is_taken_out_of_the_pair);
    CPPUNIT_TEST_SUITE_END();

    static std::string round_trip(const std::string& text)
    {
        const std::optional<OidReading> reading = read_oid(text);
        CPPUNIT_ASSERT(reading.has_value());
        return dotted(reading->body);
    }

public:
    void krb5_reads_as_its_octets()
    {
        const std::optional<OidReading> reading = read_oid("1.2.840.113554.1.2.2");
        CPPUNIT_ASSERT(reading && reading->complete && same(reading->body, krb5_oid()));
        CPPUNIT_ASSERT_EQUAL(std::string("1.2.840.113554.1.2.2"), dotted(krb5_oid()));
    }

    void the_largest_arc_of_64_bits_survives()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("2.25.18446744073709551615"), round_trip("2.25.18446744073709551615"));
        CPPUNIT_ASSERT_EQUAL(std::string("2.25.6182930471855164202"), round_trip("2.25.6182930471855164202"));
    }

    void an_arc_that_overflows_ends_the_identifier()
    {
        const std::optional<OidReading> reading = read_oid("2.25.289482983412341234213412341234123412341.7");
        CPPUNIT_ASSERT(reading && !reading->complete);
        CPPUNIT_ASSERT_EQUAL(std::string("2.25"), dotted(reading->body));
    }

    void an_arc_that_wraps_does_as_in_mit()
    {
        // The overflow test of MIT (newval < arc) is not exact; the value was observed there.
        CPPUNIT_ASSERT_EQUAL(std::string("2.25.11553255926290448384"), round_trip("2.25.30000000000000000000"));
    }

    void braces_and_blanks_are_allowed() { CPPUNIT_ASSERT_EQUAL(std::string("1.2.3"), round_trip("{1.2.3}")); }

    void what_is_no_identifier_is_refused()
    {
        for (const char* text : {"", "1", "x.y", "3.1", "1.40", "{1.2.3", ".1.2"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !read_oid(text).has_value());
        }
    }

    void octets_that_are_no_identifier_are_shown_as_hexadecimal()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("2a86"), dotted(from_hex("2a86")));
        CPPUNIT_ASSERT_EQUAL(std::string("ffffffffffffffffffffff01"), dotted(from_hex("ffffffffffffffffffffff01")));
    }

    void the_interposer_is_taken_out_of_the_pair()
    {
        Bytes pair = from_hex("2a03");
        append(pair, krb5_oid());
        const std::optional<Bytes> interposer = interposer_of(pair, krb5_oid());
        CPPUNIT_ASSERT(interposer.has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("1.2.3"), dotted(*interposer));
        CPPUNIT_ASSERT(!interposer_of(krb5_oid(), krb5_oid()).has_value());
        CPPUNIT_ASSERT(!interposer_of(from_hex("2a03"), krb5_oid()).has_value());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MechOidTest);
