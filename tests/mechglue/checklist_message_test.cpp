// SPDX-License-Identifier: MIT
#include "handshake.h"

#include <array>
#include <cppunit/extensions/HelperMacros.h>
#include <cstdint>
#include <cstring>
#include <fstream>

using namespace apex::test;

namespace {

constexpr std::size_t key_length = 32;
constexpr unsigned char veil = 0x5a;

/// A copy of secret octets that a search of the memory does not find.
using Veiled = std::array<unsigned char, key_length>;

/// The acceptor's subkey, and every copy that the inquiry made wiped.
Veiled message_key(gss_ctx_id_t context)
{
    OM_uint32 minor = 0;
    gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
    expect_complete(gss_inquire_sec_context_by_oid(&minor, context, GSS_C_INQ_SSPI_SESSION_KEY, &set), minor);
    CPPUNIT_ASSERT_EQUAL(key_length, set->elements[0].length);
    auto* octets = static_cast<volatile unsigned char*>(set->elements[0].value);
    Veiled veiled{};
    for (std::size_t i = 0; i < key_length; ++i) {
        veiled[i] = octets[i] ^ veil;
        octets[i] = 0;
    }
    gss_release_buffer_set(&minor, &set);
    return veiled;
}

/// How often the octets stand in a piece of memory. Memory that was freed is looked at too.
__attribute__((no_sanitize("address"))) int count_in(const unsigned char* begin, const unsigned char* end,
                                                     const Veiled& veiled)
{
    int found = 0;
    for (const unsigned char* at = begin; at + key_length <= end; ++at) {
        std::size_t same = 0;
        while (same < key_length && (at[same] ^ veil) == veiled[same]) {
            ++same;
        }
        found += same == key_length ? 1 : 0;
    }
    return found;
}

/// A line of /proc/self/maps for memory that malloc may have: writable and of no file; the sanitizers' own is larger.
bool may_be_allocated(const std::string& line, std::size_t length)
{
    constexpr std::size_t largest = std::size_t{64} << 20;
    const bool nameless = line.find('/') == std::string::npos && line.find('[') == std::string::npos;
    return has(line, " rw-p ") && (nameless || has(line, "[heap]")) && length <= largest;
}

/// How often they stand in allocated memory, or in memory that was.
int count_in_memory(const Veiled& veiled)
{
    int found = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::size_t dash = 0;
        const std::uintptr_t begin = std::stoul(line, &dash, 16);
        const std::uintptr_t end = std::stoul(line.substr(dash + 1), nullptr, 16);
        if (may_be_allocated(line, end - begin)) {
            const unsigned char* first = nullptr;
            const unsigned char* last = nullptr;
            std::memcpy(&first, &begin, sizeof first);
            std::memcpy(&last, &end, sizeof last);
            found += count_in(first, last, veiled);
        }
    }
    return found;
}

} // namespace

/// Rows of COVERAGE.md about messages, in the forms that the mechglue hands through.
class ChecklistMessageTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ChecklistMessageTest);
    CPPUNIT_TEST(a_message_goes_in_parts);
    CPPUNIT_TEST(associated_data_is_signed);
    CPPUNIT_TEST(parts_are_signed);
    CPPUNIT_TEST(pseudo_random_octets_come_under_both_keys);
#ifndef __SANITIZE_ADDRESS__ // the address sanitizer keeps memory of its own, where a search finds nothing certain
    CPPUNIT_TEST(keys_are_wiped_with_their_context);
#endif
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void a_message_goes_in_parts()
    {
        Sides sides;
        shake_hands(sides);
        for (const int sealed : {0, 1}) {
            std::string text = "a message in parts";
            std::array<gss_iov_buffer_desc, 4> parts{{
                {GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}},
                {GSS_IOV_BUFFER_TYPE_DATA, buffer_of(text)},
                {GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}},
                {GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}},
            }};
            OM_uint32 minor = 0;
            int state = -1;
            expect_complete(gss_wrap_iov(&minor, sides.initiator, sealed, 0, &state, parts.data(), 4), minor);
            CPPUNIT_ASSERT_EQUAL(sealed, state);
            CPPUNIT_ASSERT_EQUAL(sealed == 0, text == "a message in parts");
            expect_complete(gss_unwrap_iov(&minor, sides.acceptor, &state, nullptr, parts.data(), 4), minor);
            CPPUNIT_ASSERT(text == "a message in parts" && state == sealed);
            gss_release_iov_buffer(&minor, parts.data(), 4);
        }
    }

    void associated_data_is_signed()
    {
        Sides sides;
        shake_hands(sides);
        std::string with = "associated";
        std::string text = "message";
        gss_buffer_desc associated = buffer_of(with);
        gss_buffer_desc message = buffer_of(text);
        OM_uint32 minor = 0;
        Buffer token;
        expect_complete(gss_wrap_aead(&minor, sides.initiator, 1, 0, &associated, &message, nullptr, token.out()),
                        minor);
        Buffer opened;
        with[0] ^= 1;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_SIG}, gss_unwrap_aead(&minor, sides.acceptor, token.get(), &associated,
                                                                       opened.out(), nullptr, nullptr));
        with[0] ^= 1;
        expect_complete(
            gss_unwrap_aead(&minor, sides.acceptor, token.get(), &associated, opened.out(), nullptr, nullptr), minor);
        CPPUNIT_ASSERT_EQUAL(text, opened.text());
    }

    void parts_are_signed()
    {
        Sides sides;
        shake_hands(sides);
        std::string one = "one part ";
        std::string two = "and another";
        std::string whole = one + two;
        std::array<gss_iov_buffer_desc, 3> parts{{
            {GSS_IOV_BUFFER_TYPE_DATA, buffer_of(one)},
            {GSS_IOV_BUFFER_TYPE_SIGN_ONLY, buffer_of(two)},
            {GSS_IOV_BUFFER_TYPE_MIC_TOKEN | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}},
        }};
        OM_uint32 minor = 0;
        expect_complete(gss_get_mic_iov(&minor, sides.initiator, 0, parts.data(), 3), minor);
        two[0] ^= 1;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_SIG},
                             gss_verify_mic_iov(&minor, sides.acceptor, nullptr, parts.data(), 3));
        two[0] ^= 1;
        expect_complete(gss_verify_mic_iov(&minor, sides.acceptor, nullptr, parts.data(), 3), minor);
        gss_buffer_desc message = buffer_of(whole);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_DUPLICATE_TOKEN},
                             gss_verify_mic(&minor, sides.acceptor, &message, &parts[2].buffer, nullptr));
        gss_release_iov_buffer(&minor, parts.data(), 3);
    }

    void pseudo_random_octets_come_under_both_keys()
    {
        Sides sides;
        shake_hands(sides);
        std::string seed = "seed";
        gss_buffer_desc input = buffer_of(seed);
        OM_uint32 minor = 0;
        std::string full;
        for (const int key : {GSS_C_PRF_KEY_FULL, GSS_C_PRF_KEY_PARTIAL}) {
            Buffer here;
            Buffer there;
            expect_complete(gss_pseudo_random(&minor, sides.initiator, key, &input, 40, here.out()), minor);
            expect_complete(gss_pseudo_random(&minor, sides.acceptor, key, &input, 40, there.out()), minor);
            CPPUNIT_ASSERT(here.size() == 40 && here.text() == there.text());
            CPPUNIT_ASSERT(here.text() != full); // the acceptor's subkey, then the initiator's
            full = here.text();
        }
    }

    void keys_are_wiped_with_their_context()
    {
        Sides sides;
        shake_hands(sides);
        const Veiled key = message_key(sides.acceptor);
        CPPUNIT_ASSERT(count_in_memory(key) > 0); // both contexts hold it
        OM_uint32 minor = 0;
        gss_delete_sec_context(&minor, &sides.initiator, GSS_C_NO_BUFFER);
        gss_delete_sec_context(&minor, &sides.acceptor, GSS_C_NO_BUFFER);
        CPPUNIT_ASSERT_EQUAL(0, count_in_memory(key));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChecklistMessageTest);
