// SPDX-License-Identifier: MIT
#include "apex/crypto/key.h"

#include "apex/crypto/system_random.h"
#include "scripted_confounder.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>
#include <thread>

namespace apex::test {

namespace {

Bytes counted_octets(std::size_t size)
{
    Bytes octets(size);
    for (std::size_t i = 0; i < size; ++i) {
        octets[i] = static_cast<std::uint8_t>(i * 7 + 1);
    }
    return octets;
}

Fault fault_of(const Done& done)
{
    CPPUNIT_ASSERT(!done);
    return done.error().fault;
}

template <typename T>
Fault fault_of(const Result<T>& result)
{
    CPPUNIT_ASSERT(!result);
    return result.error().fault;
}

} // namespace

class KeyTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KeyTest);
    CPPUNIT_TEST(what_was_sealed_opens);
    CPPUNIT_TEST(sealing_twice_gives_different_octets);
    CPPUNIT_TEST(another_usage_does_not_open);
    CPPUNIT_TEST(another_key_does_not_open);
    CPPUNIT_TEST(another_type_with_the_same_octets_does_not_open);
    CPPUNIT_TEST(every_flipped_bit_is_refused);
    CPPUNIT_TEST(every_truncation_is_refused);
    CPPUNIT_TEST(an_octet_more_is_refused);
    CPPUNIT_TEST(checksum_of_another_message_usage_or_length_is_refused);
    CPPUNIT_TEST(every_flipped_bit_of_a_checksum_is_refused);
    CPPUNIT_TEST(checksum_does_not_depend_on_how_the_message_is_cut);
    CPPUNIT_TEST(sealing_without_randomness_is_refused);
    CPPUNIT_TEST(generating_without_randomness_is_refused);
    CPPUNIT_TEST(octets_of_a_wrong_length_make_no_key);
    CPPUNIT_TEST(unknown_type_makes_no_key);
    CPPUNIT_TEST(single_des_and_triple_des_do_not_exist);
    CPPUNIT_TEST(names_of_types_are_those_people_know);
    CPPUNIT_TEST(clone_is_the_same_key);
    CPPUNIT_TEST(moved_key_still_works);
    CPPUNIT_TEST(fingerprint_is_four_digits_that_differ);
    CPPUNIT_TEST(many_usages_of_one_key_stay_apart);
    CPPUNIT_TEST(rc4_uses_the_message_types_of_rfc_4757);
    CPPUNIT_TEST(threads_may_share_a_key_and_its_usage_keys);
    CPPUNIT_TEST_SUITE_END();

public:
    void what_was_sealed_opens()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            for (std::size_t size = 0; size <= 100; ++size) {
                const Bytes plaintext = counted_octets(size);
                const Bytes sealed = keys.seal(plaintext, random_).value();
                CPPUNIT_ASSERT_EQUAL(size + keys.overhead(), sealed.size());
                CPPUNIT_ASSERT(same(plaintext, keys.open(sealed).value().view()));
                CPPUNIT_ASSERT(same(plaintext, key.open(KeyUsage::acceptor_seal, sealed).value().view()));
            }
        });
    }

    void sealing_twice_gives_different_octets()
    {
        for_each_type([&](const Key&, const UsageKey& keys) {
            CPPUNIT_ASSERT(
                !same(keys.seal(counted_octets(40), random_).value(), keys.seal(counted_octets(40), random_).value()));
        });
    }

    void another_usage_does_not_open()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            const Bytes sealed = keys.seal(counted_octets(40), random_).value();
            CPPUNIT_ASSERT(fault_of(key.open(KeyUsage::initiator_seal, sealed)) == Fault::BadIntegrity);
        });
    }

    void another_key_does_not_open()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            Secret octets = key.octets().clone();
            octets.span().back() ^= 1;
            const Key other = Key::from(key.type(), std::move(octets)).value();
            const Bytes sealed = keys.seal(counted_octets(40), random_).value();
            CPPUNIT_ASSERT(fault_of(other.open(KeyUsage::acceptor_seal, sealed)) == Fault::BadIntegrity);
        });
    }

    void another_type_with_the_same_octets_does_not_open()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            const Bytes sealed = keys.seal(counted_octets(40), random_).value();
            for (const EncryptionProfile& profile : all_profiles()) {
                if (profile.type != key.type() && profile.key_length == key.profile().key_length) {
                    const Key other = Key::from(profile.type, key.octets().clone()).value();
                    CPPUNIT_ASSERT(fault_of(other.open(KeyUsage::acceptor_seal, sealed)) == Fault::BadIntegrity);
                }
            }
        });
    }

    void every_flipped_bit_is_refused()
    {
        for_each_type([&](const Key&, const UsageKey& keys) {
            for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 33U}) {
                Bytes sealed = keys.seal(counted_octets(size), random_).value();
                for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
                    const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
                    sealed[bit / 8] ^= mask;
                    CPPUNIT_ASSERT(fault_of(keys.open(sealed)) == Fault::BadIntegrity);
                    sealed[bit / 8] ^= mask;
                }
                CPPUNIT_ASSERT(keys.open(sealed));
            }
        });
    }

    void every_truncation_is_refused()
    {
        for_each_type([&](const Key&, const UsageKey& keys) {
            const Bytes sealed = keys.seal(counted_octets(64), random_).value();
            for (std::size_t size = 0; size < sealed.size(); ++size) {
                const Fault expected = size < keys.overhead() ? Fault::CiphertextTooShort : Fault::BadIntegrity;
                CPPUNIT_ASSERT(fault_of(keys.open(ByteView(sealed).first(size))) == expected);
                CPPUNIT_ASSERT(fault_of(keys.open(ByteView(sealed).last(size))) == expected);
            }
        });
    }

    void an_octet_more_is_refused()
    {
        for_each_type([&](const Key&, const UsageKey& keys) {
            Bytes sealed = keys.seal(counted_octets(20), random_).value();
            sealed.push_back(0);
            CPPUNIT_ASSERT(fault_of(keys.open(sealed)) == Fault::BadIntegrity);
        });
    }

    void checksum_of_another_message_usage_or_length_is_refused()
    {
        for_each_type([&](const Key& key, const UsageKey&) {
            const Bytes message = counted_octets(50);
            const Bytes mac = key.sign(KeyUsage::acceptor_sign, message).value();
            CPPUNIT_ASSERT_EQUAL(key.profile().mac_length, mac.size());
            CPPUNIT_ASSERT(key.verify(KeyUsage::acceptor_sign, message, mac));
            CPPUNIT_ASSERT(fault_of(key.verify(KeyUsage::acceptor_sign, counted_octets(51), mac)) ==
                           Fault::BadIntegrity);
            CPPUNIT_ASSERT(fault_of(key.verify(KeyUsage::initiator_sign, message, mac)) == Fault::BadIntegrity);
            for (std::size_t size = 0; size < mac.size(); ++size) {
                CPPUNIT_ASSERT(fault_of(key.verify(KeyUsage::acceptor_sign, message, ByteView(mac).first(size))) ==
                               Fault::BadIntegrity);
            }
            Bytes longer = mac;
            longer.push_back(0);
            CPPUNIT_ASSERT(fault_of(key.verify(KeyUsage::acceptor_sign, message, longer)) == Fault::BadIntegrity);
        });
    }

    void every_flipped_bit_of_a_checksum_is_refused()
    {
        for_each_type([&](const Key& key, const UsageKey&) {
            const Bytes message = counted_octets(50);
            Bytes mac = key.sign(KeyUsage::acceptor_sign, message).value();
            for (std::size_t bit = 0; bit < mac.size() * 8; ++bit) {
                const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
                mac[bit / 8] ^= mask;
                CPPUNIT_ASSERT(fault_of(key.verify(KeyUsage::acceptor_sign, message, mac)) == Fault::BadIntegrity);
                mac[bit / 8] ^= mask;
            }
        });
    }

    void checksum_does_not_depend_on_how_the_message_is_cut()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            const Bytes message = counted_octets(90);
            const Bytes whole = key.sign(KeyUsage::acceptor_seal, message).value();
            for (std::size_t cut = 0; cut <= message.size(); ++cut) {
                const std::array<ByteView, 3> parts = {
                    ByteView(message).first(cut), {}, ByteView(message).subspan(cut)};
                Bytes mac(key.profile().mac_length);
                CPPUNIT_ASSERT(keys.sign(parts, mac));
                CPPUNIT_ASSERT(same(whole, mac));
                CPPUNIT_ASSERT(keys.verify(parts, mac));
            }
            Bytes short_room(key.profile().mac_length - 1);
            const ByteView part = message;
            CPPUNIT_ASSERT(fault_of(keys.sign({&part, 1}, short_room)) == Fault::BadBuffers);
        });
    }

    void sealing_without_randomness_is_refused()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            ScriptedConfounder enough(Bytes(key.profile().confounder_length));
            CPPUNIT_ASSERT(keys.seal(counted_octets(3), enough));
            ScriptedConfounder too_little(Bytes(key.profile().confounder_length - 1));
            CPPUNIT_ASSERT(fault_of(keys.seal(counted_octets(3), too_little)) == Fault::NoRandomness);
        });
    }

    void generating_without_randomness_is_refused()
    {
        for (const EncryptionProfile& profile : all_profiles()) {
            ScriptedConfounder enough(counted_octets(profile.key_length));
            CPPUNIT_ASSERT(
                same(counted_octets(profile.key_length), Key::generate(profile.type, enough).value().octets().view()));
            ScriptedConfounder too_little(counted_octets(profile.key_length - 1));
            CPPUNIT_ASSERT(fault_of(Key::generate(profile.type, too_little)) == Fault::NoRandomness);
        }
    }

    void octets_of_a_wrong_length_make_no_key()
    {
        for (const EncryptionProfile& profile : all_profiles()) {
            CPPUNIT_ASSERT(Key::from(profile.type, Secret(profile.key_length)));
            CPPUNIT_ASSERT(fault_of(Key::from(profile.type, Secret(profile.key_length + 1))) == Fault::BadKeyLength);
            CPPUNIT_ASSERT(fault_of(Key::from(profile.type, Secret(profile.key_length - 1))) == Fault::BadKeyLength);
            CPPUNIT_ASSERT(fault_of(Key::from(profile.type, Secret())) == Fault::BadKeyLength);
        }
    }

    void unknown_type_makes_no_key()
    {
        for (const std::int32_t number : {-2147483647 - 1, -1, 0, 21, 27, 511, 2147483647}) {
            CPPUNIT_ASSERT(fault_of(Key::from(static_cast<EncryptionType>(number), Secret(16))) ==
                           Fault::UnknownEncryptionType);
            CPPUNIT_ASSERT(fault_of(profile_of(static_cast<EncryptionType>(number))) == Fault::UnknownEncryptionType);
        }
    }

    void single_des_and_triple_des_do_not_exist()
    {
        for (const std::int32_t number : {1, 2, 3, 5, 7, 16, 24}) {
            CPPUNIT_ASSERT(find_profile(static_cast<EncryptionType>(number)) == nullptr);
            const std::string text = profile_of(static_cast<EncryptionType>(number)).error().detail;
            CPPUNIT_ASSERT_EQUAL(number != 24, text.find("APEX_DISABLE=1") != std::string::npos);
        }
    }

    void names_of_types_are_those_people_know()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("aes256-cts-hmac-sha384-192"),
                             name_of(EncryptionType::aes256_cts_hmac_sha384_192));
        CPPUNIT_ASSERT_EQUAL(std::string("encryption type 3"), name_of(static_cast<EncryptionType>(3)));
        CPPUNIT_ASSERT_EQUAL(std::string("number -7"), profile_of(static_cast<EncryptionType>(-7)).error().detail);
        CPPUNIT_ASSERT_EQUAL(std::size_t{24},
                             find_profile(EncryptionType::aes256_cts_hmac_sha384_192)->checksum_key_length);
    }

    void clone_is_the_same_key()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            const Key copy = key.clone();
            CPPUNIT_ASSERT(copy.type() == key.type());
            CPPUNIT_ASSERT(copy.open(KeyUsage::acceptor_seal, keys.seal(counted_octets(5), random_).value()));
        });
    }

    void moved_key_still_works()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            Key first = key.clone();
            CPPUNIT_ASSERT(first.for_usage(KeyUsage::acceptor_seal));
            Key second = std::move(first);
            const Bytes sealed = keys.seal(counted_octets(5), random_).value();
            CPPUNIT_ASSERT(second.open(KeyUsage::acceptor_seal, sealed));
            Key third = Key::generate(key.type(), random_).value();
            CPPUNIT_ASSERT(third.for_usage(KeyUsage::acceptor_seal));
            third = std::move(second);
            CPPUNIT_ASSERT(third.open(KeyUsage::acceptor_seal, sealed));
        });
    }

    void fingerprint_is_four_digits_that_differ()
    {
        std::set<std::string> seen;
        for (std::uint8_t i = 0; i < 50; ++i) {
            const Bytes octets(16, i);
            seen.insert(Key::from(EncryptionType::aes128_cts_hmac_sha1_96, Secret(octets)).value().fingerprint());
        }
        CPPUNIT_ASSERT(seen.size() > 45);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, seen.begin()->size());
        CPPUNIT_ASSERT_EQUAL(std::string::npos, seen.begin()->find_first_not_of("0123456789abcdef"));
    }

    void many_usages_of_one_key_stay_apart()
    {
        for_each_type([&](const Key& key, const UsageKey&) {
            std::set<Bytes> seen;
            // RC4 gives one message type to 3, 8 and 9, and one to 13 and 23.
            for (std::uint32_t usage = 24; usage < 60; ++usage) {
                seen.insert(key.sign(static_cast<KeyUsage>(usage), {}).value());
            }
            CPPUNIT_ASSERT_EQUAL(std::size_t{36}, seen.size());
            for (std::uint32_t usage = 24; usage < 60; ++usage) {
                CPPUNIT_ASSERT(seen.contains(key.clone().sign(static_cast<KeyUsage>(usage), {}).value()));
            }
        });
    }

    void rc4_uses_the_message_types_of_rfc_4757()
    {
        const Key key = Key::generate(EncryptionType::rc4_hmac, random_).value();
        const auto mac = [&](std::uint32_t usage) { return key.sign(static_cast<KeyUsage>(usage), {}).value(); };
        CPPUNIT_ASSERT(same(mac(3), mac(8)));
        CPPUNIT_ASSERT(same(mac(9), mac(8)));
        CPPUNIT_ASSERT(same(mac(23), mac(13)));
        CPPUNIT_ASSERT(!same(mac(2), mac(8)));
        CPPUNIT_ASSERT(!same(mac(25), mac(15)));
    }

    void threads_may_share_a_key_and_its_usage_keys()
    {
        for_each_type([&](const Key& key, const UsageKey& keys) {
            std::atomic<int> failures{0};
            std::vector<std::thread> threads;
            for (std::uint32_t number = 0; number < 6; ++number) {
                threads.emplace_back([&, number] {
                    SystemRandom random;
                    for (std::uint32_t i = 0; i < 200; ++i) {
                        const Bytes plaintext = counted_octets((i * 13 + number) % 200);
                        const auto usage = static_cast<KeyUsage>(30 + i % 7);
                        const Result<Secret> opened = keys.open(keys.seal(plaintext, random).value());
                        const Bytes mac = key.sign(usage, plaintext).value();
                        if (!opened || !same(opened->view(), plaintext) || !key.verify(usage, plaintext, mac)) {
                            ++failures;
                        }
                    }
                });
            }
            for (std::thread& thread : threads) {
                thread.join();
            }
            CPPUNIT_ASSERT_EQUAL(0, failures.load());
        });
    }

private:
    template <typename Check>
    void for_each_type(Check check)
    {
        for (const EncryptionProfile& profile : all_profiles()) {
            const Key key = Key::generate(profile.type, random_).value();
            check(key, key.for_usage(KeyUsage::acceptor_seal).value());
        }
    }

    SystemRandom random_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(KeyTest);

} // namespace apex::test
