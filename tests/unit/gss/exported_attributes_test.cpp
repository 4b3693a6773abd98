// SPDX-License-Identifier: MIT
#include "apex/gss/name.h"

#include "accepted_session.h"
#include "tests/unit/host/configured_world.h"

#include <cppunit/extensions/HelperMacros.h>

#include <gssapi/gssapi_ext.h>

namespace apex {
namespace {

using namespace test;

/// The attributes of a name that goes to another process (RFC 6680 7.8).
class ExportedAttributesTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(ExportedAttributesTest);
    CPPUNIT_TEST(a_composite_name_carries_them);
    CPPUNIT_TEST(the_exported_form_has_the_octets_of_mit);
    CPPUNIT_TEST(an_unverified_pac_stays_unverified_in_another_process);
    CPPUNIT_TEST(malformed_exported_attributes_are_refused);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_composite_name_carries_them()
    {
        const ConfiguredWorld configured;
        AcceptedSession accepted;
        const Name name(KerberosName{.principal = accepted.session.initiator, .service = {}, .host = {}},
                        accepted.attributes(accepted.maker.pac(), {accepted.indicators({"one"})}));
        const Bytes token = must(name.exported_composite());
        const std::shared_ptr<const Name> copy = must(Name::import(token, GSS_C_NT_COMPOSITE_EXPORT));
        CPPUNIT_ASSERT(same_name(name, *copy));
        CPPUNIT_ASSERT(name.attributes()->list() == copy->attributes()->list());
        for (const std::string& each : name.attributes()->list()) {
            CPPUNIT_ASSERT(values_of(*name.attributes(), each) == values_of(*copy->attributes(), each));
        }
        CPPUNIT_ASSERT(must(copy->exported_composite()) == token);
        CPPUNIT_ASSERT(must(Name::import(must(name.exported()), GSS_C_NT_EXPORT_NAME))->attributes() == nullptr);
    }

    void the_exported_form_has_the_octets_of_mit()
    {
        AcceptedSession accepted;
        accepted.session.ticket_authorization = {accepted.indicators({"one", "x"})};
        CPPUNIT_ASSERT_EQUAL(
            std::string("00000002" // modules
                        "00000005"
                        "6d73706163" // mspac
                        "00000000"
                        "00000000"
                        "00000019"
                        "61757468656e7469636174696f6e2d696e64696361746f7273" // authentication-indicators
                        "00000002"
                        "00000003"
                        "6f6e65"
                        "00000001"
                        "78"),
            hex(attributes_of(accepted.session)->exported()));
        const std::string nothing = "00000002000000056d737061630000000000000000"
                                    "0000001961757468656e7469636174696f6e2d696e64696361746f727300000000";
        accepted.session.ticket_authorization = {};
        CPPUNIT_ASSERT_EQUAL(nothing, hex(attributes_of(accepted.session)->exported()));
        CPPUNIT_ASSERT_EQUAL(nothing, hex(must(import_attributes(from_hex(nothing)))->exported()));
        const Bytes pac = accepted.maker.pac();
        Bytes expected = from_hex("00000002 00000005 6d73706163");
        for (const unsigned shift : {24U, 16U, 8U, 0U}) {
            expected.push_back(static_cast<std::uint8_t>(pac.size() >> shift));
        }
        append(expected, pac);
        append(expected, from_hex("00000001 00000019 61757468656e7469636174696f6e2d696e64696361746f7273 00000000"));
        CPPUNIT_ASSERT_EQUAL(hex(expected), hex(accepted.attributes(pac)->exported()));
    }

    void an_unverified_pac_stays_unverified_in_another_process()
    {
        AcceptedSession accepted;
        Bytes pac = accepted.maker.pac();
        pac[200] ^= 1U;
        const auto copy = must(import_attributes(accepted.attributes(pac)->exported()));
        CPPUNIT_ASSERT(names_of_mit == copy->list());
        CPPUNIT_ASSERT_EQUAL(std::string("urn:mspac:: the process that exported the name had not verified the PAC"),
                             refusal_of(*copy, "urn:mspac:"));
    }

    void malformed_exported_attributes_are_refused()
    {
        AcceptedSession accepted;
        const Bytes good = accepted.attributes(accepted.maker.pac(), {accepted.indicators({"one"})})->exported();
        CPPUNIT_ASSERT(must(import_attributes({})) == nullptr);
        CPPUNIT_ASSERT(must(import_attributes(from_hex("00000000")))->list().empty());
        for (std::size_t length = 1; length < good.size(); ++length) {
            CPPUNIT_ASSERT_EQUAL(std::string("BadName"), fault_of(import_attributes(ByteView(good).first(length))));
        }
        const auto told = [](Bytes octets) {
            const auto refused = import_attributes(octets);
            CPPUNIT_ASSERT(!refused && refused.error().fault == Fault::BadName);
            return refused.error().detail;
        };
        Bytes longer = good;
        longer.push_back(0);
        CPPUNIT_ASSERT_EQUAL(std::string("exported name: 1 octets stand behind its end"), told(longer));
        Bytes other = good;
        other[8] = 'M';
        CPPUNIT_ASSERT_EQUAL(
            std::string("exported name: attributes of a module that is unknown or stands twice, 4d73706163"),
            told(other));
        Bytes cut_pac = from_hex("00000001 00000005 6d73706163 00000003 010203 00000001");
        CPPUNIT_ASSERT(told(cut_pac).find("3 octets, the shortest has more than 8") != std::string::npos);
        CPPUNIT_ASSERT(told(from_hex("00000001 00000019 61757468656e7469636174696f6e2d696e64696361746f7273 ffffffff"))
                           .find("an indicator") != std::string::npos);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ExportedAttributesTest);

} // namespace
} // namespace apex
