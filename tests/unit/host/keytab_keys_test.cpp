// SPDX-License-Identifier: MIT
#include "apex/host/keytab_keys.h"

#include "configured_world.h"
#include "kerberos_files.h"
#include "support/world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace apex {
namespace {

using namespace test;
using enum EncryptionType;

constexpr std::uint32_t no_cred = 7;
constexpr std::uint32_t failure = 13;

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

KerberosName exact_name(const std::string& text)
{
    return KerberosName{.principal = principal_of(text), .service = {}, .host = {}};
}

KerberosName host_name(const std::string& service, const std::string& host)
{
    return KerberosName{.principal = host_of(service, host.empty() ? "this.host" : host),
                        .host_based = true,
                        .service = service,
                        .host = host};
}

/// Tries a ticket and counts how many keys were tried.
struct Attempt final {
    Attempt(const KeytabKeys& keys, const Ticket& ticket)
        : result(keys.try_keys(ticket, [&](const ServiceKey& key) {
              ++tried;
              if (!key.for_tickets.open(ticket.encrypted_part.cipher)) {
                  return false;
              }
              principal = key.principal.text();
              version = key.version;
              return true;
          }))
    {
    }
    unsigned tried = 0;
    std::string principal;
    std::uint32_t version = 0;
    Done result;
};

class KeytabKeysTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(KeytabKeysTest);
    CPPUNIT_TEST(the_entry_of_the_tickets_version_is_tried_first);
    CPPUNIT_TEST(the_low_eight_bits_of_a_version_suffice);
    CPPUNIT_TEST(a_ticket_without_version_tries_the_newest_first);
    CPPUNIT_TEST(an_alias_is_found_and_remembered);
    CPPUNIT_TEST(a_host_based_name_without_host_allows_every_host);
    CPPUNIT_TEST(a_host_based_name_with_host_allows_that_host_in_every_realm);
    CPPUNIT_TEST(an_exact_name_tries_its_own_key_only);
    CPPUNIT_TEST(a_name_that_is_not_in_the_keytab_is_refused_at_acquisition);
    CPPUNIT_TEST(an_old_ticket_is_refused_with_the_remedy);
    CPPUNIT_TEST(an_old_keytab_is_refused_with_the_remedy);
    CPPUNIT_TEST(a_missing_type_is_refused_naming_those_held);
    CPPUNIT_TEST(another_key_is_a_failed_integrity_check);
    CPPUNIT_TEST(an_unknown_server_is_refused_by_name);
    CPPUNIT_TEST(a_known_server_that_the_name_forbids_is_refused);
    CPPUNIT_TEST(an_exact_name_reports_what_it_lacks);
    CPPUNIT_TEST(a_missing_keytab_is_no_credential);
    CPPUNIT_TEST(an_empty_keytab_is_no_credential);
    CPPUNIT_TEST(a_directory_is_no_keytab);
    CPPUNIT_TEST(a_half_written_keytab_is_named_so_at_every_length);
    CPPUNIT_TEST(a_half_written_change_keeps_the_old_keys);
    CPPUNIT_TEST(a_change_is_seen_at_once);
    CPPUNIT_TEST(old_versions_stay_usable_after_a_change);
    CPPUNIT_TEST(a_withdrawn_key_opens_nothing_any_more);
    CPPUNIT_TEST(a_removed_keytab_is_refused);
    CPPUNIT_TEST(a_keytab_in_memory_is_read_each_time);
    CPPUNIT_TEST(an_unsupported_type_is_passed_over);
    CPPUNIT_TEST(the_registered_keytab_wins_over_the_default);
    CPPUNIT_TEST(default_keys_report_a_missing_keytab_as_acquisition_does);
    CPPUNIT_TEST(a_long_search_ends_and_goes_on_at_the_next_request);
    CPPUNIT_TEST(threads_share_a_keytab_while_it_changes);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        world_ = std::make_unique<ConfiguredWorld>();
        keytab_ = "FILE:" + world_->path("keytab");
    }
    void tearDown() override
    {
        register_acceptor_keytab("");
        world_.reset();
    }

    void the_entry_of_the_tickets_version_is_tried_first()
    {
        for (std::uint8_t version = 1; version <= 5; ++version) {
            add_key(keytab_, "host/a.b@TEST.REALM", version, aes256_cts_hmac_sha1_96, version);
        }
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2));
        CPPUNIT_ASSERT(attempt.result.has_value());
        CPPUNIT_ASSERT_EQUAL(1U, attempt.tried);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{2}, attempt.version);
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@TEST.REALM"), attempt.principal);
    }

    void the_low_eight_bits_of_a_version_suffice()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3);
        const std::optional<KerberosName> exact = exact_name("host/a.b@TEST.REALM");
        CPPUNIT_ASSERT(
            Attempt(*keys(exact), sealed_ticket("host/a.b@TEST.REALM", 259, aes256_cts_hmac_sha1_96, 3)).result);
        CPPUNIT_ASSERT(
            !Attempt(*keys(exact), sealed_ticket("host/a.b@TEST.REALM", 260, aes256_cts_hmac_sha1_96, 3)).result);
    }

    void a_ticket_without_version_tries_the_newest_first()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 1, aes128_cts_hmac_sha1_96, 1);
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes128_cts_hmac_sha1_96, 2);
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", {}, aes128_cts_hmac_sha1_96, 2));
        CPPUNIT_ASSERT(attempt.result);
        CPPUNIT_ASSERT_EQUAL(1U, attempt.tried);
    }

    void an_alias_is_found_and_remembered()
    {
        for (std::uint8_t number = 1; number <= 9; ++number) {
            add_key(keytab_, "HTTP/h" + std::to_string(number) + "@TEST.REALM", 1, aes256_cts_hmac_sha384_192, number);
        }
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket ticket = sealed_ticket("cifs/alias@OTHER.REALM", 77, aes256_cts_hmac_sha384_192, 9);
        const Attempt first(*all, ticket);
        CPPUNIT_ASSERT(first.result);
        CPPUNIT_ASSERT_EQUAL(std::string("HTTP/h9@TEST.REALM"), first.principal);
        wait_until_settled(world_->path("keytab"));
        CPPUNIT_ASSERT(Attempt(*all, ticket).result);
        const Attempt third(*all, ticket);
        CPPUNIT_ASSERT(third.result);
        CPPUNIT_ASSERT_EQUAL(1U, third.tried);
    }

    void a_host_based_name_without_host_allows_every_host()
    {
        add_key(keytab_, "HTTP/x.y@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        add_key(keytab_, "host/x.y@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> http = keys(host_name("HTTP", ""));
        CPPUNIT_ASSERT(Attempt(*http, sealed_ticket("HTTP/x.y@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1)).result);
        CPPUNIT_ASSERT(!Attempt(*http, sealed_ticket("host/x.y@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 2)).result);
    }

    void a_host_based_name_with_host_allows_that_host_in_every_realm()
    {
        add_key(keytab_, "HTTP/x.y@ONE", 1, aes256_cts_hmac_sha1_96, 1);
        add_key(keytab_, "HTTP/x.y@TWO", 1, aes256_cts_hmac_sha1_96, 2);
        add_key(keytab_, "HTTP/other@TWO", 1, aes256_cts_hmac_sha1_96, 3);
        const std::shared_ptr<const KeytabKeys> http = keys(host_name("HTTP", "x.y"));
        CPPUNIT_ASSERT(Attempt(*http, sealed_ticket("HTTP/x.y@ONE", 1, aes256_cts_hmac_sha1_96, 1)).result);
        CPPUNIT_ASSERT(Attempt(*http, sealed_ticket("HTTP/x.y@TWO", 1, aes256_cts_hmac_sha1_96, 2)).result);
        CPPUNIT_ASSERT(!Attempt(*http, sealed_ticket("HTTP/other@TWO", 1, aes256_cts_hmac_sha1_96, 3)).result);
        world_->configure(" ignore_acceptor_hostname = true\n");
        CPPUNIT_ASSERT(Attempt(*http, sealed_ticket("HTTP/other@TWO", 1, aes256_cts_hmac_sha1_96, 3)).result);
    }

    void an_exact_name_tries_its_own_key_only()
    {
        add_key(keytab_, "a@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        add_key(keytab_, "b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> only_a = keys(exact_name("a@TEST.REALM"));
        CPPUNIT_ASSERT(Attempt(*only_a, sealed_ticket("a@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1)).result);
        // Its own key under another server's name: the key decides (INVARIANTS A5).
        CPPUNIT_ASSERT(Attempt(*only_a, sealed_ticket("alias@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1)).result);
        const Attempt other(*only_a, sealed_ticket("b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 2));
        refused(other, Fault::WrongServer, "cannot decrypt ticket for b@TEST.REALM using keytab key for a@TEST.REALM");
        CPPUNIT_ASSERT(has(other.result.error().text(), "tried 1 key: the client asked for another service"));
        const Attempt same(*only_a, sealed_ticket("a@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 3));
        refused(same, Fault::TicketIntegrity, "cannot decrypt ticket for a@TEST.REALM using keytab key for a@TEST.REALM");
        CPPUNIT_ASSERT(has(same.result.error().text(), "tried 1 key: the keytab's key is not the KDC's"));
    }

    void a_name_that_is_not_in_the_keytab_is_refused_at_acquisition()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        CPPUNIT_ASSERT(keytab_keys(keytab_, host_name("host", "a.b")));
        const auto refusal = keytab_keys(keytab_, host_name("host", "c.d"));
        CPPUNIT_ASSERT(!refusal);
        CPPUNIT_ASSERT(refusal.error().fault == Fault::KeytabMismatch);
        CPPUNIT_ASSERT_EQUAL(no_cred, refusal.error().routine_error());
        CPPUNIT_ASSERT_EQUAL(39756033, refusal.error().minor());
        CPPUNIT_ASSERT(has(refusal.error().text(), "host/c.d@"));
        CPPUNIT_ASSERT(has(refusal.error().text(), keytab_));
    }

    void an_old_ticket_is_refused_with_the_remedy()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 9, aes256_cts_hmac_sha1_96, 9);
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2));
        refused(attempt, Fault::WrongKeyVersion,
                "request ticket server host/a.b@TEST.REALM kvno 2 not found in keytab; ticket is likely out of date");
        const std::string text = attempt.result.error().text();
        CPPUNIT_ASSERT(has(text, "kvno 9 (aes256-cts-hmac-sha1-96)"));
        CPPUNIT_ASSERT(has(text, "kdestroy, kinit"));
        CPPUNIT_ASSERT(has(text, keytab_));
    }

    void an_old_keytab_is_refused_with_the_remedy()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 9);
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 2));
        refused(attempt, Fault::WrongKeyVersion, "keytab is likely out of date");
        CPPUNIT_ASSERT(has(attempt.result.error().text(), "update the keytab"));
    }

    void a_missing_type_is_refused_naming_those_held()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes128_cts_hmac_sha1_96, 2);
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2));
        refused(attempt, Fault::WrongKeyVersion, "found in keytab but not with enctype aes256-cts-hmac-sha1-96");
        CPPUNIT_ASSERT(has(attempt.result.error().text(), "kvno 2 (aes128-cts-hmac-sha1-96)"));
        CPPUNIT_ASSERT_EQUAL(0U, attempt.tried);
    }

    void another_key_is_a_failed_integrity_check()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const Attempt attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 3));
        refused(attempt, Fault::TicketIntegrity, "found in keytab but cannot decrypt ticket");
        CPPUNIT_ASSERT(has(attempt.result.error().text(), "tried 1 key"));
    }

    void an_unknown_server_is_refused_by_name()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        refused(Attempt(*keys(), sealed_ticket("host/c.d@TEST.REALM", 4, aes256_cts_hmac_sha1_96, 3)),
                Fault::WrongServer, "request ticket server host/c.d@TEST.REALM not found in keytab (ticket kvno 4");
    }

    void a_known_server_that_the_name_forbids_is_refused()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        add_key(keytab_, "HTTP/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 3);
        const Attempt attempt(*keys(host_name("HTTP", "")),
                              sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2));
        refused(attempt, Fault::WrongServer,
                "request ticket server host/a.b@TEST.REALM found in keytab but does not match server principal HTTP/*@");
    }

    void an_exact_name_reports_what_it_lacks()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> exact = keys(exact_name("host/a.b@TEST.REALM"));
        refused(Attempt(*exact, sealed_ticket("host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 2)),
                Fault::WrongKeyVersion, "kvno 3 not found in keytab");
        refused(Attempt(*exact, sealed_ticket("host/c.d@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 2)),
                Fault::WrongServer, "cannot find key for host/a.b@TEST.REALM kvno 3 in keytab");
        add_key(keytab_, "other@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        remove_keys(keytab_, "host/a.b@TEST.REALM", 2);
        refused(Attempt(*exact, sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2)),
                Fault::NoServiceKey, "no key table entry found for host/a.b@TEST.REALM");
    }

    void a_missing_keytab_is_no_credential()
    {
        not_acquired("No such file or directory");
    }

    void an_empty_keytab_is_no_credential()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        CPPUNIT_ASSERT(keytab_keys(keytab_, std::nullopt));
        remove_keys(keytab_, "host/a.b@TEST.REALM", 2);
        not_acquired("is nonexistent or empty: it has no entry");
        keytab_ += ".void";
        world_->write("keytab.void", "");
        not_acquired("is nonexistent or empty: it has no octets");
    }

    void a_directory_is_no_keytab()
    {
        std::filesystem::create_directory(world_->path("keytab"));
        not_acquired("is not a regular file");
    }

    void a_half_written_keytab_is_named_so_at_every_length()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::string whole = ConfiguredWorld::read(world_->path("keytab"));
        for (std::size_t length = 3; length < whole.size(); ++length) {
            keytab_ = "FILE:" + world_->path("cut" + std::to_string(length));
            world_->write("cut" + std::to_string(length), std::string_view(whole).substr(0, length));
            not_acquired("is half-written");
        }
    }

    void a_half_written_change_keeps_the_old_keys()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::string whole = ConfiguredWorld::read(world_->path("keytab"));
        for (std::size_t length = 0; length < whole.size(); ++length) {
            if (length != 2) { // a bare version is a keytab without entries, not half of one
                world_->write("keytab", std::string_view(whole).substr(0, length));
                CPPUNIT_ASSERT(Attempt(*all, ticket).result);
            }
        }
        world_->write("keytab", whole);
        CPPUNIT_ASSERT(Attempt(*all, ticket).result);
    }

    void a_change_is_seen_at_once()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> all = keys();
        for (std::uint8_t version = 3; version < 20; ++version) {
            add_key(keytab_, "host/a.b@TEST.REALM", version, aes256_cts_hmac_sha1_96, version);
            CPPUNIT_ASSERT(
                Attempt(*all, sealed_ticket("host/a.b@TEST.REALM", version, aes256_cts_hmac_sha1_96, version)).result);
        }
    }

    void old_versions_stay_usable_after_a_change()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> all = keys();
        add_key(keytab_, "host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3);
        CPPUNIT_ASSERT(Attempt(*all, sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2)).result);
        CPPUNIT_ASSERT(Attempt(*all, sealed_ticket("host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3)).result);
    }

    void a_withdrawn_key_opens_nothing_any_more()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        add_key(keytab_, "host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3);
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        CPPUNIT_ASSERT(Attempt(*all, ticket).result);
        remove_keys(keytab_, "host/a.b@TEST.REALM", 2);
        refused(Attempt(*all, ticket), Fault::WrongKeyVersion, "ticket is likely out of date");
    }

    void a_removed_keytab_is_refused()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        CPPUNIT_ASSERT(Attempt(*all, ticket).result);
        std::filesystem::remove(world_->path("keytab"));
        refused(Attempt(*all, ticket), Fault::NoServiceKey, "No such file or directory");
    }

    void a_keytab_in_memory_is_read_each_time()
    {
        keytab_ = "MEMORY:apex-test";
        const MemoryKeytab holder(keytab_);
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const std::shared_ptr<const KeytabKeys> all = keys();
        CPPUNIT_ASSERT(Attempt(*all, sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2)).result);
        add_key(keytab_, "host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3);
        CPPUNIT_ASSERT(Attempt(*all, sealed_ticket("host/a.b@TEST.REALM", 3, aes256_cts_hmac_sha1_96, 3)).result);
    }

    void an_unsupported_type_is_passed_over()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, static_cast<EncryptionType>(16), 1); // des3
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        CPPUNIT_ASSERT(Attempt(*keys(), sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2)).result);
    }

    void the_registered_keytab_wins_over_the_default()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        world_->set("KRB5_KTNAME", "FILE:" + world_->path("other"));
        CPPUNIT_ASSERT(!keytab_keys("", std::nullopt));
        register_acceptor_keytab(keytab_);
        CPPUNIT_ASSERT_EQUAL(keytab_, must(keytab_keys("", std::nullopt))->keytab_name());
        register_acceptor_keytab("");
        CPPUNIT_ASSERT(!keytab_keys("", std::nullopt));
    }

    void default_keys_report_a_missing_keytab_as_acquisition_does()
    {
        world_->set("KRB5_KTNAME", keytab_);
        const std::shared_ptr<const KeytabKeys> all = must(default_keytab_keys());
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        const Attempt missing(*all, ticket);
        CPPUNIT_ASSERT(missing.result.error().fault == Fault::NoKeytab);
        add_key(keytab_, "host/a.b@TEST.REALM", 2, aes256_cts_hmac_sha1_96, 2);
        CPPUNIT_ASSERT(Attempt(*all, ticket).result);
        remove_keys(keytab_, "host/a.b@TEST.REALM", 2);
        const Attempt empty(*all, ticket);
        CPPUNIT_ASSERT(empty.result.error().fault == Fault::NoKeytab);
    }

    void a_long_search_ends_and_goes_on_at_the_next_request()
    {
        constexpr unsigned many = 400;
        for (unsigned number = 0; number < many; ++number) {
            add_key(keytab_, "s/h" + std::to_string(number) + "@TEST.REALM", 1, aes256_cts_hmac_sha384_192,
                    number == many - 1 ? 9 : 1);
        }
        wait_until_settled(world_->path("keytab"));
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket alias = sealed_ticket("alias@TEST.REALM", 1, aes256_cts_hmac_sha384_192, 9);
        unsigned requests = 0;
        for (; requests < many; ++requests) {
            const Attempt attempt(*all, alias);
            CPPUNIT_ASSERT(attempt.tried < many);
            if (attempt.result) {
                break;
            }
            CPPUNIT_ASSERT(attempt.result.error().fault == Fault::WrongServer);
        }
        CPPUNIT_ASSERT(requests > 0 && requests < many);
        CPPUNIT_ASSERT_EQUAL(1U, Attempt(*all, alias).tried);
    }

    void threads_share_a_keytab_while_it_changes()
    {
        add_key(keytab_, "host/a.b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        const std::shared_ptr<const KeytabKeys> all = keys();
        const Ticket ticket = sealed_ticket("host/a.b@TEST.REALM", 1, aes256_cts_hmac_sha1_96, 1);
        std::atomic<bool> stop{false};
        std::atomic<unsigned> failed{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                while (!stop) {
                    failed += Attempt(*all, ticket).result ? 0 : 1;
                }
            });
        }
        for (std::uint8_t version = 2; version < 30; ++version) {
            const std::string old = ConfiguredWorld::read(world_->path("keytab"));
            world_->write("next", old);
            add_key("FILE:" + world_->path("next"), "host/a.b@TEST.REALM", version, aes256_cts_hmac_sha1_96, version);
            std::filesystem::rename(world_->path("next"), world_->path("keytab"));
        }
        stop = true;
        for (std::thread& thread : threads) {
            thread.join();
        }
        CPPUNIT_ASSERT_EQUAL(0U, failed.load());
    }

private:
    std::shared_ptr<const KeytabKeys> keys(const std::optional<KerberosName>& acceptor = std::nullopt)
    {
        return must(keytab_keys(keytab_, acceptor));
    }

    static void refused(const Attempt& attempt, Fault fault, std::string_view part)
    {
        CPPUNIT_ASSERT(!attempt.result);
        const Error& error = attempt.result.error();
        CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text(), std::string(traits_of(fault).name),
                                     std::string(traits_of(error.fault).name));
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), part));
        CPPUNIT_ASSERT_EQUAL(failure, error.routine_error());
    }

    void not_acquired(std::string_view part)
    {
        const auto refusal = keytab_keys(keytab_, std::nullopt);
        CPPUNIT_ASSERT(!refusal);
        const Error& error = refusal.error();
        CPPUNIT_ASSERT_MESSAGE(error.text(), error.fault == Fault::NoKeytab);
        CPPUNIT_ASSERT_EQUAL(no_cred, error.routine_error());
        CPPUNIT_ASSERT_EQUAL(krb5_base + 181, error.minor()); // KRB5_KT_NOTFOUND
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), part));
        CPPUNIT_ASSERT_MESSAGE(error.text(), has(error.text(), keytab_));
    }

    std::unique_ptr<ConfiguredWorld> world_;
    std::string keytab_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(KeytabKeysTest);

} // namespace
} // namespace apex
