// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "../crypto/vector_file.h"
#include "token_changes.h"

#include <cppunit/extensions/HelperMacros.h>
#include <stdexcept>

namespace apex::test {
namespace {

constexpr EncryptionType rc4 = EncryptionType::rc4_hmac;

/// One side of a context with the key and the number of a vector.
MessageProtection side(const VectorRecord& vector, Role role, Random& random)
{
    Result<Key> key = Key::from(rc4, Secret(vector.octets("key")));
    CPPUNIT_ASSERT(key);
    const auto number = static_cast<std::uint64_t>(vector.number("seq"));
    return must_make(role, {std::make_shared<const Key>(std::move(*key)), nullptr},
                     {.send_sequence = number, .receive = {.first = number}}, {.type = rc4}, random);
}

} // namespace

/// Tokens by which the peer ends a context (RFC 1964 1.2.3, gss_process_context_token).
class Rc4DeletionTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(Rc4DeletionTest);
    CPPUNIT_TEST(deletion_tokens_are_verified);
    CPPUNIT_TEST(deletion_tokens_are_no_other_tokens);
    CPPUNIT_TEST(there_are_no_deletion_tokens_in_rfc_4121);
    CPPUNIT_TEST_SUITE_END();

public:
    void deletion_tokens_are_verified()
    {
        const VectorRecord vector = deletion_vector();
        const Bytes token = vector.octets("token");
        SystemRandom random;
        CPPUNIT_ASSERT(side(vector, Role::acceptor, random).verify_deletion(token));
        CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection,
                             fault_of(side(vector, Role::initiator, random).verify_deletion(token)));
        for (std::size_t length = 0; length < token.size(); ++length) {
            CPPUNIT_ASSERT(!side(vector, Role::acceptor, random).verify_deletion(ByteView(token).first(length)));
        }
        flip_every_bit(token, [&](const Bytes& changed, std::size_t octet) {
            const bool number = octet >= 21 && octet < 25; // what RFC 1964 leaves uncovered
            CPPUNIT_ASSERT_EQUAL(number, side(vector, Role::acceptor, random).verify_deletion(changed).has_value());
        });
    }

    void deletion_tokens_are_no_other_tokens()
    {
        const VectorRecord vector = deletion_vector();
        const Bytes token = vector.octets("token");
        SystemRandom random;
        MessageProtection acceptor = side(vector, Role::acceptor, random);
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(acceptor.verify(ByteView(), token)));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(acceptor.unwrap(token)));
        ProtectionPair pair({.type = rc4, .acceptor_subkey = false});
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify_deletion(signed_by_initiator(pair, {}))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify_deletion(wrapped(pair, {}, Confidentiality::signed_only))));
    }

    void there_are_no_deletion_tokens_in_rfc_4121()
    {
        ProtectionPair pair;
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify_deletion(deletion_vector().octets("token"))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify_deletion(signed_by_initiator(pair, {}))));
    }

private:
    static VectorRecord deletion_vector()
    {
        for (const VectorRecord& vector : read_vectors("protection_rc4.txt")) {
            if (vector.text("kind") == "deletion") {
                return vector;
            }
        }
        throw std::runtime_error("protection_rc4.txt has no deletion token");
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Rc4DeletionTest);

} // namespace apex::test
