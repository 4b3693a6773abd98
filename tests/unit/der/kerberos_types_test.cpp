// SPDX-License-Identifier: MIT
#include "apex/der/kerberos_types.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace apex {

namespace {

template <typename Read>
auto read_from(Read read, ByteView octets)
{
    DerReader reader(octets);
    return read(reader);
}

template <typename Read>
bool accepts(Read read, std::string_view digits)
{
    return read_from(read, from_hex(digits)).has_value();
}

Bytes element(Tag tag, std::string_view contents)
{
    DerWriter writer;
    writer.primitive(tag, view_of(contents));
    return writer.take_bytes();
}

Result<Time> time_of(std::string_view text)
{
    return read_from(read_kerberos_time, element(generalized_time_tag, text));
}

template <typename Write, typename Value>
std::string written(Write write, Value value)
{
    DerWriter writer;
    write(writer, value);
    return hex(writer.take_bytes());
}

} // namespace

class KerberosTypesTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KerberosTypesTest);
    CPPUNIT_TEST(int32_covers_its_range_and_no_more);
    CPPUNIT_TEST(uint32_covers_its_range_and_no_more);
    CPPUNIT_TEST(an_integer_in_too_many_octets_or_in_none_is_refused);
    CPPUNIT_TEST(a_sequence_number_sent_negative_is_the_unsigned_one);
    CPPUNIT_TEST(a_key_version_is_written_as_its_peers_write_it);
    CPPUNIT_TEST(microseconds_stay_below_a_million);
    CPPUNIT_TEST(a_string_keeps_every_octet);
    CPPUNIT_TEST(a_realm_with_nul_is_refused);
    CPPUNIT_TEST(a_time_is_read_and_written_again);
    CPPUNIT_TEST(times_after_2038_and_2106_are_times);
    CPPUNIT_TEST(a_time_of_another_length_is_refused);
    CPPUNIT_TEST(a_time_of_another_shape_is_refused);
    CPPUNIT_TEST(a_time_outside_the_calendar_is_refused);
    CPPUNIT_TEST(a_time_outside_four_digits_is_written_as_the_nearest);
    CPPUNIT_TEST(flags_of_32_bits_are_read_and_written);
    CPPUNIT_TEST(flags_of_other_lengths_are_tolerated);
    CPPUNIT_TEST(flags_that_are_no_bit_string_are_refused);
    CPPUNIT_TEST_SUITE_END();

    void int32_covers_its_range_and_no_more()
    {
        for (const std::int32_t value :
             {0, 1, -1, 127, 128, -128, -129, 255, 256, 65535, 8388607, 8388608, INT32_MAX, INT32_MIN}) {
            const std::string octets = written(write_int32, value);
            CPPUNIT_ASSERT_EQUAL(value, read_from(read_int32, from_hex(octets)).value());
        }
        CPPUNIT_ASSERT_EQUAL(std::string("020480000000"), written(write_int32, INT32_MIN));
        CPPUNIT_ASSERT_EQUAL(std::string("02020080"), written(write_int32, 128));
        CPPUNIT_ASSERT_EQUAL(std::string("0201ff"), written(write_int32, -1));
        CPPUNIT_ASSERT(!accepts(read_int32, "0205 0080000000"));
        CPPUNIT_ASSERT(!accepts(read_int32, "0205 ff7fffffff"));
    }

    void uint32_covers_its_range_and_no_more()
    {
        for (const std::uint32_t value : {0U, 1U, 127U, 128U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
            const std::string octets = written(write_uint32, value);
            CPPUNIT_ASSERT_EQUAL(value, read_from(read_uint32, from_hex(octets)).value());
        }
        CPPUNIT_ASSERT_EQUAL(std::string("02050080000000"), written(write_uint32, 0x80000000U));
        CPPUNIT_ASSERT(!accepts(read_uint32, "0201 ff"));
        CPPUNIT_ASSERT(!accepts(read_uint32, "0205 0100000000"));
        CPPUNIT_ASSERT(!accepts(read_uint32, "0209 008000000000000000"));
    }

    void an_integer_in_too_many_octets_or_in_none_is_refused()
    {
        CPPUNIT_ASSERT(accepts(read_int32, "0201 00"));
        CPPUNIT_ASSERT(!accepts(read_int32, "0200"));
        CPPUNIT_ASSERT(!accepts(read_int32, "0202 0000"));
        CPPUNIT_ASSERT(!accepts(read_int32, "0202 007f"));
        CPPUNIT_ASSERT(!accepts(read_int32, "0202 ff80"));
        CPPUNIT_ASSERT(!accepts(read_int32, "2201 00"));
        CPPUNIT_ASSERT(!accepts(read_wrapped_uint32, "0202 ffff"));
    }

    void a_sequence_number_sent_negative_is_the_unsigned_one()
    {
        const auto number = [](std::string_view digits) {
            return read_from(read_wrapped_uint32, from_hex(digits)).value();
        };
        CPPUNIT_ASSERT_EQUAL(0U, number("0201 00"));
        CPPUNIT_ASSERT_EQUAL(0x7fffffffU, number("0204 7fffffff"));
        CPPUNIT_ASSERT_EQUAL(0x80000000U, number("0205 0080000000"));
        CPPUNIT_ASSERT_EQUAL(0x80000000U, number("0204 80000000"));
        CPPUNIT_ASSERT_EQUAL(0xffffffffU, number("0205 00ffffffff"));
        CPPUNIT_ASSERT_EQUAL(0xffffffffU, number("0201 ff"));
        CPPUNIT_ASSERT_EQUAL(0xff000000U, number("0204 ff000000"));
        CPPUNIT_ASSERT(!accepts(read_wrapped_uint32, "0205 ff7fffffff"));
        CPPUNIT_ASSERT(!accepts(read_wrapped_uint32, "0205 0100000000"));
    }

    void a_key_version_is_written_as_its_peers_write_it()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("020103"), written(write_key_version, 3U));
        CPPUNIT_ASSERT_EQUAL(std::string("0204ff000000"), written(write_key_version, 0xff000000U));
    }

    void microseconds_stay_below_a_million()
    {
        CPPUNIT_ASSERT_EQUAL(std::int32_t{999999}, read_from(read_microseconds, from_hex("0203 0f423f")).value());
        CPPUNIT_ASSERT(!accepts(read_microseconds, "0203 0f4240"));
        CPPUNIT_ASSERT(!accepts(read_microseconds, "0201 ff"));
        CPPUNIT_ASSERT_EQUAL(std::string("INTEGER 1000000 outside 0..999999"),
                             read_from(read_microseconds, from_hex("0203 0f4240")).error().detail);
    }

    void a_string_keeps_every_octet()
    {
        std::string all;
        for (int octet = 0; octet < 256; ++octet) {
            all += static_cast<char>(octet);
        }
        DerWriter writer;
        write_kerberos_string(writer, all);
        CPPUNIT_ASSERT(all == read_from(read_kerberos_string, writer.take_bytes()).value());
    }

    void a_realm_with_nul_is_refused()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("A"), read_from(read_realm, from_hex("1b01 41")).value());
        CPPUNIT_ASSERT(!accepts(read_realm, "1b02 4100"));
    }

    void a_time_is_read_and_written_again()
    {
        // RFC 4120 5.2.3 gives this example.
        const Time time = time_of("19851106210627Z").value();
        CPPUNIT_ASSERT_EQUAL(std::int64_t{500159187}, seconds_of(time));
        CPPUNIT_ASSERT_EQUAL(std::int32_t{0}, microseconds_of(time));
        CPPUNIT_ASSERT_EQUAL(hex(element(generalized_time_tag, "19851106210627Z")), written(write_kerberos_time, time));
        CPPUNIT_ASSERT_EQUAL(hex(element(generalized_time_tag, "19851106210627Z")),
                             written(write_kerberos_time, time + Duration(999999)));
        CPPUNIT_ASSERT_EQUAL(hex(element(generalized_time_tag, "19691231235959Z")),
                             written(write_kerberos_time, time_from_seconds(-1)));
    }

    void times_after_2038_and_2106_are_times()
    {
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2147483648}, seconds_of(time_of("20380119031408Z").value()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{4294967296}, seconds_of(time_of("21060207062816Z").value()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{253402300799}, seconds_of(time_of("99991231235959Z").value()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{-62167219200}, seconds_of(time_of("00000101000000Z").value()));
        CPPUNIT_ASSERT_EQUAL(std::int64_t{951782400}, seconds_of(time_of("20000229000000Z").value()));
    }

    void a_time_of_another_length_is_refused()
    {
        const std::string digits = "198511062106270000000000000000000000";
        for (std::size_t length = 0; length <= 32; ++length) {
            CPPUNIT_ASSERT(!time_of(digits.substr(0, length)));
            CPPUNIT_ASSERT_EQUAL(length == 14, time_of(digits.substr(0, length) + "Z").has_value());
        }
    }

    void a_time_of_another_shape_is_refused()
    {
        for (const char* const text :
             {"19851106210627z", "198511062106270", "1985110621062ZZ", "19851106210627.0Z", "19851106210627+",
              "-9851106210627Z", "1985 106210627Z", "19851106210627", "8511062106270Z", "19851106210627+0000",
              "1985110621062:Z"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !time_of(text));
        }
        for (std::size_t i = 0; i < 15; ++i) {
            std::string text = "19851106210627Z";
            text[i] = '\0';
            CPPUNIT_ASSERT(!time_of(text));
            text[i] = '/';
            CPPUNIT_ASSERT(!time_of(text));
            text[i] = ':';
            CPPUNIT_ASSERT(!time_of(text));
        }
        CPPUNIT_ASSERT(!read_from(read_kerberos_time, element(octet_string_tag, "19851106210627Z")));
    }

    void a_time_outside_the_calendar_is_refused()
    {
        for (const char* const text : {"19850006210627Z", "19851306210627Z", "19851100210627Z", "19851131210627Z",
                                       "19850229210627Z", "19000229210627Z", "19851106240627Z", "19851106216027Z",
                                       "19851106210660Z", "19851106210661Z"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !time_of(text));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("time 19851306210627Z is in no calendar"),
                             time_of("19851306210627Z").error().detail);
    }

    void a_time_outside_four_digits_is_written_as_the_nearest()
    {
        CPPUNIT_ASSERT_EQUAL(hex(element(generalized_time_tag, "99991231235959Z")),
                             written(write_kerberos_time, time_from_seconds(253402300800)));
        CPPUNIT_ASSERT_EQUAL(hex(element(generalized_time_tag, "00000101000000Z")),
                             written(write_kerberos_time, time_from_seconds(-62167219201)));
    }

    void flags_of_32_bits_are_read_and_written()
    {
        CPPUNIT_ASSERT_EQUAL(0xfedcba98U, read_from(read_kerberos_flags, from_hex("0305 00fedcba98")).value());
        CPPUNIT_ASSERT_EQUAL(std::string("030500fedcba98"), written(write_kerberos_flags, 0xfedcba98U));
    }

    void flags_of_other_lengths_are_tolerated()
    {
        const auto flags = [](std::string_view digits) {
            return read_from(read_kerberos_flags, from_hex(digits)).value();
        };
        CPPUNIT_ASSERT_EQUAL(0U, flags("0301 00"));
        CPPUNIT_ASSERT_EQUAL(0x20000000U, flags("0302 0520"));
        CPPUNIT_ASSERT_EQUAL(0x20000000U, flags("0302 0020"));
        CPPUNIT_ASSERT_EQUAL(0x00000080U, flags("0305 0700000080"));
        CPPUNIT_ASSERT_EQUAL(0x20000001U, flags("0306 002000000140"));
        CPPUNIT_ASSERT_EQUAL(0x20000001U, flags("0306 062000000140"));
    }

    void flags_that_are_no_bit_string_are_refused()
    {
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "0300"));
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "0301 01"));
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "0302 0800"));
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "0302 0521"));
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "0305 0100000001"));
        CPPUNIT_ASSERT(!accepts(read_kerberos_flags, "2305 0020000000"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(KerberosTypesTest);

} // namespace apex
