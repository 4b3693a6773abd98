// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "token_changes.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>

namespace apex::test {

class MessageRefusalsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageRefusalsTest);
    CPPUNIT_TEST(every_truncation_of_a_token_is_refused);
    CPPUNIT_TEST(every_flipped_bit_of_a_wrap_token_is_refused);
    CPPUNIT_TEST(every_flipped_bit_of_a_mic_token_and_its_message_is_refused);
    CPPUNIT_TEST(every_other_combination_of_flags_is_refused);
    CPPUNIT_TEST(only_the_right_extra_count_is_accepted);
    CPPUNIT_TEST(plaintexts_too_short_for_the_header_are_refused);
    CPPUNIT_TEST(reflected_tokens_are_refused_before_any_key_is_used);
    CPPUNIT_TEST(tokens_of_the_other_kind_are_refused);
    CPPUNIT_TEST(a_sealed_mic_token_is_refused);
    CPPUNIT_TEST(frames_that_lie_are_refused);
    CPPUNIT_TEST(an_acceptor_subkey_that_does_not_exist_is_refused);
    CPPUNIT_TEST(the_older_key_is_accepted_until_the_subkey_was_used);
    CPPUNIT_TEST(refused_tokens_do_not_move_the_window);
    CPPUNIT_TEST(the_room_is_wiped_after_a_failure);
    CPPUNIT_TEST(a_room_that_is_too_small_is_refused);
    CPPUNIT_TEST(a_token_buffer_of_another_size_is_refused);
    CPPUNIT_TEST(impossible_lengths_are_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void every_truncation_of_a_token_is_refused()
    {
        const Bytes message = pattern(33);
        for (const EncryptionType type : message_types) {
            const PairOptions options{.type = type};
            ProtectionPair pair(options);
            for (const Confidentiality kind : both_kinds) {
                const Bytes token = wrapped(pair, message, kind);
                for (std::size_t length = 0; length < token.size(); ++length) {
                    CPPUNIT_ASSERT(!open_fresh(pair, options, ByteView(token).first(length)));
                }
            }
            const Bytes mic = signed_by_initiator(pair, message);
            for (std::size_t length = 0; length < mic.size(); ++length) {
                const Result<Ordering> verified =
                    fresh_acceptor(pair, options).verify(message, ByteView(mic).first(length));
                CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(verified));
            }
        }
    }

    /// RRC is not covered by any MAC (RFC 4121 4.2.4 sets it to zero). Turning a payload by its own length changes
    /// nothing, so bits of RRC that do just that are the only ones that may be flipped.
    void every_flipped_bit_of_a_wrap_token_is_refused()
    {
        for (const EncryptionType type : message_types) {
            const PairOptions options{.type = type};
            ProtectionPair pair(options);
            for (std::size_t length = 0; length <= 64; length += type == EncryptionType::aes256_cts_hmac_sha1_96 ? 1 : 16) {
                for (const Confidentiality kind : both_kinds) {
                    const Bytes message = pattern(length);
                    const Bytes token = wrapped(pair, message, kind);
                    flip_every_bit(token, [&](const Bytes& changed, std::size_t octet) {
                        const Result<UnwrappedMessage> opened = open_fresh(pair, options, changed);
                        const std::size_t rotation = changed[6] * 256U + changed[7];
                        const bool whole_turn = rotation > 0 && rotation % (token.size() - header_size) == 0;
                        CPPUNIT_ASSERT_EQUAL(whole_turn, opened.has_value());
                        CPPUNIT_ASSERT(!whole_turn || octet == 6 || octet == 7);
                        CPPUNIT_ASSERT(!opened || same(opened->message.view(), message));
                    });
                }
            }
        }
    }

    void every_flipped_bit_of_a_mic_token_and_its_message_is_refused()
    {
        for (const EncryptionType type : message_types) {
            const PairOptions options{.type = type};
            ProtectionPair pair(options);
            const Bytes message = pattern(40);
            const Bytes mic = signed_by_initiator(pair, message);
            flip_every_bit(mic, [&](const Bytes& changed, std::size_t) {
                CPPUNIT_ASSERT(!fresh_acceptor(pair, options).verify(message, changed));
            });
            flip_every_bit(message, [&](const Bytes& changed, std::size_t) {
                CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(fresh_acceptor(pair, options).verify(changed, mic)));
            });
            CPPUNIT_ASSERT(fresh_acceptor(pair, options).verify(message, mic));
        }
    }

    void every_other_combination_of_flags_is_refused()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes message = pattern(48);
        const Bytes tokens[] = {wrapped(pair, message, Confidentiality::sealed),
                                wrapped(pair, message, Confidentiality::signed_only)};
        for (const Bytes& token : tokens) {
            for (unsigned flags = 0; flags < 256; ++flags) {
                Bytes changed = token;
                changed[2] = static_cast<std::uint8_t>(flags);
                CPPUNIT_ASSERT_EQUAL(flags == token[2], open_fresh(pair, options, changed).has_value());
            }
        }
        const Bytes mic = signed_by_initiator(pair, message);
        for (unsigned flags = 0; flags < 256; ++flags) {
            Bytes changed = mic;
            changed[2] = static_cast<std::uint8_t>(flags);
            CPPUNIT_ASSERT_EQUAL(flags == mic[2], fresh_acceptor(pair, options).verify(message, changed).has_value());
        }
    }

    void only_the_right_extra_count_is_accepted()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        for (const std::size_t length : {0U, 1U, 16U, 17U, 48U, 64U}) {
            for (const Confidentiality kind : both_kinds) {
                const Bytes token = wrapped(pair, pattern(length), kind);
                const std::size_t right = token[4] * 256U + token[5];
                CPPUNIT_ASSERT_EQUAL(kind == Confidentiality::sealed ? std::size_t{0} : std::size_t{12}, right);
                MessageProtection receiver = fresh_acceptor(pair, options);
                for (std::size_t count = 0; count <= 0xffff; ++count) {
                    if (count != right) {
                        CPPUNIT_ASSERT(!receiver.unwrap(with_extra_count(token, count)));
                    }
                }
                CPPUNIT_ASSERT(receiver.unwrap(token));
            }
        }
    }

    void plaintexts_too_short_for_the_header_are_refused()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        Bytes header = wrapped(pair, {}, Confidentiality::sealed);
        header.resize(header_size);
        for (std::size_t length = 0; length <= 40; ++length) {
            Bytes plain(length, 0x41);
            if (length >= header_size) {
                std::copy(header.begin(), header.end(), plain.end() - header_size);
            }
            for (const std::size_t count : {0U, 1U, 25U}) {
                Bytes token = with_extra_count(header, count);
                append(token, *pair.keys.acceptor_subkey->seal(KeyUsage::initiator_seal, plain, pair.random));
                const Result<UnwrappedMessage> opened = open_fresh(pair, options, token);
                CPPUNIT_ASSERT_EQUAL(length >= header_size && count == 0, opened.has_value());
                if (length < header_size + count) {
                    CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(opened));
                }
            }
        }
    }

    void reflected_tokens_are_refused_before_any_key_is_used()
    {
        ProtectionPair pair;
        const Bytes message = pattern(20);
        for (const Confidentiality kind : both_kinds) {
            const Bytes token = wrapped(pair, message, kind);
            CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection, fault_of(pair.initiator.unwrap(token)));
            CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection, fault_of(pair.initiator.unwrap_room(token)));
            Bytes turned = token;
            turned[2] ^= 1;
            CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.initiator.unwrap(turned)));
        }
        Bytes mic = signed_by_initiator(pair, message);
        CPPUNIT_ASSERT_EQUAL(Fault::WrongDirection, fault_of(pair.initiator.verify(message, mic)));
        mic[2] ^= 1;
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.initiator.verify(message, mic)));
    }

    void tokens_of_the_other_kind_are_refused()
    {
        ProtectionPair pair;
        const Bytes message = pattern(12);
        const Bytes mic = signed_by_initiator(pair, message);
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.unwrap(mic)));
        const Bytes token = wrapped(pair, message, Confidentiality::signed_only);
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.verify(message, token)));
        const Bytes old = from_hex("602306092a864886f71201020201011100ffffffff5de751f6fb6c255b23935a302057dcb5");
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.verify(message, old)));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(pair.acceptor.unwrap(old)));
    }

    /// The MAC is right: only the flag is wrong.
    void a_sealed_mic_token_is_refused()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes message = pattern(12);
        for (const std::uint8_t flags : {std::uint8_t{0x04}, std::uint8_t{0x06}}) {
            Bytes header = signed_by_initiator(pair, message);
            header.resize(header_size);
            header[2] = flags;
            Bytes covered = message;
            append(covered, header);
            append(header, *pair.keys.acceptor_subkey->sign(KeyUsage::initiator_sign, covered));
            const Fault expected = flags == 0x04 ? Fault::Count_ : Fault::BadMessageToken;
            CPPUNIT_ASSERT_EQUAL(expected, fault_of(fresh_acceptor(pair, options).verify(message, header)));
        }
    }

    void frames_that_lie_are_refused()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes krb5 = from_hex("2a864886f712010202");
        const Bytes token = framed(krb5, wrapped(pair, pattern(80), Confidentiality::sealed));
        for (std::size_t octet = 0; octet < 4 + krb5.size() + 1; ++octet) {
            for (unsigned value = 0; value < 256; ++value) {
                Bytes changed = token;
                changed[octet] = static_cast<std::uint8_t>(value);
                CPPUNIT_ASSERT_EQUAL(value == token[octet], open_fresh(pair, options, changed).has_value());
            }
        }
        for (const char* start : {"60", "6080", "608100", "6084ffffffff", "6088ffffffffffffffff", "600b06092a864886f712010202"}) {
            CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(open_fresh(pair, options, from_hex(start))));
            CPPUNIT_ASSERT(!fresh_acceptor(pair, options).verify(Bytes(), from_hex(start)));
        }
        for (unsigned length = 0x80; length <= 0x8f; ++length) {
            Bytes lie{0x60, static_cast<std::uint8_t>(length)};
            lie.resize(12, 0x05);
            CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(open_fresh(pair, options, lie)));
        }
        // DER: a short length has the short form.
        Bytes long_form = framed(krb5, wrapped(pair, pattern(3), Confidentiality::signed_only));
        CPPUNIT_ASSERT(open_fresh(pair, options, long_form));
        long_form.insert(long_form.begin() + 1, 0x81);
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(open_fresh(pair, options, long_form)));
        const Bytes other = framed(from_hex("2a864886f712010203"), wrapped(pair, pattern(3), Confidentiality::sealed));
        CPPUNIT_ASSERT_EQUAL(Fault::BadMessageToken, fault_of(open_fresh(pair, options, other)));
    }

    void an_acceptor_subkey_that_does_not_exist_is_refused()
    {
        const PairOptions options{.acceptor_subkey = false};
        ProtectionPair pair(options);
        // The peer claims a subkey and signs with the only key there is.
        MessageProtection liar = must_make(Role::initiator, {pair.keys.own, pair.keys.own}, {.send_sequence = 1000},
                                           options, pair.random);
        const Bytes message = pattern(10);
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.verify(message, *liar.sign(message))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature,
                             fault_of(pair.acceptor.unwrap(*liar.wrap(message, Confidentiality::sealed))));
        CPPUNIT_ASSERT(pair.acceptor.verify(message, signed_by_initiator(pair, message)));
    }

    void the_older_key_is_accepted_until_the_subkey_was_used()
    {
        ProtectionPair pair;
        MessageProtection early = must_make(Role::initiator, {pair.keys.own, nullptr}, {.send_sequence = 1000},
                                            PairOptions{}, pair.random);
        const Bytes message = pattern(10);
        CPPUNIT_ASSERT(pair.acceptor.unwrap(*early.wrap(message, Confidentiality::sealed)));
        CPPUNIT_ASSERT(pair.acceptor.verify(message, *early.sign(message)));
        CPPUNIT_ASSERT(!pair.acceptor.state().peer_used_acceptor_subkey);
        CPPUNIT_ASSERT(pair.acceptor.verify(message, signed_by_initiator(pair, message)));
        CPPUNIT_ASSERT(pair.acceptor.state().peer_used_acceptor_subkey);
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.verify(message, *early.sign(message))));
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature,
                             fault_of(pair.acceptor.unwrap(*early.wrap(message, Confidentiality::signed_only))));
    }

    void refused_tokens_do_not_move_the_window()
    {
        ProtectionPair pair;
        const ProtectionState before = pair.acceptor.state();
        for (const Confidentiality kind : both_kinds) {
            flip_every_bit(wrapped(pair, pattern(20), kind), [&](const Bytes& changed, std::size_t) {
                MessageProtection receiver = fresh_acceptor(pair, PairOptions{});
                CPPUNIT_ASSERT(receiver.unwrap(changed) || receiver.state() == before);
            });
        }
        flip_every_bit(signed_by_initiator(pair, pattern(20)), [&](const Bytes& changed, std::size_t) {
            CPPUNIT_ASSERT(!pair.acceptor.verify(pattern(20), changed));
            CPPUNIT_ASSERT(pair.acceptor.state() == before);
        });
    }

    void the_room_is_wiped_after_a_failure()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            Bytes token = wrapped(pair, pattern(64), kind);
            token.back() ^= 1;
            Bytes room(*pair.acceptor.unwrap_room(token), 0x77);
            CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.unwrap_into(token, room)));
            CPPUNIT_ASSERT(std::all_of(room.begin(), room.end(), [](std::uint8_t octet) { return octet == 0; }));
        }
    }

    void a_room_that_is_too_small_is_refused()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            const Bytes token = wrapped(pair, pattern(64), kind);
            Bytes room(*pair.acceptor.unwrap_room(token));
            CPPUNIT_ASSERT_EQUAL(Fault::BufferTooSmall,
                                 fault_of(pair.acceptor.unwrap_into(token, ByteSpan(room).first(room.size() - 1))));
            CPPUNIT_ASSERT(pair.acceptor.unwrap_into(token, room));
        }
    }

    void a_token_buffer_of_another_size_is_refused()
    {
        ProtectionPair pair;
        const Bytes message = pattern(10);
        Bytes token(*pair.initiator.wrapped_size(10, Confidentiality::sealed) + 1);
        const ByteSpan whole(token);
        const std::size_t right = token.size() - 1;
        for (const std::size_t size : {std::size_t{0}, right - 1, right + 1}) {
            CPPUNIT_ASSERT_EQUAL(Fault::BufferTooSmall, fault_of(pair.initiator.wrap_into(
                                                            message, Confidentiality::sealed, whole.first(size))));
        }
        CPPUNIT_ASSERT(pair.initiator.wrap_into(message, Confidentiality::sealed, whole.first(right)));
        const ByteView part = message;
        CPPUNIT_ASSERT_EQUAL(Fault::BufferTooSmall, fault_of(pair.initiator.sign_into({&part, 1}, whole.first(27))));
        CPPUNIT_ASSERT(pair.initiator.sign_into({&part, 1}, whole.first(28)));
    }

    void impossible_lengths_are_refused()
    {
        ProtectionPair pair;
        for (const Confidentiality kind : both_kinds) {
            const std::size_t overhead = *pair.initiator.wrapped_size(0, kind);
            CPPUNIT_ASSERT(pair.initiator.wrapped_size(SIZE_MAX - overhead, kind));
            CPPUNIT_ASSERT_EQUAL(Fault::MessageTooLong,
                                 fault_of(pair.initiator.wrapped_size(SIZE_MAX - overhead + 1, kind)));
            CPPUNIT_ASSERT_EQUAL(Fault::MessageTooLong, fault_of(pair.initiator.wrapped_size(SIZE_MAX, kind)));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageRefusalsTest);

} // namespace apex::test
