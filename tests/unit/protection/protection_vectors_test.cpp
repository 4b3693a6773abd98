// SPDX-License-Identifier: MIT

// Tokens of MIT, gokrb5 and Windows.
#include "apex/protection/message_protection.h"

#include "../crypto/scripted_confounder.h"
#include "../crypto/vector_file.h"
#include "protection_pair.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex::test {
namespace {

constexpr std::uint8_t by_acceptor = 1;
constexpr std::uint8_t by_acceptor_subkey = 4;

std::shared_ptr<const Key> key_in(const VectorRecord& vector)
{
    Result<Key> key = Key::from(static_cast<EncryptionType>(vector.number("etype")), Secret(vector.octets("key")));
    CPPUNIT_ASSERT(key);
    return std::make_shared<const Key>(std::move(*key));
}

/// The side that sent the token of a vector, or the side that received it.
MessageProtection side(const VectorRecord& vector, bool sender, unsigned flags, bool dce_style, Random& random)
{
    const bool acceptor = ((flags & by_acceptor) != 0) == sender;
    ProtectionKeys keys{key_in(vector), nullptr};
    if ((flags & by_acceptor_subkey) != 0) {
        keys.acceptor_subkey = std::exchange(keys.own, key_of(EncryptionType::aes128_cts_hmac_sha1_96, 1));
    }
    const auto number = static_cast<std::uint64_t>(vector.number("seq"));
    return must_make(acceptor ? Role::acceptor : Role::initiator, keys,
                     {.send_sequence = number, .receive = {.first = number}}, {.dce_style = dce_style}, random);
}

} // namespace

class ProtectionVectorsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProtectionVectorsTest);
    CPPUNIT_TEST(mic_tokens_verify_and_are_made_again_to_the_same_octets);
    CPPUNIT_TEST(wrap_tokens_open_and_are_made_again_to_the_same_octets);
    CPPUNIT_TEST(messages_of_windows_in_dce_style_open);
    CPPUNIT_TEST_SUITE_END();

public:
    void mic_tokens_verify_and_are_made_again_to_the_same_octets()
    {
        std::size_t count = 0;
        for (const VectorRecord& vector : read_vectors("protection_tokens.txt")) {
            if (vector.text("kind") != "mic") {
                continue;
            }
            SystemRandom random;
            const auto flags = static_cast<unsigned>(vector.number("flags"));
            MessageProtection receiver = side(vector, false, flags, false, random);
            const Result<Ordering> verified = receiver.verify(vector.octets("message"), vector.octets("token"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), Fault::Count_, fault_of(verified));
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *verified);
            MessageProtection sender = side(vector, true, flags, false, random);
            const Result<Bytes> made = sender.sign(vector.octets("message"));
            CPPUNIT_ASSERT(made);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("token"), hex(*made));
            ++count;
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{6}, count);
    }

    void wrap_tokens_open_and_are_made_again_to_the_same_octets()
    {
        std::size_t count = 0;
        for (const VectorRecord& vector : read_vectors("protection_tokens.txt")) {
            if (vector.text("kind") != "wrap") {
                continue;
            }
            SystemRandom random;
            const auto flags = static_cast<unsigned>(vector.number("flags"));
            MessageProtection receiver = side(vector, false, flags, false, random);
            const Result<UnwrappedMessage> opened = receiver.unwrap(vector.octets("token"));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT_EQUAL(vector.text("message"), hex(opened->message.view()));
            const bool sealed = vector.has("confounder");
            CPPUNIT_ASSERT(opened->confidentiality == (sealed ? Confidentiality::sealed : Confidentiality::signed_only));
            ScriptedConfounder confounder(sealed ? vector.octets("confounder") : Bytes());
            MessageProtection sender = side(vector, true, flags, false, confounder);
            const Result<Bytes> made = sender.wrap(vector.octets("message"), opened->confidentiality);
            CPPUNIT_ASSERT(made);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), vector.text("token"), hex(*made));
            ++count;
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, count);
    }

    void messages_of_windows_in_dce_style_open()
    {
        for (const VectorRecord& vector : read_vectors("protection_dce.txt")) {
            SystemRandom random;
            Bytes before = vector.octets("before");
            Bytes stub = vector.octets("wire");
            Bytes after = vector.octets("after");
            Bytes signature = vector.octets("signature");
            MessageProtection receiver = side(vector, false, signature[2], true, random);
            IovBuffer buffers[] = {{IovBuffer::Kind::sign_only, before.data(), before.size()},
                                   {IovBuffer::Kind::data, stub.data(), stub.size()},
                                   {IovBuffer::Kind::sign_only, after.data(), after.size()},
                                   {IovBuffer::Kind::header, signature.data(), signature.size()}};
            const Result<Unwrapped> opened = receiver.unwrap_iov(buffers);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT(opened->confidentiality == Confidentiality::sealed);
            CPPUNIT_ASSERT_EQUAL(stub.size(), opened->length);
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
            CPPUNIT_ASSERT_EQUAL(vector.text("plain"), hex(stub));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProtectionVectorsTest);

} // namespace apex::test
