// SPDX-License-Identifier: MIT
#include "tests/support/world.h"

#include "apex/exchange/reply_sealing.h"

#include <cppunit/extensions/HelperMacros.h>

using namespace apex;
using namespace apex::test;

namespace {

constexpr EncryptionType rc4 = EncryptionType::rc4_hmac;

/// A realm whose keys are of RC4, and two hosts that allow it, as their last choice.
World rc4_world()
{
    World world(rc4);
    world.policy.permitted.push_back(rc4);
    world.wish.permitted = {rc4};
    return world;
}

bool same_octets(const std::shared_ptr<const Key>& left, const std::shared_ptr<const Key>& right)
{
    return left->type() == right->type() && constant_time_equal(left->octets().view(), right->octets().view());
}

} // namespace

/// What the exchange does differently with the keys of RFC 4757, and with those of RFC 6803.
class Rc4ExchangeTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(Rc4ExchangeTest);
    CPPUNIT_TEST(the_reply_gives_the_clients_subkey_back);
    CPPUNIT_TEST(a_client_without_subkey_gets_a_reply_without);
    CPPUNIT_TEST(a_client_that_offers_aes_gets_a_subkey_of_aes);
    CPPUNIT_TEST(dce_style_has_a_subkey_of_the_acceptors);
    CPPUNIT_TEST(an_initiator_takes_no_rc4_key_of_the_acceptors);
    CPPUNIT_TEST(a_host_that_does_not_allow_rc4_refuses_it_and_says_what_to_change);
    CPPUNIT_TEST(a_ticket_sealed_with_rc4_is_refused_whatever_its_session_key);
    CPPUNIT_TEST(camellia_is_served_as_aes_is);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_reply_gives_the_clients_subkey_back()
    {
        World world = rc4_world();
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
        const ApReplyContents contents = must(open_reply(*accepted.reply, *world.session_key));
        CPPUNIT_ASSERT(accepted.session.keys.acceptor_subkey == nullptr);
        CPPUNIT_ASSERT(constant_time_equal(contents.subkey->value.view(),
                                           accepted.session.keys.initiator_subkey->octets().view()));
        const Session session = must(std::move(exchange).complete(*accepted.reply));
        CPPUNIT_ASSERT(session.keys.acceptor_subkey == nullptr);
        CPPUNIT_ASSERT(same_octets(session.keys.for_messages(), accepted.session.keys.for_messages()));
    }

    void a_client_without_subkey_gets_a_reply_without()
    {
        World world = rc4_world();
        const Bytes request = world.initiate().request();
        const Acceptance accepted =
            must(world.accept(world.with_authenticator(request, [](Authenticator& a) { a.subkey.reset(); })));
        CPPUNIT_ASSERT(!must(open_reply(*accepted.reply, *world.session_key)).subkey);
        CPPUNIT_ASSERT(same_octets(accepted.session.keys.for_messages(), world.session_key));
    }

    void a_client_that_offers_aes_gets_a_subkey_of_aes()
    {
        World world = rc4_world();
        world.wish.permitted = world.policy.permitted; // AES first, so that RFC 4537 has something to offer
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
        CPPUNIT_ASSERT(accepted.session.keys.for_messages()->type() == EncryptionType::aes256_cts_hmac_sha1_96);
        const Session session = must(std::move(exchange).complete(*accepted.reply));
        CPPUNIT_ASSERT(same_octets(session.keys.for_messages(), accepted.session.keys.for_messages()));
    }

    void dce_style_has_a_subkey_of_the_acceptors()
    {
        World world = rc4_world();
        world.wish.flags |= flag::dce_style;
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted =
            must(world.accept(must(ApRequest::decode(exchange.request())), nullptr, Framing::bare));
        const Session session = must(std::move(exchange).complete(*accepted.reply));
        CPPUNIT_ASSERT(same_octets(session.keys.acceptor_subkey, accepted.session.keys.acceptor_subkey));
        CPPUNIT_ASSERT(!same_octets(session.keys.acceptor_subkey, session.keys.initiator_subkey));
    }

    void an_initiator_takes_no_rc4_key_of_the_acceptors()
    {
        World world = rc4_world();
        InitiatorExchange exchange = world.initiate();
        const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
        ApReplyContents contents = must(open_reply(*accepted.reply, *world.session_key));
        contents.subkey = EncryptionKey{rc4, Secret(16)};
        const ApReply other = must(seal_reply(contents, *world.session_key, world.random));
        const Session session = must(std::move(exchange).complete(other));
        CPPUNIT_ASSERT(same_octets(session.keys.for_messages(), accepted.session.keys.initiator_subkey));
    }

    void a_host_that_does_not_allow_rc4_refuses_it_and_says_what_to_change()
    {
        World world = rc4_world();
        must(world.accept_honest());
        world.policy.permitted.pop_back();
        const Result<Acceptance> refused = world.accept_honest();
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(refused));
        const std::string text = refused.error().detail;
        for (const char* part : {"the session key is of type arcfour-hmac", "RC4 can be forged", "allow_rc4 = true",
                                 "permitted_enctypes", "give the accounts AES keys"}) {
            CPPUNIT_ASSERT_MESSAGE(text, text.find(part) != std::string::npos);
        }
        CPPUNIT_ASSERT(world.replays.seen.size() == 1);
    }

    void a_ticket_sealed_with_rc4_is_refused_whatever_its_session_key()
    {
        World world = rc4_world();
        const EncryptionType aes = EncryptionType::aes256_cts_hmac_sha1_96;
        world.session_key = std::make_shared<const Key>(must(Key::generate(aes, world.random)));
        world.contents.session_key = EncryptionKey{aes, world.session_key->octets().clone()};
        world.wish.permitted = {aes};
        must(world.accept_honest());
        world.policy.permitted.pop_back();
        const Result<Acceptance> refused = world.accept_honest();
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(refused));
        CPPUNIT_ASSERT(refused.error().detail.find("the ticket is of type arcfour-hmac") != std::string::npos);
    }

    void camellia_is_served_as_aes_is()
    {
        for (const EncryptionType type : {EncryptionType::camellia128_cts_cmac, EncryptionType::camellia256_cts_cmac}) {
            World world(type);
            world.policy.permitted = {type};
            world.wish.permitted = {type};
            InitiatorExchange exchange = world.initiate();
            const Acceptance accepted = must(world.accept(must(ApRequest::decode(exchange.request()))));
            const Session session = must(std::move(exchange).complete(*accepted.reply));
            CPPUNIT_ASSERT(session.keys.acceptor_subkey->type() == type);
            CPPUNIT_ASSERT(same_octets(session.keys.acceptor_subkey, accepted.session.keys.acceptor_subkey));
            world.policy.permitted = {EncryptionType::aes256_cts_hmac_sha1_96};
            CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(world.accept_honest()));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(Rc4ExchangeTest);
