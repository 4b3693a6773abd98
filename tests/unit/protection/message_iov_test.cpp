// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "iov_parts.h"
#include "token_changes.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdlib>

namespace apex::test {

class MessageIovTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageIovTest);
    CPPUNIT_TEST(parts_come_back_in_every_layout);
    CPPUNIT_TEST(parts_of_a_plain_message_are_a_plain_token);
    CPPUNIT_TEST(every_split_of_a_message_is_the_same_message);
    CPPUNIT_TEST(without_a_trailer_the_header_is_a_rotated_token);
    CPPUNIT_TEST(dce_style_fills_one_block_and_rotates_without_it);
    CPPUNIT_TEST(without_data_nothing_is_sealed);
    CPPUNIT_TEST(buffers_are_allocated_on_request);
    CPPUNIT_TEST(larger_buffers_are_cut_to_size);
    CPPUNIT_TEST(buffers_that_are_too_small_are_refused_and_left_alone);
    CPPUNIT_TEST(a_missing_or_second_header_is_refused);
    CPPUNIT_TEST(a_second_trailer_counts_as_none);
    CPPUNIT_TEST(kinds_that_a_call_does_not_take_are_refused);
    CPPUNIT_TEST(overlapping_buffers_are_refused);
    CPPUNIT_TEST(lengths_without_octets_and_lengths_that_overflow_are_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void parts_come_back_in_every_layout()
    {
        for (const EncryptionType type : message_types) {
            for (const bool dce : {false, true}) {
                ProtectionPair pair({.type = type, .dce_style = dce});
                for (const Confidentiality kind : both_kinds) {
                    for (const bool trailer : {false, true}) {
                        Parts parts = wrapped_around(pair.initiator, kind, trailer);
                        CPPUNIT_ASSERT_EQUAL(kind == Confidentiality::sealed, parts.all(Kind::data) != pattern(40));
                        const Result<Unwrapped> opened = pair.acceptor.unwrap_iov(parts.buffers());
                        CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                        CPPUNIT_ASSERT(opened->confidentiality == kind);
                        CPPUNIT_ASSERT_EQUAL(std::size_t{40}, opened->length);
                        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
                        CPPUNIT_ASSERT_EQUAL(hex(pattern(40)), hex(parts.all(Kind::data)));
                    }
                }
            }
        }
    }

    void parts_of_a_plain_message_are_a_plain_token()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            Parts parts;
            parts.add(Kind::header);
            parts.add(Kind::data, pattern(13));
            parts.add(Kind::data, pattern(30));
            parts.add(Kind::padding);
            parts.add(Kind::trailer);
            parts.make_room(pair.initiator, kind);
            CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), kind));
            const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(parts.contents());
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
            Bytes message = pattern(13);
            append(message, pattern(30));
            CPPUNIT_ASSERT_EQUAL(hex(message), hex(opened->message.view()));
        }
    }

    void every_split_of_a_message_is_the_same_message()
    {
        const Bytes message = pattern(50);
        for (const EncryptionType type : message_types) {
            const PairOptions options{.type = type};
            ProtectionPair pair(options);
            for (const Confidentiality kind : both_kinds) {
                const Bytes token = wrapped(pair, message, kind);
                const std::size_t front = kind == Confidentiality::sealed ? 32 : 16;
                for (std::size_t first = 0; first <= message.size(); ++first) {
                    for (std::size_t second = first; second <= message.size(); second += 7) {
                        Parts parts;
                        parts.add(Kind::header, bytes_of(ByteView(token).first(front)));
                        parts.add(Kind::data, bytes_of(ByteView(token).subspan(front, first)));
                        parts.add(Kind::data, bytes_of(ByteView(token).subspan(front + first, second - first)));
                        parts.add(Kind::empty);
                        parts.add(Kind::data, bytes_of(ByteView(token).subspan(front + second, message.size() - second)));
                        parts.add(Kind::trailer, bytes_of(ByteView(token).subspan(front + message.size())));
                        CPPUNIT_ASSERT(fresh_acceptor(pair, options).unwrap_iov(parts.buffers()));
                        CPPUNIT_ASSERT(same(parts.all(Kind::data), message));
                    }
                }
            }
        }
    }

    void without_a_trailer_the_header_is_a_rotated_token()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            Parts parts;
            parts.add(Kind::header);
            parts.add(Kind::data, pattern(24));
            parts.make_room(pair.initiator, kind);
            CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), kind));
            const Bytes token = parts.contents();
            CPPUNIT_ASSERT_EQUAL(kind == Confidentiality::sealed ? 28 : 12, static_cast<int>(token[7]));
            const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(token);
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT_EQUAL(hex(pattern(24)), hex(opened->message.view()));
        }
    }

    void dce_style_fills_one_block_and_rotates_without_it()
    {
        ProtectionPair pair({.dce_style = true});
        Parts parts = wrapped_around(pair.initiator, Confidentiality::sealed, false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{76}, parts[0].length);
        CPPUNIT_ASSERT_EQUAL(std::string("050406ff0010001c"), hex(parts[0].octets().first(8)));
        // A plain message has no filler, in this style too.
        const Bytes token = wrapped(pair, pattern(5), Confidentiality::sealed);
        CPPUNIT_ASSERT_EQUAL(std::string("050406ff00000000"), hex(ByteView(token).first(8)));
        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
        CPPUNIT_ASSERT(pair.acceptor.unwrap(token));
    }

    void without_data_nothing_is_sealed()
    {
        ProtectionPair pair;
        Parts parts;
        parts.add(Kind::header);
        parts.add(Kind::sign_only, pattern(9));
        CPPUNIT_ASSERT(*pair.initiator.wrap_iov_length(parts.buffers(), Confidentiality::sealed) ==
                       Confidentiality::signed_only);
        parts.make_room(pair.initiator, Confidentiality::sealed);
        CPPUNIT_ASSERT(*pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed) ==
                       Confidentiality::signed_only);
        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers())->confidentiality == Confidentiality::signed_only);
        // An empty data buffer is one.
        Parts empty;
        empty.add(Kind::header);
        empty.add(Kind::data);
        CPPUNIT_ASSERT(*pair.initiator.wrap_iov_length(empty.buffers(), Confidentiality::sealed) ==
                       Confidentiality::sealed);
    }

    void buffers_are_allocated_on_request()
    {
        ProtectionPair pair;
        Parts parts = signed_around(true);
        for (const std::size_t index : {0U, 4U, 5U}) {
            // What they hold before means nothing.
            parts[index] = {.kind = parts[index].kind, .data = nullptr, .length = 99, .allocate = true};
        }
        CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
        CPPUNIT_ASSERT(parts[0].allocated && parts[5].allocated && !parts[4].allocated);
        CPPUNIT_ASSERT_EQUAL(std::size_t{32}, parts[0].length);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, parts[4].length);
        CPPUNIT_ASSERT_EQUAL(std::size_t{28}, parts[5].length);
        CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
        std::free(parts[0].data);
        std::free(parts[5].data);
    }

    void larger_buffers_are_cut_to_size()
    {
        ProtectionPair pair;
        Parts parts;
        parts.add(Kind::header, Bytes(100));
        parts.add(Kind::data, pattern(10));
        parts.add(Kind::trailer, Bytes(100));
        CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
        CPPUNIT_ASSERT_EQUAL(std::size_t{32}, parts[0].length);
        CPPUNIT_ASSERT_EQUAL(std::size_t{28}, parts[2].length);
        CPPUNIT_ASSERT(pair.acceptor.unwrap(parts.contents()));
    }

    void buffers_that_are_too_small_are_refused_and_left_alone()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            for (const std::size_t which : {0U, 5U}) {
                Parts parts = signed_around(true);
                parts.make_room(pair.initiator, kind);
                --parts[which].length;
                const Bytes before = parts.contents();
                CPPUNIT_ASSERT_EQUAL(Fault::BufferTooSmall, fault_of(pair.initiator.wrap_iov(parts.buffers(), kind)));
                CPPUNIT_ASSERT(before == parts.contents());
                ++parts[which].length;
                CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), kind));
            }
        }
    }

    void a_missing_or_second_header_is_refused()
    {
        ProtectionPair pair;
        for (const std::size_t count : {0U, 1U, 2U}) {
            Parts parts;
            parts.add(Kind::data, pattern(10));
            for (std::size_t added = 0; added < count; ++added) {
                parts.add(Kind::header, Bytes(60));
            }
            const Fault expected = count == 1 ? Fault::Count_ : Fault::BadBuffers;
            CPPUNIT_ASSERT_EQUAL(expected, fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
            CPPUNIT_ASSERT_EQUAL(expected, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
            CPPUNIT_ASSERT_EQUAL(expected,
                                 fault_of(pair.initiator.wrap_iov_length(parts.buffers(), Confidentiality::sealed)));
        }
    }

    void a_second_trailer_counts_as_none()
    {
        ProtectionPair pair;
        Parts parts;
        parts.add(Kind::header, Bytes(60));
        parts.add(Kind::data, pattern(10));
        parts.add(Kind::trailer, Bytes(28));
        parts.add(Kind::trailer, Bytes(28));
        CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
        CPPUNIT_ASSERT_EQUAL(std::size_t{60}, parts[0].length);
        CPPUNIT_ASSERT_EQUAL(28, static_cast<int>(parts[0].data[7]));
    }

    void kinds_that_a_call_does_not_take_are_refused()
    {
        ProtectionPair pair;
        for (const Kind kind : {Kind::stream, Kind::mic_token}) {
            Parts parts;
            parts.add(Kind::header, Bytes(60));
            parts.add(Kind::data, pattern(10));
            parts.add(kind, Bytes(60));
            CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers,
                                 fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
            CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
            parts[2].kind = Kind::empty;
            CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
            CPPUNIT_ASSERT(pair.acceptor.unwrap_iov(parts.buffers()));
        }
        for (const Kind kind : {Kind::header, Kind::trailer, Kind::padding, Kind::stream, Kind::sign_only}) {
            Parts parts;
            parts.add(Kind::mic_token, Bytes(28));
            parts.add(kind, Bytes(5));
            const Fault expected = kind == Kind::sign_only ? Fault::Count_ : Fault::BadBuffers;
            CPPUNIT_ASSERT_EQUAL(expected, fault_of(pair.initiator.sign_iov(parts.buffers())));
            CPPUNIT_ASSERT_EQUAL(expected, fault_of(pair.acceptor.verify_iov(parts.buffers())));
        }
    }

    void overlapping_buffers_are_refused()
    {
        ProtectionPair pair;
        // A few buffers are compared in pairs, many after sorting.
        for (const std::size_t more : {0U, 30U}) {
            Bytes octets(200);
            Parts parts;
            parts.add(Kind::header, Bytes(60));
            parts.add(Kind::data);
            parts.add(Kind::sign_only);
            for (std::size_t count = 0; count < more; ++count) {
                parts.add(Kind::sign_only, pattern(4));
            }
            parts[1].data = octets.data();
            parts[1].length = 50;
            parts[2].length = 50;
            for (const std::size_t offset : {0U, 1U, 49U, 50U, 150U}) {
                parts[2].data = octets.data() + offset;
                const Fault expected = offset < 50 ? Fault::BadBuffers : Fault::Count_;
                const Bytes before = octets;
                CPPUNIT_ASSERT_EQUAL(expected,
                                     fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
                CPPUNIT_ASSERT_EQUAL(offset < 50, before == octets);
                CPPUNIT_ASSERT_EQUAL(expected, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
            }
        }
    }

    void lengths_without_octets_and_lengths_that_overflow_are_refused()
    {
        ProtectionPair pair;
        Parts parts;
        parts.add(Kind::header, Bytes(60));
        parts.add(Kind::data);
        parts.add(Kind::data);
        parts[1] = {.kind = Kind::data, .data = nullptr, .length = 1};
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers,
                             fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
        Bytes octets(10);
        parts[1] = {.kind = Kind::data, .data = octets.data(), .length = SIZE_MAX};
        parts[2] = {.kind = Kind::data, .data = octets.data(), .length = 2};
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers,
                             fault_of(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed)));
        CPPUNIT_ASSERT_EQUAL(Fault::BadBuffers, fault_of(pair.acceptor.unwrap_iov(parts.buffers())));
        parts[1].length = 2;
        parts[2].data = octets.data() + 2;
        CPPUNIT_ASSERT(pair.initiator.wrap_iov(parts.buffers(), Confidentiality::sealed));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageIovTest);

} // namespace apex::test
