// SPDX-License-Identifier: MIT
#include "glued_realm.h"
#include "handshake.h"
#include "module_calls.h"

#include "apex/base/fault.h"

#include <cppunit/extensions/HelperMacros.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <limits>

using namespace apex::test;
using apex::Fault;

namespace {

gss_buffer_desc text_buffer(std::string& text)
{
    return {text.size(), text.data()};
}

/// Asserts that a call was refused with a fault: its routine error, and its sentence as what gss_display_status says.
void refused_with(Fault fault, OM_uint32 major, OM_uint32 minor)
{
    const apex::FaultTraits& traits = apex::traits_of(fault);
    const std::string name(traits.name);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(name, traits.routine_error, GSS_ROUTINE_ERROR(major) >> GSS_C_ROUTINE_ERROR_OFFSET);
    const std::string text = text_of_status(minor);
    CPPUNIT_ASSERT_MESSAGE(name + ": " + text, text.starts_with(traits.sentence));
}

/// The same for a call of the module itself, whose minor codes the mechglue has not mapped.
void refused_directly_with(Fault fault, OM_uint32 major, OM_uint32 minor)
{
    const apex::FaultTraits& traits = apex::traits_of(fault);
    const std::string name(traits.name);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(name, traits.routine_error, GSS_ROUTINE_ERROR(major) >> GSS_C_ROUTINE_ERROR_OFFSET);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(name, traits.minor, static_cast<std::int32_t>(minor));
    OM_uint32 ignored = 0;
    OM_uint32 more = 0;
    gss_buffer_desc text{};
    call("gssi_display_status", &ignored, minor, int{GSS_C_MECH_CODE}, const_cast<gss_OID>(gss_mech_krb5), &more,
         &text);
    const std::string said(static_cast<const char*>(text.value), text.length);
    gss_release_buffer(&ignored, &text);
    CPPUNIT_ASSERT_MESSAGE(name + ": " + said, said.starts_with(traits.sentence));
}

} // namespace

/// The faults of calls that come at the wrong time or with the wrong arguments: each is the smallest change to a call
/// that succeeds, made through the mechglue wherever that lets the call through.
class CallFaultsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(CallFaultsTest);
    CPPUNIT_TEST(a_mechanism_other_than_kerberos_is_refused);
    CPPUNIT_TEST(a_target_that_changes_between_the_calls_is_refused);
    CPPUNIT_TEST(a_call_without_a_context_is_refused);
    CPPUNIT_TEST(a_half_open_context_signs_nothing);
    CPPUNIT_TEST(an_established_context_is_not_initiated_again);
    CPPUNIT_TEST(an_established_context_does_not_accept);
    CPPUNIT_TEST(a_failed_context_stays_failed);
    CPPUNIT_TEST(a_handle_that_is_no_credential_is_refused);
    CPPUNIT_TEST(a_quality_of_protection_other_than_the_default_is_refused);
    CPPUNIT_TEST(an_inquiry_that_nobody_knows_is_unavailable);
    CPPUNIT_TEST(an_acceptors_credential_is_not_stored);
    CPPUNIT_TEST(a_credential_is_not_stored_in_a_cache_of_no_known_type);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void a_mechanism_other_than_kerberos_is_refused()
    {
        // The mechglue would never bring us another mechanism's OID.
        gss_name_t target = GSS_C_NO_NAME;
        std::string name = GluedRealm::service;
        gss_buffer_desc text = text_buffer(name);
        OM_uint32 minor = 0;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             call("gssi_import_name", &minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target));
        const auto initiate = [&](gss_OID mechanism) {
            gss_ctx_id_t context = GSS_C_NO_CONTEXT;
            gss_buffer_desc token{};
            const OM_uint32 major =
                call("gssi_init_sec_context", &minor, gss_cred_id_t{GSS_C_NO_CREDENTIAL}, &context, target, mechanism,
                     OM_uint32{0}, OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS},
                     gss_buffer_t{GSS_C_NO_BUFFER}, static_cast<gss_OID*>(nullptr), &token,
                     static_cast<OM_uint32*>(nullptr), static_cast<OM_uint32*>(nullptr));
            OM_uint32 ignored = 0;
            CPPUNIT_ASSERT((major == GSS_S_COMPLETE) == (context != GSS_C_NO_CONTEXT));
            call("gssi_delete_sec_context", &ignored, &context, gss_buffer_t{GSS_C_NO_BUFFER});
            gss_release_buffer(&ignored, &token);
            return major;
        };
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, initiate(const_cast<gss_OID>(gss_mech_krb5)));
        const OM_uint32 major = initiate(GSS_C_NT_USER_NAME);
        refused_directly_with(Fault::WrongMechanism, major, minor);
        call("gssi_release_name", &minor, &target);
    }

    void a_target_that_changes_between_the_calls_is_refused()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(GSS_C_MUTUAL_FLAG));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.accept());
        gss_release_name(&sides.minor, &sides.target);
        std::string name = "imap@server.test";
        gss_buffer_desc text = text_buffer(name);
        gss_import_name(&sides.minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &sides.target);
        const OM_uint32 major = sides.finish(GSS_C_MUTUAL_FLAG);
        refused_with(Fault::TargetChanged, major, sides.minor);
    }

    void a_call_without_a_context_is_refused()
    {
        std::string text = "message";
        gss_buffer_desc message = text_buffer(text);
        gss_buffer_desc token{};
        OM_uint32 minor = 0;
        const OM_uint32 major =
            call("gssi_get_mic", &minor, gss_ctx_id_t{GSS_C_NO_CONTEXT}, gss_qop_t{0}, &message, &token);
        refused_directly_with(Fault::NoContext, major, minor);
    }

    void a_half_open_context_signs_nothing()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(GSS_C_MUTUAL_FLAG));
        OM_uint32 minor = 0;
        const OM_uint32 major = sign(minor, sides.initiator);
        refused_with(Fault::ContextIncomplete, major, minor);
    }

    void an_established_context_is_not_initiated_again()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        const OM_uint32 major = sides.finish(GSS_C_MUTUAL_FLAG);
        refused_with(Fault::ContextEstablished, major, sides.minor);
        OM_uint32 minor = 0;
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the context was lost", OM_uint32{GSS_S_COMPLETE}, sign(minor, sides.initiator));
    }

    void an_established_context_does_not_accept()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        OM_uint32 minor = 0;
        const OM_uint32 major = gss_accept_sec_context(&minor, &sides.acceptor, GSS_C_NO_CREDENTIAL,
                                                       sides.request.get(), GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr,
                                                       sides.reply.out(), nullptr, nullptr, nullptr);
        refused_with(Fault::BadCall, major, minor);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the context was lost", OM_uint32{GSS_S_COMPLETE}, sign(minor, sides.acceptor));
    }

    void a_failed_context_stays_failed()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(GSS_C_MUTUAL_FLAG));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.accept());
        static_cast<char*>(sides.reply.get()->value)[sides.reply.size() - 1] ^= 1;
        CPPUNIT_ASSERT(GSS_ERROR(sides.finish(GSS_C_MUTUAL_FLAG)) != 0);
        OM_uint32 minor = 0;
        const OM_uint32 major = sign(minor, sides.initiator);
        refused_with(Fault::ContextFailed, major, minor);
    }

    void a_handle_that_is_no_credential_is_refused()
    {
        OM_uint32 minor = 0;
        gss_buffer_desc token{};
        const OM_uint32 major = call("gssi_export_cred", &minor, gss_cred_id_t{GSS_C_NO_CREDENTIAL}, &token);
        refused_directly_with(Fault::BadHandle, major, minor);
    }

    void a_quality_of_protection_other_than_the_default_is_refused()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        OM_uint32 minor = 0;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sign(minor, sides.initiator, GSS_C_QOP_DEFAULT));
        const OM_uint32 major = sign(minor, sides.initiator, 1);
        refused_with(Fault::BadQuality, major, minor);
    }

    void an_inquiry_that_nobody_knows_is_unavailable()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        OM_uint32 minor = 0;
        gss_buffer_set_t answers = GSS_C_NO_BUFFER_SET;
        CPPUNIT_ASSERT_EQUAL(
            OM_uint32{GSS_S_COMPLETE},
            gss_inquire_sec_context_by_oid(&minor, sides.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &answers));
        gss_release_buffer_set(&minor, &answers);
        const OM_uint32 major = gss_inquire_sec_context_by_oid(&minor, sides.acceptor, GSS_C_NT_USER_NAME, &answers);
        refused_with(Fault::Unavailable, major, minor);
        CPPUNIT_ASSERT(answers == GSS_C_NO_BUFFER_SET);
    }

    void an_acceptors_credential_is_not_stored()
    {
        OM_uint32 minor = 0;
        gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET,
                                                                         GSS_C_ACCEPT, &credential, nullptr, nullptr));
        const OM_uint32 major = gss_store_cred(&minor, credential, GSS_C_ACCEPT, const_cast<gss_OID>(gss_mech_krb5), 1,
                                               0, nullptr, nullptr);
        refused_with(Fault::StoreRefused, major, minor);
        gss_release_cred(&minor, &credential);
    }

    void a_credential_is_not_stored_in_a_cache_of_no_known_type()
    {
        OM_uint32 minor = 0;
        gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &credential,
                                              nullptr, nullptr));
        const auto store_in = [&](const char* cache) {
            gss_key_value_element_desc element{"ccache", cache};
            const gss_key_value_set_desc destination{1, &element};
            return gss_store_cred_into(&minor, credential, GSS_C_INITIATE, const_cast<gss_OID>(gss_mech_krb5), 1, 0,
                                       &destination, nullptr, nullptr);
        };
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, store_in("MEMORY:store_faults"));
        const OM_uint32 major = store_in("NOSUCHTYPE:store_faults");
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, major);
        const std::string text = text_of_status(minor);
        CPPUNIT_ASSERT_MESSAGE(text, text.find("NOSUCHTYPE:store_faults") != std::string::npos &&
                                         text.starts_with(apex::traits_of(Fault::Library).sentence));
        gss_release_cred(&minor, &credential);
    }

private:
    static OM_uint32 sign(OM_uint32& minor, gss_ctx_id_t context, gss_qop_t quality = GSS_C_QOP_DEFAULT)
    {
        std::string text = "message";
        gss_buffer_desc message = text_buffer(text);
        Buffer token;
        return gss_get_mic(&minor, context, quality, &message, token.out());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CallFaultsTest);
