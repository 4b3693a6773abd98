// SPDX-License-Identifier: MIT
#include "apex/crypto/digest.h"

#include "apex/crypto/rc4.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace apex::test {

class DigestTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DigestTest);
    CPPUNIT_TEST(md5_agrees_with_rfc_1321);
    CPPUNIT_TEST(md5_pads_every_length_as_the_other_implementation_does);
    CPPUNIT_TEST(sha256_agrees_with_fips_180);
    CPPUNIT_TEST(hmac_sha256_agrees_with_rfc_4231);
    CPPUNIT_TEST(hmac_md5_agrees_with_rfc_2202);
    CPPUNIT_TEST(hmac_takes_an_empty_key);
    CPPUNIT_TEST(rc4_undoes_itself_over_any_parts);
    CPPUNIT_TEST(rc4_refuses_keys_of_another_length);
    CPPUNIT_TEST_SUITE_END();

public:
    void md5_agrees_with_rfc_1321()
    {
        // RFC 1321 A.5.
        check_md5("", "d41d8cd98f00b204e9800998ecf8427e");
        check_md5("a", "0cc175b9c0f1b6a831c399e269772661");
        check_md5("abc", "900150983cd24fb0d6963f7d28e17f72");
        check_md5("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
        check_md5("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
        check_md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                  "d174ab98d277d9f5a5611c2c9f419d9f");
        check_md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                  "57edf4a22be3c955ac49da2e2107b67a");
    }

    void md5_pads_every_length_as_the_other_implementation_does()
    {
        // HMAC-MD5 (RFC 2104) by hand over our MD5, against OpenSSL's.
        const Bytes key = from_hex("000102030405060708090a0b0c0d0e0f");
        for (std::size_t size = 0; size < 200; ++size) {
            const Bytes message(size, 0x5a);
            Bytes inner(64, 0x36);
            Bytes outer(64, 0x5c);
            for (std::size_t i = 0; i < key.size(); ++i) {
                inner[i] ^= key[i];
                outer[i] ^= key[i];
            }
            append(inner, message);
            append(outer, md5(inner));
            std::array<std::uint8_t, 16> expected;
            const ByteView part = message;
            CPPUNIT_ASSERT(hmac_md5(key, {&part, 1}, expected));
            CPPUNIT_ASSERT_EQUAL(hex(expected), hex(md5(outer)));
        }
    }

    void sha256_agrees_with_fips_180()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                             hex(sha256(view_of("abc")).value()));
        CPPUNIT_ASSERT_EQUAL(std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                             hex(sha256({}).value()));
    }

    void hmac_sha256_agrees_with_rfc_4231()
    {
        // Cases 1, 2 and 6; the key of the last is longer than a block.
        check_hmac(Bytes(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        check_hmac(bytes_of(view_of("Jefe")), "what do ya want for nothing?",
                   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        check_hmac(Bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First",
                   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    void hmac_md5_agrees_with_rfc_2202()
    {
        const std::array<ByteView, 2> parts = {view_of("Hi "), view_of("There")};
        std::array<std::uint8_t, 16> mac;
        CPPUNIT_ASSERT(hmac_md5(Bytes(16, 0x0b), parts, mac));
        CPPUNIT_ASSERT_EQUAL(std::string("9294727a3638bb1c13f48ef8158bfc9d"), hex(mac));
        std::array<std::uint8_t, 8> cut;
        CPPUNIT_ASSERT(hmac_md5(Bytes(16, 0x0b), parts, cut));
        CPPUNIT_ASSERT_EQUAL(std::string("9294727a3638bb1c"), hex(cut));
        std::array<std::uint8_t, 17> too_long;
        CPPUNIT_ASSERT(hmac_md5(Bytes(16, 0x0b), parts, too_long).error().fault == Fault::CryptoFailure);
    }

    void hmac_takes_an_empty_key()
    {
        std::array<std::uint8_t, 16> mac;
        CPPUNIT_ASSERT(hmac_md5({}, {}, mac));
        CPPUNIT_ASSERT_EQUAL(std::string("74e6f7298a9c2d168935f58c001bad88"), hex(mac));
        CPPUNIT_ASSERT_EQUAL(std::string("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
                             hex(hmac_sha256({}, {}).value()));
    }

    void rc4_undoes_itself_over_any_parts()
    {
        const Bytes key = from_hex("0123456789abcdef0123456789abcdef");
        Bytes whole(50, 7);
        const ByteSpan one(whole);
        CPPUNIT_ASSERT(rc4_in_place(key, {&one, 1}));
        CPPUNIT_ASSERT(whole != Bytes(50, 7));
        for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
            Bytes octets = whole;
            const std::array<ByteSpan, 2> parts = {ByteSpan(octets).first(cut), ByteSpan(octets).subspan(cut)};
            CPPUNIT_ASSERT(rc4_in_place(key, parts));
            CPPUNIT_ASSERT(octets == Bytes(50, 7));
        }
    }

    void rc4_refuses_keys_of_another_length()
    {
        Bytes octets(4);
        const ByteSpan part(octets);
        CPPUNIT_ASSERT(rc4_in_place(Bytes(16), {&part, 1}));
        CPPUNIT_ASSERT(rc4_in_place(Bytes(15), {&part, 1}).error().fault == Fault::CryptoFailure);
        CPPUNIT_ASSERT(rc4_in_place(Bytes(17), {&part, 1}).error().fault == Fault::CryptoFailure);
    }

private:
    static void check_md5(std::string_view message, const std::string& expected)
    {
        CPPUNIT_ASSERT_EQUAL(expected, hex(md5(view_of(message))));
    }

    static void check_hmac(const Bytes& key, std::string_view message, const std::string& expected)
    {
        CPPUNIT_ASSERT_EQUAL(expected, hex(hmac_sha256(key, view_of(message)).value()));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DigestTest);

} // namespace apex::test
