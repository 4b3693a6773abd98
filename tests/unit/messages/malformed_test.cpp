// SPDX-License-Identifier: MIT
#include "spoilt_sample.h"

#include <cppunit/extensions/HelperMacros.h>

namespace apex {

/// Every sample, spoilt in every way that keeps it close to what it was.
class MalformedTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MalformedTest);
    CPPUNIT_TEST(the_tree_of_a_sample_encodes_to_the_sample);
    CPPUNIT_TEST(every_truncation_is_refused);
    CPPUNIT_TEST(octets_behind_a_message_are_refused);
    CPPUNIT_TEST(every_lie_in_a_length_is_refused);
    CPPUNIT_TEST(every_length_that_is_not_minimal_is_refused);
    CPPUNIT_TEST(every_tag_is_checked);
    CPPUNIT_TEST(octets_at_the_end_of_any_constructed_element_are_refused);
    CPPUNIT_TEST(a_repeated_field_is_refused);
    CPPUNIT_TEST(fields_in_another_order_are_refused);
    CPPUNIT_TEST(an_unknown_field_is_refused);
    CPPUNIT_TEST_SUITE_END();

    void the_tree_of_a_sample_encodes_to_the_sample()
    {
        for (const MessageSample& sample : message_samples()) {
            CPPUNIT_ASSERT_EQUAL(hex(sample.der), hex(DerTree::from(sample.der).encode()));
        }
    }

    void every_truncation_is_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            for (std::size_t length = 0; length < sample.der.size(); ++length) {
                expect_refusal(sample, ByteView(sample.der).first(length), "truncation");
            }
        }
    }

    void octets_behind_a_message_are_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            for (const std::size_t more : {1U, 2U, 16U}) {
                Bytes longer = sample.der;
                longer.resize(longer.size() + more, 0x00);
                expect_refusal(sample, longer, "octets behind");
            }
            Bytes twice = sample.der;
            append(twice, sample.der);
            expect_refusal(sample, twice, "itself behind");
        }
    }

    void every_lie_in_a_length_is_refused()
    {
        const std::vector<Bytes> lies = {
            from_hex("00"),         from_hex("8180"),       from_hex("820100"),
            from_hex("83010000"),   from_hex("8480000000"), from_hex("84ffffffff"),
            from_hex("ff"),         from_hex("888000000000000000"), from_hex("88ffffffffffffffff"),
        };
        for_small_samples([&](const MessageSample& sample) {
            for (const Bytes& lie : lies) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        DerTree honest = element;
                        element.length = DerTree::Length::as_told;
                        element.told_length = lie;
                        return honest.encode() != element.encode();
                    },
                    [&](const Bytes& octets) { expect_refusal(sample, octets, "length " + hex(lie)); });
            }
            for (const int difference : {-1, +1}) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        const Bytes honest = element.encode();
                        if (honest[1] >= 0x80 || honest[1] + difference < 0 || honest[1] + difference >= 0x80) {
                            return false;
                        }
                        element.length = DerTree::Length::as_told;
                        element.told_length = Bytes{static_cast<std::uint8_t>(honest[1] + difference)};
                        return true;
                    },
                    [&](const Bytes& octets) { expect_refusal(sample, octets, "length off by one"); });
            }
        });
    }

    void every_length_that_is_not_minimal_is_refused()
    {
        for (const DerTree::Length length :
             {DerTree::Length::one_octet_more, DerTree::Length::four_octets, DerTree::Length::indefinite}) {
            for (const MessageSample& sample : message_samples()) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        element.length = length;
                        return true;
                    },
                    [&](const Bytes& octets) { expect_refusal(sample, octets, "length not minimal"); });
            }
        }
    }

    void every_tag_is_checked()
    {
        for_small_samples([&](const MessageSample& sample) {
            for (const unsigned bits : {0x01U, 0x1fU, 0x20U, 0x40U, 0x80U, 0xc0U}) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        element.tag = static_cast<std::uint8_t>(element.tag ^ bits);
                        return true;
                    },
                    [&](const Bytes& octets) {
                        // One optional time may have become another: then it is that one.
                        const Result<TakenApart> taken = take_apart(sample.type, octets);
                        if (taken && sample.type == "EncKrbCredPart" && bits == 0x01) {
                            CPPUNIT_ASSERT_EQUAL(hex(octets), hex(taken->encoded));
                            return;
                        }
                        expect_refusal(sample, octets, "another tag");
                    });
            }
        });
    }

    void octets_at_the_end_of_any_constructed_element_are_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            with_each_element_changed(
                sample,
                [&](DerTree& element) {
                    element.children.push_back(DerTree{0x05, {}, {}, {}, {}});
                    return element.constructed();
                },
                [&](const Bytes& octets) { expect_refusal(sample, octets, "a NULL at the end of an element"); });
        }
    }

    void a_repeated_field_is_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            for (std::size_t at = 0; at < 13; ++at) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        if (at >= element.children.size() || !element.children[at].is_field()) {
                            return false;
                        }
                        const DerTree repeated = element.children[at];
                        element.children.insert(element.children.begin() + static_cast<std::ptrdiff_t>(at), repeated);
                        return true;
                    },
                    [&](const Bytes& octets) { expect_refusal(sample, octets, "a repeated field"); });
            }
        }
    }

    void fields_in_another_order_are_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            for (std::size_t at = 0; at < 12; ++at) {
                with_each_element_changed(
                    sample,
                    [&](DerTree& element) {
                        if (at + 1 >= element.children.size() || !element.children[at].is_field()) {
                            return false;
                        }
                        std::swap(element.children[at], element.children[at + 1]);
                        return true;
                    },
                    [&](const Bytes& octets) { expect_refusal(sample, octets, "fields in another order"); });
            }
        }
    }

    void an_unknown_field_is_refused()
    {
        for (const MessageSample& sample : message_samples()) {
            with_each_element_changed(
                sample,
                [&](DerTree& element) {
                    if (element.children.empty() || !element.children.back().is_field()) {
                        return false;
                    }
                    DerTree unknown = element.children.back();
                    unknown.tag = 0xbe;
                    element.children.push_back(unknown);
                    return true;
                },
                [&](const Bytes& octets) { expect_refusal(sample, octets, "an unknown field"); });
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MalformedTest);

} // namespace apex
