// SPDX-License-Identifier: MIT
#include "host/replay_cluster.h"
#include "unit/host/replay_fake_agent.h"
#include "unit/host/replay_fixture.h"

#include <cppunit/extensions/HelperMacros.h>
#include <set>

namespace apex {
namespace {

using namespace std::chrono_literals;
using replay::AgentStatus;

const std::string remembered = "remembered";
const std::string replayed = "Replay";
const std::string failed = "ReplayStoreFailed";

class ReplayClusterTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayClusterTest);
    CPPUNIT_TEST(every_host_derives_the_same_tag);
    CPPUNIT_TEST(a_record_outlives_hosts_whose_clocks_differ_by_the_skew);
    CPPUNIT_TEST(what_the_agent_calls_fresh_is_accepted_once);
    CPPUNIT_TEST(a_replay_on_this_machine_needs_no_agent);
    CPPUNIT_TEST(what_another_host_accepted_is_refused);
    CPPUNIT_TEST(two_hosts_with_one_agent_accept_once);
    CPPUNIT_TEST(no_agent_refuses_and_the_request_stays_remembered);
    CPPUNIT_TEST(every_answer_but_fresh_and_seen_refuses_with_its_text);
    CPPUNIT_TEST(local_accepts_without_an_agent_once_and_sounds_one_alarm);
    CPPUNIT_TEST(local_still_refuses_what_the_agent_has_seen);
    CPPUNIT_TEST(a_process_that_was_held_up_does_not_rely_on_the_answer);
    CPPUNIT_TEST(none_asks_no_agent);
    CPPUNIT_TEST(file2_asks_the_agent_too);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;
    std::string path = (world.directory / "agent.sock").string();

    std::shared_ptr<ReplayCache> cache(ReplayWorld& host, const std::string& name = "dfl:",
                                       ReplayAgentFailurePolicy failure = ReplayAgentFailurePolicy::refuse)
    {
        ReplayStoreSettings settings = host.settings();
        settings.agent_socket = path;
        settings.agent_timeout = 5s;
        settings.agent_failure = failure;
        const auto made = replay_cache_from_name(name, settings);
        CPPUNIT_ASSERT(made);
        return *made;
    }

    [[nodiscard]] replay::AgentQuestion question(Duration ahead,
                                                 EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96) const
    {
        const auto made = question_about(ReplayWorld::authenticator(1), type, world.now + ahead, 300s, world.now);
        CPPUNIT_ASSERT(made);
        return *made;
    }

    /// Answers as an engine would: fresh, then seen.
    static FakeAgent::Answering remembering()
    {
        auto tags = std::make_shared<std::set<replay::AgentTag>>();
        return [tags](const replay::AgentQuestion& asked) {
            const bool fresh = tags->insert(asked.tag).second;
            return replay::encode(replay::AgentAnswer{
                .number = asked.number, .status = fresh ? AgentStatus::fresh : AgentStatus::seen, .text = {}});
        };
    }

public:
    void every_host_derives_the_same_tag()
    {
        // SHA-256 of "apex replay tag 1", 00 00 00 12 and the authenticator, computed with sha256sum.
        CPPUNIT_ASSERT_EQUAL(std::string("d38f1b06a967daeb564b826612261be250d47c8f0b7c93acd21525c9f433d2e6"),
                             hex(question(0s).tag));
        CPPUNIT_ASSERT(question(0s).tag == question(7s).tag);
        CPPUNIT_ASSERT(question(0s).tag != question(0s, EncryptionType::aes128_cts_hmac_sha1_96).tag);
    }

    void a_record_outlives_hosts_whose_clocks_differ_by_the_skew()
    {
        CPPUNIT_ASSERT(question(0s).lifetime == 610s && question(0s).age == 610s);
        CPPUNIT_ASSERT(question(300s).lifetime == 910s && question(300s).age == 310s);
        CPPUNIT_ASSERT(question(-300s).lifetime == 610s && question(-300s).age == 910s);
    }

    void what_the_agent_calls_fresh_is_accepted_once()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        const auto here = cache(world);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 2)));
    }

    void a_replay_on_this_machine_needs_no_agent()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        const auto here = cache(world);
        CPPUNIT_ASSERT(world.remember(*here, 1));
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(1, fake.questions.load());
    }

    void what_another_host_accepted_is_refused()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::seen));
        const Done done = world.remember(*cache(world), 1);
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("another host") != std::string::npos);
    }

    void two_hosts_with_one_agent_accept_once()
    {
        const FakeAgent fake(path, remembering());
        ReplayWorld other;
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*cache(world), 1)));
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(other.remember(*cache(other), 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(other.remember(*cache(other), 2)));
    }

    void no_agent_refuses_and_the_request_stays_remembered()
    {
        const auto here = cache(world);
        const Done done = world.remember(*here, 1);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT_MESSAGE(done.error().detail, done.error().detail.find(path) != std::string::npos);
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 2)));
    }

    void every_answer_but_fresh_and_seen_refuses_with_its_text()
    {
        const std::vector<std::pair<AgentStatus, std::string>> answers = {
            {AgentStatus::unavailable, "repair the engine"},
            {AgentStatus::unknowing, "wait"},
            {AgentStatus::overloaded, "who asks so much"},
            {AgentStatus::not_allowed, "--allow-user"},
            {AgentStatus::misunderstood, "of one version"}};
        for (const auto& [status, remedy] : answers) {
            ReplayWorld host;
            path = (host.directory / "agent.sock").string();
            const FakeAgent fake(path, FakeAgent::always(status, "the engine's cause"));
            const Done done = host.remember(*cache(host), 1);
            CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
            for (const std::string& part : {path, std::string("the engine's cause"), remedy}) {
                CPPUNIT_ASSERT_MESSAGE(done.error().detail, done.error().detail.find(part) != std::string::npos);
            }
        }
    }

    void local_accepts_without_an_agent_once_and_sounds_one_alarm()
    {
        const auto here = cache(world, "dfl:", ReplayAgentFailurePolicy::local);
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*here, 2)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, world.events.size());
        CPPUNIT_ASSERT(world.events.front().find(path) != std::string::npos);
        CPPUNIT_ASSERT(world.events.front().find("go unnoticed") != std::string::npos);
    }

    void local_still_refuses_what_the_agent_has_seen()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::seen));
        const auto here = cache(world, "dfl:", ReplayAgentFailurePolicy::local);
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*here, 1)));
        CPPUNIT_ASSERT(world.events.empty());
    }

    void a_process_that_was_held_up_does_not_rely_on_the_answer()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        ReplayStoreSettings settings = world.settings();
        settings.agent_socket = path;
        settings.agent_timeout = 5s;
        ClusterCache cluster(std::make_shared<NoReplayCache>(), settings);
        world.held_up = 9s;
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(cluster, 1)));
        world.held_up = 10s;
        world.boot_readings = 0;
        const Done done = world.remember(cluster, 2);
        CPPUNIT_ASSERT_EQUAL(failed, outcome_of(done));
        CPPUNIT_ASSERT(done.error().detail.find("held up for 10 s") != std::string::npos);
    }

    void none_asks_no_agent()
    {
        CPPUNIT_ASSERT_EQUAL(remembered, outcome_of(world.remember(*cache(world, "none:"), 1)));
    }

    void file2_asks_the_agent_too()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::seen));
        const std::string file = "file2:" + (world.directory / "mit").string();
        CPPUNIT_ASSERT_EQUAL(replayed, outcome_of(world.remember(*cache(world, file), 1)));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayClusterTest);

} // namespace
} // namespace apex
