// SPDX-License-Identifier: MIT
#include "apex/messages/upn_dns_info.h"

#include "support/pac_maker.h"

#include <cppunit/extensions/HelperMacros.h>

#include <functional>

namespace apex {
namespace {

using test::put_uint16;
using test::put_uint32;
using test::UpnFacts;

std::string refusal_of(const std::function<void(Bytes&)>& change)
{
    Bytes octets = UpnFacts().encode();
    CPPUNIT_ASSERT(UpnDnsInfo::decode(octets));
    change(octets);
    const Result<UpnDnsInfo> info = UpnDnsInfo::decode(octets);
    CPPUNIT_ASSERT(!info && info.error().fault == Fault::MalformedMessage);
    return info.error().detail;
}

class UpnDnsInfoTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(UpnDnsInfoTest);
    CPPUNIT_TEST(the_short_form_has_names);
    CPPUNIT_TEST(the_extended_form_has_the_account_too);
    CPPUNIT_TEST(parts_may_be_empty);
    CPPUNIT_TEST(every_malformed_kind_is_refused_and_told);
    CPPUNIT_TEST(sids_are_written_as_windows_writes_them);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_short_form_has_names()
    {
        UpnFacts facts;
        facts.sid.reset();
        const UpnDnsInfo info = *UpnDnsInfo::decode(facts.encode());
        CPPUNIT_ASSERT_EQUAL(std::string("alice@apex.test"), info.user_principal_name);
        CPPUNIT_ASSERT_EQUAL(std::string("APEX.TEST"), info.dns_domain_name);
        CPPUNIT_ASSERT(info.logon_name.empty() && !info.sid);
    }

    void the_extended_form_has_the_account_too()
    {
        const UpnDnsInfo info = *UpnDnsInfo::decode(UpnFacts().encode());
        CPPUNIT_ASSERT_EQUAL(std::string("alice@apex.test"), info.user_principal_name);
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), info.logon_name);
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-1105"), info.sid->text());
    }

    void parts_may_be_empty()
    {
        Bytes octets(20);
        put_uint32(octets, 8, 2);
        const Result<UpnDnsInfo> info = UpnDnsInfo::decode(octets);
        CPPUNIT_ASSERT(info && info->user_principal_name.empty() && info->logon_name.empty() && !info->sid);
    }

    void every_malformed_kind_is_refused_and_told()
    {
        const std::string type = "UPN_DNS_INFO: ";
        CPPUNIT_ASSERT_EQUAL(type + "fixed part: 12 octets at 0 of 11", refusal_of([](Bytes& it) { it.resize(11); }));
        CPPUNIT_ASSERT_EQUAL(type + "Upn: 1 octets at 12, the buffer has 19, 20 of them in front",
                             refusal_of([](Bytes& it) {
                                 it.resize(19);
                                 put_uint16(it, 0, 1);
                                 put_uint16(it, 2, 12);
                             }));
        CPPUNIT_ASSERT_EQUAL(type + "extended part: 8 octets at 12 of 19", refusal_of([](Bytes& it) {
                                 it.resize(19);
                                 put_uint32(it, 0, 0);
                                 put_uint32(it, 4, 0);
                             }));
        CPPUNIT_ASSERT_EQUAL(type + "Upn: 30 octets at 65535, the buffer has 128, 20 of them in front",
                             refusal_of([](Bytes& it) { put_uint16(it, 2, 65535); }));
        CPPUNIT_ASSERT_EQUAL(type + "Upn: 106 octets at 24, the buffer has 128, 20 of them in front",
                             refusal_of([](Bytes& it) { put_uint16(it, 0, 106); }));
        CPPUNIT_ASSERT_EQUAL(type + "DnsDomainName: 18 octets at 19, the buffer has 128, 20 of them in front",
                             refusal_of([](Bytes& it) { put_uint16(it, 6, 19); }));
        CPPUNIT_ASSERT_EQUAL(std::string("SamName: UTF-16 of 9 octets, expected an even number"),
                             refusal_of([](Bytes& it) { put_uint16(it, 12, 9); }));
        CPPUNIT_ASSERT_EQUAL(std::string("a SID of 5 parts in 27 octets, expected 28"),
                             refusal_of([](Bytes& it) { put_uint16(it, 16, 27); }));
        CPPUNIT_ASSERT_EQUAL(std::string("a SID of 7 octets, the shortest has 8"),
                             refusal_of([](Bytes& it) { put_uint16(it, 16, 7); }));
    }

    void sids_are_written_as_windows_writes_them()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-1-0"), Sid::decode(test::sid_octets(1, {0}))->text());
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5"), Sid::decode(test::sid_octets(5, {}))->text());
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-4294967295-4294967295"),
                             Sid::decode(test::sid_octets(0xffffffff, {0xffffffff}))->text());
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-0x000100000000-1"),
                             Sid::decode(test::sid_octets(0x100000000, {1}))->text());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UpnDnsInfoTest);

} // namespace
} // namespace apex
