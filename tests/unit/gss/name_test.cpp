// SPDX-License-Identifier: MIT
#include "apex/gss/name.h"

#include "../host/configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

namespace apex {
namespace {

using NameResult = Result<std::shared_ptr<const Name>>;

constexpr std::int32_t wrong_size = -2045022970; // G_WRONG_SIZE
constexpr std::int32_t no_user = -2045022974;    // G_NOUSER

std::shared_ptr<const Name> imported(const NameResult& name)
{
    CPPUNIT_ASSERT_MESSAGE(name ? "" : name.error().text(), name.has_value());
    return *name;
}

std::shared_ptr<const Name> imported(std::string_view text, gss_const_OID type)
{
    return imported(Name::import(view_of(text), type));
}

/// An exported name under the krb5 OID, with the given form (1 or 2), stated length and octets behind it.
Bytes exported_name(std::uint8_t form, std::uint32_t length, std::string_view rest)
{
    Bytes token = {4, form, 0, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2};
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        token.push_back(static_cast<std::uint8_t>(length >> shift));
    }
    append(token, view_of(rest));
    return token;
}

bool refused_as_bad_name(ByteView token, gss_const_OID type)
{
    const NameResult name = Name::import(token, type);
    return !name && name.error().fault == Fault::BadName;
}

/// Attributes with two values of one name.
class TwoIndicators final : public NameAttributes {
public:
    [[nodiscard]] std::vector<std::string> list() const override { return {"auth-indicators"}; }
    [[nodiscard]] Result<NameAttribute> value(std::string_view attribute, int more) const override
    {
        if (attribute != "auth-indicators") {
            return refuse(Fault::NoAttribute);
        }
        const std::string text = more == -1 ? "first" : "second";
        return NameAttribute{.value = bytes_of(view_of(text)),
                             .display_value = text,
                             .authenticated = true,
                             .complete = true,
                             .more = more == -1 ? 1 : 0};
    }
    [[nodiscard]] std::optional<Bytes> verified_pac() const override { return std::nullopt; }
    [[nodiscard]] Bytes exported() const override { return {}; }
};

class NameTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(NameTest);
    CPPUNIT_TEST(every_type_of_text_is_read);
    CPPUNIT_TEST(no_type_means_a_user_name);
    CPPUNIT_TEST(an_unknown_type_refuses);
    CPPUNIT_TEST(the_anonymous_name_has_its_own_type);
    CPPUNIT_TEST(user_numbers_are_read_in_both_forms);
    CPPUNIT_TEST(a_bad_user_number_refuses_with_the_code_of_mit);
    CPPUNIT_TEST(a_principal_pointer_must_have_its_size);
    CPPUNIT_TEST(a_certificate_is_kept_as_it_is);
    CPPUNIT_TEST(the_exported_form_has_the_octets_of_mit);
    CPPUNIT_TEST(an_exported_name_comes_back);
    CPPUNIT_TEST(an_exported_name_without_realm_gets_the_default_one);
    CPPUNIT_TEST(every_truncation_of_an_exported_name_refuses);
    CPPUNIT_TEST(octets_behind_an_exported_name_refuse);
    CPPUNIT_TEST(a_flipped_bit_in_the_frame_of_an_exported_name_refuses);
    CPPUNIT_TEST(an_exported_name_with_a_huge_length_refuses);
    CPPUNIT_TEST(an_empty_exported_name_or_one_with_a_nul_refuses);
    CPPUNIT_TEST(foreign_attributes_of_a_composite_name_refuse);
    CPPUNIT_TEST(names_compare_by_realm_and_components_only);
    CPPUNIT_TEST(a_name_without_attributes_says_so);
    CPPUNIT_TEST(attributes_are_read_one_value_at_a_time);
    CPPUNIT_TEST(attributes_cannot_be_changed);
    CPPUNIT_TEST(a_local_user_must_have_the_type_of_users);
    CPPUNIT_TEST_SUITE_END();

public:
    void every_type_of_text_is_read()
    {
        const ConfiguredWorld world;
        const auto text = [](std::string_view input, gss_const_OID type) { return imported(input, type)->text(); };
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"), text("u", GSS_C_NT_USER_NAME));
        CPPUNIT_ASSERT_EQUAL(std::string("u@R"), text("u@R", GSS_KRB5_NT_PRINCIPAL_NAME));
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@"), text("host@a.b", GSS_C_NT_HOSTBASED_SERVICE));
        CPPUNIT_ASSERT_EQUAL(std::string("host/a.b@"), text("host@a.b", GSS_C_NT_HOSTBASED_SERVICE_X));
        CPPUNIT_ASSERT_EQUAL(std::string("u\\@x@TEST.REALM"), text("u@x", GSS_KRB5_NT_ENTERPRISE_NAME));
        CPPUNIT_ASSERT(imported("u", GSS_C_NT_USER_NAME)->text_type() == GSS_KRB5_NT_PRINCIPAL_NAME);
    }

    void no_type_means_a_user_name()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"), imported("u", GSS_C_NO_OID)->text());
    }

    void an_unknown_type_refuses()
    {
        const ConfiguredWorld world;
        Bytes octets = {0x2a, 0x03, 0x04};
        gss_OID_desc type = {static_cast<OM_uint32>(octets.size()), octets.data()};
        const NameResult name = Name::import(view_of("u"), &type);
        CPPUNIT_ASSERT(!name && name.error().fault == Fault::BadNameType);
        CPPUNIT_ASSERT(name.error().text().find("2a0304") != std::string::npos);
    }

    void the_anonymous_name_has_its_own_type()
    {
        const ConfiguredWorld world;
        for (const char* value : {"", "ignored"}) {
            const std::shared_ptr<const Name> name = imported(value, GSS_C_NT_ANONYMOUS);
            CPPUNIT_ASSERT(name->anonymous());
            CPPUNIT_ASSERT_EQUAL(std::string("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS"), name->text());
            CPPUNIT_ASSERT(name->text_type() == GSS_C_NT_ANONYMOUS);
        }
        CPPUNIT_ASSERT(
            imported("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS", GSS_KRB5_NT_PRINCIPAL_NAME)->anonymous());
        CPPUNIT_ASSERT(!imported("WELLKNOWN/ANONYMOUS@R", GSS_KRB5_NT_PRINCIPAL_NAME)->anonymous());
    }

    void user_numbers_are_read_in_both_forms()
    {
        const ConfiguredWorld world;
        const std::uint32_t root = 0;
        CPPUNIT_ASSERT_EQUAL(std::string("root@TEST.REALM"), imported("0", GSS_C_NT_STRING_UID_NAME)->text());
        CPPUNIT_ASSERT_EQUAL(
            std::string("root@TEST.REALM"),
            imported(Name::import(view_of(&root, sizeof root), GSS_C_NT_MACHINE_UID_NAME))->text());
    }

    void a_bad_user_number_refuses_with_the_code_of_mit()
    {
        const ConfiguredWorld world;
        for (const char* text : {"12x", "", "-1", "3999999999", "99999999999999999999", " 0"}) {
            const NameResult name = Name::import(view_of(std::string_view(text)), GSS_C_NT_STRING_UID_NAME);
            CPPUNIT_ASSERT(!name && name.error().fault == Fault::BadName);
            CPPUNIT_ASSERT_EQUAL(no_user, name.error().minor());
        }
        const std::uint32_t root = 0;
        const NameResult cut = Name::import(view_of(&root, sizeof root - 1), GSS_C_NT_MACHINE_UID_NAME);
        CPPUNIT_ASSERT(!cut && cut.error().minor() == no_user);
    }

    void a_principal_pointer_must_have_its_size()
    {
        const ConfiguredWorld world;
        const void* pointer = nullptr;
        const NameResult cut = Name::import(view_of(&pointer, sizeof pointer - 4), gss_nt_krb5_principal);
        CPPUNIT_ASSERT(!cut && cut.error().fault == Fault::BadName);
        CPPUNIT_ASSERT_EQUAL(wrong_size, cut.error().minor());
        CPPUNIT_ASSERT(refused_as_bad_name(view_of(&pointer, sizeof pointer), gss_nt_krb5_principal));
    }

    void a_certificate_is_kept_as_it_is()
    {
        const ConfiguredWorld world;
        const std::string der("\x30\x00/@\\", 5);
        const std::shared_ptr<const Name> name = imported(der, GSS_KRB5_NT_X509_CERT);
        CPPUNIT_ASSERT(name->kerberos().certificate);
        CPPUNIT_ASSERT_EQUAL(der, name->principal().name.components.at(0));
        CPPUNIT_ASSERT_EQUAL(std::string(), name->principal().realm);
    }

    void the_exported_form_has_the_octets_of_mit()
    {
        // From MIT's t_export_name.py, for a user u:x; read off MIT 1.20.1 for the composite one.
        const ConfiguredWorld world;
        const std::shared_ptr<const Name> name = imported("u:x@K", GSS_C_NT_USER_NAME);
        CPPUNIT_ASSERT_EQUAL(std::string("0401000b06092a864886f71201020200000005753a78404b"), hex(*name->exported()));
        CPPUNIT_ASSERT_EQUAL(std::string("0402000b06092a864886f71201020200000005753a78404b00000000"),
                             hex(*name->exported_composite()));
    }

    void an_exported_name_comes_back()
    {
        const ConfiguredWorld world;
        for (const char* text : {"u@R", "a/b\\/c\\@d@R", "host/x@", "a\\0b@R", "u\\@x@R"}) {
            const std::shared_ptr<const Name> name = imported(text, GSS_KRB5_NT_PRINCIPAL_NAME);
            const Bytes simple = *name->exported();
            const Bytes composite = *name->exported_composite();
            for (const gss_OID type : {GSS_C_NT_EXPORT_NAME, GSS_C_NT_COMPOSITE_EXPORT}) {
                CPPUNIT_ASSERT(same_name(*name, *imported(Name::import(simple, type))));
                CPPUNIT_ASSERT(same_name(*name, *imported(Name::import(composite, type))));
            }
        }
    }

    void an_exported_name_without_realm_gets_the_default_one()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT_EQUAL(std::string("u@TEST.REALM"),
                             imported(Name::import(exported_name(1, 1, "u"), GSS_C_NT_EXPORT_NAME))->text());
    }

    void every_truncation_of_an_exported_name_refuses()
    {
        const ConfiguredWorld world;
        const Bytes simple = *imported("u@R", GSS_C_NT_USER_NAME)->exported();
        const Bytes composite = *imported("u@R", GSS_C_NT_USER_NAME)->exported_composite();
        for (const Bytes& whole : {simple, composite}) {
            CPPUNIT_ASSERT(!refused_as_bad_name(whole, GSS_C_NT_EXPORT_NAME));
            for (std::size_t length = 0; length < whole.size(); ++length) {
                CPPUNIT_ASSERT(refused_as_bad_name(ByteView(whole).first(length), GSS_C_NT_EXPORT_NAME));
            }
        }
    }

    void octets_behind_an_exported_name_refuse()
    {
        // MIT 1.20.1 ends the process here.
        const ConfiguredWorld world;
        for (std::size_t count = 1; count <= 16; ++count) {
            Bytes simple = *imported("u@R", GSS_C_NT_USER_NAME)->exported();
            Bytes composite = *imported("u@R", GSS_C_NT_USER_NAME)->exported_composite();
            append(simple, Bytes(count, 0));
            append(composite, Bytes(count, 'x'));
            CPPUNIT_ASSERT(refused_as_bad_name(simple, GSS_C_NT_EXPORT_NAME));
            CPPUNIT_ASSERT(refused_as_bad_name(composite, GSS_C_NT_COMPOSITE_EXPORT));
        }
    }

    void a_flipped_bit_in_the_frame_of_an_exported_name_refuses()
    {
        const ConfiguredWorld world;
        const Bytes whole = *imported("u@R", GSS_C_NT_USER_NAME)->exported();
        constexpr std::size_t frame = 19; // identifier, OID and length
        for (std::size_t bit = 0; bit < frame * 8; ++bit) {
            Bytes flipped = whole;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << bit % 8));
            CPPUNIT_ASSERT(refused_as_bad_name(flipped, GSS_C_NT_EXPORT_NAME));
        }
    }

    void an_exported_name_with_a_huge_length_refuses()
    {
        const ConfiguredWorld world;
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(1, 0xffffffff, "u@R"), GSS_C_NT_EXPORT_NAME));
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(1, 4, "u@R"), GSS_C_NT_EXPORT_NAME));
        using namespace std::string_view_literals;
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(2, 3, "u@R\xff\xff\xff\xff"), GSS_C_NT_EXPORT_NAME));
        CPPUNIT_ASSERT(!refused_as_bad_name(exported_name(2, 3, "u@R\0\0\0\0"sv), GSS_C_NT_EXPORT_NAME));
    }

    void an_empty_exported_name_or_one_with_a_nul_refuses()
    {
        const ConfiguredWorld world;
        using namespace std::string_view_literals;
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(1, 0, ""), GSS_C_NT_EXPORT_NAME));
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(1, 4, "u@R\0"sv), GSS_C_NT_EXPORT_NAME));
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(1, 5, "u\0x@R"sv), GSS_C_NT_EXPORT_NAME));
    }

    void foreign_attributes_of_a_composite_name_refuse()
    {
        const ConfiguredWorld world;
        using namespace std::string_view_literals;
        CPPUNIT_ASSERT(refused_as_bad_name(exported_name(2, 3, "u@R\0\0\0\2ab"sv), GSS_C_NT_COMPOSITE_EXPORT));
    }

    void names_compare_by_realm_and_components_only()
    {
        const ConfiguredWorld world;
        const auto name = [](const char* text) { return imported(text, GSS_KRB5_NT_PRINCIPAL_NAME); };
        CPPUNIT_ASSERT(same_name(*name("host/a.b@"), *imported("host@a.b", GSS_C_NT_HOSTBASED_SERVICE)));
        CPPUNIT_ASSERT(same_name(*name("u"), *name("u@TEST.REALM")));
        CPPUNIT_ASSERT(!same_name(*name("u@R"), *name("u@r")));
        CPPUNIT_ASSERT(!same_name(*name("u@R"), *name("U@R")));
        CPPUNIT_ASSERT(!same_name(*name("a/b@R"), *name("a\\/b@R")));
        CPPUNIT_ASSERT(!same_name(*name("a/b@R"), *name("a@R")));
    }

    void a_name_without_attributes_says_so()
    {
        const ConfiguredWorld world;
        const std::shared_ptr<const Name> name = imported("u", GSS_C_NT_USER_NAME);
        CPPUNIT_ASSERT(name->attributes() == nullptr);
        const Result<NameAttribute> attribute = name->attribute("urn:mspac:", -1);
        CPPUNIT_ASSERT(!attribute && attribute.error().fault == Fault::NoAttribute);
        CPPUNIT_ASSERT_EQUAL(ENOENT, attribute.error().minor());
        const Result<void*> mapping = name->mapping("mspac");
        CPPUNIT_ASSERT(!mapping && mapping.error().minor() == ENOENT);
    }

    void attributes_are_read_one_value_at_a_time()
    {
        const ConfiguredWorld world;
        const Name name(imported("u", GSS_C_NT_USER_NAME)->kerberos(), std::make_shared<TwoIndicators>());
        const Result<NameAttribute> first = name.attribute("auth-indicators", -1);
        CPPUNIT_ASSERT(first && first->display_value == "first" && first->more == 1 && first->authenticated);
        const Result<NameAttribute> second = name.attribute("auth-indicators", first->more);
        CPPUNIT_ASSERT(second && second->display_value == "second" && second->more == 0);
        CPPUNIT_ASSERT(!name.attribute("other", -1));
    }

    void attributes_cannot_be_changed()
    {
        const ConfiguredWorld world;
        const KerberosName user = imported("u", GSS_C_NT_USER_NAME)->kerberos();
        const Name plain(user);
        const Name rich(user, std::make_shared<TwoIndicators>());
        CPPUNIT_ASSERT_EQUAL(ENOENT, plain.refuse_change("x", Name::Change::set).minor());
        CPPUNIT_ASSERT_EQUAL(ENOENT, plain.refuse_change("urn:mspac:", Name::Change::set).minor());
        CPPUNIT_ASSERT_EQUAL(EPERM, plain.refuse_change("auth-indicators", Name::Change::set).minor());
        CPPUNIT_ASSERT_EQUAL(ENOENT, plain.refuse_change("auth-indicators", Name::Change::deletion).minor());
        CPPUNIT_ASSERT_EQUAL(EPERM, rich.refuse_change("URN:MSPAC:logon-info", Name::Change::set).minor());
        CPPUNIT_ASSERT_EQUAL(EPERM, rich.refuse_change("urn:apex:group-sids", Name::Change::deletion).minor());
        CPPUNIT_ASSERT_EQUAL(ENOENT, plain.refuse_change("urn:apex:group-sids", Name::Change::deletion).minor());
    }

    void a_local_user_must_have_the_type_of_users()
    {
        ConfiguredWorld world;
        world.configure(" k5login_directory = " + world.path("k5login") + "\n");
        const std::shared_ptr<const Name> root = imported("root", GSS_C_NT_USER_NAME);
        CPPUNIT_ASSERT(root->authorize("root", GSS_C_NO_OID).has_value());
        CPPUNIT_ASSERT(root->authorize("root", GSS_C_NT_USER_NAME).has_value());
        const Done other = root->authorize("root", GSS_C_NT_HOSTBASED_SERVICE);
        CPPUNIT_ASSERT(!other && other.error().fault == Fault::BadNameType);
        const Done refused = root->authorize("nobody", GSS_C_NO_OID);
        CPPUNIT_ASSERT(!refused && refused.error().fault == Fault::NotAuthorized);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(NameTest);

} // namespace
} // namespace apex
