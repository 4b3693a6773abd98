// SPDX-License-Identifier: MIT
#include "handshake.h"
#include "in_a_child.h"
#include "module_calls.h"

#include <array>
#include <atomic>
#include <cppunit/extensions/HelperMacros.h>
#include <cstring>
#include <stdexcept>
#include <thread>

using namespace apex::test;

namespace {

/// Logs in past the mechglue, which has locks of its own: with credentials that were acquired before, and functions that
/// were found before, for the loader has a lock too.
class LoginPastTheMechglue final {
public:
    LoginPastTheMechglue()
    {
        OM_uint32 minor = 0;
        gss_buffer_desc service{std::strlen(GluedRealm::service), const_cast<char*>(GluedRealm::service)};
        expect_complete(call("gssi_import_name", &minor, &service, GSS_C_NT_HOSTBASED_SERVICE, &target_), minor);
        acquire(GSS_C_INITIATE, &initiators_);
        acquire(GSS_C_ACCEPT, &acceptors_);
        operator()();
    }
    ~LoginPastTheMechglue()
    {
        OM_uint32 minor = 0;
        call("gssi_release_name", &minor, &target_);
        call("gssi_release_cred", &minor, &initiators_);
        call("gssi_release_cred", &minor, &acceptors_);
    }
    LoginPastTheMechglue(const LoginPastTheMechglue&) = delete;
    LoginPastTheMechglue& operator=(const LoginPastTheMechglue&) = delete;

    void operator()() const
    {
        OM_uint32 minor = 0;
        gss_ctx_id_t initiator = GSS_C_NO_CONTEXT;
        gss_ctx_id_t acceptor = GSS_C_NO_CONTEXT;
        Buffer request;
        Buffer reply;
        Buffer nothing;
        const auto initiate = [&](gss_buffer_t input, gss_buffer_t output) {
            return init_(&minor, initiators_, &initiator, target_, const_cast<gss_OID>(gss_mech_krb5),
                         GSS_C_MUTUAL_FLAG, 0, GSS_C_NO_CHANNEL_BINDINGS, input, nullptr, output, nullptr, nullptr);
        };
        must(initiate(GSS_C_NO_BUFFER, request.out()) == GSS_S_CONTINUE_NEEDED);
        must(accept_(&minor, &acceptor, acceptors_, request.get(), GSS_C_NO_CHANNEL_BINDINGS, nullptr, nullptr,
                     reply.out(), nullptr, nullptr, nullptr) == complete);
        must(initiate(reply.get(), nothing.out()) == complete);
        remove_(&minor, &initiator, GSS_C_NO_BUFFER);
        remove_(&minor, &acceptor, GSS_C_NO_BUFFER);
    }

private:
    template <typename Function>
    static Function* found(const char* name)
    {
        void* const symbol = dlsym(module(), name);
        must(symbol != nullptr);
        Function* function = nullptr;
        std::memcpy(&function, &symbol, sizeof function);
        return function;
    }

    static void must(bool holds)
    {
        if (!holds) {
            throw std::runtime_error("a call past the mechglue failed");
        }
    }

    static void acquire(gss_cred_usage_t usage, gss_cred_id_t* credential)
    {
        OM_uint32 minor = 0;
        must(call("gssi_acquire_cred", &minor, gss_name_t{GSS_C_NO_NAME}, OM_uint32{0}, gss_OID_set{GSS_C_NO_OID_SET},
                  usage, credential, static_cast<gss_OID_set*>(nullptr), static_cast<OM_uint32*>(nullptr)) == complete);
    }

    decltype(gss_init_sec_context)* init_ = found<decltype(gss_init_sec_context)>("gssi_init_sec_context");
    decltype(gss_accept_sec_context)* accept_ = found<decltype(gss_accept_sec_context)>("gssi_accept_sec_context");
    decltype(gss_delete_sec_context)* remove_ = found<decltype(gss_delete_sec_context)>("gssi_delete_sec_context");
    gss_name_t target_ = GSS_C_NO_NAME;
    gss_cred_id_t initiators_ = GSS_C_NO_CREDENTIAL;
    gss_cred_id_t acceptors_ = GSS_C_NO_CREDENTIAL;
};

/// Lets a thread log in again and again for as long as it lives.
class BusyThread final {
public:
    explicit BusyThread(const LoginPastTheMechglue& log_in)
        : thread_([&, this] {
              while (!stopped_) {
                  log_in();
                  ++count_;
              }
          })
    {
    }
    ~BusyThread()
    {
        stopped_ = true;
        thread_.join();
    }
    BusyThread(const BusyThread&) = delete;
    BusyThread& operator=(const BusyThread&) = delete;
    [[nodiscard]] int count() const { return count_; }

private:
    std::atomic<bool> stopped_{false};
    std::atomic<int> count_{0};
    std::thread thread_;
};

} // namespace

/// Calls with which MIT krb5 1.20.1 was seen to crash, to hang or to change what is not its own.
class WhereOthersFailTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(WhereOthersFailTest);
    CPPUNIT_TEST(a_stream_with_the_identifier_of_another_token_is_refused);
    CPPUNIT_TEST(octets_behind_an_exported_name_are_refused);
    CPPUNIT_TEST(a_credential_is_copied_before_anybody_used_it);
    CPPUNIT_TEST(a_signed_message_stays_as_it_came);
#ifndef __SANITIZE_ADDRESS__ // the address sanitizer's own locks do not survive such a fork
    CPPUNIT_TEST(a_child_that_was_forked_during_a_login_logs_in);
#endif
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        glued_realm();
    }

    void a_stream_with_the_identifier_of_another_token_is_refused()
    {
        Sides sides;
        shake_hands(sides);
        std::string message = "message";
        gss_buffer_desc input = buffer_of(message);
        OM_uint32 minor = 0;
        Buffer token;
        expect_complete(gss_wrap(&minor, sides.initiator, 1, 0, &input, nullptr, token.out()), minor);
        for (const char* const identifier : {"\x01\x01", "\x01\x02", "\x02\x01"}) {
            std::string stream = token.text();
            stream.replace(0, 2, identifier, 2);
            std::array<gss_iov_buffer_desc, 2> parts{{
                {GSS_IOV_BUFFER_TYPE_STREAM, buffer_of(stream)},
                {GSS_IOV_BUFFER_TYPE_DATA, {0, nullptr}},
            }};
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_DEFECTIVE_TOKEN},
                                 gss_unwrap_iov(&minor, sides.acceptor, nullptr, nullptr, parts.data(), 2));
        }
        Buffer opened; // and nothing was lost by it
        expect_complete(gss_unwrap(&minor, sides.acceptor, token.get(), opened.out(), nullptr, nullptr), minor);
        CPPUNIT_ASSERT_EQUAL(message, opened.text());
    }

    /// Through the mechglue the built-in mechanism would read it, and end this process.
    void octets_behind_an_exported_name_are_refused()
    {
        Sides sides;
        shake_hands(sides);
        OM_uint32 minor = 0;
        Buffer token;
        expect_complete(gss_export_name(&minor, sides.source, token.out()), minor);
        std::string octets = token.text();
        for (const bool longer : {false, true}) {
            octets += longer ? std::string("\0", 1) : std::string();
            gss_buffer_desc buffer = buffer_of(octets);
            gss_name_t name = GSS_C_NO_NAME;
            const OM_uint32 major = call("gss_import_name", &minor, &buffer, GSS_C_NT_EXPORT_NAME, &name);
            CPPUNIT_ASSERT_EQUAL(longer ? OM_uint32{GSS_S_BAD_NAME} : complete, major);
            call("gss_release_name", &minor, &name);
        }
    }

    void a_credential_is_copied_before_anybody_used_it()
    {
        const Credential initiators(GSS_C_INITIATE);
        OM_uint32 minor = 0;
        krb5_context context = nullptr;
        krb5_ccache cache = nullptr;
        krb5_principal client = nullptr;
        krb5_cc_cursor cursor = nullptr;
        krb5_creds found{};
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_init_context(&context));
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_parse_name(context, GluedRealm::client_principal, &client));
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_cc_new_unique(context, "MEMORY", nullptr, &cache));
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_cc_initialize(context, cache, client));
        expect_complete(gss_krb5_copy_ccache(&minor, initiators.handle, cache), minor);
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_cc_start_seq_get(context, cache, &cursor));
        CPPUNIT_ASSERT_EQUAL(krb5_error_code{0}, krb5_cc_next_cred(context, cache, &cursor, &found));
        CPPUNIT_ASSERT(krb5_principal_compare(context, client, found.client) != 0);
        krb5_free_cred_contents(context, &found);
        krb5_cc_end_seq_get(context, cache, &cursor);
        krb5_free_principal(context, client);
        krb5_cc_destroy(context, cache);
        krb5_free_context(context);
    }

    void a_signed_message_stays_as_it_came()
    {
        Sides sides;
        shake_hands(sides);
        std::string message = "signed, not sealed";
        gss_buffer_desc input = buffer_of(message);
        OM_uint32 minor = 0;
        Buffer token;
        expect_complete(gss_wrap(&minor, sides.initiator, 0, 0, &input, nullptr, token.out()), minor);
        const std::string before = token.text();
        Buffer opened;
        expect_complete(gss_unwrap(&minor, sides.acceptor, token.get(), opened.out(), nullptr, nullptr), minor);
        CPPUNIT_ASSERT_EQUAL(message, opened.text());
        CPPUNIT_ASSERT(before == token.text());
    }

    /// A lock that the other thread held at the fork is never released in the child.
    void a_child_that_was_forked_during_a_login_logs_in()
    {
        const LoginPastTheMechglue log_in;
        const BusyThread busy(log_in);
        for (int i = 0; i < 40; ++i) {
            CPPUNIT_ASSERT_EQUAL(0, outcome_in_a_child(log_in));
        }
        CPPUNIT_ASSERT(busy.count() > 0);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WhereOthersFailTest);
