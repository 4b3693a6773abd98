// SPDX-License-Identifier: MIT
#include "apex/host/initiator_credential.h"

#include "configured_world.h"
#include "kerberos_files.h"
#include "support/world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

namespace apex {
namespace {

using namespace test;

constexpr std::uint32_t no_cred = 7;
constexpr std::uint32_t defective_credential = 10;
constexpr std::uint32_t failure = 13;
constexpr std::int32_t cc_notfound = krb5_base + 141;

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

KerberosName exact_name(const std::string& text)
{
    return KerberosName{.principal = principal_of(text), .service = {}, .host = {}};
}

class InitiatorCredentialTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(InitiatorCredentialTest);
    CPPUNIT_TEST(the_default_cache_gives_client_and_end);
    CPPUNIT_TEST(the_end_is_the_local_tgts_else_the_first_tickets);
    CPPUNIT_TEST(a_cached_ticket_is_given_as_it_is);
    CPPUNIT_TEST(a_ticket_is_remembered_until_the_file_changes);
    CPPUNIT_TEST(a_remembered_ticket_belongs_to_its_question);
    CPPUNIT_TEST(the_kdcs_clock_is_taken_from_the_cache);
    CPPUNIT_TEST(an_expired_ticket_is_refused_with_krb5s_code);
    CPPUNIT_TEST(an_unreachable_kdc_is_named_by_its_realm);
    CPPUNIT_TEST(without_a_cache_there_is_no_credential);
    CPPUNIT_TEST(an_empty_cache_is_refused_as_such);
    CPPUNIT_TEST(a_cache_of_another_client_is_refused);
    CPPUNIT_TEST(a_name_finds_its_cache_in_a_collection);
    CPPUNIT_TEST(a_k5identity_file_chooses_the_cache);
    CPPUNIT_TEST(a_cache_that_changed_hands_is_refused);
    CPPUNIT_TEST(a_choice_without_credential_follows_a_new_owner);
    CPPUNIT_TEST(the_threads_cache_name_counts_for_that_thread);
    CPPUNIT_TEST(the_old_name_is_handed_out_when_names_are_exchanged);
    CPPUNIT_TEST(a_restricted_credential_uses_no_other_session_keys);
    CPPUNIT_TEST(a_client_keytab_whose_kdc_is_down_is_refused_by_name);
    CPPUNIT_TEST(a_password_needs_a_name);
    CPPUNIT_TEST(the_impersonator_is_read_from_the_cache);
    CPPUNIT_TEST(delegation_without_a_tgt_is_refused);
    CPPUNIT_TEST(tickets_are_stored_and_not_overwritten_unasked);
    CPPUNIT_TEST(expired_tickets_are_not_stored);
    CPPUNIT_TEST(tickets_are_copied_into_an_open_cache);
    CPPUNIT_TEST(threads_share_a_credential);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        world_ = std::make_unique<ConfiguredWorld>();
        cache_ = "FILE:" + world_->path("cc");
        world_->set("KRB5CCNAME", cache_);
        world_->set("KRB5_CLIENT_KTNAME", "FILE:" + world_->path("client_keytab"));
        world_->set("HOME", world_->path(""));
        // A port that nobody listens on: the KDC is down.
        world_->configure("[realms]\n TEST.REALM = {\n  kdc = 127.0.0.1:9\n }\n");
    }
    void tearDown() override
    {
        exchange_thread_ccache_name(std::nullopt);
        world_.reset();
    }

    void the_default_cache_gives_client_and_end()
    {
        const Time end = time_from_seconds(seconds_of(SystemClock().now()) + 5000);
        make_cache(cache_, "alice@TEST.REALM");
        CachedTicket ticket = tgt("alice@TEST.REALM", "TEST.REALM");
        ticket.end_time = end;
        add_ticket(cache_, ticket);
        const std::shared_ptr<InitiatorCredential> credential = acquire({});
        CPPUNIT_ASSERT(!credential->client());
        must(credential->resolve(nullptr));
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), credential->client()->text());
        CPPUNIT_ASSERT(credential->end_time() == end);
        CPPUNIT_ASSERT_EQUAL(cache_, credential->cache_name());
    }

    void the_end_is_the_local_tgts_else_the_first_tickets()
    {
        const Time now = time_from_seconds(seconds_of(SystemClock().now()));
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, {.server = "a/b@TEST.REALM", .end_time = now + std::chrono::hours(1)});
        add_ticket(cache_, {.server = "c/d@TEST.REALM", .end_time = now + std::chrono::hours(2)});
        CPPUNIT_ASSERT(settled()->end_time() == now + std::chrono::hours(1));
        CachedTicket local = tgt("alice@TEST.REALM", "TEST.REALM");
        local.end_time = now + std::chrono::hours(3);
        add_ticket(cache_, local);
        add_ticket(cache_, {.server = "krbtgt/X@TEST.REALM", .end_time = now + std::chrono::hours(4)});
        CPPUNIT_ASSERT(settled()->end_time() == now + std::chrono::hours(3));
    }

    void a_cached_ticket_is_given_as_it_is()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::shared_ptr<const ServiceTicket> ticket =
            must(settled()->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), ticket->client.text());
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"), ticket->server.text());
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"), must(Ticket::decode(ticket->ticket)).server.text());
        CPPUNIT_ASSERT(constant_time_equal(ticket->session_key->octets().view(),
                                           key_of(EncryptionType::aes256_cts_hmac_sha1_96, 7).octets().view()));
        CPPUNIT_ASSERT_EQUAL(TicketFlags::forwardable | TicketFlags::initial, ticket->flags);
        CPPUNIT_ASSERT(ticket->clock_offset == Duration{0});
        CPPUNIT_ASSERT(ticket->authorization_data.empty());
    }

    void a_ticket_is_remembered_until_the_file_changes()
    {
        with_ticket("host/a.b@TEST.REALM");
        wait_until_settled(world_->path("cc"));
        const std::shared_ptr<InitiatorCredential> credential = settled();
        const Principal service = principal_of("host/a.b@TEST.REALM");
        const auto first = must(credential->ticket_for(service, std::nullopt));
        CPPUNIT_ASSERT(first == must(credential->ticket_for(service, std::nullopt)));
        CPPUNIT_ASSERT(first == must(settled()->ticket_for(service, std::nullopt)));
        add_ticket(cache_, {.server = "other/x@TEST.REALM"});
        CPPUNIT_ASSERT(first != must(credential->ticket_for(service, std::nullopt)));
        make_cache(cache_, "alice@TEST.REALM");
        CPPUNIT_ASSERT(!credential->ticket_for(service, std::nullopt));
    }

    void a_remembered_ticket_belongs_to_its_question()
    {
        with_ticket("host/a.b@TEST.REALM");
        add_ticket(cache_, {.server = "host/c.d@TEST.REALM"});
        wait_until_settled(world_->path("cc"));
        const std::shared_ptr<InitiatorCredential> credential = settled();
        for (int round = 0; round < 2; ++round) {
            for (const char* server : {"host/a.b@TEST.REALM", "host/c.d@TEST.REALM"}) {
                CPPUNIT_ASSERT_EQUAL(
                    std::string(server),
                    must(credential->ticket_for(principal_of(server), std::nullopt))->server.text());
            }
        }
    }

    void the_kdcs_clock_is_taken_from_the_cache()
    {
        make_cache(cache_, "alice@TEST.REALM", std::chrono::seconds(100));
        add_ticket(cache_, {.server = "host/a.b@TEST.REALM"});
        const auto ticket = must(settled()->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        CPPUNIT_ASSERT(ticket->clock_offset > std::chrono::seconds(98));
        CPPUNIT_ASSERT(ticket->clock_offset < std::chrono::seconds(102));
    }

    void an_expired_ticket_is_refused_with_krb5s_code()
    {
        make_cache(cache_, "alice@TEST.REALM");
        CachedTicket old = tgt("alice@TEST.REALM", "TEST.REALM");
        old.end_time = SystemClock().now() - std::chrono::hours(1);
        add_ticket(cache_, old);
        const auto refusal = settled()->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt);
        CPPUNIT_ASSERT(!refusal);
        CPPUNIT_ASSERT_MESSAGE(refusal.error().text(), refusal.error().fault == Fault::TicketExpired);
        CPPUNIT_ASSERT_EQUAL(krb5_base + 32, refusal.error().minor());
        CPPUNIT_ASSERT_EQUAL(failure, refusal.error().routine_error());
        CPPUNIT_ASSERT(has(refusal.error().text(), "renew with kinit"));
    }

    void an_unreachable_kdc_is_named_by_its_realm()
    {
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, tgt("alice@TEST.REALM", "TEST.REALM"));
        const auto refusal = settled()->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt);
        CPPUNIT_ASSERT(!refusal);
        const Error& error = refusal.error();
        CPPUNIT_ASSERT_MESSAGE(error.text(), error.fault == Fault::KdcFailed);
        CPPUNIT_ASSERT_EQUAL(krb5_base + 156, error.minor()); // KRB5_KDC_UNREACH
        CPPUNIT_ASSERT_EQUAL(failure, error.routine_error());
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), "host/a.b@TEST.REALM"));
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), "realm 'TEST.REALM'"));
    }

    void without_a_cache_there_is_no_credential()
    {
        const auto refusal = InitiatorCredential::acquire({});
        CPPUNIT_ASSERT(!refusal);
        refused(refusal.error(), Fault::NoCredential, no_cred, cc_notfound, cache_);
        const Done later = InitiatorCredential::unsettled()->resolve(nullptr);
        CPPUNIT_ASSERT(!later);
        refused(later.error(), Fault::NoCredential, no_cred, cc_notfound, cache_);
    }

    void an_empty_cache_is_refused_as_such()
    {
        make_cache(cache_, "alice@TEST.REALM");
        InitiatorRequest request;
        request.ccache = cache_;
        const auto refusal = InitiatorCredential::acquire(std::move(request));
        CPPUNIT_ASSERT(!refusal);
        refused(refusal.error(), Fault::EmptyCredentialCache, no_cred, 39756044, cache_);
    }

    void a_cache_of_another_client_is_refused()
    {
        with_ticket("host/a.b@TEST.REALM");
        InitiatorRequest fitting;
        fitting.name = exact_name("alice@TEST.REALM");
        fitting.ccache = cache_;
        CPPUNIT_ASSERT_EQUAL(cache_, acquire(std::move(fitting))->cache_name());
        InitiatorRequest request;
        request.name = exact_name("bob@TEST.REALM");
        request.ccache = cache_;
        const auto refusal = InitiatorCredential::acquire(std::move(request));
        CPPUNIT_ASSERT(!refusal);
        refused(refusal.error(), Fault::CredentialCacheMismatch, no_cred, 39756032, "belongs to alice@TEST.REALM");
        InitiatorRequest without_cache;
        without_cache.name = exact_name("bob@TEST.REALM");
        const auto not_found = InitiatorCredential::acquire(std::move(without_cache));
        CPPUNIT_ASSERT(!not_found);
        refused(not_found.error(), Fault::NoCredential, no_cred, cc_notfound, "bob@TEST.REALM");
    }

    void a_name_finds_its_cache_in_a_collection()
    {
        use_collection();
        InitiatorRequest request;
        request.name = exact_name("bob@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> bob = acquire(std::move(request));
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), bob->client()->text());
        CPPUNIT_ASSERT(has(bob->cache_name(), "tkt2"));
    }

    void a_k5identity_file_chooses_the_cache()
    {
        use_collection();
        world_->write(".k5identity", "bob@TEST.REALM service=host\nalice@TEST.REALM service=HTTP\n");
        for (const auto& [service, client] : {std::pair("host", "bob@TEST.REALM"), {"HTTP", "alice@TEST.REALM"}}) {
            KerberosName target;
            target.principal = host_of(service, "a.b"); // the file speaks of host-based services only
            const std::shared_ptr<InitiatorCredential> credential = acquire({});
            must(credential->resolve(&target));
            CPPUNIT_ASSERT_EQUAL(std::string(client), credential->client()->text());
        }
    }

    void a_cache_that_changed_hands_is_refused()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> credential = settled();
        must(credential->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        make_cache(cache_, "bob@TEST.REALM");
        add_ticket(cache_, {.client = "bob@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        const auto refusal = credential->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt);
        CPPUNIT_ASSERT(!refusal);
        refused(refusal.error(), Fault::BadCredential, defective_credential, 39756032, "now belongs to bob@TEST.REALM");
    }

    void a_choice_without_credential_follows_a_new_owner()
    {
        with_ticket("host/a.b@TEST.REALM");
        wait_until_settled(world_->path("cc"));
        const KerberosName target = exact_name("host/a.b@TEST.REALM");
        for (int round = 0; round < 3; ++round) {
            const std::shared_ptr<InitiatorCredential> credential = InitiatorCredential::unsettled();
            must(credential->resolve(&target));
            CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), credential->client()->text());
        }
        make_cache(cache_, "bob@TEST.REALM");
        add_ticket(cache_, {.client = "bob@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        const std::shared_ptr<InitiatorCredential> credential = InitiatorCredential::unsettled();
        must(credential->resolve(&target));
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), credential->client()->text());
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"),
                             must(credential->ticket_for(target.principal, std::nullopt))->client.text());
    }

    void the_threads_cache_name_counts_for_that_thread()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::string other = "FILE:" + world_->path("other");
        make_cache(other, "bob@TEST.REALM");
        add_ticket(other, {.client = "bob@TEST.REALM", .server = "host/a.b@TEST.REALM"});
        std::string client_there;
        std::thread([&] {
            exchange_thread_ccache_name(other);
            client_there = settled()->client()->text();
        }).join();
        CPPUNIT_ASSERT_EQUAL(std::string("bob@TEST.REALM"), client_there);
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), settled()->client()->text());
    }

    void the_old_name_is_handed_out_when_names_are_exchanged()
    {
        CPPUNIT_ASSERT(thread_ccache_name() == nullptr);
        CPPUNIT_ASSERT_EQUAL(cache_, std::string(exchange_thread_ccache_name("FILE:/one")));
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/one"), std::string(thread_ccache_name()));
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/one"), std::string(exchange_thread_ccache_name("FILE:/two")));
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/two"), std::string(exchange_thread_ccache_name(std::nullopt)));
        CPPUNIT_ASSERT_EQUAL(cache_, std::string(exchange_thread_ccache_name(std::nullopt)));
    }

    void a_restricted_credential_uses_no_other_session_keys()
    {
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, {.server = "host/a.b@TEST.REALM",
                            .session_type = EncryptionType::aes128_cts_hmac_sha1_96});
        const Principal service = principal_of("host/a.b@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> credential = settled();
        must(credential->restricted_to({EncryptionType::aes128_cts_hmac_sha1_96})->ticket_for(service, std::nullopt));
        CPPUNIT_ASSERT(!credential->restricted_to({EncryptionType::aes256_cts_hmac_sha1_96})
                            ->ticket_for(service, std::nullopt));
        must(credential->ticket_for(service, std::nullopt));
    }

    void a_client_keytab_whose_kdc_is_down_is_refused_by_name()
    {
        add_key("FILE:" + world_->path("client_keytab"), "svc/x@TEST.REALM", 1,
                EncryptionType::aes256_cts_hmac_sha1_96, 1);
        const std::shared_ptr<InitiatorCredential> credential = acquire({}); // it could work
        const Done refusal = credential->resolve(nullptr);
        CPPUNIT_ASSERT(!refusal);
        refused(refusal.error(), Fault::NoCredential, no_cred, krb5_base + 156, "svc/x@TEST.REALM");
    }

    void a_password_needs_a_name()
    {
        InitiatorRequest request;
        request.password = Secret(view_of("secret"));
        const auto refusal = InitiatorCredential::acquire(std::move(request));
        CPPUNIT_ASSERT(!refusal);
        CPPUNIT_ASSERT(refusal.error().fault == Fault::BadName);
    }

    void the_impersonator_is_read_from_the_cache()
    {
        with_ticket("svc/x@TEST.REALM");
        CPPUNIT_ASSERT(!settled()->impersonator());
        set_config(cache_, "proxy_impersonator", "svc/x@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> credential = settled();
        CPPUNIT_ASSERT_EQUAL(std::string("svc/x@TEST.REALM"), credential->impersonator()->text());
        // The ticket for the impersonator itself is the evidence ticket, in whatever realm it is looked for by host.
        const auto evidence = must(credential->ticket_for(principal_of("svc/x@TEST.REALM"), std::nullopt));
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), evidence->client.text());
    }

    void delegation_without_a_tgt_is_refused()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> credential = settled();
        const auto ticket = must(credential->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        const Result<Bytes> refusal = credential->forwarded_credential(*ticket);
        CPPUNIT_ASSERT(!refusal);
        CPPUNIT_ASSERT_MESSAGE(refusal.error().text(), refusal.error().fault == Fault::DelegationFailed);
        CPPUNIT_ASSERT(has(refusal.error().text(), "alice@TEST.REALM"));
    }

    void tickets_are_stored_and_not_overwritten_unasked()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::string copy = "FILE:" + world_->path("copy");
        const std::shared_ptr<InitiatorCredential> credential = settled();
        must(credential->store_into(copy, StoreChoice{}));
        InitiatorRequest request;
        request.ccache = copy;
        const std::shared_ptr<InitiatorCredential> stored = acquire(std::move(request));
        CPPUNIT_ASSERT_EQUAL(std::string("alice@TEST.REALM"), stored->client()->text());
        must(stored->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
        const Done again = credential->store_into(copy, StoreChoice{});
        CPPUNIT_ASSERT(!again);
        CPPUNIT_ASSERT(again.error().fault == Fault::DuplicateElement);
        CPPUNIT_ASSERT(has(again.error().text(), copy));
        must(credential->store_into(copy, StoreChoice{.overwrite = true}));
    }

    void expired_tickets_are_not_stored()
    {
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, {.server = "a/b@TEST.REALM", .end_time = SystemClock().now() - std::chrono::hours(1)});
        const Done refusal = settled()->store_into("FILE:" + world_->path("copy"), StoreChoice{});
        CPPUNIT_ASSERT(!refusal);
        CPPUNIT_ASSERT(refusal.error().fault == Fault::CredentialExpired);
        CPPUNIT_ASSERT(!std::filesystem::exists(world_->path("copy")));
    }

    void tickets_are_copied_into_an_open_cache()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::string copy = "FILE:" + world_->path("copy");
        make_cache(copy, "alice@TEST.REALM");
        const Krb5Context context = must(Krb5Context::make());
        Krb5Ccache handle(context);
        CPPUNIT_ASSERT_EQUAL(0, krb5_cc_resolve(context.get(), copy.c_str(), handle.out()));
        must(settled()->copy_to(handle.get()));
        InitiatorRequest request;
        request.ccache = copy;
        must(acquire(std::move(request))->ticket_for(principal_of("host/a.b@TEST.REALM"), std::nullopt));
    }

    void threads_share_a_credential()
    {
        with_ticket("host/a.b@TEST.REALM");
        const std::shared_ptr<InitiatorCredential> credential = acquire({});
        std::atomic<unsigned> failed{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                const KerberosName target = exact_name("host/a.b@TEST.REALM");
                for (int round = 0; round < 50; ++round) {
                    const bool fine =
                        credential->resolve(&target) && credential->ticket_for(target.principal, std::nullopt);
                    failed += fine ? 0 : 1;
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CPPUNIT_ASSERT_EQUAL(0U, failed.load());
    }

private:
    static std::shared_ptr<InitiatorCredential> acquire(InitiatorRequest request)
    {
        return must(InitiatorCredential::acquire(std::move(request)));
    }

    static std::shared_ptr<InitiatorCredential> settled()
    {
        std::shared_ptr<InitiatorCredential> credential = acquire({});
        must(credential->resolve(nullptr));
        return credential;
    }

    void with_ticket(const std::string& server)
    {
        make_cache(cache_, "alice@TEST.REALM");
        add_ticket(cache_, {.server = server});
    }

    void use_collection()
    {
        std::filesystem::create_directory(world_->path("dir"));
        world_->write("dir/primary", "tkt1\n");
        for (const auto& [file, client] : {std::pair("tkt1", "alice@TEST.REALM"), {"tkt2", "bob@TEST.REALM"}}) {
            const std::string cache = "FILE:" + world_->path("dir/") + file;
            make_cache(cache, client);
            add_ticket(cache, {.client = client, .server = "krbtgt/TEST.REALM@TEST.REALM"});
        }
        world_->set("KRB5CCNAME", "DIR:" + world_->path("dir"));
    }

    static void refused(const Error& error, Fault fault, std::uint32_t major, std::int32_t minor, std::string_view part)
    {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text(), std::string(traits_of(fault).name),
                                     std::string(traits_of(error.fault).name));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text(), major, error.routine_error());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text(), minor, error.minor());
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), part));
    }

    std::unique_ptr<ConfiguredWorld> world_;
    std::string cache_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(InitiatorCredentialTest);

} // namespace
} // namespace apex
