// SPDX-License-Identifier: MIT
#include "glued_realm.h"
#include "handshake.h"
#include "in_a_child.h"
#include "module_calls.h"

#include <cppunit/extensions/HelperMacros.h>
#include <cstdint>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

using namespace apex::test;

namespace {

/// Sends a message; the answer is the major status of the receipt.
OM_uint32 send(gss_ctx_id_t from, gss_ctx_id_t to, Buffer* keep = nullptr)
{
    std::string text = "a message";
    gss_buffer_desc message{text.size(), text.data()};
    OM_uint32 minor = 0;
    Buffer own;
    Buffer& token = keep != nullptr ? *keep : own;
    Buffer opened;
    if (GSS_ERROR(gss_wrap(&minor, from, 1, GSS_C_QOP_DEFAULT, &message, nullptr, token.out())) != 0) {
        return GSS_S_FAILURE;
    }
    const OM_uint32 major = gss_unwrap(&minor, to, token.get(), opened.out(), nullptr, nullptr);
    return GSS_ERROR(major) != 0 || opened.text() == text ? major : OM_uint32{GSS_S_FAILURE};
}

void both_ways(gss_ctx_id_t here, gss_ctx_id_t there, int messages = 3)
{
    for (int i = 0; i < messages; ++i) {
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, send(here, there));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, send(there, here));
    }
}

/// Exports a context and imports it again, through the mechglue. Who serves the new one is for the mechglue to decide.
void transfer(gss_ctx_id_t* context)
{
    OM_uint32 minor = 0;
    Buffer token;
    const OM_uint32 exported = gss_export_sec_context(&minor, context, token.out());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(minor), OM_uint32{GSS_S_COMPLETE}, exported);
    CPPUNIT_ASSERT(*context == GSS_C_NO_CONTEXT);
    const OM_uint32 imported = gss_import_sec_context(&minor, token.get(), context);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(minor), OM_uint32{GSS_S_COMPLETE}, imported);
    CPPUNIT_ASSERT(*context != GSS_C_NO_CONTEXT);
}

struct Told final {
    std::string source;
    std::string target;
    OM_uint32 flags = 0;
    OM_uint32 lifetime = 0;
    int local = 0;
    int open = 0;
};

Told told_by(gss_ctx_id_t context)
{
    Told told;
    OM_uint32 minor = 0;
    gss_name_t source = GSS_C_NO_NAME;
    gss_name_t target = GSS_C_NO_NAME;
    CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                         gss_inquire_context(&minor, context, &source, &target, &told.lifetime, nullptr, &told.flags,
                                             &told.local, &told.open));
    Buffer text;
    gss_display_name(&minor, source, text.out(), nullptr);
    told.source = text.text();
    gss_display_name(&minor, target, text.out(), nullptr);
    told.target = text.text();
    gss_release_name(&minor, &source);
    gss_release_name(&minor, &target);
    return told;
}

} // namespace

/// Contexts that leave a process and go on in another (RFC 2743 2.2.8). The mechglue gives what an interposer exported to
/// the built-in mechanism, and what that exported to us: so two transfers through it go to MIT and back.
class ContextTransferTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ContextTransferTest);
    CPPUNIT_TEST(a_context_goes_on_in_the_built_in_mechanism);
    CPPUNIT_TEST(a_context_comes_back_from_the_built_in_mechanism);
    CPPUNIT_TEST(a_context_without_mutual_authentication_goes_on_too);
    CPPUNIT_TEST(replays_are_noticed_across_the_transfer);
    CPPUNIT_TEST(what_a_context_tells_survives);
    CPPUNIT_TEST(the_mechglue_does_not_let_the_built_in_mechanism_finish_a_half_open_context);
    CPPUNIT_TEST(a_half_open_context_comes_back_and_is_finished);
    CPPUNIT_TEST(another_process_goes_on);
    CPPUNIT_TEST(our_own_mechanism_imports_its_own_form);
    CPPUNIT_TEST(our_own_mechanism_finishes_a_half_open_context_elsewhere);
    CPPUNIT_TEST(a_damaged_token_makes_no_context);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void a_context_goes_on_in_the_built_in_mechanism()
    {
        Sides sides;
        shake_hands(sides);
        both_ways(sides.initiator, sides.acceptor);
        transfer(&sides.initiator);
        both_ways(sides.initiator, sides.acceptor);
        transfer(&sides.acceptor);
        both_ways(sides.initiator, sides.acceptor);
    }

    void a_context_comes_back_from_the_built_in_mechanism()
    {
        Sides sides;
        shake_hands(sides);
        for (int i = 0; i < 4; ++i) { // to MIT, to Apex, to MIT, to Apex
            both_ways(sides.initiator, sides.acceptor);
            transfer(i % 2 == 0 ? &sides.initiator : &sides.acceptor);
            transfer(i % 2 == 0 ? &sides.initiator : &sides.acceptor);
        }
        both_ways(sides.initiator, sides.acceptor);
    }

    void a_context_without_mutual_authentication_goes_on_too()
    {
        Sides sides;
        shake_hands(sides, GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG);
        both_ways(sides.initiator, sides.acceptor);
        transfer(&sides.initiator);
        transfer(&sides.acceptor);
        both_ways(sides.initiator, sides.acceptor);
        transfer(&sides.initiator);
        transfer(&sides.acceptor);
        both_ways(sides.initiator, sides.acceptor);
    }

    void replays_are_noticed_across_the_transfer()
    {
        for (const int transfers : {1, 2}) {
            Sides sides;
            shake_hands(sides);
            Buffer token;
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, send(sides.initiator, sides.acceptor, &token));
            for (int i = 0; i < transfers; ++i) {
                transfer(&sides.acceptor);
            }
            OM_uint32 minor = 0;
            Buffer opened;
            CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_DUPLICATE_TOKEN},
                                 gss_unwrap(&minor, sides.acceptor, token.get(), opened.out(), nullptr, nullptr));
        }
    }

    void what_a_context_tells_survives()
    {
        Sides sides;
        shake_hands(sides);
        for (gss_ctx_id_t* context : {&sides.initiator, &sides.acceptor}) {
            const Told before = told_by(*context);
            for (int i = 0; i < 2; ++i) {
                transfer(context);
                const Told after = told_by(*context);
                CPPUNIT_ASSERT_EQUAL(before.source, after.source);
                CPPUNIT_ASSERT_EQUAL(before.target, after.target);
                CPPUNIT_ASSERT_EQUAL(before.flags, after.flags);
                CPPUNIT_ASSERT_EQUAL(before.local, after.local);
                CPPUNIT_ASSERT_EQUAL(before.open, after.open);
                CPPUNIT_ASSERT(after.lifetime <= before.lifetime + 1 && before.lifetime <= after.lifetime + 2);
            }
        }
    }

    /// It brings the second call of gss_init_sec_context to the interposer, whoever holds the context.
    void the_mechglue_does_not_let_the_built_in_mechanism_finish_a_half_open_context()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT}, finish_after(1, sides));
        CPPUNIT_ASSERT(text_of_status(sides.minor).find("not one of Apex") != std::string::npos);
    }

    void a_half_open_context_comes_back_and_is_finished()
    {
        Sides sides;
        const OM_uint32 finished = finish_after(2, sides);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(sides.minor), OM_uint32{GSS_S_COMPLETE}, finished);
        both_ways(sides.initiator, sides.acceptor);
    }

    void another_process_goes_on()
    {
        Sides sides;
        shake_hands(sides);
        both_ways(sides.initiator, sides.acceptor);
        OM_uint32 minor = 0;
        Buffer token;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_export_sec_context(&minor, &sides.acceptor, token.out()));
        std::string text = "to the other process";
        gss_buffer_desc message{text.size(), text.data()};
        Buffer sealed;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_wrap(&minor, sides.initiator, 1, GSS_C_QOP_DEFAULT, &message, nullptr, sealed.out()));
        CPPUNIT_ASSERT_EQUAL(
            0, outcome_in_a_child([&] {
                OM_uint32 ignored = 0;
                gss_ctx_id_t context = GSS_C_NO_CONTEXT;
                Buffer opened;
                expect_complete(gss_import_sec_context(&ignored, token.get(), &context), ignored);
                expect_complete(gss_unwrap(&ignored, context, sealed.get(), opened.out(), nullptr, nullptr), ignored);
                CPPUNIT_ASSERT_EQUAL(text, opened.text());
            }));
    }

    void our_own_mechanism_imports_its_own_form()
    {
        Direct direct;
        const std::string message = direct.seal();
        direct.move_acceptor();
        CPPUNIT_ASSERT_EQUAL(std::string("a message"), direct.open(message));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("the window was lost", std::string("duplicate"), direct.open(message));
    }

    void our_own_mechanism_finishes_a_half_open_context_elsewhere()
    {
        Direct direct(true);
        CPPUNIT_ASSERT_EQUAL(std::string("a message"), direct.open(direct.seal()));
    }

    void a_damaged_token_makes_no_context()
    {
        Direct direct;
        std::string token = direct.export_acceptor();
        for (std::size_t i = 0; i < token.size(); i += 7) {
            token[i] = static_cast<char>(token[i] ^ 1);
            gss_ctx_id_t context = GSS_C_NO_CONTEXT;
            OM_uint32 minor = 0;
            gss_buffer_desc buffer{token.size(), token.data()};
            CPPUNIT_ASSERT(GSS_ERROR(call("gss_import_sec_context", &minor, &buffer, &context)) != 0);
            CPPUNIT_ASSERT(context == GSS_C_NO_CONTEXT && minor != 0);
            token[i] = static_cast<char>(token[i] ^ 1);
        }
    }

private:
    /// Finishes an initiator's context that was moved while it waited for the reply.
    static OM_uint32 finish_after(int transfers, Sides& sides)
    {
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(usual_flags));
        for (int i = 0; i < transfers; ++i) {
            transfer(&sides.initiator);
        }
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.accept());
        return sides.finish(usual_flags);
    }

    /// Both ends under Apex's own OID, past the mechglue.
    class Direct final {
    public:
        explicit Direct(bool move_initiator_half_open = false)
        {
            std::string service = GluedRealm::service;
            gss_buffer_desc text{service.size(), service.data()};
            gss_name_t target = GSS_C_NO_NAME;
            must(call("gss_import_name", &minor_, &text, GSS_C_NT_HOSTBASED_SERVICE, &target));
            gss_OID_set set = GSS_C_NO_OID_SET;
            must(call("gss_indicate_mechs", &minor_, &set));
            gss_buffer_desc request{};
            gss_buffer_desc reply{};
            gss_buffer_desc nothing{};
            must(step(target, set->elements, GSS_C_NO_BUFFER, &request));
            must(call("gss_accept_sec_context", &minor_, &acceptor_, gss_cred_id_t{GSS_C_NO_CREDENTIAL}, &request,
                      gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, static_cast<gss_name_t*>(nullptr),
                      static_cast<gss_OID*>(nullptr), &reply, static_cast<OM_uint32*>(nullptr),
                      static_cast<OM_uint32*>(nullptr), static_cast<gss_cred_id_t*>(nullptr)));
            if (move_initiator_half_open) {
                move(&initiator_);
            }
            must(step(target, set->elements, &reply, &nothing));
            gss_release_buffer(&minor_, &request);
            gss_release_buffer(&minor_, &reply);
            gss_release_oid_set(&minor_, &set);
            call("gss_release_name", &minor_, &target);
        }
        ~Direct()
        {
            call("gss_delete_sec_context", &minor_, &initiator_, gss_buffer_t{GSS_C_NO_BUFFER});
            call("gss_delete_sec_context", &minor_, &acceptor_, gss_buffer_t{GSS_C_NO_BUFFER});
        }
        Direct(const Direct&) = delete;
        Direct& operator=(const Direct&) = delete;

        std::string export_acceptor() { return exported(&acceptor_); }

        void move_acceptor() { move(&acceptor_); }

        std::string seal()
        {
            std::string text = "a message";
            gss_buffer_desc message{text.size(), text.data()};
            Buffer token;
            must(call("gss_wrap", &minor_, initiator_, 1, gss_qop_t{GSS_C_QOP_DEFAULT}, &message,
                      static_cast<int*>(nullptr), token.out()));
            return token.text();
        }

        std::string open(std::string token)
        {
            gss_buffer_desc buffer{token.size(), token.data()};
            Buffer opened;
            const OM_uint32 major = call("gss_unwrap", &minor_, acceptor_, &buffer, opened.out(),
                                         static_cast<int*>(nullptr), static_cast<gss_qop_t*>(nullptr));
            must(major);
            return (major & GSS_S_DUPLICATE_TOKEN) != 0 ? "duplicate" : opened.text();
        }

    private:
        static void must(OM_uint32 major) { CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, GSS_ERROR(major)); }

        std::string exported(gss_ctx_id_t* context)
        {
            Buffer token;
            must(call("gss_export_sec_context", &minor_, context, token.out()));
            CPPUNIT_ASSERT(*context == GSS_C_NO_CONTEXT);
            return token.text();
        }

        void move(gss_ctx_id_t* context)
        {
            std::string token = exported(context);
            CPPUNIT_ASSERT(token.starts_with("APEXCTX"));
            gss_buffer_desc buffer{token.size(), token.data()};
            must(call("gss_import_sec_context", &minor_, &buffer, context));
        }

        OM_uint32 step(gss_name_t target, gss_OID mechanism, gss_buffer_t input, gss_buffer_t output)
        {
            return call("gss_init_sec_context", &minor_, gss_cred_id_t{GSS_C_NO_CREDENTIAL}, &initiator_, target,
                        mechanism, usual_flags, OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, input,
                        static_cast<gss_OID*>(nullptr), output, static_cast<OM_uint32*>(nullptr),
                        static_cast<OM_uint32*>(nullptr));
        }

        OM_uint32 minor_ = 0;
        gss_ctx_id_t initiator_ = GSS_C_NO_CONTEXT;
        gss_ctx_id_t acceptor_ = GSS_C_NO_CONTEXT;
    };
};

CPPUNIT_TEST_SUITE_REGISTRATION(ContextTransferTest);
