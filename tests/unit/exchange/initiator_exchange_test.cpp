// SPDX-License-Identifier: MIT
#include "tests/support/world.h"

#include "apex/exchange/etype_offer.h"
#include "apex/exchange/reply_sealing.h"
#include "apex/exchange/unique_time.h"

#include <cppunit/extensions/HelperMacros.h>
#include <set>
#include <thread>

using namespace apex;
using namespace apex::test;

namespace {

KrbError skew_error(Time server_time)
{
    KrbError error;
    error.code = 37;
    error.server_time = server_time;
    return error;
}

} // namespace

/// Steps 1 and 6.
class InitiatorExchangeTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(InitiatorExchangeTest);
    CPPUNIT_TEST(both_sides_end_with_the_same_session);
    CPPUNIT_TEST(a_reply_with_another_time_is_refused);
    CPPUNIT_TEST(a_reply_of_another_session_is_refused);
    CPPUNIT_TEST(a_reply_with_a_refused_subkey_type_is_refused);
    CPPUNIT_TEST(without_a_reply_mutual_authentication_is_not_complete);
    CPPUNIT_TEST(every_flipped_bit_of_a_reply_is_refused);
    CPPUNIT_TEST(the_third_leg_carries_the_acceptors_number);
    CPPUNIT_TEST(no_two_authenticators_carry_the_same_time);
    CPPUNIT_TEST(no_credential_goes_out_that_was_not_asked_for);
    CPPUNIT_TEST(a_wrong_clock_is_corrected_once);
    CPPUNIT_TEST(only_a_skew_error_whose_time_bears_it_out_corrects);
    CPPUNIT_TEST(nobody_talks_us_into_a_time_outside_the_ticket_or_far_away);
    CPPUNIT_TEST(a_request_made_again_binds_the_same_channel);
    CPPUNIT_TEST(a_list_of_types_is_sent_only_if_a_better_one_exists);
    CPPUNIT_TEST(rc4_has_no_subkey_of_the_acceptor);
    CPPUNIT_TEST(rc4_gives_way_to_a_better_type);
    CPPUNIT_TEST_SUITE_END();

public:
    void both_sides_end_with_the_same_session()
    {
        World world;
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
        const Session session = must(std::move(exchange).complete(*accepted.reply));
        CPPUNIT_ASSERT(constant_time_equal(session.keys.for_messages()->octets().view(),
                                           accepted.session.keys.for_messages()->octets().view()));
        CPPUNIT_ASSERT_EQUAL(session.send_sequence, accepted.session.receive_sequence);
        CPPUNIT_ASSERT_EQUAL(session.receive_sequence, accepted.session.send_sequence);
        CPPUNIT_ASSERT_EQUAL(std::string("host/server.test@TEST"), session.acceptor.text());
    }

    void a_reply_with_another_time_is_refused()
    {
        for (const std::int64_t microseconds : {1, -1, 1'000'000}) {
            World world;
            InitiatorExchange exchange = world.initiate();
            const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
            ApReplyContents contents = must(open_reply(*accepted.reply, *world.session_key));
            contents.time += Duration(microseconds);
            const ApReply changed = must(seal_reply(contents, *world.session_key, world.random));
            CPPUNIT_ASSERT_EQUAL(std::string("ReplyMismatch"), fault_of(std::move(exchange).complete(changed)));
        }
    }

    void a_reply_of_another_session_is_refused()
    {
        World world;
        World other;
        must(Key::generate(EncryptionType::aes256_cts_hmac_sha1_96, other.random));
        other.session_key = std::make_shared<const Key>(
            must(Key::generate(EncryptionType::aes256_cts_hmac_sha1_96, other.random)));
        other.contents.session_key = EncryptionKey{other.session_key->type(), other.session_key->octets().clone()};
        const Acceptance accepted = must(other.accept_honest());
        CPPUNIT_ASSERT_EQUAL(std::string("ReplyIntegrity"), fault_of(world.initiate().complete(*accepted.reply)));
    }

    void a_reply_with_a_refused_subkey_type_is_refused()
    {
        World world;
        world.wish.permitted = {EncryptionType::aes256_cts_hmac_sha1_96};
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
        ApReplyContents contents = must(open_reply(*accepted.reply, *world.session_key));
        contents.subkey = EncryptionKey{EncryptionType::aes128_cts_hmac_sha1_96, Secret(16)};
        const ApReply changed = must(seal_reply(contents, *world.session_key, world.random));
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(std::move(exchange).complete(changed)));
    }

    void without_a_reply_mutual_authentication_is_not_complete()
    {
        World world;
        CPPUNIT_ASSERT_EQUAL(std::string("MissingReply"), fault_of(world.initiate().complete()));
        world.wish.flags &= ~flag::mutual;
        must(world.initiate().complete());
    }

    void every_flipped_bit_of_a_reply_is_refused()
    {
        World world;
        InitiatorExchange honest = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(honest.request()))));
        const Bytes reply = accepted.reply->encode();
        std::size_t refused = 0;
        for (std::size_t bit = 0; bit < reply.size() * 8; ++bit) {
            Bytes flipped = reply;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
            const Result<ApReply> read = ApReply::decode(flipped);
            if (!read || !open_reply(*read, *world.session_key)) {
                ++refused;
            }
        }
        CPPUNIT_ASSERT_EQUAL(reply.size() * 8, refused);
    }

    void the_third_leg_carries_the_acceptors_number()
    {
        World world;
        world.wish.flags |= flag::dce_style;
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted =
            must(world.accept(must(ApRequest::decode(exchange.request())), nullptr, Framing::bare));
        const Session session = must(std::move(exchange).complete(*accepted.reply));
        must(check_third_leg(must(make_third_leg(session, world.clock, world.random)), accepted.session));

        ApReplyContents wrong;
        wrong.time = world.clock.time;
        wrong.sequence_number = static_cast<std::uint32_t>(accepted.session.send_sequence + 1);
        CPPUNIT_ASSERT_EQUAL(std::string("ReplyMismatch"),
                             fault_of(check_third_leg(must(seal_reply(wrong, *world.session_key, world.random)),
                                                      accepted.session)));
        wrong.sequence_number = static_cast<std::uint32_t>(accepted.session.send_sequence);
        wrong.subkey = EncryptionKey{EncryptionType::aes128_cts_hmac_sha1_96, Secret(16)};
        CPPUNIT_ASSERT_EQUAL(std::string("ReplyMismatch"),
                             fault_of(check_third_leg(must(seal_reply(wrong, *world.session_key, world.random)),
                                                      accepted.session)));
        CPPUNIT_ASSERT_EQUAL(std::string("ReplyMismatch"), fault_of(check_third_leg(*accepted.reply, accepted.session)));
    }

    void no_two_authenticators_carry_the_same_time()
    {
        constexpr int each = 5000;
        const Time now = time_from_seconds(1'800'000'000);
        std::vector<std::vector<Time>> given(4);
        std::vector<std::thread> threads;
        for (std::vector<Time>& mine : given) {
            threads.emplace_back([&mine, now] {
                for (int i = 0; i < each; ++i) {
                    mine.push_back(unique_time(now));
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        std::set<Time> all;
        for (const std::vector<Time>& mine : given) {
            all.insert(mine.begin(), mine.end());
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{4 * each}, all.size());
    }

    void no_credential_goes_out_that_was_not_asked_for()
    {
        for (ContextFlags flags = 0; flags < 0x80; ++flags) {
            World world;
            world.wish.flags = flags & ~(flag::delegate | flag::anonymous);
            const Bytes request = world.initiate().request();
            const ApRequest read = must(ApRequest::decode(request));
            const Secret plaintext =
                must(world.session_key->open(KeyUsage::ap_request_authenticator, read.authenticator.cipher));
            const Authenticator authenticator = must(Authenticator::decode(plaintext.view()));
            CPPUNIT_ASSERT_EQUAL(std::size_t{24}, authenticator.checksum->value.size());
        }
    }

    void a_list_of_types_is_sent_only_if_a_better_one_exists()
    {
        const auto offered = [](EncryptionType session, ContextFlags flags) {
            World world(session);
            world.wish.flags = flags;
            world.wish.permitted = {EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha1_96};
            const ApRequest request = must(ApRequest::decode(world.initiate().request()));
            const Secret plaintext =
                must(world.session_key->open(KeyUsage::ap_request_authenticator, request.authenticator.cipher));
            return must(offered_types(must(Authenticator::decode(plaintext.view())).authorization_data));
        };
        using Types = std::vector<EncryptionType>;
        CPPUNIT_ASSERT(offered(EncryptionType::aes256_cts_hmac_sha1_96, flag::mutual).empty());
        CPPUNIT_ASSERT(offered(EncryptionType::aes128_cts_hmac_sha1_96, 0).empty()); // no reply could answer
        CPPUNIT_ASSERT(offered(EncryptionType::aes128_cts_hmac_sha1_96, flag::mutual) ==
                       Types({EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha1_96}));
    }

    void rc4_has_no_subkey_of_the_acceptor()
    {
        World world(EncryptionType::rc4_hmac);
        world.policy.permitted = {EncryptionType::rc4_hmac};
        world.wish.permitted = world.policy.permitted;
        InitiatorExchange initiator = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(initiator.request()))));
        const Session session = must(std::move(initiator).complete(*accepted.reply));
        CPPUNIT_ASSERT(accepted.session.keys.acceptor_subkey == nullptr && session.keys.acceptor_subkey == nullptr);
        CPPUNIT_ASSERT(same(session.keys.for_messages()->octets().view(),
                            accepted.session.keys.for_messages()->octets().view()));
        const Secret opened = must(world.session_key->open(KeyUsage::ap_reply, accepted.reply->encrypted_part.cipher));
        const ApReplyContents contents = must(ApReplyContents::decode(opened.view()));
        CPPUNIT_ASSERT_MESSAGE("peers expect to see their own subkey", contents.subkey.has_value());
        CPPUNIT_ASSERT(same(contents.subkey->value.view(), session.keys.initiator_subkey->octets().view()));
    }

    void rc4_gives_way_to_a_better_type()
    {
        World world(EncryptionType::rc4_hmac);
        world.policy.permitted = {EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::rc4_hmac};
        world.wish.permitted = world.policy.permitted;
        InitiatorExchange initiator = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(initiator.request()))));
        const Session session = must(std::move(initiator).complete(*accepted.reply));
        CPPUNIT_ASSERT(session.keys.acceptor_subkey->type() == EncryptionType::aes256_cts_hmac_sha1_96);
        CPPUNIT_ASSERT(accepted.session.keys.for_messages()->type() == EncryptionType::aes256_cts_hmac_sha1_96);
    }

    void a_wrong_clock_is_corrected_once()
    {
        World world;
        const std::chrono::seconds wrong(-1800);
        FixedClock ours;
        ours.time = world.clock.time + wrong;
        const InitiatorExchange first =
            must(InitiatorExchange::begin(world.ticket(), world.wish, ours, world.random, nullptr));
        CPPUNIT_ASSERT_EQUAL(std::string("ClockSkew"), fault_of(world.accept(must(ApRequest::decode(first.request())))));
        const std::optional<Duration> correction =
            first.correction_by(skew_error(world.clock.time), ours.time, world.policy.clock_skew);
        CPPUNIT_ASSERT(correction == Duration(-wrong));
        InitiatorExchange second = must(first.again(*correction, ours, world.random));
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(second.request()))));
        CPPUNIT_ASSERT(!second.correction_by(skew_error(world.clock.time), ours.time, world.policy.clock_skew));
        CPPUNIT_ASSERT_EQUAL(std::string("Internal"), fault_of(second.again(*correction, ours, world.random)));
        must(std::move(second).complete(*accepted.reply));
    }

    void only_a_skew_error_whose_time_bears_it_out_corrects()
    {
        World world;
        const InitiatorExchange exchange = world.initiate();
        const auto corrects = [&](KrbError error) {
            return exchange.correction_by(error, world.clock.time, world.policy.clock_skew).has_value();
        };
        KrbError error = skew_error(world.clock.time + std::chrono::seconds(301));
        CPPUNIT_ASSERT(corrects(error));
        for (std::int32_t code = 0; code < 128; ++code) {
            error.code = code;
            CPPUNIT_ASSERT_EQUAL(code == 37, corrects(error));
        }
        CPPUNIT_ASSERT(!corrects(skew_error(world.clock.time + std::chrono::seconds(300))));
        CPPUNIT_ASSERT(!corrects(skew_error(world.clock.time)));
        world.wish.flags &= ~flag::mutual;
        CPPUNIT_ASSERT(!world.initiate().correction_by(skew_error(world.clock.time + std::chrono::seconds(301)),
                                                       world.clock.time, world.policy.clock_skew));
    }

    void nobody_talks_us_into_a_time_outside_the_ticket_or_far_away()
    {
        World world;
        const Time now = world.clock.time;
        world.contents.auth_time = now - std::chrono::hours(20);
        world.contents.end_time = now + std::chrono::hours(20);
        const auto corrects = [&](Time server) {
            return world.initiate().correction_by(skew_error(server), now, world.policy.clock_skew).has_value();
        };
        for (const int sign : {1, -1}) {
            CPPUNIT_ASSERT(corrects(now + sign * Duration(std::chrono::hours(12))));
            CPPUNIT_ASSERT(!corrects(now + sign * Duration(std::chrono::hours(12) + std::chrono::seconds(1))));
        }
        world.contents.auth_time = now - std::chrono::hours(1);
        world.contents.end_time = now + std::chrono::hours(1);
        CPPUNIT_ASSERT(corrects(world.contents.end_time));
        CPPUNIT_ASSERT(!corrects(world.contents.end_time + std::chrono::seconds(1)));
        CPPUNIT_ASSERT(corrects(world.contents.auth_time - world.policy.clock_skew));
        CPPUNIT_ASSERT(!corrects(world.contents.auth_time - world.policy.clock_skew - std::chrono::seconds(1)));
    }

    void a_request_made_again_binds_the_same_channel()
    {
        World world;
        const ChannelBindings here = bindings_of("tls-server-end-point:here");
        const InitiatorExchange first = [&] {
            const ChannelBindings lent = here; // for this call
            world.wish.bindings = &lent;
            return world.initiate();
        }();
        const InitiatorExchange second = must(first.again(Duration(0), world.clock, world.random));
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(second.request())), &here));
        CPPUNIT_ASSERT((accepted.session.flags & flag::channel_bound) != 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(InitiatorExchangeTest);
