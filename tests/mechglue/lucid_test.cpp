// SPDX-License-Identifier: MIT
#include "glued_realm.h"
#include "handshake.h"

#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/crypto/system_random.h"
#include "apex/protection/message_protection.h"

#include <cppunit/extensions/HelperMacros.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <memory>

using namespace apex::test;

namespace {

std::shared_ptr<const apex::Key> key_of(const gss_krb5_lucid_key_t& key)
{
    auto made =
        apex::Key::from(static_cast<apex::EncryptionType>(key.type), apex::Secret(apex::view_of(key.data, key.length)));
    CPPUNIT_ASSERT(made.has_value());
    return std::make_shared<const apex::Key>(std::move(made).value());
}

/// A token that a kernel would make with a lucid context's keys and numbers.
std::string token_by(const gss_krb5_lucid_context_v1_t& lucid, const std::string& message)
{
    apex::SystemRandom random;
    const apex::ProtectionKeys keys{
        .own = key_of(lucid.cfx_kd.ctx_key),
        .acceptor_subkey = lucid.cfx_kd.have_acceptor_subkey != 0 ? key_of(lucid.cfx_kd.acceptor_subkey) : nullptr};
    auto protection = apex::MessageProtection::make(lucid.initiate != 0 ? apex::Role::initiator : apex::Role::acceptor,
                                                    keys, lucid.send_seq, lucid.recv_seq, {}, false, random);
    CPPUNIT_ASSERT(protection.has_value());
    return apex::text_of(protection->wrap(apex::view_of(message), apex::Confidentiality::sealed).value());
}

} // namespace

/// gss_krb5_export_lucid_sec_context and its counterpart, as rpc.gssd calls them.
class LucidTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(LucidTest);
    CPPUNIT_TEST(the_peer_opens_what_a_lucid_context_protects);
    CPPUNIT_TEST(an_acceptors_context_works_too);
    CPPUNIT_TEST(without_mutual_authentication_there_is_no_acceptor_subkey);
    CPPUNIT_TEST(a_lifetime_counts_the_second_that_has_begun);
    CPPUNIT_TEST(another_version_is_refused);
    CPPUNIT_TEST(a_half_open_context_is_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void the_peer_opens_what_a_lucid_context_protects()
    {
        protects(GSS_C_MUTUAL_FLAG, &Sides::initiator, &Sides::acceptor);
    }

    void an_acceptors_context_works_too() { protects(GSS_C_MUTUAL_FLAG, &Sides::acceptor, &Sides::initiator); }

    void without_mutual_authentication_there_is_no_acceptor_subkey()
    {
        protects(0, &Sides::initiator, &Sides::acceptor);
    }

    /// As MIT's mechanism counts it: 3600 for a ticket of an hour, and 0 from its end on.
    void a_lifetime_counts_the_second_that_has_begun()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        OM_uint32 minor = 0;
        OM_uint32 lifetime = 0;
        const std::int64_t before = apex::seconds_of(apex::SystemClock().now());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_context_time(&minor, sides.initiator, &lifetime));
        const std::int64_t after = apex::seconds_of(apex::SystemClock().now());
        void* made = nullptr;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_krb5_export_lucid_sec_context(&minor, &sides.initiator, 1, &made));
        const std::int64_t end = static_cast<const gss_krb5_lucid_context_v1_t*>(made)->endtime;
        gss_krb5_free_lucid_sec_context(&minor, made);
        CPPUNIT_ASSERT(end - after <= lifetime && lifetime <= end - before);
    }

    void another_version_is_refused()
    {
        Sides sides;
        shake_hands(sides, GSS_C_MUTUAL_FLAG);
        OM_uint32 minor = 0;
        void* lucid = nullptr;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE},
                             gss_krb5_export_lucid_sec_context(&minor, &sides.initiator, 2, &lucid));
        CPPUNIT_ASSERT(lucid == nullptr);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{39756032 + 14}, minor); // KG_LUCID_VERSION
        CPPUNIT_ASSERT(sides.initiator != GSS_C_NO_CONTEXT);
    }

    void a_half_open_context_is_refused()
    {
        Sides sides;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, sides.import_target());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_CONTINUE_NEEDED}, sides.initiate(GSS_C_MUTUAL_FLAG));
        OM_uint32 minor = 0;
        void* lucid = nullptr;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT},
                             gss_krb5_export_lucid_sec_context(&minor, &sides.initiator, 1, &lucid));
        CPPUNIT_ASSERT(lucid == nullptr);
    }

private:
    using Side = gss_ctx_id_t Sides::*;

    static void protects(OM_uint32 flags, Side exported, Side other)
    {
        Sides sides;
        shake_hands(sides, flags | GSS_C_SEQUENCE_FLAG);
        OM_uint32 minor = 0;
        void* made = nullptr;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_krb5_export_lucid_sec_context(&minor, &(sides.*exported), 1, &made));
        CPPUNIT_ASSERT(sides.*exported == GSS_C_NO_CONTEXT);
        const auto* lucid = static_cast<const gss_krb5_lucid_context_v1_t*>(made);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{1}, lucid->version);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{1}, lucid->protocol);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{exported == &Sides::initiator ? 1U : 0U}, lucid->initiate);
        CPPUNIT_ASSERT_EQUAL(OM_uint32{(flags & GSS_C_MUTUAL_FLAG) != 0 ? 1U : 0U}, lucid->cfx_kd.have_acceptor_subkey);
        std::string token = token_by(*lucid, "from the kernel");
        gss_buffer_desc buffer{token.size(), token.data()};
        Buffer opened;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             gss_unwrap(&minor, sides.*other, &buffer, opened.out(), nullptr, nullptr));
        CPPUNIT_ASSERT_EQUAL(std::string("from the kernel"), opened.text());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, gss_krb5_free_lucid_sec_context(&minor, made));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LucidTest);
