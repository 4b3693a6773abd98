// SPDX-License-Identifier: MIT
#include "apex/host/programs.h"
#include "apex/host/settings.h"

#include "configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace apex {
namespace {

std::shared_ptr<const Settings> settings()
{
    const Result<std::shared_ptr<const Settings>> result = current_settings();
    CPPUNIT_ASSERT_MESSAGE(result ? "" : result.error().text(), result.has_value());
    return *result;
}

std::string refusal()
{
    const Result<std::shared_ptr<const Settings>> result = current_settings();
    CPPUNIT_ASSERT(!result.has_value());
    CPPUNIT_ASSERT(result.error().fault == Fault::BadSetting);
    return result.error().text();
}

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

class SettingsTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(SettingsTest);
    CPPUNIT_TEST(an_empty_section_gives_the_defaults);
    CPPUNIT_TEST(every_option_is_read);
    CPPUNIT_TEST(libdefaults_are_read_as_libkrb5_reads_them);
    CPPUNIT_TEST(the_table_names_each_option_once_with_its_default);
    CPPUNIT_TEST(a_bad_mutual_auth_refuses_and_names_the_words);
    CPPUNIT_TEST(each_option_of_consequence_refuses_a_bad_value);
    CPPUNIT_TEST(a_bad_log_or_trace_is_a_complaint_and_the_default_serves);
    CPPUNIT_TEST(an_unknown_option_is_a_complaint);
    CPPUNIT_TEST(a_file_that_anybody_may_write_is_a_complaint);
    CPPUNIT_TEST(a_damaged_file_refuses);
    CPPUNIT_TEST(a_damaged_file_keeps_the_old_settings);
    CPPUNIT_TEST(a_changed_file_is_read_anew);
    CPPUNIT_TEST(a_changed_included_file_is_read_anew);
    CPPUNIT_TEST(a_new_file_of_an_included_directory_is_read);
    CPPUNIT_TEST(a_file_that_appears_is_read);
    CPPUNIT_TEST(the_environment_counts_at_once);
    CPPUNIT_TEST(the_same_state_gives_the_same_object);
    CPPUNIT_TEST(the_environment_chooses_the_replay_cache_as_in_mit);
    CPPUNIT_TEST(tokens_in_the_replay_cache_name_are_expanded);
    CPPUNIT_TEST(rc4_is_permitted_only_when_allowed);
    CPPUNIT_TEST(a_list_without_supported_types_refuses);
    CPPUNIT_TEST(lists_of_programs_choose_by_path_or_name);
    CPPUNIT_TEST(lists_of_programs_are_read);
    CPPUNIT_TEST(a_setting_of_the_environment_wins_for_the_trace);
    CPPUNIT_TEST(many_threads_read_one_snapshot);
    CPPUNIT_TEST(a_forked_child_reads_the_settings);
    CPPUNIT_TEST_SUITE_END();

public:
    void an_empty_section_gives_the_defaults()
    {
        const ConfiguredWorld world;
        const auto now = settings();
        CPPUNIT_ASSERT(now->mutual_auth == MutualPolicy::application);
        CPPUNIT_ASSERT(now->log_refusals);
        CPPUNIT_ASSERT(now->strict_authorization_data);
        CPPUNIT_ASSERT(!now->strict_pac);
        CPPUNIT_ASSERT(now->replay_durable);
        CPPUNIT_ASSERT(now->replay_store_failure == ReplayFailurePolicy::refuse);
        CPPUNIT_ASSERT_EQUAL(std::string(), now->replay_agent);
        CPPUNIT_ASSERT(now->replay_agent_timeout == std::chrono::milliseconds(5));
        CPPUNIT_ASSERT(now->replay_agent_failure == ReplayAgentFailurePolicy::refuse);
        CPPUNIT_ASSERT(!now->replay_share_mit);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000000}, now->replay_capacity);
        CPPUNIT_ASSERT_EQUAL(std::string(), now->trace);
        CPPUNIT_ASSERT(now->trace_sink == nullptr);
        CPPUNIT_ASSERT(now->only_programs.empty() && now->not_programs.empty());
        CPPUNIT_ASSERT_EQUAL(std::string("TEST.REALM"), now->default_realm);
        CPPUNIT_ASSERT(now->clock_skew == std::chrono::seconds(300));
        CPPUNIT_ASSERT_EQUAL(std::string("dfl:"), now->default_rcache_name);
        CPPUNIT_ASSERT_EQUAL(std::string("/var/tmp"), now->mit_rcache_directory);
        CPPUNIT_ASSERT(now->complaints.empty());
    }

    void every_option_is_read()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n mutual_auth = require\n trace = " + world.path("trace") +
                        "\n log = off\n strict_authorization_data = no\n strict_pac = yes\n"
                        " replay_directory = /srv/replay\n replay_capacity = 5000\n replay_durable = false\n"
                        " replay_store_failure = memory\n replay_agent = /run/apex/other.sock\n"
                        " replay_agent_timeout = 20\n replay_agent_failure = local\n replay_share_mit = true\n");
        const auto now = settings();
        CPPUNIT_ASSERT(now->mutual_auth == MutualPolicy::require);
        CPPUNIT_ASSERT_EQUAL(world.path("trace"), now->trace);
        CPPUNIT_ASSERT(now->trace_sink != nullptr);
        CPPUNIT_ASSERT(!now->log_refusals);
        CPPUNIT_ASSERT(!now->strict_authorization_data);
        CPPUNIT_ASSERT(now->strict_pac);
        CPPUNIT_ASSERT_EQUAL(std::string("/srv/replay"), now->replay_directory);
        CPPUNIT_ASSERT_EQUAL(std::size_t{5000}, now->replay_capacity);
        CPPUNIT_ASSERT(!now->replay_durable);
        CPPUNIT_ASSERT(now->replay_store_failure == ReplayFailurePolicy::memory);
        CPPUNIT_ASSERT_EQUAL(std::string("/run/apex/other.sock"), now->replay_agent);
        CPPUNIT_ASSERT(now->replay_agent_timeout == std::chrono::milliseconds(20));
        CPPUNIT_ASSERT(now->replay_agent_failure == ReplayAgentFailurePolicy::local);
        CPPUNIT_ASSERT(now->replay_share_mit);
        CPPUNIT_ASSERT(now->complaints.empty());
    }

    void libdefaults_are_read_as_libkrb5_reads_them()
    {
        ConfiguredWorld world;
        world.write("krb5.conf", "[libdefaults]\n default_realm = OTHER.REALM\n clockskew = 42\n"
                                 " ignore_acceptor_hostname = true\n client_aware_channel_bindings = true\n"
                                 " enforce_ok_as_delegate = true\n dns_canonicalize_hostname = fallback\n rdns = false\n"
                                 " permitted_enctypes = aes256-sha2 aes128-cts des3-cbc-sha1\n"
                                 " default_keytab_name = FILE:/srv/%{null}keytab\n");
        const auto now = settings();
        CPPUNIT_ASSERT_EQUAL(std::string("OTHER.REALM"), now->default_realm);
        CPPUNIT_ASSERT(now->clock_skew == std::chrono::seconds(42));
        CPPUNIT_ASSERT(now->ignore_acceptor_hostname);
        CPPUNIT_ASSERT(now->client_aware_channel_bindings);
        CPPUNIT_ASSERT(now->enforce_ok_as_delegate);
        CPPUNIT_ASSERT(now->dns_canonicalize_hostname == DnsCanonicalization::fallback);
        CPPUNIT_ASSERT(!now->rdns);
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/srv/keytab"), now->default_keytab_name);
        const std::vector<EncryptionType> expected = {EncryptionType::aes256_cts_hmac_sha384_192,
                                                      EncryptionType::aes128_cts_hmac_sha1_96};
        CPPUNIT_ASSERT(now->permitted == expected);
    }

    void the_table_names_each_option_once_with_its_default()
    {
        ConfiguredWorld world;
        std::set<std::string_view> names;
        std::string section = "[apex]\n";
        for (const SettingDescription& each : all_settings()) {
            CPPUNIT_ASSERT(names.insert(each.name).second);
            CPPUNIT_ASSERT(!each.sentence.empty() && each.sentence.ends_with('.'));
            if (!each.default_value.empty()) {
                section += " " + std::string(each.name) + " = " + std::string(each.default_value) + "\n";
            }
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{16}, names.size());
        const auto without = settings();
        world.configure(section);
        const auto with = settings();
        CPPUNIT_ASSERT(with->complaints.empty());
        CPPUNIT_ASSERT(with->mutual_auth == without->mutual_auth && with->log_refusals == without->log_refusals &&
                       with->strict_authorization_data == without->strict_authorization_data &&
                       with->strict_pac == without->strict_pac && with->replay_durable == without->replay_durable &&
                       with->replay_capacity == without->replay_capacity &&
                       with->replay_store_failure == without->replay_store_failure &&
                       with->replay_agent_timeout == without->replay_agent_timeout &&
                       with->replay_agent_failure == without->replay_agent_failure &&
                       with->replay_share_mit == without->replay_share_mit);
    }

    void a_bad_mutual_auth_refuses_and_names_the_words()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n mutual_auth = requires\n");
        const std::string text = refusal();
        CPPUNIT_ASSERT_MESSAGE(text, has(text, "mutual_auth = requires: must be application | require"));
    }

    void each_option_of_consequence_refuses_a_bad_value()
    {
        const std::vector<std::string> bad = {"strict_authorization_data = maybe", "strict_pac = 2",
                                              "replay_directory = relative",      "replay_capacity = 999",
                                              "replay_capacity = 10x",            "replay_durable = perhaps",
                                              "replay_store_failure = ignore",    "replay_agent = run/sock",
                                              "replay_agent_timeout = 0",         "replay_agent_timeout = 5ms",
                                              "replay_agent_failure = accept",    "replay_share_mit = si"};
        for (const std::string& line : bad) {
            ConfiguredWorld world;
            world.configure("[apex]\n " + line + "\n");
            const std::string text = refusal();
            CPPUNIT_ASSERT_MESSAGE(text, has(text, line));
        }
        for (const std::string line : {"clockskew = soon", "clockskew = -1", "allow_rc4 = 7", "ignore_acceptor_hostname = q", "rdns = q"}) {
            ConfiguredWorld world;
            world.configure(" " + line + "\n");
            const std::string text = refusal();
            CPPUNIT_ASSERT_MESSAGE(text, has(text, line.substr(0, line.find(' '))));
        }
    }

    void a_bad_log_or_trace_is_a_complaint_and_the_default_serves()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n log = loud\n trace = relative\n");
        const auto now = settings();
        CPPUNIT_ASSERT(now->log_refusals);
        CPPUNIT_ASSERT_EQUAL(std::string(), now->trace);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, now->complaints.size());
        CPPUNIT_ASSERT(has(now->complaints[0] + now->complaints[1], "log = loud: must be refusals | off"));
    }

    void an_unknown_option_is_a_complaint()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n mutual_auht = require\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settings()->complaints.size());
        CPPUNIT_ASSERT_EQUAL(std::string("[apex] mutual_auht: no such option"), settings()->complaints[0]);
    }

    void a_file_that_anybody_may_write_is_a_complaint()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT(settings()->complaints.empty());
        CPPUNIT_ASSERT_EQUAL(0, chmod(world.path("krb5.conf").c_str(), 0666));
        look_again();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settings()->complaints.size());
        CPPUNIT_ASSERT_EQUAL(world.path("krb5.conf") + " may be written by anybody", settings()->complaints[0]);
    }

    void a_damaged_file_refuses()
    {
        ConfiguredWorld world;
        world.write("krb5.conf", "[libdefaults\n default_realm = TEST.REALM\n");
        const std::string text = refusal();
        CPPUNIT_ASSERT_MESSAGE(text, has(text, world.path("krb5.conf")));
    }

    void a_damaged_file_keeps_the_old_settings()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n mutual_auth = require\n");
        CPPUNIT_ASSERT(settings()->mutual_auth == MutualPolicy::require);
        world.write("krb5.conf", "[libdefaults\n");
        CPPUNIT_ASSERT(settings()->mutual_auth == MutualPolicy::require);
        world.configure("[apex]\n mutual_auth = application\n");
        CPPUNIT_ASSERT(settings()->mutual_auth == MutualPolicy::application);
    }

    void a_changed_file_is_read_anew()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT(settings()->mutual_auth == MutualPolicy::application);
        world.configure("[apex]\n mutual_auth = require\n");
        CPPUNIT_ASSERT(settings()->mutual_auth == MutualPolicy::require);
    }

    void a_changed_included_file_is_read_anew()
    {
        ConfiguredWorld world;
        world.write("more.conf", "[apex]\n log = off\n");
        world.write("krb5.conf",
                    "include " + world.path("more.conf") + "\n[libdefaults]\n default_realm = TEST.REALM\n");
        CPPUNIT_ASSERT(!settings()->log_refusals);
        world.write("more.conf", "[apex]\n log = refusals\n");
        CPPUNIT_ASSERT(settings()->log_refusals);
    }

    void a_new_file_of_an_included_directory_is_read()
    {
        ConfiguredWorld world;
        world.write("conf.d/first.conf", "[apex]\n strict_pac = true\n");
        world.write("krb5.conf",
                    "includedir " + world.path("conf.d") + "\n[libdefaults]\n default_realm = TEST.REALM\n");
        CPPUNIT_ASSERT(settings()->strict_pac && settings()->log_refusals);
        world.write("conf.d/second.conf", "[apex]\n log = off\n");
        CPPUNIT_ASSERT(settings()->strict_pac && !settings()->log_refusals);
        world.write("conf.d/first.conf", "[apex]\n strict_pac = false\n");
        CPPUNIT_ASSERT(!settings()->strict_pac);
    }

    void a_file_that_appears_is_read()
    {
        ConfiguredWorld world;
        world.set("KRB5_CONFIG", world.path("later.conf") + ":" + world.path("krb5.conf"));
        CPPUNIT_ASSERT(settings()->log_refusals);
        world.write("later.conf", "[apex]\n log = off\n");
        CPPUNIT_ASSERT(!settings()->log_refusals);
    }

    void the_environment_counts_at_once()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT(settings()->trace.empty());
        world.set("APEX_TRACE", "/dev/null");
        world.set("KRB5_KTNAME", "FILE:/srv/other");
        CPPUNIT_ASSERT_EQUAL(std::string("/dev/null"), settings()->trace);
        CPPUNIT_ASSERT_EQUAL(std::string("FILE:/srv/other"), settings()->default_keytab_name);
        world.set("APEX_TRACE", std::nullopt);
        CPPUNIT_ASSERT(settings()->trace.empty());
    }

    void the_same_state_gives_the_same_object()
    {
        ConfiguredWorld world;
        world.set("KRB5_CONFIG", "/dev/null"); // settled for long, unlike a file just written
        const Settings* first = settings().get();
        CPPUNIT_ASSERT(first == settings().get());
        CPPUNIT_ASSERT(first == latest_settings());
        world.set("KRB5_KTNAME", "FILE:/srv/other");
        CPPUNIT_ASSERT(first != settings().get());
        world.set("KRB5_KTNAME", std::nullopt);
        CPPUNIT_ASSERT(first == settings().get());
        look_again();
        CPPUNIT_ASSERT(first == settings().get());
    }

    void the_environment_chooses_the_replay_cache_as_in_mit()
    {
        ConfiguredWorld world;
        world.configure(" default_rcache_name = file2:/srv/rcache\n");
        CPPUNIT_ASSERT_EQUAL(std::string("file2:/srv/rcache"), settings()->default_rcache_name);
        world.set("KRB5RCACHETYPE", "none");
        CPPUNIT_ASSERT_EQUAL(std::string("none:"), settings()->default_rcache_name);
        world.set("KRB5RCACHENAME", "file2:/srv/named");
        CPPUNIT_ASSERT_EQUAL(std::string("file2:/srv/named"), settings()->default_rcache_name);
        world.set("TMPDIR", "/srv/tmp");
        CPPUNIT_ASSERT_EQUAL(std::string("/srv/tmp"), settings()->mit_rcache_directory);
        world.set("KRB5RCACHEDIR", "/srv/rcaches");
        CPPUNIT_ASSERT_EQUAL(std::string("/srv/rcaches"), settings()->mit_rcache_directory);
    }

    void tokens_in_the_replay_cache_name_are_expanded()
    {
        ConfiguredWorld world;
        world.configure(" default_rcache_name = file2:/srv/%{euid}/%{null}x\n");
        CPPUNIT_ASSERT_EQUAL("file2:/srv/" + std::to_string(geteuid()) + "/x", settings()->default_rcache_name);
        ConfiguredWorld other;
        other.configure(" default_rcache_name = file2:/srv/%{planet}\n");
        const std::string text = refusal();
        CPPUNIT_ASSERT_MESSAGE(text, has(text, "%{planet} is not known"));
    }

    void rc4_is_permitted_only_when_allowed()
    {
        ConfiguredWorld world;
        const auto permits_rc4 = [] {
            const std::vector<EncryptionType>& types = settings()->permitted;
            return std::find(types.begin(), types.end(), EncryptionType::rc4_hmac) != types.end();
        };
        world.configure(" permitted_enctypes = aes256-cts rc4-hmac\n");
        CPPUNIT_ASSERT(!permits_rc4());
        world.configure(" permitted_enctypes = aes256-cts rc4-hmac\n allow_rc4 = true\n");
        CPPUNIT_ASSERT(permits_rc4());
    }

    void a_list_without_supported_types_refuses()
    {
        ConfiguredWorld world;
        world.configure(" permitted_enctypes = rc4-hmac\n");
        const std::string text = refusal();
        CPPUNIT_ASSERT_MESSAGE(text, has(text, "permitted_enctypes"));
        CPPUNIT_ASSERT_MESSAGE(text, has(text, "allow_rc4 = true"));
        world.configure(" permitted_enctypes = rc4-hmac\n allow_rc4 = true\n");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settings()->permitted.size());
    }

    void lists_of_programs_choose_by_path_or_name()
    {
        Settings chosen;
        CPPUNIT_ASSERT(!exclusion_of(chosen, "/usr/sbin/sshd"));
        chosen.not_programs = {"/usr/sbin/sshd", "postgres"};
        CPPUNIT_ASSERT_EQUAL(std::string("[apex] not_programs in krb5.conf lists /usr/sbin/sshd"),
                             exclusion_of(chosen, "/usr/sbin/sshd").value_or(""));
        CPPUNIT_ASSERT(exclusion_of(chosen, "/opt/bin/postgres"));
        for (const char* other : {"/opt/sbin/sshd", "/usr/sbin/sshd2", "/bin/postgresql", "/bin/my-postgres", ""}) {
            CPPUNIT_ASSERT_MESSAGE(other, !exclusion_of(chosen, other));
        }
        chosen.only_programs = {"sshd", "postgres"};
        CPPUNIT_ASSERT(!exclusion_of(chosen, "/opt/sbin/sshd"));
        CPPUNIT_ASSERT(exclusion_of(chosen, "/usr/sbin/sshd"));
        CPPUNIT_ASSERT(exclusion_of(chosen, "/bin/postgres"));
        CPPUNIT_ASSERT_EQUAL(std::string("[apex] only_programs in krb5.conf does not list /bin/other"),
                             exclusion_of(chosen, "/bin/other").value_or(""));
        CPPUNIT_ASSERT(exclusion_of(chosen, ""));
    }

    void lists_of_programs_are_read()
    {
        ConfiguredWorld world;
        world.write("krb5.conf", "[apex]\n only_programs = /usr/sbin/sshd, postgres\n not_programs = bin/sshd\n");
        const std::vector<std::string> only = {"/usr/sbin/sshd", "postgres"};
        CPPUNIT_ASSERT(settings()->only_programs == only);
        CPPUNIT_ASSERT(settings()->not_programs.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, settings()->complaints.size());
        CPPUNIT_ASSERT(has(settings()->complaints.front(), "not_programs = bin/sshd: must be paths or names"));
    }

    void a_setting_of_the_environment_wins_for_the_trace()
    {
        ConfiguredWorld world;
        world.configure("[apex]\n trace = /srv/one\n");
        CPPUNIT_ASSERT_EQUAL(std::string("/srv/one"), settings()->trace);
        world.set("APEX_TRACE", world.path("two"));
        CPPUNIT_ASSERT_EQUAL(world.path("two"), settings()->trace);
        CPPUNIT_ASSERT(trace_if_enabled() == settings()->trace_sink.get());
        CPPUNIT_ASSERT(has(ConfiguredWorld::read(world.path("two")), "settings read"));
    }

    void many_threads_read_one_snapshot()
    {
        const ConfiguredWorld world;
        std::vector<std::thread> threads;
        std::atomic<int> right{0};
        constexpr int count = 8;
        for (int i = 0; i < count; ++i) {
            threads.emplace_back([&right] {
                for (int round = 0; round < 1000; ++round) {
                    const Result<std::shared_ptr<const Settings>> now = current_settings();
                    right += now && (*now)->default_realm == "TEST.REALM" ? 1 : 0;
                    round % 100 == 0 ? look_again() : void();
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CPPUNIT_ASSERT_EQUAL(count * 1000, right.load());
    }

    void a_forked_child_reads_the_settings()
    {
        ConfiguredWorld world;
        CPPUNIT_ASSERT(settings()->log_refusals);
        world.configure("[apex]\n log = off\n");
        const pid_t child = fork();
        if (child == 0) {
            const Result<std::shared_ptr<const Settings>> now = current_settings();
            _exit(now && !(*now)->log_refusals ? 0 : 1);
        }
        int status = -1;
        CPPUNIT_ASSERT_EQUAL(child, waitpid(child, &status, 0));
        CPPUNIT_ASSERT_EQUAL(0, status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SettingsTest);

} // namespace
} // namespace apex
