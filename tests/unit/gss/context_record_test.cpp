// SPDX-License-Identifier: MIT
#include "apex/gss/context_record.h"

#include "apex/exchange/context_token.h"
#include "tests/support/world.h"
#include "tests/unit/host/configured_world.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>

namespace apex {
namespace {

using namespace test;

/// A context that has lived: both subkeys, authorization data, a window with holes.
ContextRecord record_of(EncryptionType type, Role role)
{
    World world(type);
    ContextRecord record;
    record.mechanism = bytes_of(krb5_oid());
    record.role = role;
    record.session = must(world.accept_honest()).session;
    record.session.ticket_authorization.push_back({1, {1, 2, 3}});
    record.session.authenticator_authorization.push_back({143, {4, 5}});
    record.session.renew_till = record.session.end_time + std::chrono::hours(1);
    ProtectionState state;
    state.send_sequence = 0x1'0000'0007;
    state.receive = {.first = 0x3fffffff, .expected = 70, .arrived = 0xF0F0'0000'0000'0001};
    state.peer_used_acceptor_subkey = true;
    record.protection = state;
    record.session.receive_sequence = state.receive.first;
    return record;
}

void same_keys(const SessionKeys& left, const SessionKeys& right)
{
    CPPUNIT_ASSERT(same(left.ticket_session->octets().view(), right.ticket_session->octets().view()));
    CPPUNIT_ASSERT(same(left.initiator_subkey->octets().view(), right.initiator_subkey->octets().view()));
    CPPUNIT_ASSERT(same(left.acceptor_subkey->octets().view(), right.acceptor_subkey->octets().view()));
    CPPUNIT_ASSERT(left.acceptor_subkey->type() == right.acceptor_subkey->type());
}

void same_session(const Session& left, const Session& right)
{
    CPPUNIT_ASSERT_EQUAL(left.initiator.text(), right.initiator.text());
    CPPUNIT_ASSERT_EQUAL(left.acceptor.text(), right.acceptor.text());
    same_keys(left.keys, right.keys);
    CPPUNIT_ASSERT_EQUAL(left.receive_sequence, right.receive_sequence);
    CPPUNIT_ASSERT_EQUAL(left.flags, right.flags);
    CPPUNIT_ASSERT(seconds_of(left.auth_time) == seconds_of(right.auth_time));
    CPPUNIT_ASSERT(seconds_of(left.end_time) == seconds_of(right.end_time));
    CPPUNIT_ASSERT(left.renew_till.has_value() == right.renew_till.has_value());
    CPPUNIT_ASSERT_EQUAL(left.ticket_flags, right.ticket_flags);
}

using Read = Result<ContextRecord> (*)(ByteView);

void every_truncation_is_refused(const Secret& token, Read read)
{
    for (std::size_t length = 0; length < token.size(); ++length) {
        const Bytes cut = bytes_of(token.view().first(length));
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(read(cut)));
    }
    Bytes longer = bytes_of(token.view());
    longer.push_back(0);
    CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(read(longer)));
}

class ContextRecordTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ContextRecordTest);
    CPPUNIT_TEST(our_own_form_keeps_everything);
    CPPUNIT_TEST(mits_form_keeps_what_it_has_a_place_for);
    CPPUNIT_TEST(an_initiator_that_waits_keeps_the_time_it_sent);
    CPPUNIT_TEST(an_acceptor_that_is_not_established_is_refused);
    CPPUNIT_TEST(truncations_are_refused);
    CPPUNIT_TEST(every_flipped_bit_of_our_own_form_is_refused);
    CPPUNIT_TEST(flipped_bits_of_mits_form_end_in_a_record_or_a_refusal);
    CPPUNIT_TEST(another_version_is_refused);
    CPPUNIT_TEST(times_end_with_the_year_9999);
    CPPUNIT_TEST(counts_cannot_ask_for_more_than_is_there);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { files_.configure(""); }

    void our_own_form_keeps_everything()
    {
        for (const EncryptionType type : types) {
            for (const Role role : {Role::initiator, Role::acceptor}) {
                const ContextRecord record = record_of(type, role);
                const Secret token = must(write_own_record(record));
                CPPUNIT_ASSERT(is_own_record(token.view()));
                const ContextRecord read = must(read_own_record(token.view()));
                same_session(record.session, read.session);
                CPPUNIT_ASSERT(read.role == role && read.protection == record.protection);
                CPPUNIT_ASSERT(same(read.mechanism, record.mechanism));
                CPPUNIT_ASSERT_EQUAL(record.session.authenticator_authorization.size(),
                                     read.session.authenticator_authorization.size());
                CPPUNIT_ASSERT_EQUAL(record.session.key_version, read.session.key_version);
                CPPUNIT_ASSERT(record.session.ticket_type == read.session.ticket_type);
            }
        }
    }

    void mits_form_keeps_what_it_has_a_place_for()
    {
        for (const EncryptionType type : types) {
            for (const Role role : {Role::initiator, Role::acceptor}) {
                ContextRecord record = record_of(type, role);
                const Secret token = must(write_mit_record(record));
                CPPUNIT_ASSERT(!is_own_record(token.view()));
                const ContextRecord read = must(read_mit_record(token.view()));
                same_session(record.session, read.session);
                record.protection->peer_used_acceptor_subkey = false; // MIT's has no place for it
                CPPUNIT_ASSERT(read.role == role && read.protection == record.protection);
                CPPUNIT_ASSERT_EQUAL(record.session.ticket_authorization.size() +
                                         record.session.authenticator_authorization.size(),
                                     read.session.ticket_authorization.size());
            }
        }
    }

    void an_initiator_that_waits_keeps_the_time_it_sent()
    {
        ContextRecord record = waiting();
        for (const Read read : {&read_own_record, &read_mit_record}) {
            const Secret token = must(read == &read_own_record ? write_own_record(record) : write_mit_record(record));
            const ContextRecord found = must(read(token.view()));
            CPPUNIT_ASSERT(!found.protection && found.sent_time == record.sent_time);
            CPPUNIT_ASSERT_EQUAL(record.session.send_sequence, found.session.send_sequence);
            CPPUNIT_ASSERT(same(record.session.keys.initiator_subkey->octets().view(),
                                found.session.keys.initiator_subkey->octets().view()));
        }
    }

    void an_acceptor_that_is_not_established_is_refused()
    {
        ContextRecord record = waiting();
        record.role = Role::acceptor;
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"),
                             fault_of(read_own_record(must(write_own_record(record)).view())));
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"),
                             fault_of(read_mit_record(must(write_mit_record(record)).view())));
    }

    void truncations_are_refused()
    {
        const ContextRecord record = record_of(types[0], Role::acceptor);
        every_truncation_is_refused(must(write_own_record(record)), &read_own_record);
        every_truncation_is_refused(must(write_mit_record(record)), &read_mit_record);
        every_truncation_is_refused(must(write_mit_record(waiting())), &read_mit_record);
    }

    void every_flipped_bit_of_our_own_form_is_refused()
    {
        const Secret token = must(write_own_record(record_of(types[0], Role::initiator)));
        Bytes flipped = bytes_of(token.view());
        for (std::size_t bit = 0; bit < flipped.size() * 8; ++bit) {
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
            CPPUNIT_ASSERT(!read_own_record(flipped));
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
        }
    }

    void flipped_bits_of_mits_form_end_in_a_record_or_a_refusal()
    {
        for (const ContextRecord& record : {record_of(types[0], Role::acceptor), waiting()}) {
            const Secret token = must(write_mit_record(record));
            Bytes flipped = bytes_of(token.view());
            for (std::size_t bit = 0; bit < flipped.size() * 8; ++bit) {
                flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
                const Result<ContextRecord> read = read_mit_record(flipped);
                CPPUNIT_ASSERT(read ? read->session.keys.of_initiator() != nullptr : !read.error().text().empty());
                flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
            }
        }
    }

    void another_version_is_refused()
    {
        Bytes token = bytes_of(must(write_own_record(record_of(types[0], Role::initiator))).view());
        constexpr std::size_t version = 11;
        token[version] = 2;
        const Result<ContextRecord> read = read_own_record(token);
        CPPUNIT_ASSERT(!read);
        CPPUNIT_ASSERT(read.error().text().find("version is 2, expected 1") != std::string::npos);
    }

    void times_end_with_the_year_9999()
    {
        ContextRecord record = record_of(types[0], Role::acceptor);
        record.session.end_time = time_from_seconds(253402300799);
        CPPUNIT_ASSERT(read_own_record(must(write_own_record(record)).view()));
        for (const Time time : {time_from_seconds(253402300800), Time::max(), Time::min()}) {
            record.session.end_time = time;
            const Result<ContextRecord> read = read_own_record(must(write_own_record(record)).view());
            CPPUNIT_ASSERT(!read && read.error().text().find("the end is ") != std::string::npos);
        }
    }

    void counts_cannot_ask_for_more_than_is_there()
    {
        Bytes token = bytes_of(must(write_mit_record(record_of(types[0], Role::initiator))).view());
        const Bytes list = from_hex("970ea724000000000000000000");
        const auto found = std::search(token.begin(), token.end(), list.begin(), list.end() - 1);
        CPPUNIT_ASSERT(found != token.end());
        for (std::ptrdiff_t i = 8; i < 12; ++i) {
            found[i] = 0xff; // the number of encryption types
        }
        const Result<ContextRecord> read = read_mit_record(token);
        CPPUNIT_ASSERT(!read && read.error().text().find("4294967295 encryption types") != std::string::npos);
    }

private:
    ConfiguredWorld files_;

    static constexpr EncryptionType types[] = {
        EncryptionType::aes256_cts_hmac_sha1_96, EncryptionType::aes128_cts_hmac_sha1_96,
        EncryptionType::aes128_cts_hmac_sha256_128, EncryptionType::aes256_cts_hmac_sha384_192};

    static ContextRecord waiting()
    {
        World world;
        const InitiatorExchange exchange = world.initiate();
        ContextRecord record;
        record.mechanism = bytes_of(krb5_oid());
        record.session = exchange.session_so_far();
        record.sent_time = exchange.sent_time();
        return record;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContextRecordTest);

} // namespace
} // namespace apex
