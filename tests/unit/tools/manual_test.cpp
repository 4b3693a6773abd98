// SPDX-License-Identifier: MIT
#include "apex/host/settings.h"
#include "tools/process.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <string>

using namespace apex;

namespace {

/// source reads a file of the source tree, which automake names in `srcdir`.
std::string source(const std::string& name)
{
    const char* const top = std::getenv("srcdir");
    std::string trouble;
    const std::optional<std::string> content = read_file(std::string(top == nullptr ? "." : top) + "/" + name, trouble);
    CPPUNIT_ASSERT_MESSAGE(trouble, content.has_value());
    return *content;
}

std::string default_text(const SettingDescription& setting)
{
    return setting.default_value.empty() ? "no default" : "default " + std::string(setting.default_value);
}

/// words_of is a text without the marks of its format, so that only its words are compared.
std::string words_of(std::string text)
{
    for (std::size_t at = text.find("\\-"); at != std::string::npos; at = text.find("\\-", at)) {
        text.erase(at, 1);
    }
    std::string words;
    for (const char letter : text) {
        const bool blank = letter == ' ' || letter == '\n';
        if (!blank || (!words.empty() && words.back() != ' ')) {
            words += blank ? ' ' : letter;
        }
    }
    return words;
}

} // namespace

class ManualTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ManualTest);
    CPPUNIT_TEST(the_manual_describes_every_setting_with_type_and_default);
    CPPUNIT_TEST(the_manual_describes_nothing_else);
    CPPUNIT_TEST(the_example_shows_every_setting_with_its_default);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_manual_describes_every_setting_with_type_and_default()
    {
        const std::string manual = words_of(source("conf/mech_apex.8"));
        for (const SettingDescription& setting : all_settings()) {
            const std::string head = ".TP .B " + std::string(setting.name) + " (" + std::string(setting.type) + ", " +
                                     default_text(setting) + ") ";
            CPPUNIT_ASSERT_MESSAGE(head, manual.find(head) != std::string::npos);
            const std::string beginning(setting.sentence.substr(0, 40));
            CPPUNIT_ASSERT_MESSAGE(beginning, manual.find(head + beginning) != std::string::npos);
        }
    }

    void the_manual_describes_nothing_else()
    {
        const std::string manual = source("conf/mech_apex.8");
        const std::size_t begin = manual.find(".SH SETTINGS");
        const std::string section = manual.substr(begin, manual.find(".SH ENVIRONMENT") - begin);
        std::size_t described = 0;
        for (std::size_t at = section.find("\n.TP\n"); at != std::string::npos; at = section.find("\n.TP\n", at + 1)) {
            ++described;
        }
        CPPUNIT_ASSERT_EQUAL(all_settings().size(), described);
    }

    void the_example_shows_every_setting_with_its_default()
    {
        const std::string example = source("conf/krb5.conf.example");
        for (const SettingDescription& setting : all_settings()) {
            const std::string line =
                "\n    # " + std::string(setting.name) + " = " + std::string(setting.default_value);
            CPPUNIT_ASSERT_MESSAGE(line, example.find(line) != std::string::npos);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ManualTest);
