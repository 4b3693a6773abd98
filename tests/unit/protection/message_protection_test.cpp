// SPDX-License-Identifier: MIT
#include "apex/protection/message_protection.h"

#include "../crypto/scripted_confounder.h"
#include "token_changes.h"

#include <atomic>
#include <cppunit/extensions/HelperMacros.h>
#include <set>
#include <thread>

namespace apex::test {

class MessageProtectionTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageProtectionTest);
    CPPUNIT_TEST(messages_of_every_short_length_come_back);
    CPPUNIT_TEST(messages_go_both_ways_with_and_without_an_acceptor_subkey);
    CPPUNIT_TEST(tokens_have_the_promised_size);
    CPPUNIT_TEST(the_size_limit_is_kept_and_not_one_octet_too_low);
    CPPUNIT_TEST(every_rotation_is_undone);
    CPPUNIT_TEST(extra_octets_of_filler_are_taken_off);
    CPPUNIT_TEST(an_exact_frame_of_the_mechanism_is_taken_off);
    CPPUNIT_TEST(ordering_is_told_and_the_message_given_all_the_same);
    CPPUNIT_TEST(both_kinds_of_token_share_one_count);
    CPPUNIT_TEST(the_last_number_is_sent_and_then_no_more);
    CPPUNIT_TEST(a_failed_send_uses_up_no_number);
    CPPUNIT_TEST(threads_send_with_distinct_numbers);
    CPPUNIT_TEST(the_state_continues_in_another_object);
    CPPUNIT_TEST(parts_are_signed_as_their_concatenation);
    CPPUNIT_TEST_SUITE_END();

public:
    void messages_of_every_short_length_come_back()
    {
        for (const EncryptionType type : message_types) {
            ProtectionPair pair({.type = type});
            for (std::size_t length = 0; length <= 64; ++length) {
                for (const Confidentiality kind : both_kinds) {
                    const Bytes message = pattern(length);
                    const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(wrapped(pair, message, kind));
                    CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                    CPPUNIT_ASSERT_EQUAL(hex(message), hex(opened->message.view()));
                    CPPUNIT_ASSERT(opened->confidentiality == kind);
                    CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, opened->ordering);
                }
            }
        }
    }

    void messages_go_both_ways_with_and_without_an_acceptor_subkey()
    {
        for (const bool subkey : {false, true}) {
            ProtectionPair pair({.acceptor_subkey = subkey});
            const Bytes message = pattern(40);
            const Result<Bytes> token = pair.acceptor.wrap(message, Confidentiality::sealed);
            CPPUNIT_ASSERT(token);
            CPPUNIT_ASSERT_EQUAL(subkey ? 7 : 3, static_cast<int>((*token)[2]));
            CPPUNIT_ASSERT_EQUAL(hex(message), hex(pair.initiator.unwrap(*token)->message.view()));
            const Result<Bytes> mic = pair.acceptor.sign(message);
            CPPUNIT_ASSERT(mic);
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *pair.initiator.verify(message, *mic));
            CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *pair.acceptor.verify(message, signed_by_initiator(pair, message)));
        }
    }

    void tokens_have_the_promised_size()
    {
        for (const EncryptionType type : message_types) {
            ProtectionPair pair({.type = type});
            const std::size_t mac = find_profile(type)->mac_length;
            for (const std::size_t length : {0U, 1U, 15U, 16U, 1000U}) {
                CPPUNIT_ASSERT_EQUAL(16 + 16 + length + 16 + mac,
                                     wrapped(pair, pattern(length), Confidentiality::sealed).size());
                CPPUNIT_ASSERT_EQUAL(16 + length + mac,
                                     wrapped(pair, pattern(length), Confidentiality::signed_only).size());
            }
            CPPUNIT_ASSERT_EQUAL(16 + mac, pair.initiator.mic_size());
        }
    }

    void the_size_limit_is_kept_and_not_one_octet_too_low()
    {
        for (const EncryptionType type : message_types) {
            ProtectionPair pair({.type = type});
            for (const Confidentiality kind : both_kinds) {
                const std::size_t smallest = *pair.initiator.wrapped_size(0, kind);
                for (std::size_t output = 0; output < 200; ++output) {
                    const std::size_t limit = pair.initiator.size_limit(kind, output);
                    CPPUNIT_ASSERT_EQUAL(output < smallest ? std::size_t{0} : output - smallest, limit);
                    if (limit > 0) {
                        CPPUNIT_ASSERT_EQUAL(output, wrapped(pair, pattern(limit), kind).size());
                    }
                }
            }
        }
    }

    void every_rotation_is_undone()
    {
        const PairOptions options{.type = EncryptionType::aes128_cts_hmac_sha256_128};
        ProtectionPair pair(options);
        const Bytes message = pattern(29);
        for (const Confidentiality kind : both_kinds) {
            const Bytes token = wrapped(pair, message, kind);
            for (std::size_t count = 0; count <= 0xffff; ++count) {
                const Result<UnwrappedMessage> opened = open_fresh(pair, options, rotated(token, count));
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT(same(opened->message.view(), message));
            }
        }
    }

    /// Some peers fill (RFC 4121 4.2.4: EC octets): the message is sealed here by hand, with a key like the sender's.
    void extra_octets_of_filler_are_taken_off()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes message = pattern(21);
        for (const std::size_t count : {1U, 11U, 16U, 300U, 65535U}) {
            Bytes header = with_extra_count(Bytes(wrapped(pair, message, Confidentiality::sealed)), count);
            header.resize(header_size);
            Bytes plain = message;
            plain.resize(message.size() + count, 0x5a);
            append(plain, header);
            const Result<Bytes> sealed =
                pair.keys.acceptor_subkey->seal(KeyUsage::initiator_seal, plain, pair.random);
            CPPUNIT_ASSERT(sealed);
            Bytes token = header;
            append(token, *sealed);
            const Result<UnwrappedMessage> opened = open_fresh(pair, options, token);
            CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
            CPPUNIT_ASSERT_EQUAL(hex(message), hex(opened->message.view()));
        }
    }

    void an_exact_frame_of_the_mechanism_is_taken_off()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes krb5 = from_hex("2a864886f712010202");
        for (const std::size_t length : {3U, 80U}) {
            const Bytes message = pattern(length);
            for (const Confidentiality kind : both_kinds) {
                const Result<UnwrappedMessage> opened =
                    open_fresh(pair, options, framed(krb5, wrapped(pair, message, kind)));
                CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(opened));
                CPPUNIT_ASSERT(same(opened->message.view(), message));
            }
            const Bytes mic = framed(krb5, signed_by_initiator(pair, message));
            CPPUNIT_ASSERT(fresh_acceptor(pair, options).verify(message, mic));
        }
    }

    void ordering_is_told_and_the_message_given_all_the_same()
    {
        ProtectionPair pair;
        const Bytes message = pattern(30);
        const Bytes first = wrapped(pair, message, Confidentiality::sealed);
        const Bytes second = wrapped(pair, message, Confidentiality::signed_only);
        const Bytes third = wrapped(pair, message, Confidentiality::sealed);
        const std::pair<const Bytes*, Ordering> steps[] = {{&first, Ordering::InOrder},
                                                           {&third, Ordering::Gap},
                                                           {&second, Ordering::Unsequenced},
                                                           {&second, Ordering::Duplicate},
                                                           {&first, Ordering::Duplicate}};
        for (const auto& [token, ordering] : steps) {
            const Result<UnwrappedMessage> opened = pair.acceptor.unwrap(*token);
            CPPUNIT_ASSERT(opened);
            CPPUNIT_ASSERT_EQUAL(ordering, opened->ordering);
            CPPUNIT_ASSERT(same(opened->message.view(), message));
        }
    }

    void both_kinds_of_token_share_one_count()
    {
        ProtectionPair pair;
        const Bytes message = pattern(8);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder,
                             pair.acceptor.unwrap(wrapped(pair, message, Confidentiality::sealed))->ordering);
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *pair.acceptor.verify(message, signed_by_initiator(pair, message)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1002}, pair.initiator.state().send_sequence);
    }

    void the_last_number_is_sent_and_then_no_more()
    {
        const PairOptions options{.initiator_sequence = UINT64_MAX};
        ProtectionPair pair(options);
        const Bytes message = pattern(8);
        const Bytes last = signed_by_initiator(pair, message);
        CPPUNIT_ASSERT(pair.acceptor.verify(message, last));
        CPPUNIT_ASSERT_EQUAL(Fault::SequenceExhausted, fault_of(pair.initiator.sign(message)));
        CPPUNIT_ASSERT_EQUAL(Fault::SequenceExhausted,
                             fault_of(pair.initiator.wrap(message, Confidentiality::sealed)));
        CPPUNIT_ASSERT_EQUAL(Fault::SequenceExhausted,
                             fault_of(pair.initiator.wrap(message, Confidentiality::signed_only)));
        MessageProtection imported =
            must_make(Role::initiator, pair.keys, pair.initiator.state(), options, pair.random);
        CPPUNIT_ASSERT_EQUAL(Fault::SequenceExhausted, fault_of(imported.sign(message)));
    }

    void a_failed_send_uses_up_no_number()
    {
        for (const std::uint64_t number : {std::uint64_t{5}, UINT64_MAX}) {
            ProtectionPair pair;
            ScriptedConfounder nothing{{}};
            MessageProtection sender =
                must_make(Role::initiator, pair.keys, {.send_sequence = number}, PairOptions{}, nothing);
            CPPUNIT_ASSERT_EQUAL(Fault::NoRandomness, fault_of(sender.wrap(pattern(5), Confidentiality::sealed)));
            CPPUNIT_ASSERT_EQUAL(number, sender.state().send_sequence);
            CPPUNIT_ASSERT(sender.sign(pattern(5)));
        }
    }

    void threads_send_with_distinct_numbers()
    {
        constexpr std::size_t threads = 8;
        constexpr std::size_t each = 500;
        ProtectionPair pair({.rules = {.replay = true, .sequence = false}});
        std::vector<std::vector<Bytes>> tokens(threads);
        std::vector<std::thread> running;
        for (std::size_t thread = 0; thread < threads; ++thread) {
            running.emplace_back([&pair, &mine = tokens[thread]] {
                for (std::size_t count = 0; count < each; ++count) {
                    mine.push_back(*pair.initiator.wrap(pattern(count % 50), both_kinds[count % 2]));
                }
            });
        }
        for (std::thread& thread : running) {
            thread.join();
        }
        std::set<std::string> numbers;
        for (const std::vector<Bytes>& mine : tokens) {
            for (const Bytes& token : mine) {
                numbers.insert(hex(ByteView(token).subspan(8, 8)));
            }
        }
        CPPUNIT_ASSERT_EQUAL(threads * each, numbers.size());
        std::atomic<std::size_t> opened{0};
        running.clear();
        for (std::size_t thread = 0; thread < threads; ++thread) {
            running.emplace_back([&pair, &opened, &mine = tokens[thread]] {
                for (const Bytes& token : mine) {
                    opened += pair.acceptor.unwrap(token) ? 1U : 0U;
                }
            });
        }
        for (std::thread& thread : running) {
            thread.join();
        }
        CPPUNIT_ASSERT_EQUAL(threads * each, opened.load());
    }

    void the_state_continues_in_another_object()
    {
        const PairOptions options;
        ProtectionPair pair(options);
        const Bytes message = pattern(8);
        const Bytes first = signed_by_initiator(pair, message);
        CPPUNIT_ASSERT(pair.acceptor.verify(message, first));
        MessageProtection acceptor = must_make(Role::acceptor, pair.keys, pair.acceptor.state(), options, pair.random);
        MessageProtection initiator = must_make(Role::initiator, pair.keys, pair.initiator.state(), options, pair.random);
        CPPUNIT_ASSERT(acceptor.state() == pair.acceptor.state());
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, *acceptor.verify(message, first));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *acceptor.verify(message, *initiator.sign(message)));
        CPPUNIT_ASSERT_EQUAL(Ordering::InOrder, *initiator.verify(message, *acceptor.sign(message)));
    }

    void parts_are_signed_as_their_concatenation()
    {
        ProtectionPair pair;
        const Bytes message = pattern(60);
        std::vector<ByteView> parts;
        for (std::size_t offset = 0; offset < message.size(); offset += 5) {
            parts.push_back(ByteView(message).subspan(offset, 5));
        }
        Bytes token(pair.initiator.mic_size());
        CPPUNIT_ASSERT(pair.initiator.sign_into(parts, token));
        CPPUNIT_ASSERT(pair.acceptor.verify(message, token));
        CPPUNIT_ASSERT_EQUAL(Ordering::Duplicate, *pair.acceptor.verify(parts, token));
        std::swap(parts[0], parts[1]);
        CPPUNIT_ASSERT_EQUAL(Fault::BadSignature, fault_of(pair.acceptor.verify(parts, token)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageProtectionTest);

} // namespace apex::test
