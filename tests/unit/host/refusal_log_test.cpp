// SPDX-License-Identifier: MIT
#include "apex/host/refusal_log.h"

#include "configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace apex {
namespace {

/// SystemLog is a stand-in for /dev/log.
class SystemLog final {
public:
    explicit SystemLog(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        CPPUNIT_ASSERT_EQUAL(0, bind(socket_, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                                     sizeof address));
    }
    ~SystemLog() { close(socket_); }
    SystemLog(const SystemLog&) = delete;
    SystemLog& operator=(const SystemLog&) = delete;

    [[nodiscard]] std::vector<std::string> lines() const
    {
        std::vector<std::string> all;
        std::array<char, 8192> room{};
        ssize_t length = 0;
        while ((length = recv(socket_, room.data(), room.size(), 0)) >= 0) {
            all.emplace_back(room.data(), static_cast<std::size_t>(length));
        }
        return all;
    }

private:
    int socket_;
};

class RefusalLogTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(RefusalLogTest);
    CPPUNIT_TEST(a_refusal_is_one_datagram_for_the_authentication_facility);
    CPPUNIT_TEST(what_a_peer_wrote_is_escaped_and_bounded);
    CPPUNIT_TEST(a_flood_is_cut_and_counted);
    CPPUNIT_TEST(an_absent_log_is_no_failure);
    CPPUNIT_TEST(a_full_log_does_not_block);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_refusal_is_one_datagram_for_the_authentication_facility()
    {
        const ConfiguredWorld world;
        const std::string path = world.path("log");
        const SystemLog system(path);
        RefusalLog log(path);
        errno = EDOM;
        log.refused(TraceRole::acceptor, refuse(Fault::ClockSkew, "client 600 s behind, limit 300 s"));
        CPPUNIT_ASSERT_EQUAL(EDOM, errno);
        const std::vector<std::string> lines = system.lines();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lines.size());
        CPPUNIT_ASSERT_EQUAL("<37>apex[" + std::to_string(getpid()) + "]: " + program_invocation_short_name +
                                 " refused as acceptor: ClockSkew: " +
                                 std::string(traits_of(Fault::ClockSkew).sentence) +
                                 ": client 600 s behind, limit 300 s",
                             lines[0]);
    }

    void what_a_peer_wrote_is_escaped_and_bounded()
    {
        const ConfiguredWorld world;
        const std::string path = world.path("log");
        const SystemLog system(path);
        RefusalLog log(path);
        log.refused(TraceRole::acceptor, refuse(Fault::WrongClient, "u\n<0>kernel: fake\x1b"));
        log.refused(TraceRole::acceptor, refuse(Fault::WrongClient, std::string(100000, '\n')));
        const std::vector<std::string> lines = system.lines();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, lines.size());
        CPPUNIT_ASSERT(lines[0].ends_with(": u\\x0a<0>kernel: fake\\x1b"));
        CPPUNIT_ASSERT(lines[1].size() < 4096 && lines[1].find('\n') == std::string::npos);
    }

    void a_flood_is_cut_and_counted()
    {
        const ConfiguredWorld world;
        const std::string path = world.path("log");
        const SystemLog system(path);
        RefusalLog log(path);
        constexpr std::size_t flood = 1000;
        for (std::size_t i = 0; i < flood; ++i) {
            log.refused(TraceRole::acceptor, refuse(Fault::Replay));
        }
        const std::vector<std::string> lines = system.lines();
        // The flood may run across the turn of a second or two, each of which has its own allowance.
        CPPUNIT_ASSERT(lines.size() >= RefusalLog::most_per_second);
        CPPUNIT_ASSERT(lines.size() < flood / 2);
    }

    void an_absent_log_is_no_failure()
    {
        const ConfiguredWorld world;
        const std::string path = world.path("nothing");
        RefusalLog(path).refused(TraceRole::acceptor, refuse(Fault::Replay));
        const std::string endless(4096, 'x');
        RefusalLog(endless).complain("anything");
    }

    void a_full_log_does_not_block()
    {
        const ConfiguredWorld world;
        const std::string path = world.path("log");
        const SystemLog system(path);
        // A queue holds fewer datagrams than these (net.unix.max_dgram_qlen); each log has an allowance of its own.
        for (int i = 0; i < 400; ++i) {
            RefusalLog(path).complain("full");
        }
        CPPUNIT_ASSERT(!system.lines().empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RefusalLogTest);

} // namespace
} // namespace apex
