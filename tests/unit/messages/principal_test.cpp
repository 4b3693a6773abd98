// SPDX-License-Identifier: MIT
#include "apex/messages/principal.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

namespace {

PrincipalName name_of(std::size_t count, const std::string& component)
{
    return PrincipalName{name_type_principal, std::vector<std::string>(count, component)};
}

} // namespace

class PrincipalTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PrincipalTest);
    CPPUNIT_TEST(a_name_without_components_is_refused);
    CPPUNIT_TEST(names_of_1_to_300_components_are_read);
    CPPUNIT_TEST(more_components_than_the_limit_are_refused);
    CPPUNIT_TEST(components_keep_every_octet);
    CPPUNIT_TEST(text_escapes_as_krb5_unparse_name_does);
    CPPUNIT_TEST(names_are_compared_octet_for_octet);
    CPPUNIT_TEST(the_name_type_is_not_compared);
    CPPUNIT_TEST_SUITE_END();

    void a_name_without_components_is_refused()
    {
        const Result<PrincipalName> empty = PrincipalName::decode(name_of(0, "").encode());
        CPPUNIT_ASSERT(!empty);
        CPPUNIT_ASSERT(empty.error().fault == Fault::MalformedMessage);
        CPPUNIT_ASSERT_EQUAL(std::string("PrincipalName: no component"), empty.error().detail);
    }

    void names_of_1_to_300_components_are_read()
    {
        for (std::size_t count = 1; count <= 300; ++count) {
            const PrincipalName name = name_of(count, "c");
            const Result<PrincipalName> read = PrincipalName::decode(name.encode());
            CPPUNIT_ASSERT(read.has_value());
            CPPUNIT_ASSERT_EQUAL(name_type_principal, read->type);
            CPPUNIT_ASSERT(same_name(name, *read));
        }
    }

    void more_components_than_the_limit_are_refused()
    {
        CPPUNIT_ASSERT(PrincipalName::decode(name_of(PrincipalName::max_components, "").encode()).has_value());
        const Result<PrincipalName> more =
            PrincipalName::decode(name_of(PrincipalName::max_components + 1, "").encode());
        CPPUNIT_ASSERT(!more);
        CPPUNIT_ASSERT_EQUAL(std::string("PrincipalName: field name-string [1]: 513 elements, more than 512"),
                             more.error().detail);
    }

    void components_keep_every_octet()
    {
        PrincipalName name;
        for (int octet = 0; octet < 256; ++octet) {
            name.components.push_back("a" + std::string(1, static_cast<char>(octet)) + "b");
        }
        name.components.emplace_back();
        CPPUNIT_ASSERT(same_name(name, PrincipalName::decode(name.encode()).value()));
    }

    void text_escapes_as_krb5_unparse_name_does()
    {
        using namespace std::string_literals;
        // What krb5_unparse_name of MIT 1.20.1 gives for the same octets.
        const auto text = [](std::vector<std::string> components, std::string realm) {
            return Principal{PrincipalName{1, std::move(components)}, std::move(realm)}.text();
        };
        CPPUNIT_ASSERT_EQUAL("host/a.b@R"s, text({"host", "a.b"}, "R"));
        CPPUNIT_ASSERT_EQUAL("a\\/b\\@c\\\\d@R\\/S\\@T"s, text({"a/b@c\\d"}, "R/S@T"));
        CPPUNIT_ASSERT_EQUAL("a\\0b/\\n\\t\\b@"s, text({"a\0b"s, "\n\t\b"}, ""));
        CPPUNIT_ASSERT_EQUAL("/@R"s, text({"", ""}, "R"));
        CPPUNIT_ASSERT_EQUAL("\x7f\xc3\xa4 \r@R"s, text({"\x7f\xc3\xa4 \r"}, "R"));
    }

    void names_are_compared_octet_for_octet()
    {
        const Principal principal{PrincipalName{1, {"host", "a"}}, "R"};
        CPPUNIT_ASSERT(same_principal(principal, principal));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host", "a"}}, "r"}));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host", "A"}}, "R"}));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host/a"}}, "R"}));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host", "a", ""}}, "R"}));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host"}}, "R"}));
        CPPUNIT_ASSERT(!same_principal(principal, Principal{PrincipalName{1, {"host", std::string("a\0", 2)}}, "R"}));
    }

    void the_name_type_is_not_compared()
    {
        CPPUNIT_ASSERT(same_name(PrincipalName{1, {"a"}}, PrincipalName{10, {"a"}}));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PrincipalTest);

} // namespace apex
