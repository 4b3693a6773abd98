// SPDX-License-Identifier: MIT
#include "tests/support/cammac_maker.h"
#include "tests/support/pac_maker.h"
#include "tests/support/world.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using namespace test;

PacMaker maker_for(const World& world)
{
    return PacMaker(*world.service_key, "alice", world.contents.auth_time);
}

/// An AD-CAMMAC with an authentication indicator.
Bytes container_for(const World& world)
{
    return CammacMaker(*world.service_key, {"otp"}).encode();
}

/// INVARIANTS A11: a PAC that does not verify marks its attributes (the default) or refuses the client (strict_pac). What
/// cannot even be read refuses the client, as in MIT.
class StrictPacTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(StrictPacTest);
    CPPUNIT_TEST(a_pac_that_verifies_is_accepted);
    CPPUNIT_TEST(a_ticket_without_pac_is_accepted);
    CPPUNIT_TEST(a_forged_pac_refuses_only_where_that_is_asked_for);
    CPPUNIT_TEST(a_pac_of_another_client_or_time_is_refused);
    CPPUNIT_TEST(a_pac_whose_table_cannot_be_read_is_refused);
    CPPUNIT_TEST(of_two_pacs_the_first_counts);
    CPPUNIT_TEST(containers_that_cannot_be_read_are_refused);
    CPPUNIT_TEST(a_refused_pac_leaves_no_replay_record);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_pac_that_verifies_is_accepted()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data = ticket_data(maker_for(world).pac());
        must(world.accept_honest());
    }

    void a_ticket_without_pac_is_accepted()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data = {if_relevant({{4711, {1, 2}}})};
        must(world.accept_honest());
    }

    void a_forged_pac_refuses_only_where_that_is_asked_for()
    {
        World world;
        Bytes pac = maker_for(world).pac();
        pac[200] ^= 1U;
        world.contents.authorization_data = ticket_data(pac);
        must(world.accept_honest());
        world.policy.strict_pac = true;
        const Result<Acceptance> refused = world.accept_honest();
        CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(refused));
        CPPUNIT_ASSERT_EQUAL(
            std::string("the ticket's PAC cannot be relied on: the server signature does not verify with "
                        "the key that opened the ticket"),
            refused.error().text());
    }

    void a_pac_of_another_client_or_time_is_refused()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data =
            ticket_data(PacMaker(*world.service_key, "mallory", world.contents.auth_time).pac());
        CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(world.accept_honest()));
        world.contents.authorization_data = ticket_data(
            PacMaker(*world.service_key, "alice", world.contents.auth_time - std::chrono::seconds(1)).pac());
        CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(world.accept_honest()));
    }

    void a_pac_whose_table_cannot_be_read_is_refused()
    {
        World world;
        const Bytes pac = maker_for(world).pac();
        for (const bool strict : {true, false}) {
            world.policy.strict_pac = strict;
            world.policy.strict_authorization_data = strict;
            world.contents.authorization_data = ticket_data({1, 2, 3});
            const Result<Acceptance> refused = world.accept_honest();
            CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(refused));
            CPPUNIT_ASSERT_EQUAL(std::string("3 octets, the shortest has more than 8"), refused.error().detail);
            Bytes outside = pac;
            put_uint32(outside, 12, static_cast<std::uint32_t>(pac.size()));
            world.contents.authorization_data = {AuthorizationElement{ad_pac, outside}};
            CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(world.accept_honest()));
        }
    }

    void of_two_pacs_the_first_counts()
    {
        World world;
        AuthorizationData elements = ticket_data(maker_for(world).pac());
        const AuthorizationElement unreadable = if_relevant({{ad_pac, {1, 2, 3}}});
        elements.push_back(unreadable);
        world.contents.authorization_data = elements;
        must(world.accept_honest());
        std::swap(elements.front(), elements.back());
        world.contents.authorization_data = elements;
        CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(world.accept_honest()));
    }

    void containers_that_cannot_be_read_are_refused()
    {
        World world;
        Bytes cut = container_for(world);
        world.contents.authorization_data = {if_relevant({{ad_cammac, cut}})};
        must(world.accept_honest());
        cut.pop_back();
        for (const AuthorizationElement& element :
             {AuthorizationElement{ad_if_relevant, {0x30}}, AuthorizationElement{ad_if_relevant, {}},
              if_relevant({{ad_cammac, cut}}), AuthorizationElement{ad_cammac, {}}}) {
            world.contents.authorization_data = {element};
            CPPUNIT_ASSERT_EQUAL(std::string("MalformedMessage"), fault_of(world.accept_honest()));
        }
    }

    void a_refused_pac_leaves_no_replay_record()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data =
            ticket_data(PacMaker(*world.service_key, "mallory", world.contents.auth_time).pac());
        CPPUNIT_ASSERT(!world.accept_honest());
        CPPUNIT_ASSERT(world.replays.seen.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StrictPacTest);

} // namespace
} // namespace apex
