// SPDX-License-Identifier: MIT
#include "apex/host/credential_codec.h"

#include "apex/gss/credential.h"
#include "configured_world.h"
#include "host/json.h"
#include "kerberos_files.h"
#include "support/world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string_view>

namespace apex {
namespace {

using namespace test;

std::string written(const Secret& text)
{
    return text_of(text.view());
}

std::string rewritten(std::string_view text)
{
    return written(must(JsonValue::parse(view_of(text))).write());
}

/// A token as MIT 1.20 writes it, with one field of the fourteen replaced.
std::string token_with(std::size_t field, const std::string& value)
{
    std::vector<std::string> fields = {"1",    R"(["alice@TEST.REALM",null,null])",
                                       "null", "false",
                                       "false", "null",
                                       "null", R"(["alice@TEST.REALM"])",
                                       "null", "false",
                                       "0",    "0",
                                       "null", "null"};
    if (field < fields.size()) {
        fields[field] = value;
    }
    std::string text;
    for (const std::string& one : fields) {
        text += (text.empty() ? "" : ",") + one;
    }
    return R"(["K5C1",[)" + text + "]]";
}

constexpr std::size_t unchanged = 99;

class CredentialCodecTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(CredentialCodecTest);
    CPPUNIT_TEST(json_is_written_as_it_was_read);
    CPPUNIT_TEST(json_that_is_not_well_formed_is_refused);
    CPPUNIT_TEST(base64_has_the_vectors_of_rfc_4648);
    CPPUNIT_TEST(base64_that_is_not_well_formed_is_refused);
    CPPUNIT_TEST(a_cache_that_is_a_file_travels_by_name);
    CPPUNIT_TEST(a_cache_in_memory_travels_with_its_tickets);
    CPPUNIT_TEST(a_choice_left_open_stays_open);
    CPPUNIT_TEST(an_acceptor_travels_with_keytab_name_and_replay_cache);
    CPPUNIT_TEST(the_token_has_mits_form);
    CPPUNIT_TEST(a_token_of_mits_form_is_read);
    CPPUNIT_TEST(each_field_of_another_kind_is_refused);
    CPPUNIT_TEST(a_token_cut_at_any_length_is_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        world_ = std::make_unique<ConfiguredWorld>();
        cache_ = "FILE:" + world_->path("cc");
        keytab_ = "FILE:" + world_->path("keytab");
        world_->set("KRB5CCNAME", cache_);
        world_->set("KRB5_KTNAME", keytab_);
        world_->set("KRB5_CLIENT_KTNAME", "FILE:" + world_->path("client_keytab"));
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, {.server = "host/a.b@TEST.REALM"});
        add_key(keytab_, "host/a.b@TEST.REALM", 2, EncryptionType::aes256_cts_hmac_sha1_96, 9);
    }
    void tearDown() override { world_.reset(); }

    void json_is_written_as_it_was_read()
    {
        for (const char* text : {"null", "true", "false", "0", "-7", "4294967295", R"("")", R"("a/b@R")",
                                 R"("quote \" and \\")", R"("\u0001")", "[]", "[[],[1,null]]"}) {
            CPPUNIT_ASSERT_EQUAL(std::string(text), rewritten(text));
        }
        CPPUNIT_ASSERT_EQUAL(std::string("[1,\"/\\u000a\"]"), rewritten(" [ 1 ,\n\"\\/\\n\" ] "));
    }

    void json_that_is_not_well_formed_is_refused()
    {
        for (const char* text : {"", "nul", "[", "[1", "[1,", "[1,]", "[,1]", "1 2", "\"", "\"\\", "\"\\x\"", "\"\\u00\"",
                                 "\"\\u1234\"", "\"\\u0000\"", "\"\n\"", "{}", "--1", "99999999999999999999",
                                 "[[[[[[[[[[]]]]]]]]]]"}) {
            const Result<JsonValue> refusal = JsonValue::parse(view_of(std::string_view(text)));
            CPPUNIT_ASSERT_MESSAGE(text, !refusal);
            CPPUNIT_ASSERT(refusal.error().fault == Fault::MalformedToken);
        }
        CPPUNIT_ASSERT_EQUAL(std::string("[[[[[[[[]]]]]]]]"), rewritten("[[[[[[[[]]]]]]]]"));
    }

    void base64_has_the_vectors_of_rfc_4648()
    {
        using Vector = std::pair<const char*, const char*>;
        for (const auto& [octets, digits] :
             {Vector{"", ""}, Vector{"f", "Zg=="}, Vector{"fo", "Zm8="}, Vector{"foo", "Zm9v"},
              Vector{"foob", "Zm9vYg=="}, Vector{"fooba", "Zm9vYmE="}, Vector{"foobar", "Zm9vYmFy"}}) {
            const JsonValue value = JsonValue::base64(view_of(std::string_view(octets)));
            CPPUNIT_ASSERT_EQUAL(std::string(digits), text_of(must(value.text())));
            CPPUNIT_ASSERT_EQUAL(std::string(octets), written(must(value.octets())));
        }
    }

    void base64_that_is_not_well_formed_is_refused()
    {
        for (const char* digits : {"Z", "Zg", "Zg=", "Z===", "Zm9v!", "Z!==", "=Zm9", "Zm=v"}) {
            CPPUNIT_ASSERT_MESSAGE(digits, !JsonValue(std::string_view(digits)).octets());
        }
    }

    void a_cache_that_is_a_file_travels_by_name()
    {
        const std::shared_ptr<Credential> credential = acquire(CredentialUsage::initiate);
        must(credential->facts());
        must(credential->allow_types({18, 17}));
        const Secret token = must(credential->exported());
        CPPUNIT_ASSERT(written(token).find("\"" + cache_ + "\"") != std::string::npos);
        const std::shared_ptr<Credential> copy = must(Credential::import(token.view()));
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), must(copy->facts()).name->text());
        CPPUNIT_ASSERT(copy->usage() == CredentialUsage::initiate);
        CPPUNIT_ASSERT(copy->allowable_types() == credential->allowable_types());
        must(ticket_of(*copy));
    }

    void a_cache_in_memory_travels_with_its_tickets()
    {
        const std::string memory = "MEMORY:codec";
        make_cache(memory, "bob@TEST.REALM");
        add_ticket(memory, {.client = "bob@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        set_config(memory, "note", "text");
        CredentialRequest request;
        request.usage = CredentialUsage::initiate;
        request.store.ccache = memory;
        const std::shared_ptr<Credential> credential = must(Credential::acquire(std::move(request)));
        const Secret token = must(credential->exported());
        const std::shared_ptr<Credential> copy = must(Credential::import(token.view()));
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), must(copy->facts()).name->text());
        CPPUNIT_ASSERT(must(copy->facts()).end_time == must(credential->facts()).end_time);
        CPPUNIT_ASSERT(must(copy->initiator())->cache_name() != memory);
        const auto before = must(ticket_of(*credential));
        const auto after = must(ticket_of(*copy));
        CPPUNIT_ASSERT(same(before->ticket, after->ticket));
        CPPUNIT_ASSERT(constant_time_equal(before->session_key->octets().view(), after->session_key->octets().view()));
        CPPUNIT_ASSERT_EQUAL(before->flags, after->flags);
        CPPUNIT_ASSERT_EQUAL(written(token), written(must(copy->exported())));
    }

    void a_choice_left_open_stays_open()
    {
        const Secret token = must(acquire(CredentialUsage::initiate)->exported());
        const std::shared_ptr<Credential> copy = must(Credential::import(token.view()));
        make_cache(cache_, "carol@TEST.REALM");
        add_ticket(cache_, {.client = "carol@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        CPPUNIT_ASSERT_EQUAL(std::string("carol@TEST.REALM"), must(copy->facts()).name->text());
    }

    void an_acceptor_travels_with_keytab_name_and_replay_cache()
    {
        CredentialRequest request;
        request.usage = CredentialUsage::accept;
        request.name = KerberosName{.principal = principal_of("host/a.b@TEST.REALM"), .service = {}, .host = {}};
        request.store.rcache = "none:";
        const Secret token = must(must(Credential::acquire(std::move(request)))->exported());
        const std::shared_ptr<Credential> copy = must(Credential::import(token.view()));
        CPPUNIT_ASSERT(copy->usage() == CredentialUsage::accept);
        CPPUNIT_ASSERT_EQUAL(std::string("none:"), copy->replay_cache_name());
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"), copy->acceptor_name()->principal.text());
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, EncryptionType::aes256_cts_hmac_sha1_96, 9);
        must(must(copy->acceptor_keys())->try_keys(ticket, [](const ServiceKey&) { return true; }));
    }

    void the_token_has_mits_form()
    {
        const std::shared_ptr<Credential> credential = acquire(CredentialUsage::initiate);
        CPPUNIT_ASSERT_EQUAL(
            std::string(R"(["K5C1",[1,null,null,true,false,null,null,null,null,false,0,0,null,null]])"),
            written(must(credential->exported())));
        const Time end = *must(credential->facts()).end_time;
        CPPUNIT_ASSERT_EQUAL(R"(["K5C1",[1,["alice@TEST.REALM",null,null],null,true,false,null,null,")" + cache_ +
                                 R"(",null,false,)" + std::to_string(seconds_of(end)) + R"(,0,null,null]])",
                             written(must(credential->exported())));
    }

    void a_token_of_mits_form_is_read()
    {
        const std::string ticket =
            R"(["alice@TEST.REALM","host/a.b@TEST.REALM",[17,"AQEBAQEBAQEBAQEBAQEBAQ=="],1790000000,1790000000,)"
            R"(1900000000,0,false,1073741824,[[2,"fwAAAQ=="]],"YQA=","",null])";
        const std::shared_ptr<Credential> credential = must(
            Credential::import(view_of(std::string_view(token_with(7, R"(["alice@TEST.REALM",)" + ticket + "]")))));
        CPPUNIT_ASSERT(must(credential->facts()).end_time == time_from_seconds(1'900'000'000));
        const auto read = must(ticket_of(*credential));
        CPPUNIT_ASSERT(constant_time_equal(read->session_key->octets().view(), Bytes(16, 1)));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{0x40000000}, read->flags);
        CPPUNIT_ASSERT_EQUAL(std::string("6100"), hex(read->ticket));
    }

    void each_field_of_another_kind_is_refused()
    {
        must(CredentialCodec::decode(view_of(std::string_view(token_with(unchanged, "")))));
        for (std::size_t field = 0; field < 14; ++field) {
            // A number is right in three fields, and nowhere else.
            const bool number = field == 0 || field == 10 || field == 11;
            refused(token_with(field, number ? "true" : "7"));
        }
        refused(token_with(0, "3"));
        refused(token_with(4, "true")); // IAKERB's
        refused(token_with(13, "null,null"));
        refused(token_with(10, "4294967296"));
        refused(R"(["K5C2",[]])");
    }

    void a_token_cut_at_any_length_is_refused()
    {
        const std::string whole = token_with(unchanged, "");
        for (std::size_t length = 0; length < whole.size(); ++length) {
            refused(whole.substr(0, length));
        }
    }

private:
    static void refused(const std::string& token)
    {
        const Result<CredentialParts> refusal = CredentialCodec::decode(view_of(std::string_view(token)));
        CPPUNIT_ASSERT_MESSAGE(token, !refusal);
        CPPUNIT_ASSERT_MESSAGE(token, refusal.error().fault == Fault::MalformedToken);
    }

    static std::shared_ptr<Credential> acquire(CredentialUsage usage)
    {
        CredentialRequest request;
        request.usage = usage;
        return must(Credential::acquire(std::move(request)));
    }

    static Result<std::shared_ptr<const ServiceTicket>> ticket_of(Credential& credential)
    {
        const KerberosName target{.principal = principal_of("host/a.b@TEST.REALM"), .service = {}, .host = {}};
        return must(credential.initiator_for(target))->ticket_for(target.principal, std::nullopt);
    }

    std::unique_ptr<ConfiguredWorld> world_;
    std::string cache_;
    std::string keytab_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(CredentialCodecTest);

} // namespace
} // namespace apex
