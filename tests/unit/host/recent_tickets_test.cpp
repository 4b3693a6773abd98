// SPDX-License-Identifier: MIT
#include "tests/support/world.h"

#include "apex/host/recent_tickets.h"

#include <cppunit/extensions/HelperMacros.h>

#include <memory>

using namespace apex;
using namespace apex::test;

namespace {

/// One client that shows one ticket again and again to a service that remembers tickets.
class Returning final {
public:
    Result<Acceptance> accept(const ApRequest& request)
    {
        const AcceptorExchange acceptor({.keys = world.keys,
                                         .replays = world.replays,
                                         .realms = world.realms,
                                         .clock = world.clock,
                                         .random = world.random,
                                         .trace = nullptr,
                                         .opened = &tickets},
                                        world.policy);
        return acceptor.accept(request, Framing::framed, nullptr);
    }

    ApRequest request()
    {
        const InitiatorExchange begun =
            must(InitiatorExchange::begin(ticket, world.wish, world.clock, world.random, nullptr));
        return must(ApRequest::decode(begun.request()));
    }

    Result<Acceptance> come() { return accept(request()); }

    World world;
    std::shared_ptr<const ServiceTicket> ticket = world.ticket();
    RecentTickets tickets;
};

std::shared_ptr<const OpenedTicket> opened_until(Time end, std::uint8_t last_octet, std::size_t size = 64)
{
    auto opened = std::make_shared<OpenedTicket>();
    opened->contents.end_time = end;
    opened->original = Bytes(size, 7);
    opened->original[size - 8] = last_octet;
    return opened;
}

} // namespace

class RecentTicketsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(RecentTicketsTest);
    CPPUNIT_TEST(a_ticket_that_is_shown_again_is_not_opened_again);
    CPPUNIT_TEST(what_a_session_says_is_the_same_as_the_first_time);
    CPPUNIT_TEST(a_remembered_ticket_spares_no_check);
    CPPUNIT_TEST(only_the_key_that_opened_a_ticket_finds_it);
    CPPUNIT_TEST(a_service_key_that_is_gone_refuses_a_remembered_ticket);
    CPPUNIT_TEST(a_ticket_that_differs_in_one_octet_is_another);
    CPPUNIT_TEST(the_ticket_of_a_refused_request_is_not_remembered);
    CPPUNIT_TEST(expired_tickets_are_dropped);
    CPPUNIT_TEST(long_tickets_are_not_kept);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_ticket_that_is_shown_again_is_not_opened_again()
    {
        Returning client;
        const Acceptance first = must(client.come());
        CPPUNIT_ASSERT(first.session.keys.ticket_session == must(client.come()).session.keys.ticket_session);
        client.ticket = client.world.ticket();
        CPPUNIT_ASSERT(first.session.keys.ticket_session != must(client.come()).session.keys.ticket_session);
    }

    void what_a_session_says_is_the_same_as_the_first_time()
    {
        Returning client;
        client.world.contents.authorization_data = {{.type = 1, .data = {0x30, 0x00}}};
        client.ticket = client.world.ticket();
        const Session first = must(client.come()).session;
        const Session second = must(client.come()).session;
        CPPUNIT_ASSERT_EQUAL(first.initiator.text(), second.initiator.text());
        CPPUNIT_ASSERT_EQUAL(first.acceptor.text(), second.acceptor.text());
        CPPUNIT_ASSERT(first.ticket == second.ticket && !second.ticket.empty());
        CPPUNIT_ASSERT(first.end_time == second.end_time && first.auth_time == second.auth_time);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, second.ticket_authorization.size());
        CPPUNIT_ASSERT(first.ticket_authorization[0].data == second.ticket_authorization[0].data);
        CPPUNIT_ASSERT(first.service_key == second.service_key);
        CPPUNIT_ASSERT(!constant_time_equal(first.keys.acceptor_subkey->octets().view(),
                                            second.keys.acceptor_subkey->octets().view()));
    }

    void a_remembered_ticket_spares_no_check()
    {
        Returning client;
        const ApRequest request = client.request();
        must(client.accept(request));
        CPPUNIT_ASSERT_EQUAL(std::string("Replay"), fault_of(client.accept(request)));

        ApRequest foreign = client.request();
        foreign.authenticator = must(ApRequest::decode(Returning().world.initiate().request())).authenticator;
        foreign.authenticator.cipher.back() ^= 1;
        CPPUNIT_ASSERT_EQUAL(std::string("AuthenticatorIntegrity"), fault_of(client.accept(foreign)));

        const std::vector<EncryptionType> permitted = client.world.policy.permitted;
        client.world.policy.permitted = {EncryptionType::aes128_cts_hmac_sha1_96};
        CPPUNIT_ASSERT_EQUAL(std::string("EncryptionTypeRefused"), fault_of(client.come()));
        client.world.policy.permitted = permitted;
        must(client.come());

        client.world.clock.time += std::chrono::hours(2);
        CPPUNIT_ASSERT_EQUAL(std::string("TicketExpired"), fault_of(client.come()));
    }

    void only_the_key_that_opened_a_ticket_finds_it()
    {
        Returning client;
        const Acceptance first = must(client.come());
        ServiceKey& key = client.world.keys.keys.front();
        const ServiceKey before = key;
        key.key = std::make_shared<const Key>(before.key->clone());
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) == nullptr);
        key = before;
        key.version += 1;
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) == nullptr);
        key = before;
        key.principal.realm += "X";
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) == nullptr);
        key = before;
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) != nullptr);
    }

    void a_service_key_that_is_gone_refuses_a_remembered_ticket()
    {
        Returning client;
        must(client.come());
        client.world.keys.keys.clear();
        CPPUNIT_ASSERT_EQUAL(std::string("NoServiceKey"), fault_of(client.come()));
    }

    void a_ticket_that_differs_in_one_octet_is_another()
    {
        Returning client;
        must(client.come());
        Ticket shown = client.request().ticket;
        const ServiceKey& key = client.world.keys.keys.front();
        CPPUNIT_ASSERT(client.tickets.find(shown, key) != nullptr);
        for (std::uint8_t& octet : shown.original) {
            octet ^= 0x80;
            CPPUNIT_ASSERT(client.tickets.find(shown, key) == nullptr);
            octet ^= 0x80;
        }
        shown.original.pop_back();
        CPPUNIT_ASSERT(client.tickets.find(shown, key) == nullptr);
        shown.original.clear();
        CPPUNIT_ASSERT(client.tickets.find(shown, key) == nullptr);
    }

    void the_ticket_of_a_refused_request_is_not_remembered()
    {
        Returning client;
        client.world.replays.broken = true;
        CPPUNIT_ASSERT_EQUAL(std::string("ReplayStoreFailed"), fault_of(client.come()));
        const ServiceKey& key = client.world.keys.keys.front();
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) == nullptr);
        client.world.replays.broken = false;
        must(client.come());
        CPPUNIT_ASSERT(client.tickets.find(client.request().ticket, key) != nullptr);
    }

    void expired_tickets_are_dropped()
    {
        RecentTickets tickets;
        const Time now = time_from_seconds(1'790'000'000);
        std::shared_ptr<const OpenedTicket> opened = opened_until(now, 5);
        const std::weak_ptr<const OpenedTicket> expired = opened;
        tickets.remember(std::move(opened), now);
        opened = opened_until(now + std::chrono::hours(1), 6);
        const std::weak_ptr<const OpenedTicket> valid = opened;
        tickets.remember(std::move(opened), now);
        for (std::size_t i = 0; i < RecentTickets::most_tickets; ++i) {
            tickets.remember(opened_until(now + std::chrono::hours(1), 7), now);
        }
        CPPUNIT_ASSERT(!expired.expired());
        for (std::size_t i = 0; i < RecentTickets::most_tickets; ++i) {
            tickets.remember(opened_until(now + std::chrono::hours(1), 7), now + std::chrono::seconds(1));
        }
        CPPUNIT_ASSERT(expired.expired());
        CPPUNIT_ASSERT(!valid.expired());
    }

    void long_tickets_are_not_kept()
    {
        RecentTickets tickets;
        const Time now = time_from_seconds(1'790'000'000);
        for (const std::size_t more : {0, 1}) {
            std::shared_ptr<const OpenedTicket> opened = opened_until(now, 1, RecentTickets::longest_ticket + more);
            const std::weak_ptr<const OpenedTicket> watched = opened;
            tickets.remember(std::move(opened), now);
            CPPUNIT_ASSERT_EQUAL(more != 0, watched.expired());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RecentTicketsTest);
