// SPDX-License-Identifier: MIT
#include "glued_realm.h"
#include "handshake.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <fstream>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

using namespace apex::test;

namespace {

bool mapped(const std::string& name)
{
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(name) != std::string::npos) {
            return true;
        }
    }
    return false;
}

} // namespace

/// The built module under the real mechglue, with both ends in this process.
class ThroughTheGlueTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ThroughTheGlueTest);
    CPPUNIT_TEST(a_login_is_served_by_the_module);
    CPPUNIT_TEST(messages_go_both_ways);
    CPPUNIT_TEST(a_replayed_request_is_refused_on_both_sides_with_text);
    CPPUNIT_TEST(a_context_that_failed_on_its_first_call_does_not_exist);
    CPPUNIT_TEST(a_context_that_failed_later_can_only_be_deleted);
    CPPUNIT_TEST(both_contexts_tell_the_same);
    CPPUNIT_TEST(both_sides_compute_the_same_pseudo_random_octets);
    CPPUNIT_TEST(a_half_open_context_protects_nothing);
    CPPUNIT_TEST(names_and_credentials_answer);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void a_login_is_served_by_the_module()
    {
        Sides sides;
        shake_hands(sides);
        CPPUNIT_ASSERT(mapped("mech_apex.so"));
        OM_uint32 minor = 0;
        Buffer name;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_display_name(&minor, sides.source, name.out(), nullptr));
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), name.text());
        constexpr OM_uint32 expected =
            usual_flags | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_TRANS_FLAG | GSS_C_PROT_READY_FLAG;
        CPPUNIT_ASSERT_EQUAL(expected, sides.acceptor_flags);
    }

    void messages_go_both_ways()
    {
        Sides sides;
        shake_hands(sides);
        for (const std::size_t length : {0U, 1U, 16U, 1000U, 70000U}) {
            for (const int sealed : {0, 1}) {
                one_message(sides.initiator, sides.acceptor, length, sealed);
                one_message(sides.acceptor, sides.initiator, length, sealed);
            }
        }
    }

    void a_replayed_request_is_refused_on_both_sides_with_text()
    {
        Sides sides;
        shake_hands(sides);
        Sides again;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, again.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, again.initiate(usual_flags));
        OM_uint32 minor = 0;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE},
                             gss_accept_sec_context(&minor, &again.acceptor, GSS_C_NO_CREDENTIAL, sides.request.get(),
                                                    GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr, again.reply.out(),
                                                    nullptr, nullptr, nullptr));
        CPPUNIT_ASSERT(text_of_status(minor).find("replay") != std::string::npos);
        CPPUNIT_ASSERT(again.acceptor == GSS_C_NO_CONTEXT);
        CPPUNIT_ASSERT(again.reply.size() > 0); // the KRB-ERROR goes out all the same
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, again.finish(usual_flags));
        CPPUNIT_ASSERT(text_of_status(again.minor).find("replay") != std::string::npos);
    }

    void a_context_that_failed_on_its_first_call_does_not_exist()
    {
        Sides sides;
        std::string garbage = "`\x06\x06\x09garbage";
        gss_buffer_desc token = buffer_of(garbage);
        OM_uint32 minor = 0;
        CPPUNIT_ASSERT(GSS_ERROR(gss_accept_sec_context(&minor, &sides.acceptor, GSS_C_NO_CREDENTIAL, &token,
                                                        GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr,
                                                        sides.reply.out(), nullptr, nullptr, nullptr)) != 0);
        CPPUNIT_ASSERT(sides.acceptor == GSS_C_NO_CONTEXT);
    }

    void a_context_that_failed_later_can_only_be_deleted()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(usual_flags));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.accept());
        static_cast<char*>(sides.reply.get()->value)[sides.reply.size() - 1] ^= 1;
        CPPUNIT_ASSERT(GSS_ERROR(sides.finish(usual_flags)) != 0);
        static_cast<char*>(sides.reply.get()->value)[sides.reply.size() - 1] ^= 1;
        CPPUNIT_ASSERT(GSS_ERROR(sides.finish(usual_flags)) != 0); // the right reply comes too late
        CPPUNIT_ASSERT(sides.initiator != GSS_C_NO_CONTEXT);
        OM_uint32 minor = 0;
        OM_uint32 lifetime = 0;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT}, gss_context_time(&minor, sides.initiator, &lifetime));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_delete_sec_context(&minor, &sides.initiator, GSS_C_NO_BUFFER));
        CPPUNIT_ASSERT(sides.initiator == GSS_C_NO_CONTEXT);
    }

    void both_contexts_tell_the_same()
    {
        Sides sides;
        shake_hands(sides);
        for (gss_ctx_id_t context : {sides.initiator, sides.acceptor}) {
            OM_uint32 minor = 0;
            gss_name_t source = GSS_C_NO_NAME;
            gss_name_t target = GSS_C_NO_NAME;
            OM_uint32 lifetime = 0;
            int open = 0;
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                                 gss_inquire_context(&minor, context, &source, &target, &lifetime, nullptr, nullptr,
                                                     nullptr, &open));
            Buffer text;
            gss_display_name(&minor, source, text.out(), nullptr);
            CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text.text());
            gss_display_name(&minor, target, text.out(), nullptr);
            CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::service_principal), text.text());
            CPPUNIT_ASSERT(open == 1 && lifetime > 3000 && lifetime <= 3900);
            gss_release_name(&minor, &source);
            gss_release_name(&minor, &target);
        }
    }

    void both_sides_compute_the_same_pseudo_random_octets()
    {
        Sides sides;
        shake_hands(sides);
        std::string seed = "seed";
        gss_buffer_desc input = buffer_of(seed);
        OM_uint32 minor = 0;
        Buffer here;
        Buffer there;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_pseudo_random(&minor, sides.initiator, GSS_C_PRF_KEY_FULL, &input, 100, here.out()));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_pseudo_random(&minor, sides.acceptor, GSS_C_PRF_KEY_FULL, &input, 100, there.out()));
        CPPUNIT_ASSERT(here.size() == 100 && here.text() == there.text());
        CPPUNIT_ASSERT(GSS_ERROR(gss_pseudo_random(&minor, sides.acceptor, 7, &input, 100, there.out())) != 0);
    }

    void a_half_open_context_protects_nothing()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(usual_flags));
        std::string text = "too early";
        gss_buffer_desc message = buffer_of(text);
        OM_uint32 minor = 0;
        Buffer token;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT},
                             gss_wrap(&minor, sides.initiator, 1, 0, &message, nullptr, token.out()));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT},
                             gss_get_mic(&minor, sides.initiator, 0, &message, token.out()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, token.size());
    }

    void names_and_credentials_answer()
    {
        OM_uint32 minor = 0;
        gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &credential,
                                              nullptr, nullptr));
        gss_name_t name = GSS_C_NO_NAME;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_inquire_cred(&minor, credential, &name, nullptr, nullptr, nullptr));
        Buffer text;
        gss_display_name(&minor, name, text.out(), nullptr);
        CPPUNIT_ASSERT_EQUAL(std::string(GluedRealm::client_principal), text.text());
        gss_release_name(&minor, &name);
        gss_release_cred(&minor, &credential);
    }

private:
    static void one_message(gss_ctx_id_t from, gss_ctx_id_t to, std::size_t length, int sealed)
    {
        std::string text(length, 'm');
        gss_buffer_desc message = buffer_of(text);
        OM_uint32 minor = 0;
        Buffer token;
        Buffer opened;
        int state = -1;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_wrap(&minor, from, sealed, 0, &message, &state, token.out()));
        CPPUNIT_ASSERT_EQUAL(sealed, state);
        const std::string before = token.text();
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_unwrap(&minor, to, token.get(), opened.out(), &state, nullptr));
        CPPUNIT_ASSERT(opened.text() == text && state == sealed && token.text() == before);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_get_mic(&minor, from, 0, &message, token.out()));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_verify_mic(&minor, to, &message, token.get(), nullptr));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_DUPLICATE_TOKEN},
                             gss_verify_mic(&minor, to, &message, token.get(), nullptr));
        static_cast<char*>(token.get()->value)[token.size() - 1] ^= 1;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_BAD_SIG}, gss_verify_mic(&minor, to, &message, token.get(), nullptr));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ThroughTheGlueTest);
