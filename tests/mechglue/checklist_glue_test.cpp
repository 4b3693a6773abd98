// SPDX-License-Identifier: MIT
#include "handshake.h"
#include "module_calls.h"
#include "tests/unit/host/kerberos_files.h"

#include <cerrno>
#include <cppunit/extensions/HelperMacros.h>
#include <krb5.h>

using namespace apex::test;

namespace {

gss_OID_desc spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};

bool member(gss_const_OID oid, gss_OID_set set)
{
    OM_uint32 minor = 0;
    int present = 0;
    expect_complete(gss_test_oid_set_member(&minor, const_cast<gss_OID>(oid), set, &present), minor);
    return present != 0;
}

gss_name_t name_of(std::string text, gss_OID type)
{
    OM_uint32 minor = 0;
    gss_name_t name = GSS_C_NO_NAME;
    gss_buffer_desc buffer = buffer_of(text);
    expect_complete(gss_import_name(&minor, &buffer, type, &name), minor);
    return name;
}

/// The lines of a status, as a program shows them.
std::string text_of_code(OM_uint32 code, gss_OID mechanism)
{
    OM_uint32 minor = 0;
    OM_uint32 more = 0;
    Buffer text;
    expect_complete(gss_display_status(&minor, code, GSS_C_MECH_CODE, mechanism, &more, text.out()), minor);
    return text.text();
}

/// The text of a replayed token's refusal, through this mechanism.
std::string refusal_through(gss_OID mechanism)
{
    Sides sides;
    sides.mechanism = mechanism;
    first_token(sides);
    expect_complete(sides.accept(), sides.minor);
    Sides again;
    CPPUNIT_ASSERT(GSS_ERROR(again.accept_token(sides.request.get())) != 0);
    return text_of_code(again.minor, mechanism);
}

/// The lifetimes that gss_inquire_cred_by_mech gives; where it gives none, they stay as they are here.
struct Lifetimes final {
    explicit Lifetimes(gss_cred_usage_t wanted)
    {
        const Credential credential(wanted);
        OM_uint32 minor = 0;
        expect_complete(gss_inquire_cred_by_mech(&minor, credential.handle, const_cast<gss_OID>(gss_mech_krb5), nullptr,
                                                 &initiator, &acceptor, &usage),
                        minor);
    }
    OM_uint32 initiator = 0;
    OM_uint32 acceptor = 0;
    gss_cred_usage_t usage = -1;
};

int mechanisms_of(gss_cred_id_t credential)
{
    OM_uint32 minor = 0;
    gss_OID_set set = GSS_C_NO_OID_SET;
    expect_complete(gss_inquire_cred(&minor, credential, nullptr, nullptr, nullptr, &set), minor);
    const auto count = static_cast<int>(set->count);
    gss_release_oid_set(&minor, &set);
    return count;
}

} // namespace

/// Rows of COVERAGE.md about the mechglue between program and module.
class ChecklistGlueTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ChecklistGlueTest);
    CPPUNIT_TEST(kerberos_is_listed_once_and_its_old_names_are_hidden);
    CPPUNIT_TEST(only_kerberos_is_taken_over);
    CPPUNIT_TEST(a_name_that_came_from_a_context_has_a_local_name);
    CPPUNIT_TEST(a_name_from_a_context_differs_from_its_canonical_form);
    CPPUNIT_TEST(an_exported_name_bears_the_oid_of_krb5);
    CPPUNIT_TEST(an_imported_credential_is_replaced_by_the_default_one);
    CPPUNIT_TEST(minor_codes_have_texts);
    CPPUNIT_TEST(spnego_gives_the_text_of_the_mechanism);
    CPPUNIT_TEST(spnego_needs_one_round_trip);
    CPPUNIT_TEST(a_registered_keytab_is_used);
    CPPUNIT_TEST(a_loop_over_attributes_ends_at_an_error);
    CPPUNIT_TEST(adding_to_a_copy_leaves_the_credential);
    CPPUNIT_TEST(lifetimes_follow_the_usage);
    CPPUNIT_TEST(no_credential_means_the_built_in_mechanisms_default);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void kerberos_is_listed_once_and_its_old_names_are_hidden()
    {
        OM_uint32 minor = 0;
        gss_OID_set set = GSS_C_NO_OID_SET;
        expect_complete(gss_indicate_mechs(&minor, &set), minor);
        int listed = 0;
        for (std::size_t i = 0; i < set->count; ++i) {
            listed += gss_oid_equal(&set->elements[i], gss_mech_krb5) != 0 ? 1 : 0;
        }
        CPPUNIT_ASSERT_EQUAL(1, listed);
        CPPUNIT_ASSERT(!member(gss_mech_krb5_old, set));
        CPPUNIT_ASSERT(!member(gss_mech_krb5_wrong, set));
        // The interposer's OID of mech.conf, 2.25.6182930471855164202.
        gss_OID_desc interposer{10, const_cast<char*>("\x69\xd5\xe7\x8b\xd0\x96\xee\xf6\x96\x2a")};
        CPPUNIT_ASSERT(!member(&interposer, set));
        CPPUNIT_ASSERT(member(gss_mech_iakerb, set) && member(&spnego, set));
        gss_release_oid_set(&minor, &set);
    }

    void only_kerberos_is_taken_over()
    {
        gss_OID_set (*interposer)(gss_OID) = nullptr;
        void* symbol = dlsym(module(), "gss_mech_interposer");
        CPPUNIT_ASSERT(symbol != nullptr);
        std::memcpy(&interposer, &symbol, sizeof interposer);
        gss_OID_desc own{10, const_cast<char*>("\x69\xd5\xe7\x8b\xd0\x96\xee\xf6\x96\x2a")};
        gss_OID_set set = interposer(&own);
        CPPUNIT_ASSERT(set != GSS_C_NO_OID_SET);
        CPPUNIT_ASSERT(member(gss_mech_krb5, set) && member(gss_mech_krb5_old, set) &&
                       member(gss_mech_krb5_wrong, set));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, set->count);
        OM_uint32 minor = 0;
        gss_release_oid_set(&minor, &set);
    }

    void a_name_that_came_from_a_context_has_a_local_name()
    {
        Sides sides;
        shake_hands(sides);
        OM_uint32 minor = 0;
        Buffer user;
        expect_complete(gss_localname(&minor, sides.source, GSS_C_NO_OID, user.out()), minor);
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), user.text());
        gss_name_t root = name_of("root", GSS_C_NT_USER_NAME);
        expect_complete(gss_authorize_localname(&minor, sides.source, root), minor);
        gss_release_name(&minor, &root);
    }

    void a_name_from_a_context_differs_from_its_canonical_form()
    {
        Sides sides;
        shake_hands(sides);
        OM_uint32 minor = 0;
        gss_name_t plain = name_of(GluedRealm::client_principal, const_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME));
        gss_name_t canonical = GSS_C_NO_NAME;
        expect_complete(gss_canonicalize_name(&minor, plain, const_cast<gss_OID>(gss_mech_krb5), &canonical), minor);
        int equal = -1;
        expect_complete(gss_compare_name(&minor, sides.source, plain, &equal), minor);
        CPPUNIT_ASSERT_EQUAL(1, equal);
        expect_complete(gss_compare_name(&minor, sides.source, canonical, &equal), minor);
        CPPUNIT_ASSERT_EQUAL(0, equal);
        CPPUNIT_ASSERT_EQUAL(text_of(sides.source), text_of(canonical));
        gss_release_name(&minor, &plain);
        gss_release_name(&minor, &canonical);
    }

    void an_exported_name_bears_the_oid_of_krb5()
    {
        Sides sides;
        shake_hands(sides);
        OM_uint32 minor = 0;
        Buffer token;
        expect_complete(gss_export_name(&minor, sides.source, token.out()), minor);
        CPPUNIT_ASSERT_EQUAL(
            std::string("\x04\x01\x00\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x00\x00\x00\x10", 19) +
                GluedRealm::client_principal,
            token.text());
    }

    void an_imported_credential_is_replaced_by_the_default_one()
    {
        const std::string bob = "MEMORY:bob_of_import_cred";
        make_cache(bob, "bob@TEST.REALM");
        add_ticket(bob, tgt("bob@TEST.REALM", "TEST.REALM"));
        krb5_context context = nullptr;
        krb5_ccache cache = nullptr;
        CPPUNIT_ASSERT(krb5_init_context(&context) == 0 && krb5_cc_resolve(context, bob.c_str(), &cache) == 0);
        OM_uint32 minor = 0;
        Credential imported;
        expect_complete(gss_krb5_import_cred(&minor, cache, nullptr, nullptr, &imported.handle), minor);
        krb5_cc_close(context, cache);
        krb5_free_context(context);
        gss_name_t name = GSS_C_NO_NAME;
        expect_complete(gss_inquire_cred(&minor, imported.handle, &name, nullptr, nullptr, nullptr), minor);
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), text_of(name));
        gss_release_name(&minor, &name);
        Sides sides;
        sides.initiator_credential = imported.handle;
        shake_hands(sides);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text_of(sides.source));
    }

    void minor_codes_have_texts()
    {
        constexpr OM_uint32 replay = static_cast<OM_uint32>(-1765328384 + 34);
        const gss_OID krb5 = const_cast<gss_OID>(gss_mech_krb5);
        CPPUNIT_ASSERT(!refusal_through(krb5).empty());
        CPPUNIT_ASSERT(has(text_of_code(replay, krb5), "replay"));
        for (const OM_uint32 code : {0U, 1U, static_cast<OM_uint32>(EINVAL), 4711U, 39756032U}) {
            OM_uint32 minor = 0;
            OM_uint32 more = 0;
            Buffer text;
            expect_complete(call("gssi_display_status", &minor, code, int{GSS_C_MECH_CODE}, krb5, &more, text.out()),
                            minor);
            CPPUNIT_ASSERT(text.size() > 0 && more == 0);
        }
    }

    void spnego_gives_the_text_of_the_mechanism()
    {
        const std::string direct = refusal_through(const_cast<gss_OID>(gss_mech_krb5));
        CPPUNIT_ASSERT(has(direct, "replay"));
        CPPUNIT_ASSERT_EQUAL(direct, refusal_through(&spnego));
    }

    void spnego_needs_one_round_trip()
    {
        Sides sides;
        sides.mechanism = &spnego;
        first_token(sides);
        const std::string oid("\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 11);
        CPPUNIT_ASSERT(has(sides.request.text(), "\xa2") &&
                       has(sides.request.text(), oid + std::string("\x01\x00", 2)));
        expect_complete(sides.accept(), sides.minor);
        expect_complete(sides.finish(usual_flags), sides.minor);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text_of(sides.source));
    }

    void a_registered_keytab_is_used()
    {
        const std::string keytab = "MEMORY:registered";
        const MemoryKeytab kept(keytab);
        add_key(keytab, "other/server.test@TEST.REALM", 1, apex::EncryptionType::aes256_cts_hmac_sha1_96, 9);
        expect_complete(krb5_gss_register_acceptor_identity(keytab.c_str()), 0);
        Sides refused;
        first_token(refused);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, refused.accept());
        CPPUNIT_ASSERT(has(text_of_status(refused.minor), "registered"));
        expect_complete(krb5_gss_register_acceptor_identity(nullptr), 0);
        Sides sides;
        shake_hands(sides);
    }

    void a_loop_over_attributes_ends_at_an_error()
    {
        OM_uint32 minor = 0;
        std::string text = "alice";
        gss_buffer_desc buffer = buffer_of(text);
        gss_name_t name = GSS_C_NO_NAME;
        expect_complete(call("gssi_import_name", &minor, &buffer, static_cast<gss_OID>(GSS_C_NT_USER_NAME), &name),
                        minor);
        int authenticated = -1;
        int whole = -1;
        int more = -1;
        gss_buffer_desc value{77, &more}; // what the mechglue's loop leaves there
        gss_buffer_desc display{77, &more};
        const OM_uint32 major =
            call("gssi_get_name_attribute", &minor, name, &buffer, &authenticated, &whole, &value, &display, &more);
        CPPUNIT_ASSERT(GSS_ERROR(major) != 0);
        CPPUNIT_ASSERT_EQUAL(0, more);
        CPPUNIT_ASSERT(value.length == 0 && value.value == nullptr && display.length == 0 && display.value == nullptr);
        expect_complete(call("gssi_release_name", &minor, &name), minor);
    }

    void adding_to_a_copy_leaves_the_credential()
    {
        const Credential credential(GSS_C_INITIATE);
        CPPUNIT_ASSERT_EQUAL(1, mechanisms_of(credential.handle));
        Credential copy;
        OM_uint32 minor = 0;
        expect_complete(gss_add_cred(&minor, credential.handle, GSS_C_NO_NAME, &spnego, GSS_C_INITIATE, 0, 0,
                                     &copy.handle, nullptr, nullptr, nullptr),
                        minor);
        CPPUNIT_ASSERT_EQUAL(1, mechanisms_of(credential.handle));
        CPPUNIT_ASSERT_EQUAL(2, mechanisms_of(copy.handle));
        for (gss_cred_id_t each : {credential.handle, copy.handle}) {
            Sides sides;
            sides.initiator_credential = each;
            shake_hands(sides);
        }
    }

    void lifetimes_follow_the_usage()
    {
        const Lifetimes initiator(GSS_C_INITIATE);
        CPPUNIT_ASSERT(initiator.usage == GSS_C_INITIATE && initiator.initiator > 3000 && initiator.acceptor == 0);
        const Lifetimes acceptor(GSS_C_ACCEPT);
        CPPUNIT_ASSERT(acceptor.usage == GSS_C_ACCEPT && acceptor.initiator == 0);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_C_INDEFINITE}, acceptor.acceptor);
        const Lifetimes both(GSS_C_BOTH);
        CPPUNIT_ASSERT(both.usage == GSS_C_BOTH && both.initiator > 3000 && both.acceptor > 3000);
    }

    void no_credential_means_the_built_in_mechanisms_default()
    {
        OM_uint32 minor = 0;
        gss_name_t name = GSS_C_NO_NAME;
        OM_uint32 lifetime = 0;
        expect_complete(gss_inquire_cred(&minor, GSS_C_NO_CREDENTIAL, &name, &lifetime, nullptr, nullptr), minor);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text_of(name));
        CPPUNIT_ASSERT(lifetime > 3000);
        gss_release_name(&minor, &name);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ChecklistGlueTest);
