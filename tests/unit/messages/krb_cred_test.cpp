// SPDX-License-Identifier: MIT
#include "apex/messages/krb_cred.h"

#include "message_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

Ticket some_ticket()
{
    return Ticket::decode(message_sample("mit-ticket", "Ticket").der).value();
}

KrbCredInfo complete_info()
{
    KrbCredInfo info;
    info.key = EncryptionKey{EncryptionType::aes128_cts_hmac_sha1_96, Secret(16)};
    info.client_realm = "R";
    info.client_name = PrincipalName{1, {"user"}};
    info.end_time = time_from_seconds(1);
    info.server_realm = "R";
    info.server_name = PrincipalName{2, {"krbtgt", "R"}};
    return info;
}

Done check(std::size_t tickets, std::vector<KrbCredInfo> infos)
{
    KrbCred message;
    for (std::size_t i = 0; i < tickets; ++i) {
        message.tickets.push_back(some_ticket());
    }
    KrbCredContents contents;
    contents.infos = std::move(infos);
    return check_delegation(KrbCred::decode(message.encode()).value(),
                            KrbCredContents::decode(contents.encode().view()).value());
}

std::vector<KrbCredInfo> infos_of(std::size_t count)
{
    std::vector<KrbCredInfo> infos;
    for (std::size_t i = 0; i < count; ++i) {
        infos.push_back(complete_info());
    }
    return infos;
}

void expect_refusal(const std::string& detail, Done done)
{
    CPPUNIT_ASSERT_MESSAGE(detail, !done);
    CPPUNIT_ASSERT(done.error().fault == Fault::BadDelegation);
    CPPUNIT_ASSERT_EQUAL(detail, done.error().detail);
}

} // namespace

class KrbCredTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(KrbCredTest);
    CPPUNIT_TEST(as_many_infos_as_tickets_are_needed_and_one_at_least);
    CPPUNIT_TEST(each_field_that_delegation_needs_is_required);
    CPPUNIT_TEST(one_info_of_several_without_a_name_is_refused);
    CPPUNIT_TEST(what_windows_delegates_passes);
    CPPUNIT_TEST(infos_without_names_are_decoded_but_no_delegation);
    CPPUNIT_TEST(more_than_64_tickets_are_refused);
    CPPUNIT_TEST(a_client_needs_realm_and_name);
    CPPUNIT_TEST_SUITE_END();

    void as_many_infos_as_tickets_are_needed_and_one_at_least()
    {
        for (std::size_t tickets = 0; tickets <= 3; ++tickets) {
            for (std::size_t infos = 0; infos <= 3; ++infos) {
                Done done = check(tickets, infos_of(infos));
                CPPUNIT_ASSERT_EQUAL(tickets == infos && tickets > 0, done.has_value());
            }
        }
        expect_refusal("KRB-CRED: no ticket", check(0, {}));
        expect_refusal("KRB-CRED: 2 tickets with 1 infos", check(2, infos_of(1)));
    }

    void each_field_that_delegation_needs_is_required()
    {
        const auto without = [](auto field) {
            std::vector<KrbCredInfo> infos = infos_of(1);
            (infos[0].*field).reset();
            return check(1, std::move(infos));
        };
        expect_refusal("KRB-CRED: ticket without a client name", without(&KrbCredInfo::client_realm));
        expect_refusal("KRB-CRED: ticket without a client name", without(&KrbCredInfo::client_name));
        expect_refusal("KRB-CRED: ticket without a server name", without(&KrbCredInfo::server_realm));
        expect_refusal("KRB-CRED: ticket without a server name", without(&KrbCredInfo::server_name));
        expect_refusal("KRB-CRED: ticket without an end", without(&KrbCredInfo::end_time));
    }

    void one_info_of_several_without_a_name_is_refused()
    {
        std::vector<KrbCredInfo> infos = infos_of(3);
        infos[2].client_name.reset();
        expect_refusal("KRB-CRED: ticket without a client name", check(3, std::move(infos)));
    }

    void what_windows_delegates_passes()
    {
        const KrbCred message = KrbCred::decode(message_sample("kn-rc4-delegation", "KrbCred").der).value();
        const KrbCredContents contents =
            KrbCredContents::decode(message_sample("kn-rc4-delegation", "EncKrbCredPart").der).value();
        CPPUNIT_ASSERT(check_delegation(message, contents).has_value());
        CPPUNIT_ASSERT_EQUAL(std::string("krbtgt/CORP.IDENTITYINTERVENTION.COM@CORP.IDENTITYINTERVENTION.COM"),
                             contents.infos[0].server()->text());
        CPPUNIT_ASSERT(contents.infos[0].flags->has(TicketFlags::forwarded));
    }

    void infos_without_names_are_decoded_but_no_delegation()
    {
        const KrbCred message = KrbCred::decode(message_sample("mit-cred", "KrbCred").der).value();
        const KrbCredContents contents =
            KrbCredContents::decode(message_sample("mit-enc_cred_part-optionals-null", "EncKrbCredPart").der).value();
        expect_refusal("KRB-CRED: ticket without a client name", check_delegation(message, contents));
    }

    void more_than_64_tickets_are_refused()
    {
        KrbCred message;
        message.tickets.resize(KrbCred::max_tickets, some_ticket());
        CPPUNIT_ASSERT(KrbCred::decode(message.encode()).has_value());
        message.tickets.push_back(some_ticket());
        CPPUNIT_ASSERT(!KrbCred::decode(message.encode()));
        KrbCredContents contents;
        contents.infos = infos_of(KrbCred::max_tickets);
        CPPUNIT_ASSERT(KrbCredContents::decode(contents.encode().view()).has_value());
        contents.infos.push_back(complete_info());
        CPPUNIT_ASSERT(!KrbCredContents::decode(contents.encode().view()));
    }

    void a_client_needs_realm_and_name()
    {
        KrbCredInfo info = complete_info();
        CPPUNIT_ASSERT_EQUAL(std::string("user@R"), info.client()->text());
        info.client_realm.reset();
        CPPUNIT_ASSERT(!info.client());
        info.server_name.reset();
        CPPUNIT_ASSERT(!info.server());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(KrbCredTest);

} // namespace apex
