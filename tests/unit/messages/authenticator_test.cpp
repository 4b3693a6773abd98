// SPDX-License-Identifier: MIT
#include "apex/messages/authenticator.h"

#include "apex/messages/ap_reply.h"
#include "der_tree.h"
#include "message_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

Authenticator some_authenticator()
{
    return Authenticator::decode(message_sample("mit-authenticator", "Authenticator").der).value();
}

Authenticator read_again(const Authenticator& authenticator)
{
    return Authenticator::decode(authenticator.encode().view()).value();
}

/// The sample with the INTEGER of its sequence number replaced by `contents`.
Bytes with_sequence_number(std::string_view contents)
{
    DerTree tree = DerTree::from(message_sample("mit-authenticator", "Authenticator").der);
    tree.walk([&](DerTree& element) {
        if (element.tag == 0xa7) {
            element.children[0].contents = from_hex(contents);
        }
    });
    return tree.encode();
}

} // namespace

class AuthenticatorTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuthenticatorTest);
    CPPUNIT_TEST(all_subsets_of_the_optional_fields_round_trip);
    CPPUNIT_TEST(time_and_microseconds_are_one_time);
    CPPUNIT_TEST(sequence_numbers_of_32_bits_round_trip);
    CPPUNIT_TEST(a_negative_sequence_number_is_read_unsigned);
    CPPUNIT_TEST(another_version_is_refused);
    CPPUNIT_TEST(a_reply_round_trips_with_and_without_its_options);
    CPPUNIT_TEST(an_encoding_with_a_key_is_a_secret);
    CPPUNIT_TEST_SUITE_END();

    void all_subsets_of_the_optional_fields_round_trip()
    {
        for (unsigned subset = 0; subset < 16; ++subset) {
            Authenticator authenticator = some_authenticator();
            if ((subset & 1U) != 0) {
                authenticator.checksum.reset();
            }
            if ((subset & 2U) != 0) {
                authenticator.subkey.reset();
            }
            if ((subset & 4U) != 0) {
                authenticator.sequence_number.reset();
            }
            if ((subset & 8U) != 0) {
                authenticator.authorization_data.clear();
            }
            const Authenticator read = read_again(authenticator);
            CPPUNIT_ASSERT_EQUAL((subset & 1U) == 0, read.checksum.has_value());
            CPPUNIT_ASSERT_EQUAL((subset & 2U) == 0, read.subkey.has_value());
            CPPUNIT_ASSERT_EQUAL((subset & 4U) == 0, read.sequence_number.has_value());
            CPPUNIT_ASSERT_EQUAL((subset & 8U) == 0, !read.authorization_data.empty());
        }
    }

    void time_and_microseconds_are_one_time()
    {
        Authenticator authenticator = some_authenticator();
        CPPUNIT_ASSERT_EQUAL(std::int32_t{123456}, microseconds_of(authenticator.time));
        for (const std::int64_t microseconds : {0LL, 1LL, 999999LL, 2147483648000001LL, 4294967296999999LL, -1LL}) {
            authenticator.time = Time(Duration(microseconds));
            CPPUNIT_ASSERT(authenticator.time == read_again(authenticator).time);
        }
    }

    void sequence_numbers_of_32_bits_round_trip()
    {
        Authenticator authenticator = some_authenticator();
        for (const std::uint32_t number : {0U, 1U, 0x3fffffffU, 0x40000000U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
            authenticator.sequence_number = number;
            CPPUNIT_ASSERT_EQUAL(number, read_again(authenticator).sequence_number.value());
        }
    }

    void a_negative_sequence_number_is_read_unsigned()
    {
        const auto number = [](std::string_view contents) {
            return Authenticator::decode(with_sequence_number(contents))->sequence_number.value();
        };
        CPPUNIT_ASSERT_EQUAL(0x80000000U, number("80000000"));
        CPPUNIT_ASSERT_EQUAL(0x80000000U, number("0080000000"));
        CPPUNIT_ASSERT_EQUAL(0xffffffffU, number("ff"));
        CPPUNIT_ASSERT_EQUAL(0U, number("00"));
        const Result<Authenticator> large = Authenticator::decode(with_sequence_number("0100000000"));
        CPPUNIT_ASSERT(!large);
        CPPUNIT_ASSERT_EQUAL(std::string("Authenticator: field seq-number [7]: INTEGER 4294967296 outside "
                                         "-2147483648..4294967295"),
                             large.error().detail);
    }

    void another_version_is_refused()
    {
        DerTree tree = DerTree::from(message_sample("mit-authenticator", "Authenticator").der);
        DerTree& version = tree.children[0].children[0].children[0];
        CPPUNIT_ASSERT(version.contents == Bytes{5});
        version.contents = Bytes{4};
        const Result<Authenticator> refused = Authenticator::decode(tree.encode());
        CPPUNIT_ASSERT(!refused);
        CPPUNIT_ASSERT(refused.error().fault == Fault::UnsupportedVersion);
    }

    void a_reply_round_trips_with_and_without_its_options()
    {
        for (unsigned subset = 0; subset < 4; ++subset) {
            ApReplyContents contents;
            contents.time = Time(Duration(1234567890123456));
            if ((subset & 1U) != 0) {
                contents.subkey = EncryptionKey{EncryptionType::aes256_cts_hmac_sha384_192, Secret(32)};
            }
            if ((subset & 2U) != 0) {
                contents.sequence_number = 0xdeadbeefU;
            }
            const ApReplyContents read = ApReplyContents::decode(contents.encode().view()).value();
            CPPUNIT_ASSERT(contents.time == read.time);
            CPPUNIT_ASSERT_EQUAL(contents.subkey.has_value(), read.subkey.has_value());
            CPPUNIT_ASSERT(contents.sequence_number == read.sequence_number);
        }
    }

    void an_encoding_with_a_key_is_a_secret()
    {
        static_assert(std::is_same_v<Secret, decltype(some_authenticator().encode())>);
        static_assert(std::is_same_v<Secret, decltype(ApReplyContents().encode())>);
        static_assert(std::is_same_v<Secret, decltype(EncryptionKey().encode())>);
        static_assert(!std::is_copy_constructible_v<Authenticator>);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuthenticatorTest);

} // namespace apex
