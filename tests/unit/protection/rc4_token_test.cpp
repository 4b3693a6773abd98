// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "../crypto/scripted_confounder.h"
#include "../crypto/vector_file.h"
#include "iov_parts.h"
#include "token_changes.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>
#include <cstdlib>

namespace apex::test {
namespace {

constexpr EncryptionType rc4 = EncryptionType::rc4_hmac;

std::shared_ptr<const Key> key_in(const VectorRecord& vector)
{
    Result<Key> key = Key::from(rc4, Secret(vector.octets("key")));
    CPPUNIT_ASSERT(key);
    return std::make_shared<const Key>(std::move(*key));
}

/// One side of a context with the key and the number of a vector.
MessageProtection side(const VectorRecord& vector, Role role, Random& random)
{
    const std::uint64_t number = vector.has("seq") ? static_cast<std::uint64_t>(vector.number("seq")) : 0;
    return must_make(role, {key_in(vector), nullptr}, {.send_sequence = number, .receive = {.first = number}},
                     {.type = rc4}, random);
}

PairOptions rc4_options(bool dce_style = false)
{
    return {.type = rc4, .acceptor_subkey = false, .dce_style = dce_style};
}

} // namespace

class Rc4TokenTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(Rc4TokenTest);
    CPPUNIT_TEST(tokens_of_others_open);
    CPPUNIT_TEST(mic_tokens_are_made_to_the_same_octets);
    CPPUNIT_TEST(bad_padding_under_a_right_checksum_is_refused);
    CPPUNIT_TEST(the_example_of_windows_is_made_and_opened);
    CPPUNIT_TEST(messages_come_back_in_both_directions);
    CPPUNIT_TEST(tokens_keep_to_sizes_and_limits);
    CPPUNIT_TEST(every_truncation_is_refused);
    CPPUNIT_TEST(flipped_bits_are_refused_where_the_checksum_covers_them);
    CPPUNIT_TEST(reflected_tokens_are_refused);
    CPPUNIT_TEST(tokens_of_rfc_4121_are_refused);
    CPPUNIT_TEST(ordering_is_told);
    CPPUNIT_TEST(the_count_starts_again_after_32_bits);
    CPPUNIT_TEST(parts_come_back);
    CPPUNIT_TEST(parts_are_a_plain_token_unless_in_dce_style);
    CPPUNIT_TEST(parts_that_were_changed_are_refused_and_stay_as_they_are);
    CPPUNIT_TEST(padding_is_needed_and_trailers_are_not);
    CPPUNIT_TEST(streams_are_opened);
    CPPUNIT_TEST(a_newer_acceptor_subkey_means_newer_tokens);
    CPPUNIT_TEST_SUITE_END();

public:
    void tokens_of_others_open()
    {
        std::size_t count = 0;
        for (const VectorRecord& vector : read_vectors("protection_rc4.txt")) {
            SystemRandom random;
            MessageProtection receiver = side(vector, Role::acceptor, random);
            if (vector.text("kind") == "mic") {
                CPPUNIT_ASSERT_EQUAL(Ordering::InOrder,
                                     *receiver.verify(vector.octets("message"), vector.octets("token")));
                ++count;
            }
            if (vector.text("kind") == "wrap") {
                const Result<UnwrappedMessage> opened = receiver.unwrap(vector.octets("token"));
                CPPUNIT_ASSERT_EQUAL_MESSAGE(vector.text("name"), Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT_EQUAL(vector.text("message"), hex(opened->message.view()));
                CPPUNIT_ASSERT_EQUAL(vector.number("conf") == 1, opened->confidentiality == Confidentiality::sealed);
                CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
                ++count;
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, count);
    }

    void mic_tokens_are_made_to_the_same_octets()
    {
        for (const VectorRecord& vector : read_vectors("protection_rc4.txt")) {
            if (vector.text("kind") == "mic") {
                SystemRandom random;
                CPPUNIT_ASSERT_EQUAL(vector.text("token"),
                                     hex(*side(vector, Role::initiator, random).sign(vector.octets("message"))));
            }
        }
    }

    void bad_padding_under_a_right_checksum_is_refused()
    {
        for (const VectorRecord& vector : read_vectors("protection_rc4.txt")) {
            if (vector.text("kind") != "bad_padding") {
                continue;
            }
            SystemRandom random;
            MessageProtection receiver = side(vector, Role::acceptor, random);
            CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(receiver.unwrap(vector.octets("token"))));
            Parts stream;
            stream.add(Kind::stream, vector.octets("token"));
            stream.add(Kind::data);
            CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(receiver.unwrap_iov(stream.buffers())));
            CPPUNIT_ASSERT_EQUAL(vector.text("token"), hex(stream.all(Kind::stream)));
        }
    }

    /// The frame of Windows counts the signature only; ours counts the data too, as MIT's, except in DCE style.
    void the_example_of_windows_is_made_and_opened()
    {
        for (const VectorRecord& vector : read_vectors("protection_rc4.txt")) {
            if (vector.text("kind") != "parts") {
                continue;
            }
            ScriptedConfounder confounder(vector.octets("confounder"));
            MessageProtection sender = side(vector, Role::initiator, confounder);
            Parts parts;
            parts.add(Kind::header);
            parts.add(Kind::data, vector.octets("message"));
            parts.add(Kind::padding);
            parts.make_room(sender, Confidentiality::sealed);
            CPPUNIT_ASSERT(sender.wrap_iov(parts.buffers(), Confidentiality::sealed));
            Bytes sealed = parts.all(Kind::data);
            append(sealed, parts.all(Kind::padding));
            CPPUNIT_ASSERT_EQUAL(vector.text("sealed"), hex(sealed));
            Bytes header = vector.octets("signature");
            CPPUNIT_ASSERT_EQUAL(hex(ByteView(header).subspan(2)), hex(parts[0].octets().subspan(2)));
            std::copy(header.begin(), header.end(), parts[0].data);
            SystemRandom random;
            MessageProtection receiver = side(vector, Role::acceptor, random);
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(receiver.unwrap_iov(parts.buffers())));
            CPPUNIT_ASSERT_EQUAL(vector.text("message"), hex(parts.all(Kind::data)));
        }
    }

    void messages_come_back_in_both_directions()
    {
        ProtectionPair pair(rc4_options());
        for (std::size_t length = 0; length <= 300; ++length) {
            const Bytes message = pattern(length);
            for (const Confidentiality kind : both_kinds) {
                const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(wrapped(pair, message, kind));
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT(opened->confidentiality == kind && same(opened->message.view(), message));
                const Result<UnwrappedMessage> back = pair.initiator.unwrap(*pair.acceptor.wrap(message, kind));
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(back));
                CPPUNIT_ASSERT(same(back->message.view(), message));
            }
            CPPUNIT_ASSERT(pair.acceptor.verify(message, signed_by_initiator(pair, message)));
            CPPUNIT_ASSERT(pair.initiator.verify(message, *pair.acceptor.sign(message)));
        }
    }

    void tokens_keep_to_sizes_and_limits()
    {
        ProtectionPair pair(rc4_options());
        CPPUNIT_ASSERT_EQUAL(std::size_t{37}, pair.initiator.mic_size());
        for (std::size_t output = 0; output < 700; ++output) {
            const std::size_t limit = pair.initiator.size_limit(Confidentiality::sealed, output);
            if (limit > 0) {
                CPPUNIT_ASSERT(wrapped(pair, pattern(limit), Confidentiality::sealed).size() <= output);
                CPPUNIT_ASSERT(wrapped(pair, pattern(limit + 1), Confidentiality::sealed).size() > output);
            }
        }
        CPPUNIT_ASSERT_EQUAL(Fault::MessageTooLong,
                             fault_of(pair.initiator.wrapped_size(SIZE_MAX - 40, Confidentiality::sealed)));
    }

    void every_truncation_is_refused()
    {
        ProtectionPair pair(rc4_options());
        const Bytes message = pattern(20);
        for (const Confidentiality kind : both_kinds) {
            const Bytes token = wrapped(pair, message, kind);
            for (std::size_t length = 0; length < token.size(); ++length) {
                const ByteView cut = ByteView(token).first(length);
                CPPUNIT_ASSERT(!open_fresh(pair, rc4_options(), cut));
                // Without its frame it is cut too.
                CPPUNIT_ASSERT(!open_fresh(pair, rc4_options(), cut.subspan(std::min<std::size_t>(13, length))));
            }
        }
        const Bytes mic = signed_by_initiator(pair, message);
        for (std::size_t length = 0; length < mic.size(); ++length) {
            CPPUNIT_ASSERT(!pair.acceptor.verify(message, ByteView(mic).first(length)));
        }
    }

    /// RFC 1964 does not cover the sequence number of what is not sealed: that is the weakness of these tokens.
    void flipped_bits_are_refused_where_the_checksum_covers_them()
    {
        ProtectionPair pair(rc4_options());
        const Bytes message = pattern(20);
        const auto is_number = [](std::size_t octet) { return octet >= 21 && octet < 25; };
        for (const Confidentiality kind : both_kinds) {
            const bool sealed = kind == Confidentiality::sealed;
            flip_every_bit(wrapped(pair, message, kind), [&](const Bytes& changed, std::size_t octet) {
                CPPUNIT_ASSERT_EQUAL(!sealed && is_number(octet),
                                     open_fresh(pair, rc4_options(), changed).has_value());
            });
        }
        flip_every_bit(signed_by_initiator(pair, message), [&](const Bytes& changed, std::size_t octet) {
            CPPUNIT_ASSERT_EQUAL(is_number(octet),
                                 fresh_acceptor(pair, rc4_options()).verify(message, changed).has_value());
        });
    }

    void reflected_tokens_are_refused()
    {
        ProtectionPair pair(rc4_options());
        const Bytes message = pattern(20);
        for (const Confidentiality kind : both_kinds) {
            CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection, fault_of(pair.initiator.unwrap(wrapped(pair, message, kind))));
        }
        CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection,
                             fault_of(pair.initiator.verify(message, signed_by_initiator(pair, message))));
    }

    void tokens_of_rfc_4121_are_refused()
    {
        ProtectionPair newer({.acceptor_subkey = false});
        ProtectionPair pair(rc4_options());
        const Bytes message = pattern(20);
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.unwrap(wrapped(newer, message, Confidentiality::sealed))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify(message, signed_by_initiator(newer, message))));
        // Nor is one kind of token taken for the other.
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.unwrap(signed_by_initiator(pair, message))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                             fault_of(pair.acceptor.verify(message, wrapped(pair, message, Confidentiality::sealed))));
    }

    void ordering_is_told()
    {
        ProtectionPair pair(rc4_options());
        const Bytes message = pattern(8);
        const Bytes first = wrapped(pair, message, Confidentiality::sealed);
        const Bytes second = signed_by_initiator(pair, message);
        CPPUNIT_ASSERT_EQUAL(Ordering::Gap, *pair.acceptor.verify(message, second));
        CPPUNIT_ASSERT_EQUAL(Ordering::Unsequenced, pair.acceptor.unwrap(first)->ordering);
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, pair.acceptor.unwrap(first)->ordering);
    }

    void the_count_starts_again_after_32_bits()
    {
        PairOptions options = rc4_options();
        options.initiator_sequence = 0xffffffff;
        ProtectionPair pair(options);
        const Bytes message = pattern(8);
        for (int step = 0; step < 3; ++step) {
            const Result<UnwrappedMessage> opened =
                pair.acceptor.unwrap(wrapped(pair, message, Confidentiality::sealed));
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
        }
    }

    void parts_come_back()
    {
        for (const bool dce : {false, true}) {
            ProtectionPair pair(rc4_options(dce));
            for (const Confidentiality kind : both_kinds) {
                for (const bool trailer : {false, true}) {
                    Parts parts = wrapped_around(pair.initiator, kind, trailer);
                    CPPUNIT_ASSERT_EQUAL(dce ? std::size_t{0} : std::size_t{1}, parts[4].length);
                    const Result<Unwrapped> opened = pair.acceptor.unwrap_iov(parts.buffers());
                    CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                    CPPUNIT_ASSERT(opened->confidentiality == kind);
                    CPPUNIT_ASSERT_EQUAL(hex(pattern(40)), hex(parts.all(Kind::data)));
                    CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
                }
            }
        }
    }

    void parts_are_a_plain_token_unless_in_dce_style()
    {
        ProtectionPair pair(rc4_options());
        for (const std::size_t length : {10U, 90U, 300U}) {
            Parts parts;
            parts.add(Kind::header);
            parts.add(Kind::data, pattern(length));
            parts.add(Kind::padding);
            parts.make_room(pair.initiator, Confidentiality::sealed);
            CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
            const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(parts.contents());
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT_EQUAL(hex(pattern(length)), hex(opened->message.view()));
        }
        ProtectionPair dce(rc4_options(true));
        Parts parts = wrapped_around(dce.initiator, Confidentiality::sealed, false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{45}, parts[0].length);
        CPPUNIT_ASSERT_EQUAL(43, static_cast<int>(parts[0].data[1]));
    }

    void parts_that_were_changed_are_refused_and_stay_as_they_are()
    {
        for (const bool dce : {false, true}) {
            const PairOptions options = rc4_options(dce);
            ProtectionPair pair(options);
            Parts parts = wrapped_around(pair.initiator, Confidentiality::sealed, false);
            for (const IovBuffer& buffer : parts.buffers()) {
                for (std::size_t bit = 0; bit < buffer.length * 8; ++bit) {
                    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
                    buffer.data[bit / 8] ^= mask;
                    const Bytes before = parts.contents();
                    CPPUNIT_ASSERT(!fresh_acceptor(pair, options).unwrap_iov(parts.buffers()));
                    CPPUNIT_ASSERT(before == parts.contents());
                    buffer.data[bit / 8] ^= mask;
                }
            }
            CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
        }
    }

    void padding_is_needed_and_trailers_are_not()
    {
        ProtectionPair pair(rc4_options());
        Parts parts;
        parts.add(Kind::header, Bytes(60));
        parts.add(Kind::data, pattern(10));
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers,
                             fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
        parts.add(Kind::padding, Bytes(1));
        parts.add(Kind::trailer, Bytes(5));
        CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, parts[3].length);
        parts[3].length = 1;
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
        parts[3].length = 0;
        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
    }

    void streams_are_opened()
    {
        ProtectionPair pair(rc4_options());
        for (const Confidentiality kind : both_kinds) {
            for (const bool allocate : {false, true}) {
                Parts parts;
                parts.add(Kind::stream, wrapped(pair, pattern(33), kind));
                parts.add(Kind::data);
                parts[1].allocate = allocate;
                const Result<Unwrapped> opened = pair.acceptor.unwrap_iov(parts.buffers());
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT_EQUAL(std::size_t{33}, opened->length);
                CPPUNIT_ASSERT_EQUAL(hex(pattern(33)), hex(parts.all(Kind::data)));
                if (allocate) {
                    std::free(parts[1].data);
                }
            }
        }
    }

    void a_newer_acceptor_subkey_means_newer_tokens()
    {
        SystemRandom random;
        const ProtectionKeys keys{key_of(rc4, 3), key_of(EncryptionType::aes128_cts_hmac_sha1_96, 3)};
        const PairOptions options;
        MessageProtection initiator = must_make(Role::initiator, keys, {}, options, random);
        MessageProtection acceptor = must_make(Role::acceptor, keys, {}, options, random);
        const Bytes message = pattern(10);
        Bytes token = *initiator.wrap(message, Confidentiality::sealed);
        CPPUNIT_ASSERT_EQUAL(std::string("050406ff"), hex(ByteView(token).first(4)));
        CPPUNIT_ASSERT(acceptor.unwrap(token));
        // Without the flag the key would be the one of RC4.
        MessageProtection fresh = must_make(Role::acceptor, keys, {}, options, random);
        token[2] ^= 4;
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(fresh.unwrap(token)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Rc4TokenTest);

} // namespace apex::test
