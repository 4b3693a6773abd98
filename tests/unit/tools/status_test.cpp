// SPDX-License-Identifier: MIT
#include "tools/mech_oid.h"
#include "tools/status.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

using namespace apex;

namespace {

constexpr const char* apex_path = "/lib/mech_apex.so";
constexpr const char* proxy_path = "/lib/proxymech.so";

ModuleFacts apex_module()
{
    return {ModuleProblem::None, "", "1.2.3"};
}

/// setup_of reads the text as the one mech file; every interposer's library is given by `module_of(path)`.
template <typename ModuleOf>
Setup setup_of(const std::string& text, ModuleOf module_of)
{
    Setup setup;
    setup.source = "f";
    setup.files = {"f"};
    setup.library_folder = "/g/";
    setup.lines = read_mech_config("f", text);
    setup.mechanisms = configured_mechanisms(setup.lines, setup.library_folder);
    for (const ConfiguredMechanism& entry : setup.mechanisms) {
        if (entry.line.interposer()) {
            setup.candidates.push_back({entry, module_of(entry.path), entry.path, entry.path == apex_path ? 7U : 8U});
        }
    }
    return setup;
}

ModuleFacts sound_module(const std::string& path)
{
    return path == apex_path ? apex_module() : ModuleFacts{};
}

const std::string apex_line = std::string("apex 2.25.6182930471855164202 ") + apex_path + " <interposer>\n";
const std::string proxy_line = std::string("proxy 1.2.3 ") + proxy_path + " <interposer>\n";

LiveAnswer answer_of(const std::string& interposer)
{
    LiveAnswer live;
    live.mechanism = interposer.empty() ? Bytes{} : read_oid(interposer)->body;
    append(*live.mechanism, krb5_oid());
    return live;
}

Process process_with(std::vector<MappedFile> files)
{
    Process process;
    process.pid = 12;
    process.program = "sshd";
    process.files = std::move(files);
    return process;
}

const MappedFile glue{"/lib/libgssapi_krb5.so.2", "1-2", 1, false};
const MappedFile mapped_apex{apex_path, "3-4", 7, false};
const MappedFile mapped_proxy{proxy_path, "5-6", 8, false};

std::optional<std::string> no_version(const MappedFile&)
{
    return std::nullopt;
}

} // namespace

class StatusTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(StatusTest);
    CPPUNIT_TEST(a_name_with_the_interposers_identifier_is_apex);
    CPPUNIT_TEST(a_name_with_the_plain_identifier_is_the_built_in_mechanism);
    CPPUNIT_TEST(a_name_with_an_unknown_identifier_is_another_mechanism);
    CPPUNIT_TEST(the_order_is_the_reason_where_another_stands_first);
    CPPUNIT_TEST(a_failed_trial_is_judged_by_what_was_mapped);
    CPPUNIT_TEST(a_trial_that_died_tells_nothing);
    CPPUNIT_TEST(a_sound_entry_that_does_not_answer_is_called_unexplained);
    CPPUNIT_TEST(a_process_is_judged_by_its_mappings);
    CPPUNIT_TEST(the_first_interposer_of_the_files_answers_in_a_process);
    CPPUNIT_TEST(an_idle_interposer_that_declined_does_not_count);
    CPPUNIT_TEST(a_replaced_module_is_noted_and_its_version_read_from_the_process);
    CPPUNIT_TEST(a_privileged_process_ignores_the_variable);
    CPPUNIT_TEST(heimdal_is_another_mechanism);
    CPPUNIT_TEST(exit_codes_are_the_documented_ones);
    CPPUNIT_TEST(the_json_report_survives_octets_that_are_no_text);
    CPPUNIT_TEST_SUITE_END();

    static std::string first_code(const std::vector<Finding>& findings)
    {
        return findings.empty() ? "" : findings.front().code;
    }

    static void expect(Answer answer, const std::string& reason, const Status& status)
    {
        CPPUNIT_ASSERT_EQUAL(std::string(answer_word(answer)), std::string(answer_word(status.answer)));
        CPPUNIT_ASSERT_EQUAL(reason, first_code(status.reasons));
    }

public:
    void a_name_with_the_interposers_identifier_is_apex()
    {
        const Status status = judge_machine(setup_of(apex_line, sound_module), answer_of("2.25.6182930471855164202"));
        expect(Answer::Apex, "", status);
        CPPUNIT_ASSERT_EQUAL(std::string("1.2.3"), status.version);
        CPPUNIT_ASSERT_EQUAL(std::string("f:1"), status.entry);
    }

    void a_name_with_the_plain_identifier_is_the_built_in_mechanism()
    {
        expect(Answer::BuiltIn, "no-entry", judge_machine(setup_of("", sound_module), answer_of("")));
        expect(Answer::BuiltIn, "leading-blank", judge_machine(setup_of(" " + apex_line, sound_module), answer_of("")));
    }

    void a_name_with_an_unknown_identifier_is_another_mechanism()
    {
        expect(Answer::Other, "no-entry", judge_machine(setup_of("", sound_module), answer_of("1.2.9")));
    }

    void the_order_is_the_reason_where_another_stands_first()
    {
        const Setup setup = setup_of(proxy_line + apex_line, sound_module);
        expect(Answer::Other, "other-first", judge_machine(setup, answer_of("1.2.3")));
    }

    void a_failed_trial_is_judged_by_what_was_mapped()
    {
        LiveAnswer live;
        live.trouble = "no default realm";
        live.files = {glue, mapped_apex};
        const Status status = judge_machine(setup_of(apex_line, sound_module), live);
        expect(Answer::Apex, "", status);
        CPPUNIT_ASSERT_EQUAL(std::string("trial-failed"), first_code(status.notes));
        live.files = {glue};
        expect(Answer::BuiltIn, "no-entry", judge_machine(setup_of("", sound_module), live));
    }

    void a_trial_that_died_tells_nothing()
    {
        LiveAnswer live;
        live.trouble = "the process died of signal 11";
        const auto crashing = [](const std::string&) { return ModuleFacts{ModuleProblem::Crashes, "signal 11", {}}; };
        expect(Answer::Unknown, "crashes", judge_machine(setup_of(apex_line, crashing), live));
    }

    void a_sound_entry_that_does_not_answer_is_called_unexplained()
    {
        expect(Answer::BuiltIn, "unexplained", judge_machine(setup_of(apex_line, sound_module), answer_of("")));
    }

    void a_process_is_judged_by_its_mappings()
    {
        const Setup setup = setup_of(apex_line, sound_module);
        expect(Answer::Apex, "", judge_process(setup, process_with({glue, mapped_apex}), no_version));
        expect(Answer::Unknown, "not-loaded-yet", judge_process(setup, process_with({glue}), no_version));
        expect(Answer::Unknown, "no-mechglue", judge_process(setup, process_with({mapped_proxy}), no_version));
        expect(Answer::BuiltIn, "comment",
               judge_process(setup_of("#" + apex_line, sound_module), process_with({glue}), no_version));
    }

    void the_first_interposer_of_the_files_answers_in_a_process()
    {
        const Process process = process_with({glue, mapped_apex, mapped_proxy});
        expect(Answer::Other, "other-first",
               judge_process(setup_of(proxy_line + apex_line, sound_module), process, no_version));
        expect(Answer::Apex, "", judge_process(setup_of(apex_line + proxy_line, sound_module), process, no_version));
    }

    void an_idle_interposer_that_declined_does_not_count()
    {
        const auto shy_proxy = [](const std::string& path) {
            return path == apex_path ? apex_module() : ModuleFacts{ModuleProblem::Declines, "", {}};
        };
        const Process process = process_with({glue, mapped_proxy, mapped_apex});
        expect(Answer::Apex, "", judge_process(setup_of(proxy_line + apex_line, shy_proxy), process, no_version));
    }

    void a_replaced_module_is_noted_and_its_version_read_from_the_process()
    {
        MappedFile old = mapped_apex;
        old.inode = 6;
        old.deleted = true;
        const Status status = judge_process(setup_of(apex_line, sound_module), process_with({glue, old}),
                                            [](const MappedFile&) { return std::optional<std::string>("0.9"); });
        expect(Answer::Apex, "", status);
        CPPUNIT_ASSERT_EQUAL(std::string("0.9"), status.version);
        CPPUNIT_ASSERT_EQUAL(std::string("replaced-module"), first_code(status.notes));
    }

    void a_privileged_process_ignores_the_variable()
    {
        Process process = process_with({glue, mapped_apex});
        process.ignored_config = "/x";
        const Status status = judge_process(setup_of(apex_line, sound_module), process, no_version);
        CPPUNIT_ASSERT_EQUAL(std::string("mech-config-ignored"), first_code(status.notes));
    }

    void heimdal_is_another_mechanism()
    {
        const MappedFile heimdal{"/lib/libgssapi.so.3", "1-2", 3, false};
        const Process process = process_with({heimdal});
        expect(Answer::Other, "heimdal", judge_process(setup_of("", sound_module), process, no_version));
    }

    void exit_codes_are_the_documented_ones()
    {
        CPPUNIT_ASSERT_EQUAL(0, exit_code(Answer::Apex));
        CPPUNIT_ASSERT_EQUAL(1, exit_code(Answer::BuiltIn));
        CPPUNIT_ASSERT_EQUAL(1, exit_code(Answer::Other));
        CPPUNIT_ASSERT_EQUAL(2, exit_code(Answer::Unknown));
    }

    void the_json_report_survives_octets_that_are_no_text()
    {
        Status status;
        status.module = "\xff";
        CPPUNIT_ASSERT(status_json(status).find("\"answer\": \"unknown\"") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(StatusTest);
