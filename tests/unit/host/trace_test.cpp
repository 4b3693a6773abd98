// SPDX-License-Identifier: MIT
#include "apex/base/trace.h"

#include "apex/base/trace_events.h"
#include "apex/host/file_trace.h"
#include "configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace apex {
namespace {

/// Keeps what it was told.
class Listener final : public Trace {
public:
    void record(const TraceEvent& event) noexcept override { last = event; }
    TraceEvent last;
};

std::string fact(const TraceEvent& event, std::string_view name)
{
    for (const TraceFact& each : event.facts) {
        if (each.name == name) {
            return each.value;
        }
    }
    return "(no such fact)";
}

TraceEvent sample()
{
    return TicketOpened{.service = "host/a.b@R",
                        .version = 3,
                        .ticket_type = "aes256",
                        .session_type = "aes128",
                        .client = "u@R",
                        .auth_time = time_from_seconds(0),
                        .end_time = time_from_seconds(1)}
        .event();
}

std::size_t open_descriptors()
{
    std::size_t count = 0;
    DIR* directory = opendir("/proc/self/fd");
    while (readdir(directory) != nullptr) {
        ++count;
    }
    closedir(directory);
    return count;
}

class TraceTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(TraceTest);
    CPPUNIT_TEST(nobody_listening_costs_nothing);
    CPPUNIT_TEST(a_listener_gets_the_facts);
    CPPUNIT_TEST(a_clock_difference_has_a_sign);
    CPPUNIT_TEST(the_six_steps_carry_their_numbers);
    CPPUNIT_TEST(a_key_is_shown_as_type_and_fingerprint);
    CPPUNIT_TEST(control_characters_are_escaped);
    CPPUNIT_TEST(a_long_text_is_cut_with_dots);
    CPPUNIT_TEST(a_line_has_time_process_role_step_sentence_and_facts);
    CPPUNIT_TEST(each_event_is_one_line_however_hostile_its_facts);
    CPPUNIT_TEST(a_huge_event_is_still_one_line);
    CPPUNIT_TEST(lines_of_many_threads_do_not_mix);
    CPPUNIT_TEST(the_file_is_private);
    CPPUNIT_TEST(no_descriptor_stays_and_errno_is_kept);
    CPPUNIT_TEST(a_path_that_cannot_be_opened_is_no_failure);
    CPPUNIT_TEST(a_symbolic_link_is_not_followed);
    CPPUNIT_TEST(a_pipe_without_reader_neither_blocks_nor_kills);
    CPPUNIT_TEST_SUITE_END();

public:
    void nobody_listening_costs_nothing()
    {
        bool made = false;
        tell(nullptr, [&] {
            made = true;
            return MutualFlagSeen{};
        });
        CPPUNIT_ASSERT(!made);
    }

    void a_listener_gets_the_facts()
    {
        Listener listener;
        tell(&listener, [] { return ReplayStoreAnswered{.store = "user 0", .fresh = false}; });
        CPPUNIT_ASSERT_EQUAL(std::string_view("replay-store-answered"), listener.last.name);
        CPPUNIT_ASSERT_EQUAL(std::string("no"), fact(listener.last, "new"));
        CPPUNIT_ASSERT_EQUAL(std::string("user 0"), fact(listener.last, "store"));
    }

    void a_clock_difference_has_a_sign()
    {
        const auto shown = [](Duration difference) {
            const AuthenticatorOpened opened{
                .client = "u", .difference = difference, .limit = std::chrono::seconds(300), .subkey_type = {}};
            return fact(opened.event(), "clock-difference");
        };
        CPPUNIT_ASSERT_EQUAL(std::string("-7.000001"), shown(Duration(-7000001)));
        CPPUNIT_ASSERT_EQUAL(std::string("+0.500000"), shown(Duration(500000)));
        CPPUNIT_ASSERT_EQUAL(std::string("-9223372036854.775808"), shown(Duration::min()));
    }

    void the_six_steps_carry_their_numbers()
    {
        CPPUNIT_ASSERT_EQUAL(1U, TicketObtained{}.event().step);
        CPPUNIT_ASSERT_EQUAL(1U, RequestSent{}.event().step);
        CPPUNIT_ASSERT_EQUAL(2U, TicketOpened{}.event().step);
        CPPUNIT_ASSERT_EQUAL(2U, AuthorizationDataSeen{}.event().step);
        CPPUNIT_ASSERT_EQUAL(3U, AuthenticatorOpened{}.event().step);
        CPPUNIT_ASSERT_EQUAL(3U, BindingsCompared{}.event().step);
        CPPUNIT_ASSERT_EQUAL(3U, ReplayStoreAnswered{}.event().step);
        CPPUNIT_ASSERT_EQUAL(4U, MutualFlagSeen{}.event().step);
        CPPUNIT_ASSERT_EQUAL(5U, ReplyMade{}.event().step);
        CPPUNIT_ASSERT_EQUAL(6U, ReplyVerified{}.event().step);
        CPPUNIT_ASSERT(ReplyMade{}.event().role == TraceRole::acceptor);
        CPPUNIT_ASSERT(ReplyVerified{}.event().role == TraceRole::initiator);
    }

    void a_key_is_shown_as_type_and_fingerprint()
    {
        const ReplyMade made{.subkey_type = "aes256", .subkey_fingerprint = "3f2a", .length = 0};
        CPPUNIT_ASSERT_EQUAL(std::string("aes256/3f2a"), fact(made.event(), "subkey"));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), fact(ReplyMade{}.event(), "subkey"));
    }

    void control_characters_are_escaped()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("a\\x0ab\\x00\\x5c\\x22\\x7f\\xffz ~"),
                             escape_text(std::string_view("a\nb\0\\\"\x7f\xffz ~", 11)));
    }

    void a_long_text_is_cut_with_dots()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("abcdefgh"), escape_text("abcdefgh", 8));
        CPPUNIT_ASSERT_EQUAL(std::string("abcde..."), escape_text("abcdefghi", 8));
        CPPUNIT_ASSERT_EQUAL(std::string("abc..."), escape_text("abc\n\n\n", 8));
        for (std::size_t limit = 0; limit < 20; ++limit) {
            CPPUNIT_ASSERT(escape_text(std::string(50, '\n'), limit).size() <= limit);
        }
    }

    void a_line_has_time_process_role_step_sentence_and_facts()
    {
        const ConfiguredWorld world;
        FileTrace(world.path("trace")).record(sample());
        const std::string line = ConfiguredWorld::read(world.path("trace"));
        const std::string middle = "Z " + std::to_string(getpid()) +
                                   " acceptor step 2: ticket opened service=host/a.b@R kvno=3 ticket-enctype=aes256 "
                                   "session-enctype=aes128 client=u@R authtime=1970-01-01T00:00:00Z "
                                   "end=1970-01-01T00:00:01Z\n";
        constexpr std::size_t time_length = sizeof "2026-11-24T05:06:07.123456" - 1;
        CPPUNIT_ASSERT_EQUAL(middle, line.substr(std::min(line.size(), time_length)));
        CPPUNIT_ASSERT_EQUAL('T', line[10]);
        CPPUNIT_ASSERT_EQUAL('.', line[19]);
    }

    void each_event_is_one_line_however_hostile_its_facts()
    {
        const ConfiguredWorld world;
        FileTrace trace(world.path("trace"));
        const Refused refused{.role = TraceRole::acceptor, .text = "evil\n\"quoted\" \x1b[2J", .minor = -1};
        trace.record(refused.event());
        const std::string line = ConfiguredWorld::read(world.path("trace"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{1}, std::count(line.begin(), line.end(), '\n'));
        CPPUNIT_ASSERT(line.ends_with("text=\"evil\\x0a\\x22quoted\\x22 \\x1b[2J\"\n"));
    }

    void a_huge_event_is_still_one_line()
    {
        const ConfiguredWorld world;
        FileTrace trace(world.path("trace"));
        TraceEvent event = sample();
        for (int i = 0; i < 10; ++i) {
            event.facts.push_back({"more", std::string(100000, 'x')});
        }
        trace.record(event);
        const std::string line = ConfiguredWorld::read(world.path("trace"));
        CPPUNIT_ASSERT(line.size() <= 4096);
        CPPUNIT_ASSERT(line.ends_with("...\n"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{1}, std::count(line.begin(), line.end(), '\n'));
    }

    void lines_of_many_threads_do_not_mix()
    {
        const ConfiguredWorld world;
        FileTrace trace(world.path("trace"));
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&trace] {
                for (int k = 0; k < 50; ++k) {
                    trace.record(sample());
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        const std::string text = ConfiguredWorld::read(world.path("trace"));
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{200}, std::count(text.begin(), text.end(), '\n'));
        std::size_t whole = 0;
        for (std::size_t at = text.find("end=1970-01-01T00:00:01Z\n"); at != std::string::npos;
             at = text.find("end=1970-01-01T00:00:01Z\n", at + 1)) {
            ++whole;
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{200}, whole);
    }

    void the_file_is_private()
    {
        const ConfiguredWorld world;
        FileTrace(world.path("trace")).record(sample());
        struct stat status{};
        CPPUNIT_ASSERT_EQUAL(0, stat(world.path("trace").c_str(), &status));
        CPPUNIT_ASSERT_EQUAL(mode_t{0}, status.st_mode & 077U);
    }

    void no_descriptor_stays_and_errno_is_kept()
    {
        const ConfiguredWorld world;
        FileTrace trace(world.path("trace"));
        const std::size_t before = open_descriptors();
        errno = EDOM;
        trace.record(sample());
        CPPUNIT_ASSERT_EQUAL(EDOM, errno);
        CPPUNIT_ASSERT_EQUAL(before, open_descriptors());
    }

    void a_path_that_cannot_be_opened_is_no_failure()
    {
        const ConfiguredWorld world;
        errno = EDOM;
        FileTrace(world.path("no/such/directory")).record(sample());
        FileTrace(world.path("")).record(sample());
        FileTrace("").record(sample());
        FileTrace(std::string(100000, '/')).record(sample());
        CPPUNIT_ASSERT_EQUAL(EDOM, errno);
    }

    void a_symbolic_link_is_not_followed()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(0, symlink(world.path("target").c_str(), world.path("trace").c_str()));
        FileTrace(world.path("trace")).record(sample());
        CPPUNIT_ASSERT(access(world.path("target").c_str(), F_OK) != 0);
    }

    void a_pipe_without_reader_neither_blocks_nor_kills()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(0, mkfifo(world.path("pipe").c_str(), 0600));
        FileTrace trace(world.path("pipe"));
        trace.record(sample());
        const int reader = open(world.path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
        for (int i = 0; i < 1000; ++i) {
            trace.record(sample()); // more than a pipe holds
        }
        close(reader);
        trace.record(sample());
        sigset_t pending;
        sigpending(&pending);
        CPPUNIT_ASSERT_EQUAL(0, sigismember(&pending, SIGPIPE));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(TraceTest);

} // namespace
} // namespace apex
