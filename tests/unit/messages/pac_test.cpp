// SPDX-License-Identifier: MIT
#include "apex/messages/pac.h"

#include "apex/messages/pac_identity.h"
#include "support/pac_maker.h"
#include "support/world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <functional>

namespace apex {
namespace {

using test::PacMaker;
using test::put_uint32;

const Time auth_time = time_from_seconds(1'790'000'000);

const Key& service_key(EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96)
{
    static std::map<EncryptionType, Key> keys;
    const auto found = keys.find(type);
    if (found != keys.end()) {
        return found->second;
    }
    test::CountingRandom random;
    return keys.emplace(type, *Key::generate(type, random)).first->second;
}

PacMaker maker()
{
    return PacMaker(service_key(), "alice", auth_time);
}

Done verified(Bytes octets, std::string_view client = "alice", Time time = auth_time)
{
    const Pac pac = TRY(Pac::parse(std::move(octets)));
    return pac.verify(service_key(), client, time);
}

/// What the refusal of a PAC with a change tells; without the change it verifies.
std::string refusal_of(const std::function<void(PacMaker&)>& change)
{
    PacMaker changed = maker();
    CPPUNIT_ASSERT(verified(changed.pac()));
    change(changed);
    const Done done = verified(changed.pac());
    CPPUNIT_ASSERT(!done && done.error().fault == Fault::PacRefused);
    return done.error().detail;
}

/// The same for a change to the table of a PAC.
std::string parse_refusal_of(const std::function<void(Bytes&)>& change)
{
    Bytes octets = maker().pac();
    CPPUNIT_ASSERT(Pac::parse(octets));
    change(octets);
    const Result<Pac> pac = Pac::parse(octets);
    CPPUNIT_ASSERT(!pac && pac.error().fault == Fault::PacRefused);
    return pac.error().detail;
}

constexpr std::uint32_t server_checksum = 6;
constexpr std::uint32_t kdc_checksum = 7;
constexpr std::uint32_t client_info_type = 10;

class PacTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(PacTest);
    CPPUNIT_TEST(a_pac_signed_with_a_key_of_each_type_verifies);
    CPPUNIT_TEST(the_table_gives_every_buffer_in_order);
    CPPUNIT_TEST(an_empty_buffer_at_the_end_is_a_buffer);
    CPPUNIT_TEST(a_buffer_that_stands_twice_is_not_given);
    CPPUNIT_TEST(a_malformed_table_is_refused_and_told);
    CPPUNIT_TEST(every_flipped_bit_is_noticed);
    CPPUNIT_TEST(only_the_checksum_type_of_the_key_counts);
    CPPUNIT_TEST(signatures_must_be_there_once_and_well_formed);
    CPPUNIT_TEST(a_read_only_domain_controller_names_its_key);
    CPPUNIT_TEST(signatures_that_overlap_are_refused);
    CPPUNIT_TEST(the_client_must_be_the_tickets);
    CPPUNIT_TEST(malformed_client_info_is_refused_and_told);
    CPPUNIT_TEST(the_client_of_several_components_has_slashes);
    CPPUNIT_TEST(the_first_pac_of_a_ticket_counts_wherever_it_stands);
    CPPUNIT_TEST(the_identity_joins_both_buffers);
    CPPUNIT_TEST(buffers_about_different_users_are_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_pac_signed_with_a_key_of_each_type_verifies()
    {
        for (const EncryptionProfile& profile : all_profiles()) {
            const Key& key = service_key(profile.type);
            const Pac pac = *Pac::parse(PacMaker(key, "alice", auth_time).pac());
            const Done done = pac.verify(key, "alice", auth_time);
            CPPUNIT_ASSERT_MESSAGE(done ? "" : done.error().text(), done.has_value());
        }
    }

    void the_table_gives_every_buffer_in_order()
    {
        const Bytes octets = maker().pac();
        const Pac pac = *Pac::parse(octets);
        CPPUNIT_ASSERT(pac.octets() == octets);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5}, pac.buffers().size());
        CPPUNIT_ASSERT(pac.buffers().front().type == PacType::logon_info);
        CPPUNIT_ASSERT(same(test::LogonFacts().encode(), pac.buffers().front().octets));
        CPPUNIT_ASSERT(same(test::UpnFacts().encode(), **pac.find(PacType::upn_dns_info)));
        CPPUNIT_ASSERT(!*pac.find(PacType::delegation_info));
    }

    void an_empty_buffer_at_the_end_is_a_buffer()
    {
        PacMaker with = maker();
        with.buffers.emplace_back(13, Bytes());
        CPPUNIT_ASSERT(verified(with.pac()));
        const Pac pac = *Pac::parse(with.pac());
        CPPUNIT_ASSERT(pac.find(static_cast<PacType>(13))->value().empty());
    }

    void a_buffer_that_stands_twice_is_not_given()
    {
        PacMaker twice = maker();
        twice.buffers.emplace_back(12, Bytes(8));
        const Pac pac = *Pac::parse(twice.pac());
        CPPUNIT_ASSERT(pac.verify(service_key(), "alice", auth_time));
        CPPUNIT_ASSERT_EQUAL(std::string("it has more than one buffer of type 12"),
                             pac.find(PacType::upn_dns_info).error().detail);
        CPPUNIT_ASSERT(!PacIdentity::read(pac));
    }

    void a_malformed_table_is_refused_and_told()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("7 octets, the shortest has more than 8"),
                             parse_refusal_of([](Bytes& it) { it.resize(7); }));
        CPPUNIT_ASSERT_EQUAL(std::string("version 1, expected 0"), parse_refusal_of([](Bytes& it) { it[4] = 1; }));
        for (const std::uint32_t count : {0U, 4096U, 4097U, 1U << 28U, 0xffffffffU}) {
            CPPUNIT_ASSERT(parse_refusal_of([count](Bytes& it) {
                               put_uint32(it, 0, count);
                           }).find("a table of " + std::to_string(count) + " buffers in ") == 0);
        }
        const Bytes good = maker().pac();
        const std::string size = std::to_string(good.size());
        const auto row = [&](const std::string& said) {
            return "buffer 0 (type 1) has " + said + " of " + size + ", the table ends at 88";
        };
        CPPUNIT_ASSERT_EQUAL(row("4294967295 octets at 88"),
                             parse_refusal_of([](Bytes& it) { put_uint32(it, 12, 0xffffffff); }));
        const std::string logon_size = std::to_string(test::LogonFacts().encode().size());
        CPPUNIT_ASSERT_EQUAL(row(logon_size + " octets at 80"),
                             parse_refusal_of([](Bytes& it) { put_uint32(it, 16, 80); }));
        CPPUNIT_ASSERT_EQUAL(row(logon_size + " octets at 92"),
                             parse_refusal_of([](Bytes& it) { put_uint32(it, 16, 92); }));
        CPPUNIT_ASSERT_EQUAL(row(logon_size + " octets at 18446744073709551608"), parse_refusal_of([](Bytes& it) {
                                 put_uint32(it, 16, 0xfffffff8);
                                 put_uint32(it, 20, 0xffffffff);
                             }));
        CPPUNIT_ASSERT_EQUAL(row(logon_size + " octets at 4294967384"),
                             parse_refusal_of([](Bytes& it) { put_uint32(it, 20, 1); }));
        // From MIT krb5 473b51b640 src/lib/krb5/krb/t_pac.c: fuzz1, fuzz2.
        CPPUNIT_ASSERT(!Pac::parse(from_hex("000000100000000006ffffff0000f5")));
        CPPUNIT_ASSERT(!Pac::parse(from_hex("00000020000000002020")));
    }

    void every_flipped_bit_is_noticed()
    {
        // All but the bits of the checksum that only the KDC can verify, and of the padding behind the last buffer.
        const Bytes good = maker().pac();
        const ByteView kdc = **Pac::parse(good)->find(PacType::kdc_checksum);
        CPPUNIT_ASSERT_EQUAL(std::size_t{16}, kdc.size());
        for (std::size_t bit = 0; bit < (good.size() - 12) * 8; ++bit) {
            Bytes flipped = good;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));
            CPPUNIT_ASSERT_MESSAGE("bit " + std::to_string(bit), !verified(flipped));
        }
        Bytes longer = good;
        longer.resize(longer.size() + 8);
        CPPUNIT_ASSERT(!verified(longer));
        PacMaker changed = maker();
        changed.buffer(kdc_checksum).back() = 1;
        CPPUNIT_ASSERT(verified(changed.pac()));
    }

    void only_the_checksum_type_of_the_key_counts()
    {
        for (int type = -200; type <= 200; ++type) {
            PacMaker other = maker();
            put_uint32(other.buffer(server_checksum), 0, static_cast<std::uint32_t>(type));
            CPPUNIT_ASSERT_EQUAL(type == 16, verified(other.pac()).has_value());
        }
        CPPUNIT_ASSERT_EQUAL(std::string("the server signature is of type 14, expected 16 for a key of type "
                                         "aes256-cts-hmac-sha1-96"),
                             refusal_of([](PacMaker& it) { put_uint32(it.buffer(server_checksum), 0, 14); }));
        const Done done =
            Pac::parse(maker().pac())->verify(service_key(EncryptionType::aes128_cts_hmac_sha1_96), "alice", auth_time);
        CPPUNIT_ASSERT(!done && done.error().detail.find("expected 15") != std::string::npos);
    }

    void signatures_must_be_there_once_and_well_formed()
    {
        const std::string without = "it has no buffer of type ";
        const std::string twice = "it has more than one buffer of type ";
        for (const std::uint32_t type : {server_checksum, kdc_checksum, client_info_type}) {
            CPPUNIT_ASSERT_EQUAL(without + std::to_string(type), refusal_of([type](PacMaker& it) { it.remove(type); }));
            CPPUNIT_ASSERT_EQUAL(twice + std::to_string(type),
                                 refusal_of([type](PacMaker& it) { it.buffers.emplace_back(type, it.buffer(type)); }));
        }
        for (std::size_t size = 0; size <= 72; ++size) {
            const bool right = size == 16 || size == 18;
            for (const std::uint32_t type : {server_checksum, kdc_checksum}) {
                PacMaker sized = maker();
                sized.buffer(type).resize(size);
                CPPUNIT_ASSERT_EQUAL(right, verified(sized.pac()).has_value());
            }
            // The signatures of the ticket and of the full PAC: not verifiable, but of the right size (CVE-2022-37967).
            for (const std::uint32_t type : {16U, 19U}) {
                PacMaker sized = maker();
                sized.buffers.emplace_back(type, sized.buffer(kdc_checksum));
                sized.buffer(type).resize(size);
                CPPUNIT_ASSERT_EQUAL(right, verified(sized.pac()).has_value());
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::string("signature 6 has 4 octets, expected 5 to 68"),
                             refusal_of([](PacMaker& it) { it.buffer(server_checksum).resize(4); }));
        CPPUNIT_ASSERT_EQUAL(std::string("signature 7 has 17 octets, expected 16 or 2 more for type 16"),
                             refusal_of([](PacMaker& it) { it.buffer(kdc_checksum).resize(17); }));
        // A checksum type that Apex does not know is the KDC's affair.
        PacMaker unknown = maker();
        unknown.buffer(kdc_checksum).resize(40);
        put_uint32(unknown.buffer(kdc_checksum), 0, 99);
        CPPUNIT_ASSERT(verified(unknown.pac()));
    }

    void a_read_only_domain_controller_names_its_key()
    {
        PacMaker controller = maker();
        controller.buffer(kdc_checksum).resize(18);
        Bytes pac = controller.pac();
        CPPUNIT_ASSERT(verified(pac));
        // The two octets count as zero, as the signature in front of them does.
        const Pac parsed = *Pac::parse(pac);
        const auto end =
            static_cast<std::size_t>((*parsed.find(PacType::kdc_checksum))->data() - parsed.octets().data()) + 18;
        pac[end - 1] = 0x51;
        CPPUNIT_ASSERT(verified(pac));
    }

    void signatures_that_overlap_are_refused()
    {
        Bytes pac = maker().pac();
        put_uint32(pac, 8 + 4 * 16 + 8, test::uint32_at(pac, 8 + 3 * 16 + 8)); // the KDC's where the server's is
        test::sign_pac(pac, service_key());
        const Done done = verified(pac);
        CPPUNIT_ASSERT(!done);
        CPPUNIT_ASSERT_EQUAL(std::string("the signatures for server and KDC overlap"), done.error().detail);
    }

    void the_client_must_be_the_tickets()
    {
        const Bytes pac = maker().pac();
        CPPUNIT_ASSERT(verified(pac, "alice"));
        CPPUNIT_ASSERT_EQUAL(std::string("it is for client 'alice', the ticket for 'mallory'"),
                             verified(pac, "mallory").error().detail);
        for (const char* client : {"Alice", "alic", "alice ", "alice/admin", ""}) {
            CPPUNIT_ASSERT(!verified(pac, client));
        }
        CPPUNIT_ASSERT(verified(pac, "alice", auth_time + std::chrono::microseconds(999'999)));
        CPPUNIT_ASSERT_EQUAL(std::string("it is of second 1790000000, the ticket's authtime is 1790000001"),
                             verified(pac, "alice", auth_time + std::chrono::seconds(1)).error().detail);
        CPPUNIT_ASSERT(!verified(pac, "alice", auth_time - std::chrono::microseconds(1)));
    }

    void malformed_client_info_is_refused_and_told()
    {
        const std::string type = "PAC_CLIENT_INFO: ";
        CPPUNIT_ASSERT_EQUAL(type + "fixed part: 10 octets at 0 of 9",
                             refusal_of([](PacMaker& it) { it.buffer(client_info_type).resize(9); }));
        CPPUNIT_ASSERT_EQUAL(type + "a name of 12 octets, 10 are there",
                             refusal_of([](PacMaker& it) { it.buffer(client_info_type)[8] = 12; }));
        CPPUNIT_ASSERT_EQUAL(type + "Name: UTF-16 of 9 octets, expected an even number",
                             refusal_of([](PacMaker& it) { it.buffer(client_info_type)[8] = 9; }));
        CPPUNIT_ASSERT_EQUAL(type + "Name: it has a NUL character",
                             refusal_of([](PacMaker& it) { it.buffer(client_info_type)[10] = 0; }));
        CPPUNIT_ASSERT(!verified(PacMaker(service_key(), "alice", time_from_seconds(-11'644'473'600)).pac()));
    }

    void the_client_of_several_components_has_slashes()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b"), pac_client_name({.type = 3, .components = {"host", "a.b"}}));
        CPPUNIT_ASSERT_EQUAL(std::string("a/b@C"), pac_client_name({.type = 10, .components = {"a/b@C"}}));
        CPPUNIT_ASSERT_EQUAL(std::string("/x"), pac_client_name({.type = 1, .components = {"", "x"}}));
    }

    void the_first_pac_of_a_ticket_counts_wherever_it_stands()
    {
        const auto pac = [](std::string_view data) { return AuthorizationElement{ad_pac, bytes_of(view_of(data))}; };
        const AuthorizationElement other{ad_signed_ticket, {}};
        const auto found = [](const AuthorizationData& elements) {
            const std::optional<ByteView> octets = *find_pac(elements);
            return octets ? text_of(*octets) : std::string("none");
        };
        CPPUNIT_ASSERT_EQUAL(std::string("none"), found({}));
        CPPUNIT_ASSERT_EQUAL(std::string("none"), found({other, if_relevant({other})}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), found({if_relevant({pac("a")})}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), found({pac("a")}));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), found({other, if_relevant({other, if_relevant({pac("a")})}), pac("b")}));
        CPPUNIT_ASSERT_EQUAL(std::string("none"),
                             found({AuthorizationElement{ad_kdc_issued, encode_authorization_data({pac("a")})}}));
        const Result<std::optional<ByteView>> malformed = find_pac({AuthorizationElement{ad_if_relevant, {0x30}}});
        CPPUNIT_ASSERT(!malformed && malformed.error().fault == Fault::MalformedMessage);
    }

    void the_identity_joins_both_buffers()
    {
        const PacIdentity all = *PacIdentity::read(*Pac::parse(maker().pac()));
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-1105"), all.user->text());
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), all.logon_name);
        CPPUNIT_ASSERT_EQUAL(std::string("alice@apex.test"), all.user_principal_name);

        PacMaker only_names = maker();
        only_names.remove(1);
        const PacIdentity names = *PacIdentity::read(*Pac::parse(only_names.pac()));
        CPPUNIT_ASSERT_EQUAL(std::string("S-1-5-21-1-2-3-1105"), names.user->text());
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), names.logon_name);
        CPPUNIT_ASSERT(names.groups.empty() && !names.primary_group);

        PacMaker neither = only_names;
        neither.remove(12);
        const PacIdentity nobody = *PacIdentity::read(*Pac::parse(neither.pac()));
        CPPUNIT_ASSERT(!nobody.user && nobody.logon_name.empty() && nobody.user_principal_name.empty());
    }

    void buffers_about_different_users_are_refused()
    {
        PacMaker two = maker();
        test::UpnFacts facts;
        facts.sid = test::sid_octets(5, {21, 1, 2, 3, 500});
        two.buffer(12) = facts.encode();
        const Result<PacIdentity> identity = PacIdentity::read(*Pac::parse(two.pac()));
        CPPUNIT_ASSERT(!identity && identity.error().fault == Fault::MalformedMessage);
        CPPUNIT_ASSERT_EQUAL(std::string("the PAC's logon-info is about S-1-5-21-1-2-3-1105, its upn-dns-info about "
                                         "S-1-5-21-1-2-3-500"),
                             identity.error().detail);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PacTest);

} // namespace
} // namespace apex
