// SPDX-License-Identifier: MIT
#include "apex/host/name_service.h"

#include "apex/host/krb5_handle.h"
#include "configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <thread>

namespace apex {
namespace {

constexpr std::int32_t malformed_name = -1765328250; // KRB5_PARSE_MALFORMED

KerberosName imported(Result<KerberosName> name)
{
    CPPUNIT_ASSERT_MESSAGE(name ? "" : name.error().text(), name.has_value());
    return *std::move(name);
}

std::string text_after(Result<KerberosName> name)
{
    return imported(std::move(name)).principal.text();
}

class NameServiceTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(NameServiceTest);
    CPPUNIT_TEST(a_user_gets_the_default_realm);
    CPPUNIT_TEST(escapes_are_read_and_written);
    CPPUNIT_TEST(an_empty_realm_stays_empty);
    CPPUNIT_TEST(a_malformed_principal_gives_the_code_of_libkrb5);
    CPPUNIT_TEST(a_counted_terminator_is_dropped_and_a_nul_within_refused);
    CPPUNIT_TEST(an_enterprise_name_is_one_component);
    CPPUNIT_TEST(a_host_based_name_keeps_its_parts);
    CPPUNIT_TEST(a_host_is_written_in_lower_case_without_final_dot);
    CPPUNIT_TEST(a_mapped_host_gets_its_realm);
    CPPUNIT_TEST(a_short_host_is_qualified_as_configured);
    CPPUNIT_TEST(no_host_means_this_one_and_any);
    CPPUNIT_TEST(a_port_behind_the_host_stays);
    CPPUNIT_TEST(a_user_number_becomes_its_login_name);
    CPPUNIT_TEST(a_user_number_without_user_refuses);
    CPPUNIT_TEST(a_libkrb5_principal_is_copied);
    CPPUNIT_TEST(the_anonymous_name_is_known);
    CPPUNIT_TEST(a_new_default_realm_counts_at_once);
    CPPUNIT_TEST(without_fallback_there_is_one_candidate);
    CPPUNIT_TEST(fallback_adds_the_name_that_dns_gives);
    CPPUNIT_TEST(fallback_without_an_answer_adds_nothing);
    CPPUNIT_TEST(auth_to_local_maps_a_principal);
    CPPUNIT_TEST(a_foreign_principal_has_no_local_name);
    CPPUNIT_TEST(a_principal_may_log_in_as_its_local_user_only);
    CPPUNIT_TEST(a_user_with_a_nul_is_refused);
    CPPUNIT_TEST(many_threads_import_names);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_user_gets_the_default_realm()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"), text_after(import_principal_text("u")));
        CPPUNIT_ASSERT_EQUAL(std::string("u@R"), text_after(import_principal_text("u@R")));
        CPPUNIT_ASSERT(!imported(import_principal_text("u")).host_based);
    }

    void escapes_are_read_and_written()
    {
        const ConfiguredWorld world;
        const KerberosName name = imported(import_principal_text("a/b\\/c\\@d@Q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, name.principal.name.components.size());
        CPPUNIT_ASSERT_EQUAL(std::string("b/c@d"), name.principal.name.components[1]);
        CPPUNIT_ASSERT_EQUAL(std::string("a/b\\/c\\@d@Q"), name.principal.text());
    }

    void an_empty_realm_stays_empty()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("host/x@"), text_after(import_principal_text("host/x@")));
    }

    void a_malformed_principal_gives_the_code_of_libkrb5()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT(import_principal_text("a@b").has_value());
        for (const char* text : {"a@b@c", "a\\"}) {
            const Result<KerberosName> name = import_principal_text(text);
            CPPUNIT_ASSERT(!name);
            CPPUNIT_ASSERT_EQUAL(malformed_name, name.error().minor());
            CPPUNIT_ASSERT_EQUAL(13U, name.error().routine_error()); // GSS_S_FAILURE
            CPPUNIT_ASSERT(name.error().text().find("Malformed representation of principal") != std::string::npos);
        }
    }

    void a_counted_terminator_is_dropped_and_a_nul_within_refused()
    {
        const ConfiguredWorld world;
        using namespace std::string_view_literals;
        CPPUNIT_ASSERT_EQUAL(std::string("u@R"), text_after(import_principal_text("u@R\0"sv)));
        for (const auto import : {import_principal_text, import_enterprise, import_host_based}) {
            const Result<KerberosName> name = import("a\0b"sv);
            CPPUNIT_ASSERT(!name);
            CPPUNIT_ASSERT_EQUAL(malformed_name, name.error().minor());
        }
    }

    void an_enterprise_name_is_one_component()
    {
        const ConfiguredWorld world;
        const KerberosName name = imported(import_enterprise("u@x.y"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, name.principal.name.components.size());
        CPPUNIT_ASSERT_EQUAL(name_type_enterprise, name.principal.name.type);
        CPPUNIT_ASSERT_EQUAL(std::string("u\\@x.y@TEST.REALM"), name.principal.text());
    }

    void a_host_based_name_keeps_its_parts()
    {
        const ConfiguredWorld world;
        const KerberosName name = imported(import_host_based("host@A.b"));
        CPPUNIT_ASSERT(name.host_based);
        CPPUNIT_ASSERT_EQUAL(std::string("host"), name.service);
        CPPUNIT_ASSERT_EQUAL(std::string("A.b"), name.host);
        CPPUNIT_ASSERT_EQUAL(name_type_service_host, name.principal.name.type);
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@"), name.principal.text());
    }

    void a_host_is_written_in_lower_case_without_final_dot()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("host/foo.test@"), text_after(import_host_based("host@Foo.TEST.")));
    }

    void a_mapped_host_gets_its_realm()
    {
        ConfiguredWorld world;
        world.configure("[domain_realm]\n .mapped.test = MAPPED.REALM\n");
        CPPUNIT_ASSERT_EQUAL(std::string("host/foo.mapped.test@MAPPED.REALM"),
                             text_after(import_host_based("host@foo.mapped.test")));
    }

    void a_short_host_is_qualified_as_configured()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("http/short@"), text_after(import_host_based("http@short")));
        world.write("krb5.conf", "[libdefaults]\n default_realm = TEST.REALM\n dns_canonicalize_hostname = false\n"
                                 " qualify_shortname = long.test\n");
        CPPUNIT_ASSERT_EQUAL(std::string("http/short.long.test@"), text_after(import_host_based("http@short")));
        CPPUNIT_ASSERT_EQUAL(std::string("http/with.dot@"), text_after(import_host_based("http@with.dot")));
    }

    void no_host_means_this_one_and_any()
    {
        const ConfiguredWorld world;
        for (const char* text : {"host", "host@"}) {
            const KerberosName name = imported(import_host_based(text));
            CPPUNIT_ASSERT_EQUAL(std::string(), name.host);
            CPPUNIT_ASSERT_EQUAL(std::string("host"), name.service);
            CPPUNIT_ASSERT(!name.principal.name.components.at(1).empty());
        }
    }

    void a_port_behind_the_host_stays()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("http/a.b:80@"), text_after(import_host_based("http@A.b:80")));
    }

    void a_user_number_becomes_its_login_name()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("root@TEST.REALM"), text_after(import_user_id(0)));
    }

    void a_user_number_without_user_refuses()
    {
        const ConfiguredWorld world;
        const Result<KerberosName> name = import_user_id(3999999999);
        CPPUNIT_ASSERT(!name);
        CPPUNIT_ASSERT(name.error().fault == Fault::BadName);
        CPPUNIT_ASSERT_EQUAL(-2045022974, name.error().minor()); // G_NOUSER
    }

    void a_libkrb5_principal_is_copied()
    {
        const ConfiguredWorld world;
        const Krb5Context context = *Krb5Context::make();
        Principal principal;
        principal.realm = std::string("R\0x", 3);
        principal.name.components = {"a", std::string("b\0c", 3), ""};
        Result<Krb5Principal> owned = to_krb5(context, principal);
        CPPUNIT_ASSERT(owned.has_value());
        krb5_principal pointer = owned->get();
        const KerberosName name = imported(import_krb5_principal(view_of(&pointer, sizeof pointer)));
        CPPUNIT_ASSERT(same_principal(principal, name.principal));
        const Result<KerberosName> cut = import_krb5_principal(view_of(&pointer, sizeof pointer - 1));
        CPPUNIT_ASSERT(!cut);
        CPPUNIT_ASSERT_EQUAL(-2045022970, cut.error().minor()); // G_WRONG_SIZE
        pointer = nullptr;
        CPPUNIT_ASSERT(!import_krb5_principal(view_of(&pointer, sizeof pointer)));
    }

    void the_anonymous_name_is_known()
    {
        const Principal principal = anonymous_name().principal;
        CPPUNIT_ASSERT_EQUAL(std::string("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS"), principal.text());
        CPPUNIT_ASSERT(is_anonymous(principal));
        Principal other = principal;
        other.realm = "R";
        CPPUNIT_ASSERT(!is_anonymous(other));
        other = principal;
        other.name.components.emplace_back("x");
        CPPUNIT_ASSERT(!is_anonymous(other));
    }

    void a_new_default_realm_counts_at_once()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"), text_after(import_principal_text("u")));
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"), text_after(import_principal_text("u")));
        world.write("krb5.conf", "[libdefaults]\n default_realm = NEW.REALM\n");
        CPPUNIT_ASSERT_EQUAL(std::string("u@NEW.REALM"), text_after(import_principal_text("u")));
    }

    void without_fallback_there_is_one_candidate()
    {
        const ConfiguredWorld world;
        const Result<std::vector<Principal>> candidates =
            host_based_candidates(imported(import_host_based("host@localhost")));
        CPPUNIT_ASSERT(candidates.has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, candidates->size());
    }

    void fallback_adds_the_name_that_dns_gives()
    {
        ConfiguredWorld world;
        world.write("krb5.conf", "[libdefaults]\n default_realm = TEST.REALM\n dns_canonicalize_hostname = fallback\n"
                                 " rdns = true\n qualify_shortname = \"\"\n[domain_realm]\n localhost = LOCAL.REALM\n");
        // The loopback address has a name in every hosts file, and it is not the address.
        const Result<std::vector<Principal>> candidates =
            host_based_candidates(imported(import_host_based("host@127.0.0.1")));
        CPPUNIT_ASSERT(candidates.has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, candidates->size());
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), (*candidates)[0].name.components[1]);
        CPPUNIT_ASSERT_EQUAL(std::string("localhost"), (*candidates)[1].name.components[1]);
        CPPUNIT_ASSERT_EQUAL(std::string("LOCAL.REALM"), (*candidates)[1].realm);
    }

    void fallback_without_an_answer_adds_nothing()
    {
        ConfiguredWorld world;
        world.write("krb5.conf", "[libdefaults]\n default_realm = TEST.REALM\n dns_canonicalize_hostname = fallback\n");
        // A label of 64 octets is none: the resolver refuses without asking anybody.
        const std::string host = std::string(64, 'x') + ".test";
        const Result<std::vector<Principal>> candidates =
            host_based_candidates(imported(import_host_based("host@" + host)));
        CPPUNIT_ASSERT(candidates.has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, candidates->size());
    }

    void auth_to_local_maps_a_principal()
    {
        ConfiguredWorld world;
        world.configure("[realms]\n TEST.REALM = {\n  auth_to_local = RULE:[2:$1_$2](^admin_.*$)s/^admin_/adm/\n"
                        "  auth_to_local = DEFAULT\n }\n");
        const auto local = [](const char* text) {
            const Result<std::string> name = local_name_of(imported(import_principal_text(text)).principal);
            CPPUNIT_ASSERT(name.has_value());
            return *name;
        };
        CPPUNIT_ASSERT_EQUAL(std::string("admx"), local("admin/x@TEST.REALM"));
        CPPUNIT_ASSERT_EQUAL(std::string("u"), local("u@TEST.REALM"));
    }

    void a_foreign_principal_has_no_local_name()
    {
        const ConfiguredWorld world;
        const Result<std::string> name = local_name_of(imported(import_principal_text("root@OTHER")).principal);
        CPPUNIT_ASSERT(!name);
        CPPUNIT_ASSERT(name.error().fault == Fault::NoLocalName);
        CPPUNIT_ASSERT_EQUAL(static_cast<std::int32_t>(KRB5_NO_LOCALNAME), name.error().minor());
    }

    void a_principal_may_log_in_as_its_local_user_only()
    {
        ConfiguredWorld world;
        // A directory of .k5login files of our own: those of the machine's users do not count.
        world.configure(" k5login_directory = " + world.path("k5login") + "\n");
        const auto may = [](const char* principal, const char* user) {
            return may_log_in(imported(import_principal_text(principal)).principal, user).has_value();
        };
        CPPUNIT_ASSERT(may("root@TEST.REALM", "root"));
        CPPUNIT_ASSERT(!may("root@OTHER", "root"));
        CPPUNIT_ASSERT(!may("u@TEST.REALM", "root"));
        CPPUNIT_ASSERT(!may("root/admin@TEST.REALM", "root"));
        world.write("k5login/root", "u@TEST.REALM\n");
        CPPUNIT_ASSERT(may("u@TEST.REALM", "root"));
        CPPUNIT_ASSERT(!may("root@TEST.REALM", "root"));
        const Done refused = may_log_in(imported(import_principal_text("x@TEST.REALM")).principal, "root");
        CPPUNIT_ASSERT(refused.has_value() == false && refused.error().fault == Fault::NotAuthorized);
    }

    void a_user_with_a_nul_is_refused()
    {
        ConfiguredWorld world;
        world.configure(" k5login_directory = " + world.path("k5login") + "\n");
        const Principal root = imported(import_principal_text("root@TEST.REALM")).principal;
        CPPUNIT_ASSERT(may_log_in(root, "root").has_value());
        CPPUNIT_ASSERT(!may_log_in(root, std::string("root\0x", 6)));
        CPPUNIT_ASSERT(!may_log_in(root, std::string("root\0", 5)));
        CPPUNIT_ASSERT(!may_log_in(root, ""));
    }

    void many_threads_import_names()
    {
        const ConfiguredWorld world;
        std::vector<std::thread> threads;
        std::atomic<int> right{0};
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&right, i] {
                for (int round = 0; round < 200; ++round) {
                    const std::string user = "u" + std::to_string((round + i) % 100);
                    const Result<KerberosName> name = import_principal_text(user);
                    right += name && name->principal.text() == user + "@TEST.REALM" ? 1 : 0;
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CPPUNIT_ASSERT_EQUAL(800, right.load());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NameServiceTest);

} // namespace
} // namespace apex
