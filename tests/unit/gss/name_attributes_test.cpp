// SPDX-License-Identifier: MIT
#include "apex/gss/name_attributes.h"

#include "accepted_session.h"
#include "tests/unit/host/configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

namespace apex {
namespace {

using namespace test;

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second)
{
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

class NameAttributesTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(NameAttributesTest);
    CPPUNIT_TEST(a_ticket_without_authorization_data_has_none);
    CPPUNIT_TEST(names_are_listed_in_mits_order_and_apexs_behind);
    CPPUNIT_TEST(the_buffers_are_given_as_they_are);
    CPPUNIT_TEST(buffers_go_by_number_too);
    CPPUNIT_TEST(the_plain_attributes_tell_the_user_and_its_groups);
    CPPUNIT_TEST(groups_come_one_at_a_time);
    CPPUNIT_TEST(names_under_a_prefix_are_compared_without_case);
    CPPUNIT_TEST(an_unverified_pac_is_listed_as_in_mit_and_gives_nothing);
    CPPUNIT_TEST(a_pac_of_another_client_gives_nothing);
    CPPUNIT_TEST(a_pac_that_cannot_be_read_gives_nothing);
    CPPUNIT_TEST(a_verified_pac_with_malformed_buffers_gives_them_raw_only);
    CPPUNIT_TEST(a_pac_without_identity_gives_no_plain_attributes);
    CPPUNIT_TEST(indicators_are_given_if_their_container_verifies);
    CPPUNIT_TEST(the_session_may_die_first);
    CPPUNIT_TEST(threads_may_ask_at_once);
    CPPUNIT_TEST(the_judgement_is_traced);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_ticket_without_authorization_data_has_none()
    {
        AcceptedSession accepted;
        CPPUNIT_ASSERT(attributes_of(accepted.session)->list().empty());
        accepted.session.ticket_authorization = {AuthorizationElement{ad_signed_ticket, {1}}};
        CPPUNIT_ASSERT(attributes_of(accepted.session)->list().empty());
        accepted.session.service_key = nullptr; // of an imported context
        CPPUNIT_ASSERT(attributes_of(accepted.session) == nullptr);
    }

    void names_are_listed_in_mits_order_and_apexs_behind()
    {
        AcceptedSession accepted;
        CPPUNIT_ASSERT(joined(names_of_mit, plain_names) == accepted.attributes()->list());
        accepted.maker.buffers.emplace_back(16, accepted.maker.buffer(7));
        accepted.maker.buffers.emplace_back(0xfffffff0, Bytes());
        const auto all = accepted.attributes(accepted.maker.pac(), {accepted.indicators({"one"})})->list();
        CPPUNIT_ASSERT(
            joined(joined(names_of_mit, {"urn:mspac:16", "urn:mspac:-16", "auth-indicators"}), plain_names) == all);
    }

    void the_buffers_are_given_as_they_are()
    {
        AcceptedSession accepted;
        const Bytes pac = accepted.maker.pac();
        const auto attributes = accepted.attributes(pac);
        const NameAttribute whole = must(attributes->value("urn:mspac:", -1));
        CPPUNIT_ASSERT(whole.value == pac && whole.authenticated && whole.complete && whole.more == 0);
        CPPUNIT_ASSERT(whole.display_value.empty());
        CPPUNIT_ASSERT(must(attributes->value("urn:mspac:logon-info", -1)).value == LogonFacts().encode());
        CPPUNIT_ASSERT(attributes->verified_pac() == pac);
        CPPUNIT_ASSERT_EQUAL(std::string("urn:mspac:: it has one value"), refusal_of(*attributes, "urn:mspac:", 0));
        CPPUNIT_ASSERT_EQUAL(std::string("urn:mspac:delegation-info: the PAC has none"),
                             refusal_of(*attributes, "urn:mspac:delegation-info"));
        CPPUNIT_ASSERT_EQUAL(std::string("urn:mspac:nonesuch: no buffer of a PAC has that name"),
                             refusal_of(*attributes, "urn:mspac:nonesuch"));
        accepted.maker.buffers.emplace_back(12, Bytes());
        CPPUNIT_ASSERT_EQUAL(std::string("urn:mspac:upn-dns-info: it has more than one buffer of type 12"),
                             refusal_of(*accepted.attributes(), "urn:mspac:upn-dns-info"));
    }

    void buffers_go_by_number_too()
    {
        AcceptedSession accepted;
        accepted.maker.buffers.emplace_back(0xfffffff0, Bytes{1, 2});
        accepted.maker.buffers.emplace_back(13, Bytes());
        const auto attributes = accepted.attributes();
        CPPUNIT_ASSERT_EQUAL(std::string("\1\2|"), values_of(*attributes, "urn:mspac:-16"));
        CPPUNIT_ASSERT_EQUAL(std::string("\1\2|"), values_of(*attributes, "urn:mspac:4294967280"));
        CPPUNIT_ASSERT_EQUAL(std::string("|"), values_of(*attributes, "urn:mspac:13"));
        CPPUNIT_ASSERT(values_of(*attributes, "urn:mspac:1") == values_of(*attributes, "urn:mspac:logon-info"));
        for (const char* name : {"urn:mspac:0", "urn:mspac:4294967296", "urn:mspac:-2147483649", "urn:mspac:1x",
                                 "urn:mspac: 1", "urn:mspac:99", "urn:mspac", "urn:mspac:4294967295", "", "urn:"}) {
            refusal_of(*attributes, name);
        }
    }

    void the_plain_attributes_tell_the_user_and_its_groups()
    {
        AcceptedSession accepted;
        const auto attributes = accepted.attributes();
        const std::map<std::string, std::string> expected = {
            {"urn:apex:user-sid", "S-1-5-21-1-2-3-1105|"},
            {"urn:apex:primary-group-sid", "S-1-5-21-1-2-3-513|"},
            {"urn:apex:group-sids", "S-1-5-21-1-2-3-513|S-1-5-21-1-2-3-1108|S-1-18-1|S-1-5-21-4-5-6-2001|"},
            {"urn:apex:logon-name", "alice|"},
            {"urn:apex:domain-name", "APEX|"},
            {"urn:apex:upn", "alice@apex.test|"},
            {"urn:apex:dns-domain-name", "APEX.TEST|"}};
        for (const auto& [name, value] : expected) {
            CPPUNIT_ASSERT_EQUAL(value, values_of(*attributes, name));
            const NameAttribute first = must(attributes->value(name, -1));
            CPPUNIT_ASSERT_EQUAL(text_of(first.value), first.display_value);
        }
        refusal_of(*attributes, "urn:apex:");
        refusal_of(*attributes, "urn:apex:nonesuch");
    }

    void groups_come_one_at_a_time()
    {
        AcceptedSession accepted;
        const auto attributes = accepted.attributes();
        const std::vector<int> steps = {-1, 1, 2, 3};
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const NameAttribute value = must(attributes->value("urn:apex:group-sids", steps[i]));
            CPPUNIT_ASSERT_EQUAL(i + 1 < steps.size() ? steps[i + 1] : 0, value.more);
        }
        CPPUNIT_ASSERT_EQUAL(std::string("urn:apex:group-sids: it has 4 values"),
                             refusal_of(*attributes, "urn:apex:group-sids", 4));
        refusal_of(*attributes, "urn:apex:group-sids", INT32_MAX);
    }

    void names_under_a_prefix_are_compared_without_case()
    {
        AcceptedSession accepted;
        const auto attributes = accepted.attributes(accepted.maker.pac(), {accepted.indicators({"one"})});
        CPPUNIT_ASSERT_EQUAL(std::string("alice|"), values_of(*attributes, "URN:Apex:Logon-Name"));
        CPPUNIT_ASSERT(values_of(*attributes, "URN:MSPAC:LOGON-INFO") ==
                       values_of(*attributes, "urn:mspac:logon-info"));
        refusal_of(*attributes, "Auth-Indicators"); // as in MIT
    }

    void an_unverified_pac_is_listed_as_in_mit_and_gives_nothing()
    {
        AcceptedSession accepted;
        Bytes pac = accepted.maker.pac();
        pac[200] ^= 1U;
        const auto attributes = accepted.attributes(pac);
        CPPUNIT_ASSERT(names_of_mit == attributes->list());
        for (const std::string& name : joined(names_of_mit, plain_names)) {
            CPPUNIT_ASSERT_EQUAL(
                name + ": the ticket's PAC cannot be relied on: the server signature does not verify with "
                       "the key that opened the ticket",
                refusal_of(*attributes, name));
        }
        CPPUNIT_ASSERT(!attributes->verified_pac());
    }

    void a_pac_of_another_client_gives_nothing()
    {
        AcceptedSession accepted;
        accepted.session.initiator.name.components = {"mallory"};
        const auto attributes = accepted.attributes();
        CPPUNIT_ASSERT(names_of_mit == attributes->list());
        CPPUNIT_ASSERT(refusal_of(*attributes, "urn:apex:user-sid").find("'alice', the ticket for 'mallory'") !=
                       std::string::npos);
    }

    void a_pac_that_cannot_be_read_gives_nothing()
    {
        AcceptedSession accepted;
        const auto attributes = accepted.attributes({1, 2, 3});
        CPPUNIT_ASSERT(attributes->list().empty() && !attributes->verified_pac());
        CPPUNIT_ASSERT_EQUAL(
            std::string("urn:mspac:: the ticket's PAC cannot be relied on: 3 octets, the shortest has more than 8"),
            refusal_of(*attributes, "urn:mspac:"));
        accepted.session.ticket_authorization = {AuthorizationElement{ad_if_relevant, {0x30}}};
        const auto malformed = attributes_of(accepted.session);
        CPPUNIT_ASSERT(malformed->list().empty());
        CPPUNIT_ASSERT(refusal_of(*malformed, "urn:mspac:").find("AD-IF-RELEVANT") != std::string::npos);
    }

    void a_verified_pac_with_malformed_buffers_gives_them_raw_only()
    {
        AcceptedSession accepted;
        accepted.maker.buffer(1).resize(100);
        const auto attributes = accepted.attributes();
        CPPUNIT_ASSERT(names_of_mit == attributes->list());
        CPPUNIT_ASSERT(values_of(*attributes, "urn:mspac:logon-info").size() == 101);
        CPPUNIT_ASSERT(refusal_of(*attributes, "urn:apex:user-sid").find("KERB_VALIDATION_INFO") != std::string::npos);
    }

    void a_pac_without_identity_gives_no_plain_attributes()
    {
        AcceptedSession accepted;
        accepted.maker.remove(1);
        accepted.maker.remove(12);
        const auto attributes = accepted.attributes();
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, attributes->list().size());
        CPPUNIT_ASSERT_EQUAL(std::string("urn:apex:user-sid"), refusal_of(*attributes, "urn:apex:user-sid"));
    }

    void indicators_are_given_if_their_container_verifies()
    {
        AcceptedSession accepted;
        AuthorizationElement container = accepted.indicators({"one", "two"});
        accepted.session.ticket_authorization = {if_relevant({container})};
        const auto attributes = attributes_of(accepted.session);
        CPPUNIT_ASSERT(std::vector<std::string>{"auth-indicators"} == attributes->list());
        CPPUNIT_ASSERT_EQUAL(std::string("one|two|"), values_of(*attributes, "auth-indicators"));
        CPPUNIT_ASSERT(must(attributes->value("auth-indicators", -1)).display_value.empty());
        container.data.back() ^= 1U;
        accepted.session.ticket_authorization = {container};
        CPPUNIT_ASSERT(attributes_of(accepted.session)->list().empty());
        refusal_of(*attributes_of(accepted.session), "auth-indicators");
    }

    void the_session_may_die_first()
    {
        std::shared_ptr<const NameAttributes> attributes;
        {
            AcceptedSession accepted;
            attributes = accepted.attributes();
        }
        CPPUNIT_ASSERT_EQUAL(std::string("alice|"), values_of(*attributes, "urn:apex:logon-name"));
    }

    void threads_may_ask_at_once()
    {
        AcceptedSession accepted;
        for (int round = 0; round < 20; ++round) {
            const auto attributes = accepted.attributes();
            std::vector<std::thread> threads;
            std::atomic<int> right{0};
            for (int i = 0; i < 4; ++i) {
                threads.emplace_back([&] { right += attributes->list().size() == 13 ? 1 : 0; });
            }
            std::for_each(threads.begin(), threads.end(), [](std::thread& each) { each.join(); });
            CPPUNIT_ASSERT_EQUAL(4, right.load());
        }
    }

    void the_judgement_is_traced()
    {
        ConfiguredWorld configured;
        configured.set("APEX_TRACE", configured.path("trace"));
        configured.configure("");
        AcceptedSession accepted;
        Bytes pac = accepted.maker.pac();
        pac[200] ^= 1U;
        const auto attributes = accepted.attributes(pac, {accepted.indicators({"one"})});
        CPPUNIT_ASSERT(ConfiguredWorld::read(configured.path("trace")).find("attributes") == std::string::npos);
        static_cast<void>(attributes->list());
        static_cast<void>(attributes->list());
        const std::string trace = ConfiguredWorld::read(configured.path("trace"));
        const std::string line = trace.substr(trace.find("attributes of the client's name judged"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{1}, std::count(line.begin(), line.end(), '\n'));
        CPPUNIT_ASSERT_MESSAGE(line, line.find("not verified") != std::string::npos &&
                                         line.find("does not verify with the key") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NameAttributesTest);

} // namespace
} // namespace apex
