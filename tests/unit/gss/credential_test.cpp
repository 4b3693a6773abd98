// SPDX-License-Identifier: MIT
#include "apex/gss/credential.h"

#include "support/world.h"
#include "unit/host/configured_world.h"
#include "unit/host/kerberos_files.h"

#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <filesystem>

namespace apex {
namespace {

using namespace test;
using enum EncryptionType;

constexpr std::int32_t bad_usage = -2045022969; // G_BAD_USAGE

KerberosName exact_name(const std::string& text)
{
    return KerberosName{.principal = principal_of(text), .service = {}, .host = {}};
}

template <typename T>
void refused(const Result<T>& result, Fault fault)
{
    CPPUNIT_ASSERT(!result);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(result.error().text(), std::string(traits_of(fault).name),
                                 std::string(traits_of(result.error().fault).name));
}

class CredentialTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(CredentialTest);
    CPPUNIT_TEST(an_initiators_credential_has_tickets_and_no_keys);
    CPPUNIT_TEST(an_acceptors_credential_has_keys_and_no_tickets);
    CPPUNIT_TEST(usage_both_needs_both);
    CPPUNIT_TEST(the_trace_tells_what_was_chosen);
    CPPUNIT_TEST(the_trace_tells_why_there_is_no_credential);
    CPPUNIT_TEST(a_nameless_acceptor_is_called_after_the_first_entry);
    CPPUNIT_TEST(the_store_names_cache_keytab_and_replay_cache);
    CPPUNIT_TEST(a_password_goes_with_nothing_else);
    CPPUNIT_TEST(verify_needs_a_password);
    CPPUNIT_TEST(a_key_that_stands_twice_is_refused);
    CPPUNIT_TEST(unknown_keys_are_passed_over);
    CPPUNIT_TEST(options_show_in_the_state_of_all_holders);
    CPPUNIT_TEST(types_that_leave_nothing_are_refused_with_mits_code);
    CPPUNIT_TEST(a_forwarded_ticket_becomes_a_credential_that_dies_with_its_cache);
    CPPUNIT_TEST(a_forwarded_ticket_without_client_is_refused);
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
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 9);
    }
    void tearDown() override { world_.reset(); }

    void an_initiators_credential_has_tickets_and_no_keys()
    {
        const std::shared_ptr<Credential> credential = acquire(CredentialUsage::initiate);
        const auto tickets = must(credential->initiator_for(exact_name("host/a.b@TEST.REALM")));
        must(tickets->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        refused(credential->acceptor_keys(), Fault::NoCredential);
        const CredentialFacts facts = must(credential->facts());
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), facts.name->text());
        CPPUNIT_ASSERT(facts.end_time.has_value());
        CPPUNIT_ASSERT(facts.usage == CredentialUsage::initiate);
    }

    void an_acceptors_credential_has_keys_and_no_tickets()
    {
        const std::shared_ptr<Credential> credential =
            acquire(CredentialUsage::accept, exact_name("host/a.b@TEST.REALM"));
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 9);
        must(must(credential->acceptor_keys())->try_keys(ticket, [&](const ServiceKey& key) {
            return key.for_tickets.open(ticket.encrypted_part.cipher).has_value();
        }));
        refused(credential->initiator_for(exact_name("host/a.b@TEST.REALM")), Fault::NoCredential);
        refused(credential->initiator(), Fault::BadUsage);
        const CredentialFacts facts = must(credential->facts());
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"), facts.name->text());
        CPPUNIT_ASSERT(!facts.end_time);
    }

    void usage_both_needs_both()
    {
        CPPUNIT_ASSERT(Credential::acquire(request(CredentialUsage::both)));
        world_->set("KRB5_KTNAME", "FILE:" + world_->path("none"));
        refused(Credential::acquire(request(CredentialUsage::both)), Fault::NoKeytab);
        world_->set("KRB5_KTNAME", keytab_);
        world_->set("KRB5CCNAME", "FILE:" + world_->path("none"));
        refused(Credential::acquire(request(CredentialUsage::both)), Fault::NoCredential);
    }

    void the_trace_tells_what_was_chosen()
    {
        world_->set("APEX_TRACE", world_->path("trace"));
        must(acquire(CredentialUsage::accept, exact_name("host/a.b@TEST.REALM"))->facts());
        must(acquire(CredentialUsage::initiate)->facts());
        is_told("acceptor: credential chosen name=host/a.b@TEST.REALM source=" + keytab_);
        is_told("initiator: credential chosen name=alice@TEST.REALM source=" + cache_);
    }

    void the_trace_tells_why_there_is_no_credential()
    {
        world_->set("APEX_TRACE", world_->path("trace"));
        world_->set("KRB5_KTNAME", "FILE:" + world_->path("none"));
        refused(Credential::acquire(request(CredentialUsage::accept)), Fault::NoKeytab);
        is_told("acceptor: refused fault=NoKeytab");
        const std::shared_ptr<Credential> open = acquire(CredentialUsage::initiate);
        std::filesystem::remove(world_->path("cc"));
        refused(open->facts(), Fault::NoCredential);
        is_told("initiator: refused fault=NoCredential");
    }

    void a_nameless_acceptor_is_called_after_the_first_entry()
    {
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"),
                             must(acquire(CredentialUsage::accept)->facts()).name->text());
    }

    void the_store_names_cache_keytab_and_replay_cache()
    {
        const std::string other = "FILE:" + world_->path("other");
        make_cache(other, "bob@TEST.REALM");
        add_ticket(other, {.client = "bob@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        const std::string keytab = "FILE:" + world_->path("other_keytab");
        add_key(keytab, "HTTP/a.b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        CredentialRequest wanted = request(CredentialUsage::both);
        wanted.store.ccache = other;
        wanted.store.keytab = keytab;
        wanted.store.rcache = "none:";
        const std::shared_ptr<Credential> credential = must(Credential::acquire(std::move(wanted)));
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), must(credential->facts()).name->text());
        CPPUNIT_ASSERT_EQUAL(std::string("none:"), credential->replay_cache_name());
        const Ticket ticket = sealed_ticket("HTTP/a.b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        must(must(credential->acceptor_keys())->try_keys(ticket, [&](const ServiceKey& key) {
            return key.for_tickets.open(ticket.encrypted_part.cipher).has_value();
        }));
    }

    void a_password_goes_with_nothing_else()
    {
        CredentialRequest nameless = request(CredentialUsage::initiate);
        nameless.store.password = Secret(view_of("secret"));
        refused(Credential::acquire(std::move(nameless)), Fault::BadName);
        CredentialRequest accepting = request(CredentialUsage::accept);
        accepting.name = exact_name("alice@TEST.REALM");
        accepting.store.password = Secret(view_of("secret"));
        refused(Credential::acquire(std::move(accepting)), Fault::BadUsage);
        CredentialRequest cached = request(CredentialUsage::initiate);
        cached.name = exact_name("alice@TEST.REALM");
        cached.store.password = Secret(view_of("secret"));
        cached.store.ccache = cache_;
        const auto refusal = Credential::acquire(std::move(cached));
        refused(refusal, Fault::BadUsage);
        CPPUNIT_ASSERT_EQUAL(bad_usage, refusal.error().minor());
    }

    void verify_needs_a_password()
    {
        CredentialRequest wanted = request(CredentialUsage::initiate);
        wanted.store.verify = "";
        refused(Credential::acquire(std::move(wanted)), Fault::BadUsage);
    }

    void a_key_that_stands_twice_is_refused()
    {
        using Element = CredentialStore::Element;
        const std::array once{Element{"ccache", "FILE:/a"}, Element{"password", "x"}};
        const CredentialStore store = must(CredentialStore::from(once));
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/a"), *store.ccache);
        CPPUNIT_ASSERT(store.password.has_value());
        for (const char* key : {"ccache", "client_keytab", "keytab", "rcache", "password", "verify"}) {
            const std::array twice{Element{key, "FILE:/a"}, Element{key, "FILE:/a"}};
            refused(CredentialStore::from(twice), Fault::DuplicateElement);
        }
    }

    void unknown_keys_are_passed_over()
    {
        using Element = CredentialStore::Element;
        const std::array elements{Element{"colour", "red"}, Element{"colour", "blue"}};
        CPPUNIT_ASSERT(!must(CredentialStore::from(elements)).ccache);
    }

    void options_show_in_the_state_of_all_holders()
    {
        const std::shared_ptr<Credential> credential = acquire(CredentialUsage::initiate);
        const std::shared_ptr<Credential> holder = credential;
        CPPUNIT_ASSERT(!holder->suppresses_ci_flags());
        credential->suppress_ci_flags();
        CPPUNIT_ASSERT(holder->suppresses_ci_flags());
        must(credential->allow_types({17, 9999}));
        CPPUNIT_ASSERT(holder->allowable_types() == std::vector<EncryptionType>{aes128_cts_hmac_sha1_96});
        CPPUNIT_ASSERT(holder->suppresses_ci_flags());
        // The cached ticket has another session key, and there is no TGT to get one.
        const auto tickets = must(credential->initiator_for(exact_name("host/a.b@TEST.REALM")));
        CPPUNIT_ASSERT(!tickets->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        must(credential->allow_types({}));
        CPPUNIT_ASSERT(holder->allowable_types().empty());
    }

    void types_that_leave_nothing_are_refused_with_mits_code()
    {
        const std::shared_ptr<Credential> credential = acquire(CredentialUsage::initiate);
        const Done refusal = credential->allow_types({9999, 1});
        refused(refusal, Fault::EncryptionTypeRefused);
        CPPUNIT_ASSERT_EQUAL(-1765328234, refusal.error().minor());
        CPPUNIT_ASSERT(credential->allowable_types().empty());
    }

    void a_forwarded_ticket_becomes_a_credential_that_dies_with_its_cache()
    {
        std::string cache;
        {
            const std::shared_ptr<Credential> credential = must(Credential::delegated(forwarded()));
            CPPUNIT_ASSERT(credential->usage() == CredentialUsage::initiate);
            const CredentialFacts facts = must(credential->facts());
            CPPUNIT_ASSERT_EQUAL(std::string("carol@TEST.REALM"), facts.name->text());
            CPPUNIT_ASSERT(facts.end_time == time_from_seconds(1'900'000'000));
            cache = must(credential->initiator())->cache_name();
            CPPUNIT_ASSERT_EQUAL(std::string("MEMORY:"), cache.substr(0, 7));
            // The TGT is in it, with its key.
            const auto ticket = must(must(credential->initiator_for(exact_name("x@TEST.REALM")))
                                         ->ticket_for(principal_of("krbtgt/TEST.REALM@TEST.REALM"), std::nullopt));
            CPPUNIT_ASSERT(constant_time_equal(ticket->session_key->octets().view(),
                                               key_of(aes256_cts_hmac_sha1_96, 3).octets().view()));
        }
        InitiatorRequest gone;
        gone.ccache = cache;
        refused(InitiatorCredential::acquire(std::move(gone)), Fault::NoCredential);
    }

    void a_forwarded_ticket_without_client_is_refused()
    {
        DelegatedCredential nobody = forwarded();
        nobody.contents.infos.front().client_name.reset();
        refused(Credential::delegated(nobody), Fault::BadDelegation);
        DelegatedCredential endless = forwarded();
        endless.contents.infos.front().end_time.reset();
        refused(Credential::delegated(endless), Fault::BadDelegation);
        DelegatedCredential none = forwarded();
        none.tickets.clear();
        refused(Credential::delegated(none), Fault::BadDelegation);
    }

private:
    void is_told(const std::string& text) const
    {
        const std::string trace = ConfiguredWorld::read(world_->path("trace"));
        CPPUNIT_ASSERT_MESSAGE(text + " is not in " + trace, trace.find(text) != std::string::npos);
    }

    static CredentialRequest request(CredentialUsage usage)
    {
        CredentialRequest wanted;
        wanted.usage = usage;
        return wanted;
    }

    static std::shared_ptr<Credential> acquire(CredentialUsage usage, std::optional<KerberosName> name = std::nullopt)
    {
        CredentialRequest wanted = request(usage);
        wanted.name = std::move(name);
        return must(Credential::acquire(std::move(wanted)));
    }

    static DelegatedCredential forwarded()
    {
        DelegatedCredential credential;
        KrbCredInfo info;
        info.key = EncryptionKey{aes256_cts_hmac_sha1_96, key_of(aes256_cts_hmac_sha1_96, 3).octets().clone()};
        info.client_realm = "TEST.REALM";
        info.client_name = principal_of("carol@TEST.REALM").name;
        info.flags = TicketFlags{TicketFlags::forwarded | TicketFlags::forwardable};
        info.end_time = time_from_seconds(1'900'000'000);
        info.server_realm = "TEST.REALM";
        info.server_name = principal_of("krbtgt/TEST.REALM@TEST.REALM").name;
        credential.contents.infos.push_back(std::move(info));
        credential.tickets.push_back(sealed_ticket("krbtgt/TEST.REALM@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 4));
        return credential;
    }

    std::unique_ptr<ConfiguredWorld> world_;
    std::string cache_;
    std::string keytab_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(CredentialTest);

} // namespace
} // namespace apex
