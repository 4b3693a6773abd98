// SPDX-License-Identifier: MIT
#include "glued_realm.h"

#include "tests/unit/host/kerberos_files.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdlib>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

using namespace apex::test;

namespace {

/// The acceptor's call with a credential and, perhaps, a place for a delegated one.
OM_uint32 accept(Sides& sides, gss_cred_id_t credential, bool want_delegated)
{
    return gss_accept_sec_context(&sides.minor, &sides.acceptor, credential, sides.request.get(),
                                  GSS_C_NO_CHANNEL_BINDINGS, &sides.source, nullptr, sides.reply.out(),
                                  &sides.acceptor_flags, nullptr, want_delegated ? &sides.delegated : nullptr);
}

gss_cred_id_t service_credential(gss_cred_usage_t usage, const std::string& cache)
{
    OM_uint32 minor = 0;
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    gss_key_value_element_desc element{"ccache", cache.c_str()};
    const gss_key_value_set_desc store{1, &element};
    const OM_uint32 major =
        gss_acquire_cred_from(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, usage, &store, &credential, nullptr, nullptr);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(minor), OM_uint32{GSS_S_COMPLETE}, major);
    return credential;
}

std::string shown_name(gss_cred_id_t credential)
{
    OM_uint32 minor = 0;
    gss_name_t name = GSS_C_NO_NAME;
    Buffer text;
    if (gss_inquire_cred(&minor, credential, &name, nullptr, nullptr, nullptr) == GSS_S_COMPLETE) {
        gss_display_name(&minor, name, text.out(), nullptr);
        gss_release_name(&minor, &name);
    }
    return text.text();
}

std::string impersonator_of(gss_cred_id_t credential)
{
    OM_uint32 minor = 0;
    gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
    std::string text;
    if (gss_inquire_cred_by_oid(&minor, credential, const_cast<gss_OID>(GSS_KRB5_GET_CRED_IMPERSONATOR), &set) ==
            GSS_S_COMPLETE &&
        set != GSS_C_NO_BUFFER_SET && set->count == 1) {
        text.assign(static_cast<const char*>(set->elements[0].value), set->elements[0].length);
    }
    gss_release_buffer_set(&minor, &set);
    return text;
}

} // namespace

/// An acceptor that stands in for clients who forwarded nothing (S4U2Proxy; spec: acceptor 3.6).
class StandInTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(StandInTest);
    CPPUNIT_TEST(a_credential_of_usage_both_gives_a_proxy_credential);
    CPPUNIT_TEST(a_caller_that_takes_none_gets_none);
    CPPUNIT_TEST(an_acceptors_credential_gives_none);
    CPPUNIT_TEST(without_tickets_of_its_own_a_service_cannot_stand_in);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        glued_realm();
        make_cache(with_tickets, GluedRealm::service_principal);
        add_ticket(with_tickets, tgt(GluedRealm::service_principal, "TEST.REALM"));
    }

    void a_credential_of_usage_both_gives_a_proxy_credential()
    {
        Sides sides;
        begin(sides);
        gss_cred_id_t credential = service_credential(GSS_C_BOTH, with_tickets);
        const OM_uint32 accepted = accept(sides, credential, true);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(sides.minor), OM_uint32{GSS_S_COMPLETE}, accepted);
        CPPUNIT_ASSERT((sides.acceptor_flags & GSS_C_DELEG_FLAG) != 0);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), shown_name(sides.delegated));
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::service_principal), impersonator_of(sides.delegated));
        release(credential);
    }

    void a_caller_that_takes_none_gets_none()
    {
        Sides sides;
        begin(sides);
        gss_cred_id_t credential = service_credential(GSS_C_BOTH, with_tickets);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, accept(sides, credential, false));
        CPPUNIT_ASSERT((sides.acceptor_flags & GSS_C_DELEG_FLAG) == 0);
        release(credential);
    }

    void an_acceptors_credential_gives_none()
    {
        Sides sides;
        begin(sides);
        gss_cred_id_t credential = service_credential(GSS_C_ACCEPT, with_tickets);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, accept(sides, credential, true));
        CPPUNIT_ASSERT((sides.acceptor_flags & GSS_C_DELEG_FLAG) == 0);
        CPPUNIT_ASSERT(sides.delegated == GSS_C_NO_CREDENTIAL);
        release(credential);
    }

    void without_tickets_of_its_own_a_service_cannot_stand_in()
    {
        OM_uint32 minor = 0;
        gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
        gss_key_value_element_desc element{"ccache", "MEMORY:stand_in_without_tickets"};
        const gss_key_value_set_desc store{1, &element};
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CRED},
                             gss_acquire_cred_from(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_BOTH, &store,
                                                   &credential, nullptr, nullptr));
        CPPUNIT_ASSERT(credential == GSS_C_NO_CREDENTIAL);
    }

private:
    static constexpr const char* with_tickets = "MEMORY:stand_in_with_tickets";

    static void begin(Sides& sides)
    {
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(GSS_C_MUTUAL_FLAG));
    }

    static void release(gss_cred_id_t& credential)
    {
        OM_uint32 minor = 0;
        gss_release_cred(&minor, &credential);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StandInTest);
