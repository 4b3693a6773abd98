// SPDX-License-Identifier: MIT
#include "apex/exchange/context_token.h"
#include "apex/exchange/refusal.h"
#include "apex/messages/krb_error.h"
#include "tests/support/world.h"

#include <cppunit/extensions/HelperMacros.h>

using namespace apex;
using namespace apex::test;

/// Frames of context tokens, and the KRB-ERROR tokens of refusals.
class ContextTokenTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ContextTokenTest);
    CPPUNIT_TEST(a_framed_message_is_read_back_at_every_length);
    CPPUNIT_TEST(a_frame_has_the_octets_of_rfc_4121);
    CPPUNIT_TEST(the_exact_lengths_count);
    CPPUNIT_TEST(lengths_are_written_in_the_shortest_form);
    CPPUNIT_TEST(unknown_token_identifiers_are_refused);
    CPPUNIT_TEST(ntlm_is_recognised);
    CPPUNIT_TEST(over_long_tokens_are_refused);
    CPPUNIT_TEST(a_refusal_goes_only_to_clients_that_asked_for_mutual_authentication);
    CPPUNIT_TEST(a_peers_error_is_never_success);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_framed_message_is_read_back_at_every_length()
    {
        for (const std::size_t length : {0U, 1U, 100U, 113U, 114U, 127U, 128U, 240U, 255U, 256U, 65520U, 65536U}) {
            const Bytes message(length, 0x6e);
            const Bytes token = frame_message(krb5_oid(), TokenKind::ap_reply, message);
            const ContextToken read = must(read_context_token(token));
            CPPUNIT_ASSERT(read.framed && read.kind == TokenKind::ap_reply);
            CPPUNIT_ASSERT(same(read.message, message) && same(read.mechanism, krb5_oid()));
        }
    }

    void a_frame_has_the_octets_of_rfc_4121()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("600f06092a864886f71201020201006e01"),
                             hex(frame_message(krb5_oid(), TokenKind::ap_request, Bytes{0x6e, 0x01})));
        CPPUNIT_ASSERT_EQUAL(std::string("69d5e78bd096eef69629"), hex(apex_oid()));
    }

    void the_exact_lengths_count()
    {
        const Bytes token = frame_message(krb5_oid(), TokenKind::ap_request, Bytes(40, 1));
        for (std::size_t length = 0; length < token.size(); ++length) {
            CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(read_context_token(ByteView(token).first(length))));
        }
        Bytes longer = token;
        longer.push_back(0);
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(read_context_token(longer)));
        for (const char* digits : {"60", "6084", "604006", "60400609", "6084ffffffff", "6080", "60020600", "6003060502"}) {
            CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(read_context_token(from_hex(digits))));
        }
    }

    void lengths_are_written_in_the_shortest_form()
    {
        must(read_context_token(from_hex("600f06092a864886f71201020201006e01")));
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"),
                             fault_of(read_context_token(from_hex("60810f06092a864886f71201020201006e01"))));
    }

    void unknown_token_identifiers_are_refused()
    {
        for (unsigned kind = 0; kind < 0x10000; kind += 0x101) {
            Bytes token = from_hex("600f06092a864886f71201020201006e01");
            token[13] = static_cast<std::uint8_t>(kind >> 8);
            token[14] = static_cast<std::uint8_t>(kind);
            CPPUNIT_ASSERT_EQUAL(std::string("WrongTokenKind"), fault_of(read_context_token(token)));
        }
    }

    void ntlm_is_recognised()
    {
        const Result<ContextToken> refused = read_context_token(view_of("NTLMSSP\0x"));
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedToken"), fault_of(refused));
        CPPUNIT_ASSERT(refused.error().detail.find("NTLM") != std::string::npos);
    }

    void over_long_tokens_are_refused()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("TokenTooLong"), fault_of(read_context_token(Bytes(longest_token + 1, 0x60))));
    }

    void a_refusal_goes_only_to_clients_that_asked_for_mutual_authentication()
    {
        World world;
        const ApRequest request = must(ApRequest::decode(world.initiate().request()));
        const Bytes message = refusal_message(refuse(Fault::Replay), request, world.clock.time).value();
        const KrbError error = must(KrbError::decode(message));
        CPPUNIT_ASSERT_EQUAL(std::int32_t{34}, error.code);
        CPPUNIT_ASSERT(!error.text && !error.data && !error.client_name);
        CPPUNIT_ASSERT_EQUAL(std::string("host/server.test@TEST"), error.server.text());
        CPPUNIT_ASSERT(!refusal_message(refuse(Fault::MissingMutual), request, world.clock.time));
        world.wish.flags &= ~flag::mutual;
        const ApRequest quiet = must(ApRequest::decode(world.initiate().request()));
        CPPUNIT_ASSERT(!refusal_message(refuse(Fault::Replay), quiet, world.clock.time));
    }

    void a_peers_error_is_never_success()
    {
        KrbError message;
        message.server = World().service;
        message.server_time = time_from_seconds(1'790'000'600);
        for (const std::int32_t code : {0, 34, 37, 127, 128, -1, 100000}) {
            message.code = code;
            message.text = std::string(70000, '\x1b');
            const Error error = reported_error(message.encode(), time_from_seconds(1'790'000'000));
            CPPUNIT_ASSERT(error.fault == Fault::PeerReported);
            CPPUNIT_ASSERT(error.minor() != 0 && error.routine_error() != 0);
            CPPUNIT_ASSERT(error.detail.find("600 s ahead") != std::string::npos);
            CPPUNIT_ASSERT(error.detail.find('\x1b') == std::string::npos);
            CPPUNIT_ASSERT(error.detail.size() < 1000);
        }
        CPPUNIT_ASSERT(reported_error(message.encode(), time_from_seconds(1'790'000'660)).detail.find("60 s behind") !=
                       std::string::npos);
        CPPUNIT_ASSERT(reported_error(message.encode(), time_from_seconds(1'790'000'600)).detail.find("agrees with") !=
                       std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("MalformedMessage"),
                             std::string(traits_of(reported_error(Bytes{0x7e, 0}, Time{}).fault).name));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContextTokenTest);
