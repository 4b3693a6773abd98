// SPDX-License-Identifier: MIT
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

/// INVARIANTS A11: a PAC that does not verify marks its attributes (the default) or refuses the client (strict_pac).
class StrictPacTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(StrictPacTest);
    CPPUNIT_TEST(a_pac_that_verifies_is_accepted);
    CPPUNIT_TEST(a_ticket_without_pac_is_accepted);
    CPPUNIT_TEST(a_forged_pac_refuses_only_where_that_is_asked_for);
    CPPUNIT_TEST(a_pac_of_another_client_or_time_is_refused);
    CPPUNIT_TEST(a_pac_that_cannot_be_read_is_refused);
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

    void a_pac_that_cannot_be_read_is_refused()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data = ticket_data({1, 2, 3});
        CPPUNIT_ASSERT_EQUAL(std::string("PacRefused"), fault_of(world.accept_honest()));
        world.contents.authorization_data = {AuthorizationElement{ad_if_relevant, {0x30}}};
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedMessage"), fault_of(world.accept_honest()));
        world.policy.strict_pac = false;
        must(world.accept_honest());
    }

    void a_refused_pac_leaves_no_replay_record()
    {
        World world;
        world.policy.strict_pac = true;
        world.contents.authorization_data = ticket_data({1, 2, 3});
        CPPUNIT_ASSERT(!world.accept_honest());
        CPPUNIT_ASSERT(world.replays.seen.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StrictPacTest);

} // namespace
} // namespace apex
