// SPDX-License-Identifier: MIT
#include "host/replay_agent.h"
#include "unit/host/replay_fake_agent.h"
#include "unit/host/replay_fixture.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace apex {
namespace {

using namespace std::chrono_literals;
using replay::AgentAnswer;
using replay::AgentQuestion;
using replay::AgentStatus;

AgentQuestion some_question()
{
    AgentQuestion question{.number = 0x0102030405060708, .tag = {}, .lifetime = 610s, .age = 610s};
    question.tag.fill(0x5a);
    return question;
}

class ReplayAgentTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ReplayAgentTest);
    CPPUNIT_TEST(a_question_arrives_as_it_was_sent);
    CPPUNIT_TEST(a_question_of_another_mark_version_or_size_is_not_read);
    CPPUNIT_TEST(a_question_with_times_out_of_bounds_is_not_read);
    CPPUNIT_TEST(an_answer_arrives_as_it_was_sent);
    CPPUNIT_TEST(an_answer_of_another_mark_version_status_or_size_is_not_read);
    CPPUNIT_TEST(a_text_is_cut_and_made_printable);
    CPPUNIT_TEST(an_answer_is_given);
    CPPUNIT_TEST(a_connection_serves_again);
    CPPUNIT_TEST(threads_have_a_connection_each);
    CPPUNIT_TEST(a_missing_agent_is_told_with_socket_cause_and_remedy);
    CPPUNIT_TEST(a_silent_agent_is_waited_for_no_longer_than_the_timeout);
    CPPUNIT_TEST(an_agent_that_accepts_no_more_is_waited_for_no_longer_than_the_timeout);
    CPPUNIT_TEST(noise_is_refused);
    CPPUNIT_TEST(an_answer_of_another_version_is_refused);
    CPPUNIT_TEST(an_answer_to_another_question_is_refused);
    CPPUNIT_TEST(an_agent_that_hangs_up_is_told);
    CPPUNIT_TEST(a_late_answer_does_not_meet_the_next_question);
    CPPUNIT_TEST(an_agent_that_was_started_anew_is_asked_without_a_failure);
    CPPUNIT_TEST(a_descriptor_that_the_host_closed_is_not_used);
    CPPUNIT_TEST(a_forked_child_connects_anew);
    CPPUNIT_TEST(a_place_that_others_can_change_is_refused);
    CPPUNIT_TEST(a_path_that_is_too_long_is_refused);
    CPPUNIT_TEST_SUITE_END();

    ReplayWorld world;
    std::string path = (world.directory / "agent.sock").string();
    static constexpr std::chrono::milliseconds patient = 5s;

    std::string refusal(replay::ReplayAgent& agent)
    {
        const Result<AgentAnswer> answer = agent.ask(some_question());
        CPPUNIT_ASSERT(!answer);
        CPPUNIT_ASSERT(answer.error().fault == Fault::ReplayStoreFailed);
        CPPUNIT_ASSERT(answer.error().detail.find(agent.socket().substr(0, 40)) != std::string::npos);
        return answer.error().detail;
    }

    static void expect(const std::string& text, const std::string& part)
    {
        CPPUNIT_ASSERT_MESSAGE(text, text.find(part) != std::string::npos);
    }

public:
    void a_question_arrives_as_it_was_sent()
    {
        const auto read = replay::decode_question(replay::encode(some_question()));
        CPPUNIT_ASSERT(read == some_question());
    }

    void a_question_of_another_mark_version_or_size_is_not_read()
    {
        const replay::QuestionOctets good = replay::encode(some_question());
        for (std::size_t i = 0; i < 8; ++i) {
            replay::QuestionOctets bad = good;
            bad[i] ^= 1;
            CPPUNIT_ASSERT(!replay::decode_question(bad));
        }
        Bytes longer(good.begin(), good.end());
        longer.push_back(0);
        CPPUNIT_ASSERT(!replay::decode_question(longer));
        CPPUNIT_ASSERT(!replay::decode_question(ByteView(good).first(good.size() - 1)));
        CPPUNIT_ASSERT(!replay::decode_question({}));
    }

    void a_question_with_times_out_of_bounds_is_not_read()
    {
        AgentQuestion question = some_question();
        question.lifetime = replay::longest_agent_time;
        question.age = 0ms;
        CPPUNIT_ASSERT(replay::decode_question(replay::encode(question)) == question);
        question.lifetime += 1ms;
        CPPUNIT_ASSERT(!replay::decode_question(replay::encode(question)));
        question.lifetime = 0ms;
        CPPUNIT_ASSERT(!replay::decode_question(replay::encode(question)));
        question.lifetime = 1ms;
        question.age = -1ms;
        CPPUNIT_ASSERT(!replay::decode_question(replay::encode(question)));
    }

    void an_answer_arrives_as_it_was_sent()
    {
        for (const AgentStatus status : {AgentStatus::fresh, AgentStatus::seen, AgentStatus::misunderstood}) {
            const AgentAnswer answer{.number = 7, .status = status, .text = "why"};
            CPPUNIT_ASSERT(replay::decode_answer(replay::encode(answer)) == answer);
        }
    }

    void an_answer_of_another_mark_version_status_or_size_is_not_read()
    {
        const Bytes good = replay::encode(AgentAnswer{.number = 7, .status = AgentStatus::fresh, .text = "why"});
        for (const std::size_t place : {0U, 1U, 2U, 3U, 4U, 6U, 7U}) {
            Bytes bad = good;
            bad[place] ^= 1;
            CPPUNIT_ASSERT(!replay::decode_answer(bad));
        }
        for (const int status : {0, 8, 255}) {
            Bytes bad = good;
            bad[5] = static_cast<std::uint8_t>(status);
            CPPUNIT_ASSERT(!replay::decode_answer(bad));
        }
        Bytes control = good;
        control.back() = '\n';
        CPPUNIT_ASSERT(!replay::decode_answer(control));
        Bytes longer(replay::answer_size + replay::most_agent_text + 1, 'x');
        std::copy_n(good.begin(), replay::answer_size, longer.begin());
        CPPUNIT_ASSERT(!replay::decode_answer(longer));
        longer.pop_back();
        CPPUNIT_ASSERT(replay::decode_answer(longer));
        CPPUNIT_ASSERT(!replay::decode_answer(ByteView(good).first(replay::answer_size - 1)));
    }

    void a_text_is_cut_and_made_printable()
    {
        const std::string text = "line\n" + std::string(300, 'x');
        const auto read = replay::decode_answer(replay::encode(AgentAnswer{.text = text}));
        CPPUNIT_ASSERT(read);
        CPPUNIT_ASSERT_EQUAL(replay::most_agent_text, read->text.size());
        CPPUNIT_ASSERT_EQUAL(std::string("line?xxx"), read->text.substr(0, 8));
    }

    void an_answer_is_given()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::unavailable, "engine gone"));
        replay::ReplayAgent agent(path, patient);
        const Result<AgentAnswer> answer = agent.ask(some_question());
        CPPUNIT_ASSERT(answer);
        CPPUNIT_ASSERT(answer->status == AgentStatus::unavailable);
        CPPUNIT_ASSERT_EQUAL(std::string("engine gone"), answer->text);
    }

    void a_connection_serves_again()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        replay::ReplayAgent agent(path, patient);
        for (int i = 0; i < 100; ++i) {
            CPPUNIT_ASSERT(agent.ask(some_question()));
        }
        CPPUNIT_ASSERT_EQUAL(100, fake.questions.load());
        CPPUNIT_ASSERT_EQUAL(1, fake.connections.load());
    }

    void threads_have_a_connection_each()
    {
        const FakeAgent fake(path, [](const AgentQuestion& question) {
            const auto status = question.tag[0] % 2 == 0 ? AgentStatus::fresh : AgentStatus::seen;
            return replay::encode(AgentAnswer{.number = question.number, .status = status, .text = {}});
        });
        replay::ReplayAgent agent(path, patient);
        std::atomic<int> wrong{0};
        std::vector<std::thread> threads;
        for (std::uint8_t id = 0; id < 12; ++id) {
            threads.emplace_back([&agent, &wrong, id] {
                AgentQuestion question = some_question();
                question.tag[0] = id;
                for (int i = 0; i < 50; ++i) {
                    const Result<AgentAnswer> answer = agent.ask(question);
                    wrong += answer && (answer->status == AgentStatus::fresh) == (id % 2 == 0) ? 0 : 1;
                }
            });
        }
        for (std::thread& each : threads) {
            each.join();
        }
        CPPUNIT_ASSERT_EQUAL(0, wrong.load());
    }

    void a_missing_agent_is_told_with_socket_cause_and_remedy()
    {
        replay::ReplayAgent agent(path, patient);
        const std::string text = refusal(agent);
        expect(text, path);
        expect(text, "No such file");
        expect(text, "systemctl start apex-replayd.socket");
    }

    void a_silent_agent_is_waited_for_no_longer_than_the_timeout()
    {
        const FakeAgent fake(path, [](const AgentQuestion&) { return Bytes(); });
        replay::ReplayAgent agent(path, 30ms);
        const auto start = std::chrono::steady_clock::now();
        expect(refusal(agent), "no answer within 30 ms");
        const auto waited = std::chrono::steady_clock::now() - start;
        CPPUNIT_ASSERT(waited >= 30ms && waited < 3s);
    }

    void an_agent_that_accepts_no_more_is_waited_for_no_longer_than_the_timeout();

    void noise_is_refused()
    {
        const FakeAgent fake(path, [](const AgentQuestion&) { return Bytes{1, 2, 3, 4}; });
        replay::ReplayAgent agent(path, patient);
        expect(refusal(agent), "sent 4 octets that are no answer");
    }

    void an_answer_of_another_version_is_refused()
    {
        const FakeAgent fake(path, [](const AgentQuestion& question) {
            Bytes answer =
                replay::encode(AgentAnswer{.number = question.number, .status = AgentStatus::fresh, .text = {}});
            answer[4] = 2;
            return answer;
        });
        replay::ReplayAgent agent(path, patient);
        expect(refusal(agent), "no answer of version 1");
    }

    void an_answer_to_another_question_is_refused()
    {
        const FakeAgent fake(path, [](const AgentQuestion& question) {
            return replay::encode(AgentAnswer{.number = question.number + 1, .status = AgentStatus::fresh, .text = {}});
        });
        replay::ReplayAgent agent(path, patient);
        expect(refusal(agent), "answered question 2 instead of 1");
    }

    void an_agent_that_hangs_up_is_told()
    {
        const FakeAgent fake(path, [](const AgentQuestion&) { return FakeAgent::hang_up; });
        replay::ReplayAgent agent(path, patient);
        expect(refusal(agent), "closed the connection");
    }

    void a_late_answer_does_not_meet_the_next_question()
    {
        std::atomic<int> asked{0};
        const FakeAgent fake(path, [&asked](const AgentQuestion& question) {
            const bool first = asked++ == 0;
            std::this_thread::sleep_for(first ? 60ms : 0ms);
            return replay::encode(AgentAnswer{
                .number = question.number, .status = first ? AgentStatus::fresh : AgentStatus::seen, .text = {}});
        });
        replay::ReplayAgent hasty(path, 20ms);
        expect(refusal(hasty), "no answer within 20 ms");
        std::this_thread::sleep_for(100ms);
        Result<AgentAnswer> answer = hasty.ask(some_question());
        for (int i = 0; i < 100 && !answer; ++i) { // on a busy machine 20 ms may be too short
            answer = hasty.ask(some_question());
        }
        CPPUNIT_ASSERT(answer);
        CPPUNIT_ASSERT(answer->status == AgentStatus::seen);
    }

    void an_agent_that_was_started_anew_is_asked_without_a_failure()
    {
        replay::ReplayAgent agent(path, patient);
        for (int i = 0; i < 3; ++i) {
            const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
            CPPUNIT_ASSERT(agent.ask(some_question()));
            std::filesystem::remove(path);
        }
    }

    void a_descriptor_that_the_host_closed_is_not_used()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        replay::ReplayAgent agent(path, patient);
        CPPUNIT_ASSERT(agent.ask(some_question()));
        const std::string file = (world.directory / "file").string();
        write_file(file, {});
        // What a daemon does: it closes all that it does not know, and opens a file of its own.
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            const int number = std::stoi(entry.path().filename());
            int type = 0;
            socklen_t length = sizeof type;
            const bool ours = ::fcntl(number, F_GETFL) >= 0 && (::fcntl(number, F_GETFL) & O_NONBLOCK) != 0 &&
                              ::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
            if (ours) {
                const int other = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
                CPPUNIT_ASSERT_EQUAL(number, ::dup3(other, number, O_CLOEXEC));
                ::close(other);
                CPPUNIT_ASSERT(agent.ask(some_question()));
                CPPUNIT_ASSERT(::fcntl(number, F_GETFD) >= 0);
                CPPUNIT_ASSERT(read_file(file).empty());
                ::close(number);
                CPPUNIT_ASSERT_EQUAL(2, fake.connections.load());
                return;
            }
        }
        CPPUNIT_FAIL("no connection was kept");
    }

    void a_forked_child_connects_anew()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        replay::ReplayAgent agent(path, patient);
        CPPUNIT_ASSERT(agent.ask(some_question()));
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(agent.ask(some_question()) ? 0 : 1);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        CPPUNIT_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CPPUNIT_ASSERT(agent.ask(some_question()));
        CPPUNIT_ASSERT_EQUAL(2, fake.connections.load());
    }

    void a_place_that_others_can_change_is_refused()
    {
        const FakeAgent fake(path, FakeAgent::always(AgentStatus::fresh));
        replay::ReplayAgent agent(path, patient);
        CPPUNIT_ASSERT(agent.ask(some_question()));
        CPPUNIT_ASSERT_EQUAL(0, ::chmod(world.directory.c_str(), 0777));
        replay::ReplayAgent doubtful(path, patient);
        expect(refusal(doubtful), "could be changed by other users");
    }

    void a_path_that_is_too_long_is_refused()
    {
        replay::ReplayAgent agent("/run/" + std::string(110, 'x'), patient);
        expect(refusal(agent), "longer than 107 octets");
    }
};

void ReplayAgentTest::an_agent_that_accepts_no_more_is_waited_for_no_longer_than_the_timeout()
{
    std::atomic<bool> go_on{false};
    const FakeAgent fake(path, [&go_on](const AgentQuestion&) {
        while (!go_on) {
            std::this_thread::sleep_for(1ms);
        }
        return Bytes();
    });
    replay::ReplayAgent agent(path, 20ms);
    // The agent is stuck in the first question; these connections fill its queue.
    std::string text;
    for (int i = 0; i < 40; ++i) {
        text = refusal(agent);
        expect(text, "no answer within 20 ms");
    }
    go_on = true;
}

CPPUNIT_TEST_SUITE_REGISTRATION(ReplayAgentTest);

} // namespace
} // namespace apex
