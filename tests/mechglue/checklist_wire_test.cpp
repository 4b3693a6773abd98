// SPDX-License-Identifier: MIT
#include "apex/crypto/system_random.h"
#include "apex/exchange/context_token.h"
#include "apex/exchange/gss_checksum.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/krb_cred.h"
#include "handshake.h"
#include "tests/support/world.h"
#include "tests/unit/host/kerberos_files.h"

#include <algorithm>
#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <functional>

using namespace apex;
using namespace apex::test;

namespace {

constexpr EncryptionType type = EncryptionType::aes256_cts_hmac_sha1_96;

/// The session key of the realm's tickets.
Key session_key()
{
    return key_of(type, 7);
}

ByteView octets_of(Buffer& token)
{
    return view_of(token.get()->value, token.get()->length);
}

ApRequest request_in(Buffer& token)
{
    return must(ApRequest::decode(must(read_context_token(octets_of(token))).message));
}

Authenticator authenticator_in(Buffer& token)
{
    const Secret plaintext =
        must(session_key().open(KeyUsage::ap_request_authenticator, request_in(token).authenticator.cipher));
    return must(Authenticator::decode(plaintext.view()));
}

/// The flags as they travel: octets 20 to 23 of the checksum, the least significant one first (RFC 4121 4.1.1).
OM_uint32 flags_in(Buffer& token)
{
    const Bytes value = authenticator_in(token).checksum->value;
    CPPUNIT_ASSERT_EQUAL(std::size_t{24}, value.size());
    return value[20] | value[21] << 8U | value[22] << 16U | OM_uint32{value[23]} << 24U;
}

/// The token with an authenticator at which `change` was let: what another client would have sent.
Bytes changed(Buffer& token, const std::function<void(Authenticator&)>& change)
{
    SystemRandom random;
    ApRequest request = request_in(token);
    Authenticator authenticator = authenticator_in(token);
    change(authenticator);
    request.authenticator.cipher =
        must(session_key().seal(KeyUsage::ap_request_authenticator, authenticator.encode().view(), random));
    return frame_message(krb5_oid(), TokenKind::ap_request, request.encode());
}

/// A KRB-CRED with alice's ticket-granting ticket, sealed with `key` or not at all.
Bytes delegated_credential(const Ticket& ticket, const Key* key)
{
    SystemRandom random;
    KrbCredInfo info;
    info.key = EncryptionKey{type, Secret(32)};
    info.client_realm = "TEST.REALM";
    info.client_name = principal_of(GluedRealm::client_principal).name;
    info.server_realm = "TEST.REALM";
    info.server_name = principal_of("krbtgt/TEST.REALM@TEST.REALM").name;
    info.end_time = time_from_seconds(seconds_of(SystemClock().now()) + 3600);
    KrbCredContents contents;
    contents.infos.push_back(std::move(info));
    KrbCred message;
    message.tickets.push_back(ticket);
    const Secret plaintext = contents.encode();
    message.encrypted_part.type = key != nullptr ? type : EncryptionType::none;
    message.encrypted_part.cipher =
        key != nullptr ? must(key->seal(KeyUsage::krb_cred, plaintext.view(), random)) : bytes_of(plaintext.view());
    return message.encode();
}

enum class SealedWith : std::uint8_t { session_key, subkey, nothing };

/// The token as of a client that delegates, with a KRB-CRED sealed so.
Bytes delegating(Buffer& token, SealedWith choice)
{
    return changed(token, [&](Authenticator& authenticator) {
        const Key subkey = must(Key::from(type, authenticator.subkey->value.clone()));
        const Key session = session_key();
        GssChecksum checksum;
        checksum.flags = flag::delegate | flag::mutual;
        checksum.delegated = delegated_credential(request_in(token).ticket, choice == SealedWith::session_key ? &session
                                                                            : choice == SealedWith::subkey    ? &subkey
                                                                                                           : nullptr);
        authenticator.checksum->value = must(checksum.encode());
    });
}

gss_buffer_desc buffer_of(Bytes& octets)
{
    return {octets.size(), octets.data()};
}

} // namespace

/// Rows of COVERAGE.md about what travels. The session key of the realm's tickets is known here, so that the test reads the
/// requests, and makes requests that Apex's own initiator would not make.
class ChecklistWireTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ChecklistWireTest);
    CPPUNIT_TEST(the_wire_has_no_channel_bound_flag);
    CPPUNIT_TEST(every_authenticator_has_a_subkey_and_a_small_number);
    CPPUNIT_TEST(a_peer_may_begin_above_two_to_the_31);
    CPPUNIT_TEST(the_channel_bound_flag_makes_the_initiator_say_so);
    CPPUNIT_TEST(a_delegated_credential_opens_with_each_key);
    CPPUNIT_TEST(a_delegated_credential_that_nobody_takes_does_no_harm);
    CPPUNIT_TEST(the_acceptor_is_called_as_its_keytab_says);
    CPPUNIT_TEST(a_user_to_user_token_reaches_no_mechanism);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void the_wire_has_no_channel_bound_flag()
    {
        gss_channel_bindings_struct bindings{};
        bindings.application_data = {4, const_cast<char*>("data")};
        Sides sides;
        sides.initiator_bindings = &bindings;
        first_token(sides, usual_flags | GSS_C_CHANNEL_BOUND_FLAG);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{usual_flags | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_TRANS_FLAG},
                             flags_in(sides.request));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, sides.initiator_flags & GSS_C_CHANNEL_BOUND_FLAG);
    }

    void every_authenticator_has_a_subkey_and_a_small_number()
    {
        for (int count = 0; count < 100; ++count) {
            Sides sides;
            first_token(sides, count % 2 == 0 ? usual_flags : 0);
            const Authenticator authenticator = authenticator_in(sides.request);
            CPPUNIT_ASSERT(authenticator.subkey && authenticator.subkey->type == type);
            CPPUNIT_ASSERT(!constant_time_equal(authenticator.subkey->value.view(), session_key().octets().view()));
            CPPUNIT_ASSERT(authenticator.sequence_number.has_value());
            CPPUNIT_ASSERT(*authenticator.sequence_number > 0 && *authenticator.sequence_number < (1U << 30));
        }
    }

    void a_peer_may_begin_above_two_to_the_31()
    {
        Sides sides;
        first_token(sides, GSS_C_SEQUENCE_FLAG | GSS_C_REPLAY_FLAG);
        Bytes token = changed(sides.request, [](Authenticator& a) { a.sequence_number = 0xfffffff0U; });
        gss_buffer_desc request = buffer_of(token);
        expect_complete(sides.accept_token(&request), sides.minor);
        // Without mutual authentication both directions begin at the initiator's number (RFC 4121 4.2.6.2: octets 8 to 15).
        gss_buffer_desc message{4, const_cast<char*>("text")};
        Buffer mic;
        expect_complete(gss_get_mic(&sides.minor, sides.acceptor, 0, &message, mic.out()), sides.minor);
        CPPUNIT_ASSERT_EQUAL(std::string("\0\0\0\0\xff\xff\xff\xf0", 8), mic.text().substr(8, 8));
    }

    void the_channel_bound_flag_makes_the_initiator_say_so()
    {
        gss_channel_bindings_struct bindings{};
        bindings.application_data = {4, const_cast<char*>("data")};
        for (const OM_uint32 flag : {OM_uint32{0}, OM_uint32{GSS_C_CHANNEL_BOUND_FLAG}}) {
            Sides sides;
            sides.acceptor_bindings = &bindings;
            first_token(sides, usual_flags | flag);
            CPPUNIT_ASSERT_EQUAL(flag != 0, !authenticator_in(sides.request).authorization_data.empty());
            CPPUNIT_ASSERT_EQUAL(flag != 0 ? OM_uint32{GSS_S_BAD_BINDINGS} : complete, sides.accept());
        }
    }

    void a_delegated_credential_opens_with_each_key()
    {
        for (const SealedWith choice : {SealedWith::session_key, SealedWith::subkey, SealedWith::nothing}) {
            Sides sides;
            first_token(sides);
            Bytes token = delegating(sides.request, choice);
            gss_buffer_desc request = buffer_of(token);
            expect_complete(sides.accept_token(&request), sides.minor);
            CPPUNIT_ASSERT((sides.acceptor_flags & GSS_C_DELEG_FLAG) != 0);
            gss_name_t name = GSS_C_NO_NAME;
            expect_complete(gss_inquire_cred(&sides.minor, sides.delegated, &name, nullptr, nullptr, nullptr),
                            sides.minor);
            CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text_of(name));
            gss_release_name(&sides.minor, &name);
        }
    }

    void a_delegated_credential_that_nobody_takes_does_no_harm()
    {
        Sides sides;
        first_token(sides);
        Bytes token = delegating(sides.request, SealedWith::session_key);
        gss_buffer_desc request = buffer_of(token);
        expect_complete(gss_accept_sec_context(&sides.minor, &sides.acceptor, GSS_C_NO_CREDENTIAL, &request,
                                               GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr, sides.reply.out(), nullptr,
                                               nullptr, nullptr),
                        sides.minor);
        expect_complete(sides.finish(usual_flags), sides.minor);
    }

    void the_acceptor_is_called_as_its_keytab_says()
    {
        Sides sides;
        first_token(sides);
        Bytes token = bytes_of(octets_of(sides.request));
        const std::string before = "server.test";
        const auto at = std::search(token.begin(), token.end(), before.begin(), before.end());
        CPPUNIT_ASSERT(at != token.end());
        *at = 'x'; // the ticket's name is not covered by any key
        gss_buffer_desc request = buffer_of(token);
        expect_complete(sides.accept_token(&request), sides.minor);
        gss_name_t target = GSS_C_NO_NAME;
        expect_complete(gss_inquire_context(&sides.minor, sides.acceptor, nullptr, &target, nullptr, nullptr, nullptr,
                                            nullptr, nullptr),
                        sides.minor);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::service_principal), text_of(target));
        gss_release_name(&sides.minor, &target);
    }

    /// User-to-user begins with a token of an OID of its own, which asks for the acceptor's ticket-granting ticket. The
    /// mechglue looks for a mechanism of that OID, and no interposer of krb5 is asked about it.
    void a_user_to_user_token_reaches_no_mechanism()
    {
        Bytes token{0x60, 0x1a, 0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03, // the OID
                    0x04, 0x00,                                                              // KERB-TGT-REQUEST
                    0x30, 0x0a, 0xa0, 0x03, 0x02, 0x01, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x10}; // version, type
        CPPUNIT_ASSERT_EQUAL(std::size_t{token[1]}, token.size() - 2);
        gss_buffer_desc buffer = buffer_of(token);
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_MECH}, sides.accept_token(&buffer));
        CPPUNIT_ASSERT(sides.acceptor == GSS_C_NO_CONTEXT && sides.reply.get()->length == 0);
        gss_OID_desc mechanism{10, token.data() + 4};
        sides.mechanism = &mechanism;
        expect_complete(sides.import_target(), sides.minor);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_MECH}, sides.initiate(usual_flags));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChecklistWireTest);
