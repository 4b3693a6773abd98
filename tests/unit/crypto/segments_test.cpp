// SPDX-License-Identifier: MIT

// Sealing and opening in place, over messages that lie in several parts.
#include "apex/crypto/key.h"
#include "apex/crypto/system_random.h"
#include "crypto/key_derivation.h"
#include "crypto/scheme.h"
#include "scripted_confounder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <deque>
#include <random>

namespace apex::test {

namespace {

/// A message in parts, each in memory of its own.
struct Message final {
    Bytes confounder;
    std::deque<Bytes> octets;
    std::vector<Segment> segments;
    Bytes mac;

    void add(Segment::Role role, ByteView part)
    {
        octets.push_back(bytes_of(part));
        segments.push_back({role, octets.back()});
    }

    [[nodiscard]] Bytes sealed_octets() const
    {
        Bytes all = confounder;
        for (const Segment& segment : segments) {
            if (segment.role == Segment::Role::sealed) {
                append(all, segment.octets);
            }
        }
        return all;
    }

    /// Confounder, every segment, MAC: what the MAC covers, and itself.
    [[nodiscard]] Bytes everything() const
    {
        Bytes all = confounder;
        for (const Segment& segment : segments) {
            append(all, segment.octets);
        }
        append(all, mac);
        return all;
    }
};

} // namespace

class SegmentsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SegmentsTest);
    CPPUNIT_TEST(cut_anyhow_a_message_seals_to_the_same_octets);
    CPPUNIT_TEST(every_cut_in_three_seals_to_the_same_octets);
    CPPUNIT_TEST(parts_that_are_only_signed_stay_and_count);
    CPPUNIT_TEST(the_code_covers_parts_in_order_of_appearance);
    CPPUNIT_TEST(message_without_sealed_octets_has_a_sealed_confounder);
    CPPUNIT_TEST(on_refusal_every_octet_is_as_it_was);
    CPPUNIT_TEST(parts_moved_or_made_sealed_are_refused);
    CPPUNIT_TEST(wrong_lengths_are_refused_and_nothing_is_touched);
    CPPUNIT_TEST_SUITE_END();

public:
    void cut_anyhow_a_message_seals_to_the_same_octets()
    {
        for_each_type([&](const UsageKey& keys) {
            for (int round = 0; round < 300; ++round) {
                const Bytes plaintext = random_bytes(numbers_() % 150);
                const Bytes confounder = random_bytes(keys.profile().confounder_length);
                Message message = message_for(keys);
                for (ByteView rest = plaintext; !rest.empty();) {
                    const std::size_t size = std::min<std::size_t>(numbers_() % 40, rest.size());
                    message.add(Segment::Role::sealed, rest.first(size));
                    rest = rest.subspan(size);
                }
                check_equals_one_piece(keys, confounder, plaintext, message);
            }
        });
    }

    void every_cut_in_three_seals_to_the_same_octets()
    {
        for_each_type([&](const UsageKey& keys) {
            for (const std::size_t size : {1U, 15U, 16U, 17U, 31U, 32U, 33U, 48U}) {
                const Bytes plaintext = random_bytes(size);
                const Bytes confounder = random_bytes(keys.profile().confounder_length);
                for (std::size_t first = 0; first <= size; ++first) {
                    for (std::size_t second = first; second <= size; ++second) {
                        Message message = message_for(keys);
                        message.add(Segment::Role::sealed, ByteView(plaintext).first(first));
                        message.add(Segment::Role::sealed, ByteView(plaintext).subspan(first, second - first));
                        message.add(Segment::Role::sealed, ByteView(plaintext).subspan(second));
                        check_equals_one_piece(keys, confounder, plaintext, message);
                    }
                }
            }
        });
    }

    void parts_that_are_only_signed_stay_and_count()
    {
        for_each_type([&](const UsageKey& keys) {
            for (int round = 0; round < 100; ++round) {
                Message message = random_message(keys);
                const Message before = copy_of(message);
                CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, random_));
                for (std::size_t i = 0; i < message.segments.size(); ++i) {
                    if (message.segments[i].role == Segment::Role::sign_only) {
                        CPPUNIT_ASSERT(message.octets[i] == before.octets[i]);
                    }
                }
                for (std::size_t i = 0; i < message.segments.size(); ++i) {
                    if (message.octets[i].empty()) {
                        continue;
                    }
                    message.octets[i].front() ^= 1;
                    CPPUNIT_ASSERT(refuses(keys, message));
                    message.octets[i].front() ^= 1;
                }
                CPPUNIT_ASSERT(keys.open_in_place(message.confounder, message.segments, message.mac));
                CPPUNIT_ASSERT(message.octets == before.octets);
            }
        });
    }

    void the_code_covers_parts_in_order_of_appearance()
    {
        // RFC 3961 5.3 over the plaintext, RFC 8009 5 over the vector and the ciphertext, worked out by hand.
        for (const EncryptionType type :
             {EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha256_128}) {
            const Key key = Key::generate(type, random_).value();
            const UsageKey keys = key.for_usage(KeyUsage::initiator_seal).value();
            const auto constant = usage_constant(KeyUsage::initiator_seal, Purpose::integrity);
            const bool plaintext_is_covered = type == EncryptionType::aes256_cts_hmac_sha1_96;
            const MacAlgorithm algorithm =
                plaintext_is_covered ? MacAlgorithm::hmac_sha1 : MacAlgorithm::hmac_sha256;
            const Secret integrity =
                plaintext_is_covered
                    ? derive_aes(key.profile(), key.octets().view(), constant).value()
                    : derive_hmac_sha2({algorithm, key.octets().view()}, constant, {}, 16).value();
            Message message = random_message(keys);
            const Bytes confounder = random_bytes(16);
            ScriptedConfounder script(confounder);
            Bytes covered = confounder;
            for (const Segment& segment : message.segments) {
                append(covered, segment.octets);
            }
            CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, script));
            if (!plaintext_is_covered) {
                covered = Bytes(16);
                append(covered, message.confounder);
                for (const Segment& segment : message.segments) {
                    append(covered, segment.octets);
                }
            }
            const MacKey mac_key(algorithm, integrity.view());
            MacRun run(mac_key);
            run.update(covered);
            Bytes expected(message.mac.size());
            CPPUNIT_ASSERT(run.finish(expected));
            CPPUNIT_ASSERT_EQUAL(hex(expected), hex(message.mac));
        }
    }

    void message_without_sealed_octets_has_a_sealed_confounder()
    {
        for_each_type([&](const UsageKey& keys) {
            Message message = message_for(keys);
            message.add(Segment::Role::sign_only, random_bytes(20));
            message.add(Segment::Role::sealed, {});
            const Bytes confounder = random_bytes(message.confounder.size());
            ScriptedConfounder script(confounder);
            CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, script));
            CPPUNIT_ASSERT(message.confounder != confounder);
            CPPUNIT_ASSERT(keys.open_in_place(message.confounder, message.segments, message.mac));
            CPPUNIT_ASSERT(message.confounder == confounder);
        });
    }

    void on_refusal_every_octet_is_as_it_was()
    {
        for_each_type([&](const UsageKey& keys) {
            for (const std::size_t size : {0U, 1U, 16U, 23U}) {
                Message message = message_for(keys);
                message.add(Segment::Role::sealed, random_bytes(size / 2));
                message.add(Segment::Role::sign_only, random_bytes(3));
                message.add(Segment::Role::sealed, random_bytes(size - size / 2));
                CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, random_));
                for_each_bit(message.confounder, [&] { check_refused_and_restored(keys, message); });
                for_each_bit(message.mac, [&] { check_refused_and_restored(keys, message); });
                for (const Segment& segment : message.segments) {
                    for_each_bit(segment.octets, [&] { check_refused_and_restored(keys, message); });
                }
                CPPUNIT_ASSERT(keys.open_in_place(message.confounder, message.segments, message.mac));
            }
        });
    }

    void parts_moved_or_made_sealed_are_refused()
    {
        for_each_type([&](const UsageKey& keys) {
            Message message = message_for(keys);
            message.add(Segment::Role::sealed, random_bytes(20));
            message.add(Segment::Role::sign_only, random_bytes(20));
            message.add(Segment::Role::sealed, random_bytes(20));
            CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, random_));
            std::swap(message.segments[1], message.segments[2]);
            CPPUNIT_ASSERT(refuses(keys, message));
            std::swap(message.segments[1], message.segments[2]);
            std::swap(message.segments[0], message.segments[2]);
            CPPUNIT_ASSERT(refuses(keys, message));
            std::swap(message.segments[0], message.segments[2]);
            CPPUNIT_ASSERT(keys.open_in_place(message.confounder, message.segments, message.mac));
        });
    }

    void wrong_lengths_are_refused_and_nothing_is_touched()
    {
        for_each_type([&](const UsageKey& keys) {
            Message message = random_message(keys);
            const Bytes before = message.everything();
            const ByteSpan confounder(message.confounder);
            const ByteSpan mac(message.mac);
            CPPUNIT_ASSERT(keys.seal_in_place(confounder.subspan(1), message.segments, mac, random_).error().fault ==
                           Fault::BadBuffers);
            CPPUNIT_ASSERT(keys.seal_in_place(confounder, message.segments, mac.subspan(1), random_).error().fault ==
                           Fault::BadBuffers);
            CPPUNIT_ASSERT(keys.open_in_place(confounder.subspan(1), message.segments, mac).error().fault ==
                           Fault::BadBuffers);
            CPPUNIT_ASSERT(keys.open_in_place(confounder, message.segments, mac.subspan(1)).error().fault ==
                           Fault::BadBuffers);
            CPPUNIT_ASSERT(before == message.everything());
        });
    }

private:
    static Message message_for(const UsageKey& keys)
    {
        Message message;
        message.confounder.resize(keys.profile().confounder_length);
        message.mac.resize(keys.profile().mac_length);
        return message;
    }

    static Message copy_of(const Message& message)
    {
        Message copy;
        copy.confounder = message.confounder;
        copy.octets = message.octets;
        copy.mac = message.mac;
        return copy;
    }

    Message random_message(const UsageKey& keys)
    {
        Message message = message_for(keys);
        for (std::size_t i = 0; i < 5; ++i) {
            message.add(numbers_() % 3 == 0 ? Segment::Role::sign_only : Segment::Role::sealed,
                        random_bytes(numbers_() % 30));
        }
        message.add(Segment::Role::sign_only, random_bytes(9));
        return message;
    }

    Bytes random_bytes(std::size_t size)
    {
        Bytes octets(size);
        for (std::uint8_t& octet : octets) {
            octet = static_cast<std::uint8_t>(numbers_());
        }
        return octets;
    }

    static void check_equals_one_piece(const UsageKey& keys, const Bytes& confounder, const Bytes& plaintext,
                                       Message& message)
    {
        ScriptedConfounder first(confounder);
        ScriptedConfounder second(confounder);
        CPPUNIT_ASSERT(keys.seal_in_place(message.confounder, message.segments, message.mac, first));
        const Bytes one_piece = keys.seal(plaintext, second).value();
        const bool mac_leads = keys.profile().type == EncryptionType::rc4_hmac;
        Bytes together = mac_leads ? message.mac : message.sealed_octets();
        append(together, mac_leads ? message.sealed_octets() : message.mac);
        CPPUNIT_ASSERT_EQUAL(hex(one_piece), hex(together));
        CPPUNIT_ASSERT(keys.open_in_place(message.confounder, message.segments, message.mac));
        CPPUNIT_ASSERT(message.confounder == confounder);
        Bytes opened = confounder;
        append(opened, plaintext);
        CPPUNIT_ASSERT(message.sealed_octets() == opened);
    }

    static bool refuses(const UsageKey& keys, const Message& message)
    {
        Bytes confounder = message.confounder;
        const Done done = keys.open_in_place(confounder, message.segments, message.mac);
        return !done && done.error().fault == Fault::BadIntegrity && confounder == message.confounder;
    }

    static void check_refused_and_restored(const UsageKey& keys, const Message& message)
    {
        const Bytes before = message.everything();
        CPPUNIT_ASSERT(refuses(keys, message));
        CPPUNIT_ASSERT(before == message.everything());
    }

    template <typename Check>
    static void for_each_bit(ByteSpan octets, Check check)
    {
        for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
            const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
            octets[bit / 8] ^= mask;
            check();
            octets[bit / 8] ^= mask;
        }
    }

    template <typename Check>
    void for_each_type(Check check)
    {
        for (const EncryptionProfile& profile : all_profiles()) {
            check(Key::generate(profile.type, random_).value().for_usage(KeyUsage::acceptor_seal).value());
        }
    }

    SystemRandom random_;
    std::mt19937 numbers_{20261124};
};

CPPUNIT_TEST_SUITE_REGISTRATION(SegmentsTest);

} // namespace apex::test
