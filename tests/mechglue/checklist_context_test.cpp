// SPDX-License-Identifier: MIT
#include "handshake.h"
#include "in_a_child.h"

#include <array>
#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <ctime>
#include <krb5.h>
#include <thread>
#include <vector>

using namespace apex::test;

namespace {

constexpr OM_uint32 unasked = GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

/// The flags of both sides after a login that asked for these.
std::pair<OM_uint32, OM_uint32> flags_after(OM_uint32 asked, gss_cred_id_t credential = GSS_C_NO_CREDENTIAL)
{
    Sides sides;
    sides.initiator_credential = credential;
    shake_hands(sides, asked);
    return {sides.initiator_flags, sides.acceptor_flags};
}

/// What an inquiry about a context gives, buffer by buffer.
std::vector<std::string> answers(gss_ctx_id_t context, const std::string& oid)
{
    std::string octets = oid;
    gss_OID_desc object{static_cast<OM_uint32>(octets.size()), octets.data()};
    gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
    OM_uint32 minor = 0;
    expect_complete(gss_inquire_sec_context_by_oid(&minor, context, &object, &set), minor);
    std::vector<std::string> given;
    for (std::size_t i = 0; i < set->count; ++i) {
        given.emplace_back(static_cast<const char*>(set->elements[i].value), set->elements[i].length);
    }
    gss_release_buffer_set(&minor, &set);
    return given;
}

const std::string krb5_arc = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
constexpr char aes256_sha1 = 18;

/// Bindings of which only the data counts.
struct Bindings final {
    explicit Bindings(std::string text) : data(std::move(text)) { bindings.application_data = buffer_of(data); }
    std::string data;
    gss_channel_bindings_struct bindings{};
};

/// The acceptor's status and flags where the two sides give these bindings.
std::pair<OM_uint32, OM_uint32> judged(const char* here, const char* there)
{
    Bindings initiators(here);
    Bindings acceptors(there);
    Sides sides;
    sides.initiator_bindings = &initiators.bindings;
    sides.acceptor_bindings = &acceptors.bindings;
    first_token(sides);
    const OM_uint32 major = sides.accept();
    return {major, sides.acceptor_flags};
}

} // namespace

/// Rows of COVERAGE.md about establishing contexts and asking about them.
class ChecklistContextTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ChecklistContextTest);
    CPPUNIT_TEST(both_sides_name_the_mechanism_krb5);
    CPPUNIT_TEST(an_oid_that_was_given_out_survives_its_release);
    CPPUNIT_TEST(a_first_call_that_fails_leaves_no_context);
    CPPUNIT_TEST(fifty_threads_share_an_acceptors_credential);
    CPPUNIT_TEST(a_child_uses_a_credential_from_before_the_fork);
    CPPUNIT_TEST(without_mutual_authentication_one_token_completes);
    CPPUNIT_TEST(flags_are_those_of_mit);
    CPPUNIT_TEST(a_credential_may_ask_for_no_flags_unasked);
    CPPUNIT_TEST(allowable_types_limit_an_acceptor);
    CPPUNIT_TEST(bindings_of_each_kind_count);
    CPPUNIT_TEST(failed_delegation_does_not_fail_the_login);
    CPPUNIT_TEST(session_keys_and_their_strength_are_told);
    CPPUNIT_TEST(times_and_flags_of_the_ticket_are_told);
    CPPUNIT_TEST(a_context_token_is_refused);
    CPPUNIT_TEST(error_tokens_go_to_mutual_clients_only);
    CPPUNIT_TEST(a_message_of_a_mebibyte_comes_back);
    CPPUNIT_TEST(a_half_open_context_tells_what_it_knows);
    CPPUNIT_TEST(an_acceptors_context_lives_longer_by_the_skew);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void both_sides_name_the_mechanism_krb5()
    {
        Sides sides;
        shake_hands(sides);
        CPPUNIT_ASSERT(gss_oid_equal(sides.initiator_mechanism, gss_mech_krb5) != 0);
        CPPUNIT_ASSERT(gss_oid_equal(sides.acceptor_mechanism, gss_mech_krb5) != 0);
        for (gss_ctx_id_t context : {sides.initiator, sides.acceptor}) {
            OM_uint32 minor = 0;
            gss_OID mechanism = GSS_C_NO_OID;
            expect_complete(
                gss_inquire_context(&minor, context, nullptr, nullptr, nullptr, &mechanism, nullptr, nullptr, nullptr),
                minor);
            CPPUNIT_ASSERT(gss_oid_equal(mechanism, gss_mech_krb5) != 0);
        }
    }

    void an_oid_that_was_given_out_survives_its_release()
    {
        Sides sides;
        shake_hands(sides);
        const gss_OID given = sides.initiator_mechanism;
        OM_uint32 minor = 0;
        expect_complete(gss_release_oid(&minor, &sides.initiator_mechanism), minor);
        CPPUNIT_ASSERT_EQUAL(krb5_arc, std::string(static_cast<const char*>(given->elements), given->length));
        Sides again;
        shake_hands(again);
        CPPUNIT_ASSERT(gss_oid_equal(again.initiator_mechanism, gss_mech_krb5) != 0);
    }

    void a_first_call_that_fails_leaves_no_context()
    {
        Sides sides;
        std::string unknown = "host@unknown.test";
        gss_buffer_desc text = buffer_of(unknown);
        expect_complete(gss_import_name(&sides.minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &sides.target), sides.minor);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, sides.initiate(usual_flags));
        CPPUNIT_ASSERT(sides.initiator == GSS_C_NO_CONTEXT);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, sides.request.size());
    }

    void fifty_threads_share_an_acceptors_credential()
    {
        constexpr std::size_t count = 50;
        const Credential shared(GSS_C_ACCEPT);
        std::vector<Sides> sides(count);
        for (Sides& pair : sides) {
            pair.acceptor_credential = shared.handle;
            first_token(pair);
        }
        std::array<OM_uint32, count> accepted{};
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < count; ++i) {
            threads.emplace_back([&accepted, &sides, i] { accepted[i] = sides[i].accept(); });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (std::size_t i = 0; i < count; ++i) {
            expect_complete(accepted[i], sides[i].minor);
            expect_complete(sides[i].finish(usual_flags), sides[i].minor);
        }
    }

    void a_child_uses_a_credential_from_before_the_fork()
    {
        const Credential initiators(GSS_C_INITIATE);
        const Credential acceptors(GSS_C_ACCEPT);
        const auto log_in = [&] {
            Sides sides;
            sides.initiator_credential = initiators.handle;
            sides.acceptor_credential = acceptors.handle;
            shake_hands(sides);
        };
        CPPUNIT_ASSERT_EQUAL(0, outcome_in_a_child(log_in));
        log_in();
    }

    void without_mutual_authentication_one_token_completes()
    {
        Sides sides;
        first_token(sides, 0);
        expect_complete(sides.accept(), sides.minor);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, sides.reply.size());
    }

    void flags_are_those_of_mit()
    {
        constexpr OM_uint32 always = unasked | GSS_C_TRANS_FLAG;
        const auto expect = [](OM_uint32 asked, OM_uint32 initiators, OM_uint32 acceptors) {
            const auto [initiator, acceptor] = flags_after(asked);
            CPPUNIT_ASSERT_EQUAL(initiators, initiator);
            CPPUNIT_ASSERT_EQUAL(acceptors, acceptor);
        };
        expect(0, always | GSS_C_PROT_READY_FLAG, always);
        expect(GSS_C_MUTUAL_FLAG, always | GSS_C_MUTUAL_FLAG, always | GSS_C_MUTUAL_FLAG | GSS_C_PROT_READY_FLAG);
        expect(GSS_C_ANON_FLAG, always | GSS_C_PROT_READY_FLAG, always);
    }

    void a_credential_may_ask_for_no_flags_unasked()
    {
        Credential credential(GSS_C_INITIATE);
        OM_uint32 minor = 0;
        gss_buffer_desc nothing{0, nullptr};
        expect_complete(
            gss_set_cred_option(&minor, &credential.handle, const_cast<gss_OID>(GSS_KRB5_CRED_NO_CI_FLAGS_X), &nothing),
            minor);
        const auto [initiator, acceptor] = flags_after(GSS_C_MUTUAL_FLAG, credential.handle);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, (initiator | acceptor) & unasked);
        const auto [one, other] = flags_after(GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG, credential.handle);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_C_INTEG_FLAG}, one & unasked);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_C_INTEG_FLAG}, other & unasked);
    }

    void allowable_types_limit_an_acceptor()
    {
        for (const krb5_enctype type : {krb5_enctype{17}, krb5_enctype{18}}) {
            const Credential credential(GSS_C_ACCEPT);
            std::array<krb5_enctype, 1> types{type};
            OM_uint32 minor = 0;
            expect_complete(gss_krb5_set_allowable_enctypes(&minor, credential.handle, 1, types.data()), minor);
            Sides sides;
            sides.acceptor_credential = credential.handle;
            first_token(sides);
            const OM_uint32 accepted = sides.accept();
            CPPUNIT_ASSERT_EQUAL(static_cast<OM_uint32>(type == aes256_sha1 ? GSS_S_COMPLETE : GSS_S_FAILURE),
                                 accepted);
            if (type != aes256_sha1) {
                CPPUNIT_ASSERT(has(text_of_status(sides.minor), "aes256-cts-hmac-sha1-96"));
            }
        }
    }

    void bindings_of_each_kind_count()
    {
        for (const char* kind : {"tls-server-end-point:", "tls-unique:", "tls-exporter:"}) {
            const std::string right = std::string(kind) + "0123456789abcdef";
            const std::string wrong = std::string(kind) + "0123456789abcdee";
            const auto [major, flags] = judged(right.c_str(), right.c_str());
            CPPUNIT_ASSERT_EQUAL(complete, major);
            CPPUNIT_ASSERT((flags & GSS_C_CHANNEL_BOUND_FLAG) != 0);
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_BINDINGS}, judged(right.c_str(), wrong.c_str()).first);
        }
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_BINDINGS},
                             judged("tls-unique:01234567", "tls-exporter:01234567").first);
    }

    void failed_delegation_does_not_fail_the_login()
    {
        Sides sides; // there is no KDC to forward a ticket
        shake_hands(sides, usual_flags | GSS_C_DELEG_FLAG);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, (sides.initiator_flags | sides.acceptor_flags) & GSS_C_DELEG_FLAG);
        CPPUNIT_ASSERT(sides.delegated == GSS_C_NO_CREDENTIAL);
    }

    void session_keys_and_their_strength_are_told()
    {
        Sides sides;
        shake_hands(sides);
        const std::string type_of_key = krb5_arc + "\x04" + aes256_sha1;
        const std::vector<std::string> initiators = answers(sides.initiator, krb5_arc + "\x05\x05");
        CPPUNIT_ASSERT(initiators == answers(sides.acceptor, krb5_arc + "\x05\x05"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, initiators.size());
        CPPUNIT_ASSERT(initiators[0].size() == 32 && initiators[1] == type_of_key);
        const std::string ticket_key(32, '\x07'); // the realm's tickets have this session key
        CPPUNIT_ASSERT(initiators[0] != ticket_key);
        for (gss_ctx_id_t context : {sides.initiator, sides.acceptor}) {
            const std::vector<std::string> odbc = answers(context, krb5_arc + "\x05\x13");
            CPPUNIT_ASSERT(odbc == std::vector<std::string>({ticket_key, type_of_key}));
            CPPUNIT_ASSERT(answers(context, krb5_arc + "\x05\x0f") ==
                           std::vector<std::string>{std::string("\0\0\1\0", 4)}); // 256
        }
    }

    void times_and_flags_of_the_ticket_are_told()
    {
        Sides sides;
        shake_hands(sides);
        for (gss_ctx_id_t context : {sides.initiator, sides.acceptor}) {
            OM_uint32 minor = 0;
            krb5_flags flags = 0;
            krb5_timestamp authenticated = 0;
            expect_complete(gss_krb5_get_tkt_flags(&minor, context, &flags), minor);
            CPPUNIT_ASSERT_EQUAL(krb5_flags{TKT_FLG_INITIAL}, flags);
            expect_complete(gsskrb5_extract_authtime_from_sec_context(&minor, context, &authenticated), minor);
            const long ago = std::time(nullptr) - static_cast<long>(authenticated);
            CPPUNIT_ASSERT(ago >= 60 && ago < 600); // the realm's tickets were issued a minute before the first test
        }
    }

    void a_context_token_is_refused()
    {
        Sides sides;
        shake_hands(sides);
        gss_buffer_desc message{4, const_cast<char*>("text")};
        Buffer mic;
        expect_complete(gss_get_mic(&sides.minor, sides.initiator, 0, &message, mic.out()), sides.minor);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_DEFECTIVE_TOKEN},
                             gss_process_context_token(&sides.minor, sides.acceptor, mic.get()));
        expect_complete(gss_verify_mic(&sides.minor, sides.acceptor, &message, mic.get(), nullptr), sides.minor);
    }

    void error_tokens_go_to_mutual_clients_only()
    {
        for (const OM_uint32 flags : {OM_uint32{0}, usual_flags}) {
            Sides sides;
            shake_hands(sides, flags);
            Sides again;
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, again.accept_token(sides.request.get()));
            CPPUNIT_ASSERT_EQUAL(flags != 0, again.reply.size() > 0);
        }
    }

    void a_message_of_a_mebibyte_comes_back()
    {
        Sides sides;
        shake_hands(sides);
        std::string text(1U << 20, 'm');
        gss_buffer_desc message = buffer_of(text);
        for (const int sealed : {0, 1}) {
            OM_uint32 minor = 0;
            Buffer token;
            Buffer opened;
            int state = -1;
            expect_complete(gss_wrap(&minor, sides.initiator, sealed, 0, &message, nullptr, token.out()), minor);
            expect_complete(gss_unwrap(&minor, sides.acceptor, token.get(), opened.out(), &state, nullptr), minor);
            CPPUNIT_ASSERT(opened.text() == text && state == sealed);
        }
    }

    void a_half_open_context_tells_what_it_knows()
    {
        Sides sides;
        first_token(sides);
        OM_uint32 minor = 0;
        gss_OID mechanism = GSS_C_NO_OID;
        OM_uint32 lifetime = 1;
        OM_uint32 flags = 0;
        int local = 0;
        int open = 1;
        expect_complete(gss_inquire_context(&minor, sides.initiator, nullptr, nullptr, &lifetime, &mechanism, &flags,
                                            &local, &open),
                        minor);
        CPPUNIT_ASSERT(gss_oid_equal(mechanism, gss_mech_krb5) != 0);
        CPPUNIT_ASSERT(local == 1 && open == 0);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, lifetime);
        CPPUNIT_ASSERT_EQUAL(usual_flags, flags & usual_flags);
    }

    void an_acceptors_context_lives_longer_by_the_skew()
    {
        Sides sides;
        shake_hands(sides);
        const auto beyond = static_cast<long>(sides.acceptor_lifetime) - static_cast<long>(sides.initiator_lifetime);
        CPPUNIT_ASSERT(beyond >= 299 && beyond <= 301); // the default skew, and the second may change in between
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChecklistContextTest);
