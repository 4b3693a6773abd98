// SPDX-License-Identifier: MIT
#include "failing_memory.h"
#include "glued_realm.h"
#include "handshake.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

using namespace apex::test;

/// What programs do, through the mechglue, with the first, second, third, ... allocation failing until it succeeds: each
/// failure is a status, nothing is given out, and the next try works (INVARIANTS C4, H7).
class FailingMemoryTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(FailingMemoryTest);
    CPPUNIT_TEST(importing_a_name);
    CPPUNIT_TEST(acquiring_a_credential);
    CPPUNIT_TEST(a_whole_handshake);
    CPPUNIT_TEST(messages);
    CPPUNIT_TEST(inquiries);
    CPPUNIT_TEST(attributes_of_a_name);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        glued_realm();
        Sides warm;
        warm.import_target();
        warm.initiate(GSS_C_MUTUAL_FLAG);
        warm.accept();
    }
    void tearDown() override { allow_all(); }

    void importing_a_name()
    {
        const long failures = until_it_succeeds([] {
            Sides sides;
            const OM_uint32 major = sides.import_target();
            expect((major == GSS_S_COMPLETE) == (sides.target != GSS_C_NO_NAME));
            // An import that the mechglue puts off reaches the module when the name is used.
            return major == GSS_S_COMPLETE ? sides.initiate(0) : major;
        });
        CPPUNIT_ASSERT(failures > 10);
    }

    void acquiring_a_credential()
    {
        for (const gss_cred_usage_t usage : {GSS_C_INITIATE, GSS_C_ACCEPT, GSS_C_BOTH}) {
            const long failures = until_it_succeeds([usage] {
                OM_uint32 minor = 0;
                gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
                const OM_uint32 major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, usage,
                                                         &credential, nullptr, nullptr);
                expect((major == GSS_S_COMPLETE) == (credential != GSS_C_NO_CREDENTIAL));
                gss_release_cred(&minor, &credential);
                return major;
            });
            CPPUNIT_ASSERT(failures > 0);
        }
    }

    void a_whole_handshake()
    {
        const auto handshake = [] {
            Sides sides;
            const long budget = allow_all();
            sides.import_target();
            allow(budget);
            OM_uint32 major = sides.initiate(GSS_C_MUTUAL_FLAG);
            expect(GSS_ERROR(major) == 0 || sides.initiator == GSS_C_NO_CONTEXT);
            if (GSS_ERROR(major) == 0) {
                major = sides.accept();
                expect(GSS_ERROR(major) == 0 || sides.acceptor == GSS_C_NO_CONTEXT);
                expect(GSS_ERROR(major) == 0 || sides.source == GSS_C_NO_NAME);
            }
            return GSS_ERROR(major) == 0 ? sides.finish(GSS_C_MUTUAL_FLAG) : major;
        };
        // With a ticket that the acceptor has not seen: one that it remembers costs it less.
        const long failures = until_it_succeeds(handshake, [] { glued_realm().renew_tickets(); });
        CPPUNIT_ASSERT(failures > 50);
    }

    void messages()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        std::string text(1000, 'm');
        gss_buffer_desc message{text.size(), text.data()};
        for (const int sealed : {0, 1}) {
            Buffer token;
            until_it_succeeds([&] {
                OM_uint32 minor = 0;
                const OM_uint32 major = gss_wrap(&minor, sides.initiator, sealed, 0, &message, nullptr, token.out());
                expect((major == GSS_S_COMPLETE) == (token.size() > 0));
                return major;
            });
            until_it_succeeds([&] {
                OM_uint32 minor = 0;
                Buffer opened;
                return gss_unwrap(&minor, sides.acceptor, token.get(), opened.out(), nullptr, nullptr);
            });
        }
        Buffer mic;
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            return gss_get_mic(&minor, sides.acceptor, 0, &message, mic.out());
        });
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            return gss_verify_mic(&minor, sides.initiator, &message, mic.get(), nullptr);
        });
    }

    void inquiries()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            gss_name_t source = GSS_C_NO_NAME;
            gss_name_t target = GSS_C_NO_NAME;
            const OM_uint32 major = gss_inquire_context(&minor, sides.acceptor, &source, &target, nullptr, nullptr,
                                                        nullptr, nullptr, nullptr);
            expect(major == GSS_S_COMPLETE || (source == GSS_C_NO_NAME && target == GSS_C_NO_NAME));
            gss_release_name(&minor, &source);
            gss_release_name(&minor, &target);
            return major;
        });
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            Buffer text;
            return gss_display_name(&minor, sides.source, text.out(), nullptr);
        });
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            Buffer exported;
            return gss_export_name(&minor, sides.source, exported.out());
        });
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            gss_buffer_set_t keys = GSS_C_NO_BUFFER_SET;
            const OM_uint32 major =
                gss_inquire_sec_context_by_oid(&minor, sides.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &keys);
            gss_release_buffer_set(&minor, &keys);
            return major;
        });
    }

    void attributes_of_a_name()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        // The first question judges the PAC; one that memory ended leaves no judgement behind.
        const long failures = until_it_succeeds([&] {
            OM_uint32 minor = 0;
            gss_buffer_set_t names = GSS_C_NO_BUFFER_SET;
            const OM_uint32 major = gss_inquire_name(&minor, sides.source, nullptr, nullptr, &names);
            expect(major != GSS_S_COMPLETE || (names != GSS_C_NO_BUFFER_SET && names->count == 14));
            gss_release_buffer_set(&minor, &names);
            return major;
        });
        CPPUNIT_ASSERT_MESSAGE(std::to_string(failures), failures > 30);
        for (const char* const name : {"urn:mspac:", "urn:mspac:logon-info", "urn:apex:user-sid", "auth-indicators"}) {
            gss_buffer_desc attribute{std::strlen(name), const_cast<char*>(name)};
            until_it_succeeds([&] {
                OM_uint32 minor = 0;
                int authenticated = 0;
                int more = -1;
                Buffer value;
                const OM_uint32 major = gss_get_name_attribute(&minor, sides.source, &attribute, &authenticated,
                                                               nullptr, value.out(), nullptr, &more);
                expect((major == GSS_S_COMPLETE) == (authenticated == 1 && value.size() > 0));
                return major;
            });
        }
        Buffer token;
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            return gss_export_name_composite(&minor, sides.source, token.out());
        });
        until_it_succeeds([&] {
            OM_uint32 minor = 0;
            gss_name_t name = GSS_C_NO_NAME;
            const OM_uint32 major = gss_import_name(&minor, token.get(), GSS_C_NT_COMPOSITE_EXPORT, &name);
            expect((major == GSS_S_COMPLETE) == (name != GSS_C_NO_NAME));
            gss_release_name(&minor, &name);
            return major;
        });
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(FailingMemoryTest);
