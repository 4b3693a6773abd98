// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "iov_parts.h"
#include "token_changes.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdlib>

namespace apex::test {

class MessageIovOpeningTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageIovOpeningTest);
    CPPUNIT_TEST(every_flipped_bit_of_the_parts_is_refused_and_nothing_changes);
    CPPUNIT_TEST(a_header_that_differs_from_its_sealed_copy_changes_nothing);
    CPPUNIT_TEST(every_truncation_of_header_and_trailer_is_refused);
    CPPUNIT_TEST(rotations_that_do_not_fit_the_layout_are_refused);
    CPPUNIT_TEST(padding_is_refused_on_receipt);
    CPPUNIT_TEST(streams_of_every_rotation_are_opened_in_place);
    CPPUNIT_TEST(streams_are_opened_into_octets_of_their_own);
    CPPUNIT_TEST(streams_with_signed_parts_are_opened);
    CPPUNIT_TEST(a_refused_stream_is_left_as_it_came);
    CPPUNIT_TEST(streams_have_one_data_buffer_and_no_dce_style);
    CPPUNIT_TEST(mic_tokens_over_parts_are_those_over_the_whole);
    CPPUNIT_TEST(mic_tokens_over_parts_keep_their_order);
    CPPUNIT_TEST(a_failed_call_leaves_nothing_allocated);
    CPPUNIT_TEST_SUITE_END();

public:
    /// The parts of a message all lie in one run here, so that a bit of any of them can be flipped.
    void every_flipped_bit_of_the_parts_is_refused_and_nothing_changes()
    {
        for (const EncryptionType type : message_types) {
            for (const bool dce : {false, true}) {
                const PairOptions options{.type = type, .dce_style = dce};
                ProtectionPair pair(options);
                for (const Confidentiality kind : both_kinds) {
                    for (const bool trailer : {false, true}) {
                        Parts parts = wrapped_around(pair.initiator, kind, trailer);
                        for (const IovBuffer& buffer : parts.buffers()) {
                            for (std::size_t bit = 0; bit < buffer.length * 8; bit += 3) {
                                const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
                                buffer.data[bit / 8] ^= mask;
                                const Bytes before = parts.contents();
                                MessageProtection receiver = fresh_acceptor(pair, options);
                                CPPUNIT_ASSERT(!receiver.unwrap_iov(parts.buffers()));
                                CPPUNIT_ASSERT(before == parts.contents());
                                buffer.data[bit / 8] ^= mask;
                            }
                        }
                        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
                    }
                }
            }
        }
    }

    /// Here the MAC is right, so the message has been decrypted when the difference is seen (INVARIANTS P7).
    void a_header_that_differs_from_its_sealed_copy_changes_nothing()
    {
        for (const EncryptionType type : message_types) {
            const PairOptions options{.type = type};
            ProtectionPair pair(options);
            for (const bool trailer : {false, true}) {
                Parts parts = wrapped_around(pair.initiator, Confidentiality::sealed, trailer);
                parts[0].data[15] ^= 1;
                const Bytes before = parts.contents();
                CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
                CPPUNIT_ASSERT_EQUAL(hex(before), hex(parts.contents()));
                parts[0].data[15] ^= 1;
                CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
            }
        }
    }

    void every_truncation_of_header_and_trailer_is_refused()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            for (const bool trailer : {false, true}) {
                Parts parts = wrapped_around(pair.initiator, kind, trailer);
                for (const std::size_t which : {std::size_t{0}, parts.buffers().size() - 1}) {
                    const std::size_t whole = parts[which].length;
                    for (std::size_t length = 0; length < whole; ++length) {
                        parts[which].length = length;
                        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                                             fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
                    }
                    parts[which].length = whole;
                }
                CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
            }
        }
    }

    void rotations_that_do_not_fit_the_layout_are_refused()
    {
        for (const bool dce : {false, true}) {
            ProtectionPair pair({.dce_style = dce});
            for (const Confidentiality kind : both_kinds) {
                for (const bool trailer : {false, true}) {
                    Parts parts = wrapped_around(pair.initiator, kind, trailer);
                    const std::uint8_t right = parts[0].data[7];
                    for (unsigned count = 0; count < 256; ++count) {
                        parts[0].data[7] = static_cast<std::uint8_t>(count);
                        if (count != right) {
                            CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken,
                                                 fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
                        }
                    }
                    parts[0].data[7] = right;
                    CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
                }
            }
        }
    }

    void padding_is_refused_on_receipt()
    {
        ProtectionPair pair;
        Parts parts = wrapped_around(pair.initiator, Confidentiality::sealed, true);
        Bytes padding(1);
        parts[4].data = padding.data();
        parts[4].length = 1;
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
        parts[4].length = 0;
        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
    }

    void streams_of_every_rotation_are_opened_in_place()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        for (const Confidentiality kind : both_kinds) {
            const Bytes token = wrapped(pair, pattern(21), kind);
            for (std::size_t count = 0; count <= 0xffff; count += count < 100 ? 1 : 991) {
                Parts parts;
                parts.add(Kind::stream, rotated(token, count));
                parts.add(Kind::data);
                const Result<Unwrapped> opened = fresh_acceptor(pair, options).unwrap_iov(parts.buffers());
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT(opened->confidentiality == kind);
                CPPUNIT_ASSERT_EQUAL(hex(pattern(21)), hex(parts.all(Kind::data)));
                const std::size_t front = kind == Confidentiality::sealed ? 32 : 16;
                CPPUNIT_ASSERT_EQUAL(parts[0].data + front, parts[1].data);
                CPPUNIT_ASSERT_EQUAL(std::string("0000"), hex(parts[0].octets().subspan(6, 2)));
            }
        }
    }

    void streams_are_opened_into_octets_of_their_own()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        for (const Confidentiality kind : both_kinds) {
            for (const std::size_t length : {0U, 21U}) {
                const Bytes token = rotated(wrapped(pair, pattern(length), kind), 28);
                Parts parts;
                parts.add(Kind::stream, token);
                parts.add(Kind::data);
                parts[1].allocate = true;
                CPPUNIT_ASSERT(fresh_acceptor(pair, options).unwrap_iov(parts.buffers()));
                CPPUNIT_ASSERT(parts[1].allocated);
                CPPUNIT_ASSERT_EQUAL(hex(pattern(length)), hex(parts.all(Kind::data)));
                CPPUNIT_ASSERT(token == parts.all(Kind::stream));
                std::free(parts[1].data);
            }
        }
    }

    void streams_with_signed_parts_are_opened()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            for (const bool allocate : {false, true}) {
                Parts sent = wrapped_around(pair.initiator, kind, true);
                Bytes token = sent.all(Kind::header);
                append(token, sent.all(Kind::data));
                append(token, sent.all(Kind::trailer));
                Parts parts;
                parts.add(Kind::stream, token);
                parts.add(Kind::sign_only, pattern(7));
                parts.add(Kind::data);
                parts.add(Kind::sign_only, pattern(3));
                parts[2].allocate = allocate;
                parts[1].data[0] ^= 1;
                CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
                parts[1].data[0] ^= 1;
                CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
                CPPUNIT_ASSERT_EQUAL(hex(pattern(40)), hex(parts.all(Kind::data)));
                if (allocate) {
                    std::free(parts[2].data);
                }
            }
        }
    }

    void a_refused_stream_is_left_as_it_came()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        for (const Confidentiality kind : both_kinds) {
            for (const std::size_t count : {0U, 12U, 28U, 40U}) {
                const Bytes token = rotated(wrapped(pair, pattern(21), kind), count);
                flip_every_bit(token, [&](const Bytes& changed, std::size_t octet) {
                    Parts parts;
                    parts.add(Kind::stream, changed);
                    parts.add(Kind::data);
                    const bool opened = fresh_acceptor(pair, options).unwrap_iov(parts.buffers()).has_value();
                    CPPUNIT_ASSERT(!opened || octet == 6 || octet == 7);
                    CPPUNIT_ASSERT(opened || changed == parts.all(Kind::stream));
                    CPPUNIT_ASSERT(opened || parts[1].length == 0);
                });
            }
        }
    }

    void streams_have_one_data_buffer_and_no_dce_style()
    {
        ProtectionPair pair;
        const Bytes token = wrapped(pair, pattern(21), Confidentiality::sealed);
        for (const std::size_t count : {0U, 2U, 1U}) {
            Parts parts;
            parts.add(Kind::stream, token);
            for (std::size_t added = 0; added < count; ++added) {
                parts.add(Kind::data);
            }
            CPPUNIT_ASSERT_EQUAL(count == 1 ? Fault::Count_ : Fault::BadBuffers,
                                 fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
        }
        for (const Kind kind : {Kind::header, Kind::trailer, Kind::padding, Kind::mic_token, Kind::stream}) {
            Parts parts;
            parts.add(Kind::stream, token);
            parts.add(Kind::data);
            parts.add(kind, Bytes(16));
            CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
        }
        ProtectionPair dce({.dce_style = true});
        Parts parts;
        parts.add(Kind::stream, wrapped(dce, pattern(21), Confidentiality::sealed));
        parts.add(Kind::data);
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(dce.acceptor.unwrap_iov(parts.buffers())));
    }

    void mic_tokens_over_parts_are_those_over_the_whole()
    {
        ProtectionPair pair;
        Bytes whole = pattern(7);
        append(whole, pattern(40));
        Parts parts;
        parts.add(Kind::sign_only, pattern(7));
        parts.add(Kind::mic_token);
        parts.add(Kind::data, pattern(40));
        CPPUNIT_ASSERT(pair.initiator.sign_iov_length(parts.buffers()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{28}, parts[1].length);
        Bytes token(28);
        parts[1].data = token.data();
        CPPUNIT_ASSERT(pair.initiator.sign_iov(parts.buffers()));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *pair.acceptor.verify(whole, token));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, *pair.acceptor.verify_iov(parts.buffers()));
        parts[1].length = 27;
        CPPUNIT_ASSERT_EQUAL(Fault::BufferTooSmall, fault_of(pair.initiator.sign_iov(parts.buffers())));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.verify_iov(parts.buffers())));
        parts[1].kind = Kind::empty;
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.initiator.sign_iov(parts.buffers())));
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.initiator.sign_iov_length(parts.buffers())));
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.acceptor.verify_iov(parts.buffers())));
    }

    void mic_tokens_over_parts_keep_their_order()
    {
        ProtectionPair pair;
        Parts parts;
        parts.add(Kind::mic_token);
        parts.add(Kind::data, pattern(4));
        parts.add(Kind::sign_only, pattern(5));
        parts[0].allocate = true;
        CPPUNIT_ASSERT(pair.initiator.sign_iov(parts.buffers()));
        CPPUNIT_ASSERT(parts[0].allocated);
        CPPUNIT_ASSERT(pair.acceptor.verify_iov(parts.buffers()));
        std::swap(parts[1], parts[2]);
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.verify_iov(parts.buffers())));
        std::free(parts[0].data);
    }

    void a_failed_call_leaves_nothing_allocated()
    {
        ProtectionPair pair({.initiator_sequence = UINT64_MAX});
        CPPUNIT_ASSERT(pair.initiator.sign(pattern(1)));
        Parts parts = signed_around(true);
        parts[0].allocate = true;
        parts[5].allocate = true;
        for (const Confidentiality kind : both_kinds) {
            CPPUNIT_ASSERT_EQUAL(Fault::SequenceExhausted, fault_of(pair.initiator.wrap_iov(parts.buffers(), kind)));
            CPPUNIT_ASSERT(!parts[0].allocated && !parts[5].allocated);
            CPPUNIT_ASSERT(parts[0].length == 0 && parts.all(Kind::data) == pattern(40));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageIovOpeningTest);

} // namespace apex::test
