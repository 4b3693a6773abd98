// SPDX-License-Identifier: MIT
#include "apex/messages/logon_info.h"

#include "support/pac_maker.h"

#include <cppunit/extensions/HelperMacros.h>

#include <functional>

namespace apex {
namespace {

using test::logon_fixed_part;
using test::LogonFacts;
using test::put_uint16;
using test::put_uint32;

std::string texts(const Result<std::vector<Sid>>& sids)
{
    CPPUNIT_ASSERT_MESSAGE(sids ? "" : sids.error().text(), sids.has_value());
    std::string text;
    for (const Sid& sid : *sids) {
        text += (text.empty() ? "" : " ") + sid.text();
    }
    return text;
}

LogonInfo read(const LogonFacts& facts)
{
    Result<LogonInfo> info = LogonInfo::decode(facts.encode());
    CPPUNIT_ASSERT_MESSAGE(info ? "" : info.error().text(), info.has_value());
    return std::move(*info);
}

/// One change to octets that are read without it, and what the refusal tells.
struct Spoilt final {
    std::string_view told;
    std::function<void(Bytes&)> change;
};

/// Where the things behind the fixed part of LogonFacts stand; the first string has 12 octets in front of its characters.
constexpr std::size_t effective_name = logon_fixed_part + 216;
constexpr std::size_t full_name = effective_name + 12 + 12; // "alice" and its padding
constexpr std::size_t paths = full_name + 12 + 28;          // "Alice of Apex" and its padding
constexpr std::size_t groups = paths + 4 * 12;
constexpr std::size_t logon_server = groups + 4 + 2 * 8;
constexpr std::size_t logon_domain = logon_server + 12 + 4;
constexpr std::size_t domain_sid = logon_domain + 12 + 8;
constexpr std::size_t extra_sids = domain_sid + 4 + 8 + 4 * 4;
constexpr std::size_t resource_domain = extra_sids + 4 + 8 + 4 + 8 + 4;
constexpr std::size_t resource_groups = resource_domain + 4 + 8 + 4 * 4;

const std::vector<Spoilt>& spoilt()
{
    static const std::vector<Spoilt> all = {
        {"serialization headers: 02100800, expected 01100800", [](Bytes& it) { it[0] = 2; }},
        {"serialization headers: 01000800, expected", [](Bytes& it) { it[1] = 0; }}, // big-endian
        {"serialization headers: 01100900, expected", [](Bytes& it) { it[2] = 9; }},
        {"serialized object: 4294967295 octets at 16 of", [](Bytes& it) { put_uint32(it, 8, 0xffffffff); }},
        {"pointer in front: it is null", [](Bytes& it) { put_uint32(it, 16, 0); }},
        {"fixed part: 216 octets at 4 of 100", [](Bytes& it) { put_uint32(it, 8, 100); }},
        {"EffectiveName: a string of 4 units", [](Bytes& it) { put_uint32(it, effective_name + 8, 4); }},
        {"EffectiveName: a string of 5 units from 1", [](Bytes& it) { put_uint32(it, effective_name + 4, 1); }},
        {"EffectiveName: a string of 5 units from 0 in an array of 4",
         [](Bytes& it) { put_uint32(it, effective_name, 4); }},
        {"EffectiveName: a string of 5 units", [](Bytes& it) { put_uint16(it, logon_fixed_part + 48, 11); }},
        {"EffectiveName: 10 octets behind a null pointer", [](Bytes& it) { put_uint32(it, logon_fixed_part + 52, 0); }},
        {"EffectiveName: it has a NUL character", [](Bytes& it) { put_uint16(it, effective_name + 12, 0); }},
        {"EffectiveName: it has half a surrogate pair", [](Bytes& it) { put_uint16(it, effective_name + 12, 0xd800); }},
        {"EffectiveName: it has half a surrogate pair", [](Bytes& it) { put_uint16(it, effective_name + 12, 0xdc00); }},
        {"FullName: a string of 14 units", [](Bytes& it) { put_uint32(it, full_name + 8, 14); }},
        {"LogonScript: a string of 1 units", [](Bytes& it) { put_uint32(it, paths + 8, 1); }},
        {"HomeDirectoryDrive: a string of 1 units", [](Bytes& it) { put_uint32(it, paths + 3 * 12 + 8, 1); }},
        {"GroupIds: an array of 3 elements, expected 2", [](Bytes& it) { put_uint32(it, groups, 3); }},
        {"GroupIds: an array of 2 elements, expected 3", [](Bytes& it) { put_uint32(it, logon_fixed_part + 108, 3); }},
        {"GroupIds: 2 elements behind a null pointer", [](Bytes& it) { put_uint32(it, logon_fixed_part + 112, 0); }},
        {"GroupIds: 2147483656 octets at",
         [](Bytes& it) {
             put_uint32(it, groups, 0x10000001);
             put_uint32(it, logon_fixed_part + 108, 0x10000001);
         }},
        {"LogonServer: a string of 3 units", [](Bytes& it) { put_uint32(it, logon_server + 8, 3); }},
        {"LogonDomainName: a string of 5 units", [](Bytes& it) { put_uint32(it, logon_domain + 8, 5); }},
    };
    return all;
}

class LogonInfoTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(LogonInfoTest);
    CPPUNIT_TEST(a_user_its_groups_and_its_names_are_read);
    CPPUNIT_TEST(a_user_id_of_0_means_the_first_extra_sid);
    CPPUNIT_TEST(lists_count_only_with_their_flag);
    CPPUNIT_TEST(groups_that_are_not_enabled_are_left_out);
    CPPUNIT_TEST(a_list_may_be_empty_or_missing);
    CPPUNIT_TEST(groups_of_a_domain_without_sid_are_refused);
    CPPUNIT_TEST(names_come_out_as_utf_8);
    CPPUNIT_TEST(every_malformed_kind_is_refused_and_told);
    CPPUNIT_TEST(a_malformed_sid_is_refused_and_told);
    CPPUNIT_TEST(octets_left_over_are_refused);
    CPPUNIT_TEST(every_truncation_is_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_user_its_groups_and_its_names_are_read()
    {
        const LogonInfo info = read(LogonFacts());
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), info.logon_name);
        CPPUNIT_ASSERT_EQUAL(std::string("APEX"), info.domain_name);
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-1105"), info.user_sid()->text());
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-513"), info.primary_group_sid()->text());
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1108 S-1-18-1 S-1-5-21-4-5-6-2001"),
                             texts(info.group_sids()));
    }

    void a_user_id_of_0_means_the_first_extra_sid()
    {
        LogonFacts facts;
        facts.user_id = 0;
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-18-1"), read(facts).user_sid()->text());
        facts.extra_sids.emplace_back(test::sid_octets(18, {2}), 7);
        facts.groups.clear();
        facts.resource_groups.clear();
        const std::vector<Sid> listed = *read(facts).group_sids();
        CPPUNIT_ASSERT(listed.size() == 1 && listed.front().text() == "S-1-18-2"); // the user is no group of its own
        facts.user_flags = 0x200;
        CPPUNIT_ASSERT_EQUAL(std::string("KERB_VALIDATION_INFO: user id 0 without extra SIDs"),
                             read(facts).user_sid().error().detail);
        facts.user_flags = 0x220;
        facts.extra_sids.clear();
        CPPUNIT_ASSERT(!read(facts).user_sid());
    }

    void lists_count_only_with_their_flag()
    {
        LogonFacts facts;
        facts.user_flags = 0x20;
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1108 S-1-18-1"),
                             texts(read(facts).group_sids()));
        facts.user_flags = 0;
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1108"), texts(read(facts).group_sids()));
    }

    void groups_that_are_not_enabled_are_left_out()
    {
        LogonFacts facts;
        facts.groups = {{513, 7}, {1108, 3}, {1109, 0x17}};
        facts.extra_sids = {{test::sid_octets(18, {1}), 3}, {test::sid_octets(18, {2}), 7}};
        facts.resource_groups = {{2001, 0x20000003}};
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-513 S-1-18-2"), texts(read(facts).group_sids()));
    }

    void a_list_may_be_empty_or_missing()
    {
        LogonFacts facts;
        facts.groups.clear();
        facts.extra_sids.clear();
        facts.resource_groups.clear();
        facts.resource_domain.reset();
        CPPUNIT_ASSERT_EQUAL(std::string(), texts(read(facts).group_sids()));
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-1105"), read(facts).user_sid()->text());
    }

    void groups_of_a_domain_without_sid_are_refused()
    {
        LogonFacts facts;
        facts.resource_domain.reset();
        CPPUNIT_ASSERT_EQUAL(std::string("KERB_VALIDATION_INFO: resource group 2001 of a domain without SID"),
                             read(facts).group_sids().error().detail);
        facts.domain.reset();
        CPPUNIT_ASSERT_EQUAL(std::string("KERB_VALIDATION_INFO: group 513 of a domain without SID"),
                             read(facts).group_sids().error().detail);
        CPPUNIT_ASSERT(!read(facts).user_sid() && !read(facts).primary_group_sid());
        facts.domain = test::sid_octets(5, std::vector<std::uint32_t>(15, 1));
        CPPUNIT_ASSERT(read(facts).user_sid().error().detail.find("has 15 parts already") != std::string::npos);
    }

    void names_come_out_as_utf_8()
    {
        Bytes octets = LogonFacts().encode();
        put_uint16(octets, effective_name + 12, 0x00e9); // two octets, three, and a pair of four
        put_uint16(octets, effective_name + 14, 0x20ac);
        put_uint16(octets, effective_name + 16, 0xd83d);
        put_uint16(octets, effective_name + 18, 0xde00);
        CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                                         "e"),
                             LogonInfo::decode(octets)->logon_name);
    }

    void every_malformed_kind_is_refused_and_told()
    {
        const Bytes good = LogonFacts().encode();
        CPPUNIT_ASSERT(LogonInfo::decode(good));
        for (const Spoilt& each : spoilt()) {
            Bytes octets = good;
            each.change(octets);
            const Result<LogonInfo> info = LogonInfo::decode(octets);
            CPPUNIT_ASSERT_MESSAGE(std::string(each.told), !info && info.error().fault == Fault::MalformedMessage);
            CPPUNIT_ASSERT_MESSAGE(std::string(each.told) + " is not in: " + info.error().detail,
                                   info.error().detail.find(each.told) != std::string::npos);
        }
    }

    void a_malformed_sid_is_refused_and_told()
    {
        const auto told = [](const std::function<void(Bytes&)>& change) {
            Bytes octets = LogonFacts().encode();
            change(octets);
            const Result<LogonInfo> info = LogonInfo::decode(octets);
            CPPUNIT_ASSERT(!info);
            return info.error().detail;
        };
        const std::string type = "KERB_VALIDATION_INFO: ";
        CPPUNIT_ASSERT_EQUAL(type + "LogonDomainId: a SID of 16 parts, at most 15 are allowed",
                             told([](Bytes& it) { put_uint32(it, domain_sid, 16); }));
        CPPUNIT_ASSERT_EQUAL(type + "LogonDomainId: a SID of 4 parts in 28 octets, expected 24",
                             told([](Bytes& it) { put_uint32(it, domain_sid, 5); }));
        CPPUNIT_ASSERT_EQUAL(type +
                                 "LogonDomainId: a SID of revision 2 with 4 parts, expected revision 1 and at most 15",
                             told([](Bytes& it) { it[domain_sid + 4] = 2; }));
        CPPUNIT_ASSERT_EQUAL(type + "ExtraSids: element 0 is a null pointer",
                             told([](Bytes& it) { put_uint32(it, extra_sids + 4, 0); }));
        CPPUNIT_ASSERT_EQUAL(type + "ExtraSids: an array of 2 elements, expected 1",
                             told([](Bytes& it) { put_uint32(it, extra_sids, 2); }));
        CPPUNIT_ASSERT_EQUAL(type + "ResourceGroupDomainSid: a SID of 4 parts in 20 octets, expected 24",
                             told([](Bytes& it) { put_uint32(it, resource_domain, 3); }));
        CPPUNIT_ASSERT_EQUAL(type + "ResourceGroupIds: an array of 7 elements, expected 1",
                             told([](Bytes& it) { put_uint32(it, resource_groups, 7); }));
    }

    void octets_left_over_are_refused()
    {
        Bytes octets = LogonFacts().encode();
        const std::size_t padding = octets.size() - (resource_groups + 12);
        octets.resize(octets.size() + 7 - padding);
        put_uint32(octets, 8, static_cast<std::uint32_t>(octets.size() - 16));
        CPPUNIT_ASSERT(LogonInfo::decode(octets));
        octets.push_back(0);
        put_uint32(octets, 8, static_cast<std::uint32_t>(octets.size() - 16));
        CPPUNIT_ASSERT_EQUAL(std::string("KERB_VALIDATION_INFO: end: 8 octets are left over"),
                             LogonInfo::decode(octets).error().detail);
    }

    void every_truncation_is_refused()
    {
        const Bytes good = LogonFacts().encode();
        for (std::size_t length = 0; length < resource_groups + 12; ++length) {
            Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
            CPPUNIT_ASSERT(!LogonInfo::decode(cut));
            if (length >= 16) {
                put_uint32(cut, 8, static_cast<std::uint32_t>(length - 16)); // the header admits it
                CPPUNIT_ASSERT(!LogonInfo::decode(cut));
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LogonInfoTest);

} // namespace
} // namespace apex
