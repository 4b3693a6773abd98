// SPDX-License-Identifier: MIT
#include "spoilt_sample.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <map>
#include <vector>

namespace apex {

namespace {

/// Tells whether the field number of `sequence` may be missing, by the schema of the sample's type.
bool is_optional(const std::string& type, const DerTree& sequence, bool outermost, unsigned number)
{
    static const std::map<std::string, std::vector<unsigned>> optional = {
        {"Authenticator", {3, 6, 7, 8}}, {"EncTicketPart", {6, 8, 9, 10}}, {"EncApRepPart", {2, 3}},
        {"KrbError", {2, 3, 7, 8, 11, 12}}, {"EncKrbCredPart", {1, 2, 3, 4, 5}}, {"EncryptedData", {1}},
    };
    const auto found = optional.find(type);
    if (outermost) {
        return found != optional.end() && std::count(found->second.begin(), found->second.end(), number) != 0;
    }
    const DerTree& first = sequence.children[0].children[0];
    if (type == "EncKrbCredPart" && first.tag == 0x30) {
        return number != 0; // KrbCredInfo
    }
    // kvno of EncryptedData is the only field [1] that is an INTEGER.
    return number == 1 && sequence.children[1].tag == 0xa1 && sequence.children[1].children[0].tag == 0x02 &&
           sequence.children.size() == 3;
}

/// Gives the SEQUENCE whose fields are those of the type itself.
const DerTree& outermost_of(const DerTree& tree)
{
    return (tree.tag & 0xe0U) == 0x60U ? tree.children[0] : tree;
}

} // namespace

/// What lies between right and wrong: fields left out, elements emptied, octets changed, other messages.
class NearlyRightTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NearlyRightTest);
    CPPUNIT_TEST(only_optional_fields_may_be_missing);
    CPPUNIT_TEST(an_emptied_element_is_refused_or_understood);
    CPPUNIT_TEST(every_changed_octet_is_refused_or_understood);
    CPPUNIT_TEST(a_bomb_of_open_elements_is_refused);
    CPPUNIT_TEST(elements_nested_honestly_are_refused);
    CPPUNIT_TEST(no_message_is_taken_for_another);
    CPPUNIT_TEST_SUITE_END();

    void only_optional_fields_may_be_missing();
    void an_emptied_element_is_refused_or_understood();
    void every_changed_octet_is_refused_or_understood();
    void a_bomb_of_open_elements_is_refused();
    void elements_nested_honestly_are_refused();
    void no_message_is_taken_for_another();
};

CPPUNIT_TEST_SUITE_REGISTRATION(NearlyRightTest);

void NearlyRightTest::only_optional_fields_may_be_missing()
{
    std::size_t optional = 0;
    for (const MessageSample& sample : message_samples()) {
        const std::string outermost = hex(outermost_of(DerTree::from(sample.der)).encode());
        for (std::size_t at = 0; at < 13; ++at) {
            bool may_be_missing = false;
            with_each_element_changed(
                sample,
                [&](DerTree& element) {
                    if (at >= element.children.size() || !element.children[at].is_field()) {
                        return false;
                    }
                    const unsigned number = element.children[at].tag & 0x1fU;
                    may_be_missing =
                        is_optional(sample.type, element, hex(element.encode()) == outermost, number);
                    element.children.erase(element.children.begin() + static_cast<std::ptrdiff_t>(at));
                    return true;
                },
                [&](const Bytes& octets) {
                    if (!may_be_missing) {
                        expect_refusal(sample, octets, "a field missing");
                        return;
                    }
                    ++optional;
                    const Result<TakenApart> taken = take_apart(sample.type, octets);
                    CPPUNIT_ASSERT_MESSAGE(label(sample) + ": " + hex(octets), taken.has_value());
                });
        }
    }
    CPPUNIT_ASSERT(optional > 100);
}

void NearlyRightTest::an_emptied_element_is_refused_or_understood()
{
    for (const MessageSample& sample : message_samples()) {
        with_each_element_changed(
            sample,
            [](DerTree& element) {
                element.children.clear();
                element.contents.clear();
                return true;
            },
            [&](const Bytes& octets) {
                const Result<TakenApart> taken = take_apart(sample.type, octets);
                if (taken) {
                    const Result<TakenApart> again = take_apart(sample.type, taken->encoded);
                    CPPUNIT_ASSERT_MESSAGE(label(sample) + ": " + hex(octets), again);
                    CPPUNIT_ASSERT(again->fields == taken->fields);
                }
            });
    }
}

void NearlyRightTest::every_changed_octet_is_refused_or_understood()
{
    // What is still accepted must be DER: written again it is the same, but for flags with unused bits and sequence
    // numbers sent negative (and one sample that has empty lists from the start).
    std::size_t other_octets = 0;
    for_small_samples([&](const MessageSample& sample) {
        const bool has_empty_list = sample.fields.contains("caddr.count") && sample.fields.at("caddr.count") == "0";
        Bytes octets = sample.der;
        for (std::uint8_t& octet : octets) {
            const std::uint8_t before = octet;
            for (const unsigned change : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x80U, 0xffU}) {
                octet = static_cast<std::uint8_t>(before ^ change);
                const Result<TakenApart> taken = take_apart(sample.type, octets);
                if (taken && taken->encoded != octets && !has_empty_list) {
                    ++other_octets;
                    const Result<TakenApart> again = take_apart(sample.type, taken->encoded);
                    CPPUNIT_ASSERT_MESSAGE(label(sample) + ": " + hex(octets), again);
                    CPPUNIT_ASSERT(again->fields == taken->fields);
                }
            }
            octet = before;
        }
    });
    CPPUNIT_ASSERT(other_octets < 50);
}

void NearlyRightTest::a_bomb_of_open_elements_is_refused()
{
    // 10^6 elements that open and never close, bare and as the contents of each message.
    for (const char* const start : {"", "6e80", "6f80", "6180", "6280", "6380", "7680", "7b80", "7d80", "7e80"}) {
        for (const char* const unit : {"3080", "a080", "3082ffff", "30847fffffff"}) {
            Bytes octets = from_hex(start);
            const Bytes repeated = from_hex(unit);
            octets.reserve(2000008);
            while (octets.size() < 2000000) {
                append(octets, repeated);
            }
            for (const char* const type : {"ApReq", "ApRep", "EncApRepPart", "Ticket", "EncTicketPart", "KrbError",
                                           "KrbCred", "EncKrbCredPart", "Authenticator", "AuthorizationData",
                                           "EncryptedData", "EtypeNegotiation"}) {
                CPPUNIT_ASSERT(!take_apart(type, octets));
            }
        }
    }
}

void NearlyRightTest::elements_nested_honestly_are_refused()
{
    // Lengths that are all true, 20000 deep.
    Bytes reversed;
    for (unsigned depth = 0; depth < 20000; ++depth) {
        std::size_t length = reversed.size();
        const std::size_t count = length < 0x80 ? 0 : (length < 0x100 ? 1 : (length < 0x10000 ? 2 : 3));
        const std::size_t first = count == 0 ? length : 0x80U | count;
        for (std::size_t i = 0; i < count; ++i) {
            reversed.push_back(static_cast<std::uint8_t>(length));
            length >>= 8U;
        }
        reversed.push_back(static_cast<std::uint8_t>(first));
        reversed.push_back(depth % 2 == 0 ? 0x30 : 0xa0);
    }
    const Bytes octets(reversed.rbegin(), reversed.rend());
    CPPUNIT_ASSERT_EQUAL(octets[0], std::uint8_t{0xa0});
    CPPUNIT_ASSERT(!take_apart("EncryptedData", ByteView(octets)));
    const ByteView inner = ByteView(octets).subspan(5);
    CPPUNIT_ASSERT_EQUAL(inner[0], std::uint8_t{0x30});
    const Result<TakenApart> taken = take_apart("EncryptedData", inner);
    CPPUNIT_ASSERT(!taken);
    CPPUNIT_ASSERT_EQUAL(std::string("EncryptedData: field etype [0]: INTEGER expected, found SEQUENCE"),
                         taken.error().detail);
}

void NearlyRightTest::no_message_is_taken_for_another()
{
    const std::vector<std::string> types = {"ApReq",         "ApRep",    "EncApRepPart", "Ticket",
                                            "EncTicketPart", "KrbError", "KrbCred",      "EncKrbCredPart",
                                            "Authenticator"};
    for (const MessageSample& sample : message_samples()) {
        for (const std::string& type : types) {
            if (type == sample.type || (sample.der[0] & 0xe0U) != 0x60U) {
                continue;
            }
            const Result<TakenApart> taken = take_apart(type, sample.der);
            CPPUNIT_ASSERT(!taken);
            CPPUNIT_ASSERT(taken.error().fault == Fault::WrongMessageType);
        }
    }
}

} // namespace apex
