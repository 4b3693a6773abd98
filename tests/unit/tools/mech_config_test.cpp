// SPDX-License-Identifier: MIT
#include "tools/mech_config.h"
#include "tools/mech_oid.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdio>
#include <string>

using namespace apex;

namespace {

const std::string good = "apex 2.25.6182930471855164202 /lib/mech_apex.so <interposer>\n";

ConfigLine only_line(const std::string& content)
{
    const std::vector<ConfigLine> lines = read_mech_config("f", content);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lines.size());
    return lines.front();
}

void expect(LineProblem problem, bool used, const std::string& content)
{
    const ConfigLine line = only_line(content);
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(problem), static_cast<int>(line.problem));
    CPPUNIT_ASSERT_EQUAL(used, line.used());
}

} // namespace

class MechConfigTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MechConfigTest);
    CPPUNIT_TEST(a_sound_line_falls_into_its_fields);
    CPPUNIT_TEST(options_and_kernel_module_are_passed_over);
    CPPUNIT_TEST(a_line_without_an_end_counts);
    CPPUNIT_TEST(windows_line_ends_do_no_harm);
    CPPUNIT_TEST(blank_lines_and_prose_are_left_out);
    CPPUNIT_TEST(a_disabled_entry_is_shown);
    CPPUNIT_TEST(a_leading_blank_drops_the_line_but_shows_what_was_meant);
    CPPUNIT_TEST(a_short_line_is_incomplete);
    CPPUNIT_TEST(a_word_for_an_identifier_drops_the_line);
    CPPUNIT_TEST(an_overlong_arc_is_noticed);
    CPPUNIT_TEST(a_missing_type_makes_no_interposer);
    CPPUNIT_TEST(a_capital_makes_no_interposer);
    CPPUNIT_TEST(line_numbers_count_every_line);
    CPPUNIT_TEST(a_line_longer_than_the_buffer_falls_into_pieces);
    CPPUNIT_TEST(a_relative_library_gets_the_folder);
    CPPUNIT_TEST(a_later_line_replaces_the_library_only);
    CPPUNIT_TEST(apex_is_known_by_name_identifier_or_library);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_sound_line_falls_into_its_fields()
    {
        const ConfigLine line = only_line(good);
        CPPUNIT_ASSERT_EQUAL(std::string("apex"), line.name);
        CPPUNIT_ASSERT_EQUAL(std::string("2.25.6182930471855164202"), dotted(line.oid_body));
        CPPUNIT_ASSERT_EQUAL(std::string("/lib/mech_apex.so"), line.library);
        CPPUNIT_ASSERT(line.interposer());
        CPPUNIT_ASSERT(line.problem == LineProblem::None);
        CPPUNIT_ASSERT_EQUAL(std::string("f"), line.file);
    }

    void options_and_kernel_module_are_passed_over()
    {
        CPPUNIT_ASSERT(only_line("a 1.2.3 /l.so kmod [opt ions] <interposer>").interposer());
        CPPUNIT_ASSERT(only_line("a 1.2.3 /l.so [opt] <interposer>").interposer());
        CPPUNIT_ASSERT(!only_line("a 1.2.3 /l.so kmod other <interposer>").interposer());
    }

    void a_line_without_an_end_counts() { expect(LineProblem::None, true, good.substr(0, good.size() - 1)); }

    void windows_line_ends_do_no_harm()
    {
        expect(LineProblem::None, true, "a 1.2.3 /l.so <interposer>\r\n");
        CPPUNIT_ASSERT_EQUAL(std::string("/l.so"), only_line("a 1.2.3 /l.so\r\n").library);
    }

    void blank_lines_and_prose_are_left_out()
    {
        CPPUNIT_ASSERT(read_mech_config("f", "\n  \n# a comment about 1.2 things\n#\n # indented\n").empty());
    }

    void a_disabled_entry_is_shown()
    {
        expect(LineProblem::Comment, false, "#" + good);
        expect(LineProblem::Comment, false, "## " + good);
    }

    void a_leading_blank_drops_the_line_but_shows_what_was_meant()
    {
        expect(LineProblem::LeadingBlank, false, " " + good);
        CPPUNIT_ASSERT_EQUAL(std::string("/lib/mech_apex.so"), only_line("\t" + good).library);
    }

    void a_short_line_is_incomplete()
    {
        expect(LineProblem::Incomplete, false, "apex\n");
        expect(LineProblem::Incomplete, false, "apex 1.2.3\n");
    }

    void a_word_for_an_identifier_drops_the_line() { expect(LineProblem::BadOid, false, "apex one.two /l.so\n"); }

    void an_overlong_arc_is_noticed()
    {
        expect(LineProblem::OverlongOid, true, "a 2.25.289482983412341234213412341234123412341 /l.so <interposer>\n");
    }

    void a_missing_type_makes_no_interposer() { expect(LineProblem::NotInterposer, true, "a 1.2.3 /l.so\n"); }

    void a_capital_makes_no_interposer() { expect(LineProblem::WrongType, true, "a 1.2.3 /l.so <Interposer>\n"); }

    void line_numbers_count_every_line()
    {
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, only_line("# one\n\n" + good).number);
    }

    void a_line_longer_than_the_buffer_falls_into_pieces()
    {
        const std::string filler(BUFSIZ - 1, 'x'); // fgets takes one less than the buffer holds
        const std::vector<ConfigLine> lines = read_mech_config("f", filler + good);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, lines.size());
        CPPUNIT_ASSERT(lines[0].problem == LineProblem::Incomplete);
        CPPUNIT_ASSERT(lines[1].problem == LineProblem::None);
    }

    void a_relative_library_gets_the_folder()
    {
        const auto entries = configured_mechanisms(read_mech_config("f", "a 1.2.3 m.so <interposer>\n" + good), "/g/");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, entries.size());
        CPPUNIT_ASSERT_EQUAL(std::string("/g/m.so"), entries[0].path);
        CPPUNIT_ASSERT_EQUAL(std::string("/lib/mech_apex.so"), entries[1].path);
    }

    void a_later_line_replaces_the_library_only()
    {
        const std::string later = "b 2.25.6182930471855164202 /other.so\n";
        const auto entries = configured_mechanisms(read_mech_config("f", good + later), "/g/");
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, entries.size());
        CPPUNIT_ASSERT_EQUAL(std::string("/other.so"), entries[0].path);
        CPPUNIT_ASSERT(entries[0].line.interposer());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, entries[0].path_line.number);
    }

    void apex_is_known_by_name_identifier_or_library()
    {
        CPPUNIT_ASSERT(looks_like_apex(only_line("apex 1.2.3 /l.so\n")));
        CPPUNIT_ASSERT(looks_like_apex(only_line("x 2.25.6182930471855164201 /l.so\n")));
        CPPUNIT_ASSERT(looks_like_apex(only_line("x 1.2.3 /l/mech_apex.so\n")));
        CPPUNIT_ASSERT(!looks_like_apex(only_line("x 1.2.3 /l.so\n")));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MechConfigTest);
