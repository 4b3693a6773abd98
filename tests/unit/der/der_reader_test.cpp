// SPDX-License-Identifier: MIT
#include "apex/der/der_fields.h"
#include "apex/der/der_reader.h"
#include "apex/der/kerberos_types.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace apex {

namespace {

/// expect_refusal expects a MalformedMessage with that detail.
template <typename T>
void expect_refusal(const std::string& detail, const Result<T>& result)
{
    CPPUNIT_ASSERT_MESSAGE("accepted instead of: " + detail, !result);
    CPPUNIT_ASSERT(result.error().fault == Fault::MalformedMessage);
    CPPUNIT_ASSERT_EQUAL(detail, result.error().detail);
}

Result<ByteView> read_octet_string(std::string_view digits)
{
    static Bytes octets;
    octets = from_hex(digits);
    DerReader reader(octets);
    return reader.read(octet_string_tag);
}

} // namespace

class DerReaderTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DerReaderTest);
    CPPUNIT_TEST(elements_are_read_in_order);
    CPPUNIT_TEST(a_failed_read_leaves_the_reader_where_it_was);
    CPPUNIT_TEST(an_empty_element_is_read);
    CPPUNIT_TEST(lengths_of_one_to_four_octets_are_read);
    CPPUNIT_TEST(an_indefinite_length_is_refused);
    CPPUNIT_TEST(a_length_in_too_many_octets_is_refused);
    CPPUNIT_TEST(a_length_beyond_the_end_is_refused);
    CPPUNIT_TEST(a_length_of_five_octets_or_more_is_refused);
    CPPUNIT_TEST(an_end_within_tag_or_length_is_refused);
    CPPUNIT_TEST(a_tag_number_above_30_is_refused);
    CPPUNIT_TEST(another_form_class_or_number_is_refused);
    CPPUNIT_TEST(octets_after_the_end_are_refused);
    CPPUNIT_TEST(nesting_is_bounded);
    CPPUNIT_TEST(a_million_open_elements_are_refused_at_the_first);
    CPPUNIT_TEST(a_list_beyond_its_limit_is_refused);
    CPPUNIT_TEST(a_list_with_a_foreign_element_is_refused);
    CPPUNIT_TEST(a_whole_element_includes_its_header);
    CPPUNIT_TEST_SUITE_END();

    void elements_are_read_in_order()
    {
        const Bytes octets = from_hex("3008 0201 05 0403 616263");
        DerReader outer(octets);
        Result<DerReader> inner = outer.enter(sequence_tag);
        CPPUNIT_ASSERT(inner.has_value());
        CPPUNIT_ASSERT_EQUAL(std::int32_t{5}, read_int32(*inner).value());
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), text_of(inner->read(octet_string_tag).value()));
        CPPUNIT_ASSERT(inner->end().has_value());
        CPPUNIT_ASSERT(outer.end().has_value());
        expect_refusal("INTEGER expected, found the end", read_int32(*inner));
    }

    void a_failed_read_leaves_the_reader_where_it_was()
    {
        const Bytes octets = from_hex("0201 05");
        DerReader reader(octets);
        CPPUNIT_ASSERT(!reader.read(octet_string_tag));
        CPPUNIT_ASSERT_EQUAL(std::int32_t{5}, read_int32(reader).value());
    }

    void an_empty_element_is_read()
    {
        const Result<ByteView> contents = read_octet_string("0400");
        CPPUNIT_ASSERT(contents.has_value());
        CPPUNIT_ASSERT(contents->empty());
    }

    void lengths_of_one_to_four_octets_are_read()
    {
        for (const std::size_t size : {0x7fU, 0x80U, 0xffU, 0x100U, 0xffffU, 0x10000U, 0x1000000U}) {
            DerWriter writer;
            writer.primitive(octet_string_tag, Bytes(size, 0x61));
            const Bytes octets = writer.take_bytes();
            DerReader reader(octets);
            const Result<ByteView> contents = reader.read(octet_string_tag);
            CPPUNIT_ASSERT(contents.has_value());
            CPPUNIT_ASSERT_EQUAL(size, contents->size());
            CPPUNIT_ASSERT(reader.end().has_value());
        }
    }

    void an_indefinite_length_is_refused()
    {
        expect_refusal("indefinite length", read_octet_string("0480 61 0000"));
    }

    void a_length_in_too_many_octets_is_refused()
    {
        CPPUNIT_ASSERT(read_octet_string("0401 61").has_value());
        expect_refusal("length 1 written in too many octets", read_octet_string("048101 61"));
        expect_refusal("length 1 written in too many octets", read_octet_string("04820001 61"));
        const std::string much(2 * 128, '6');
        CPPUNIT_ASSERT(read_octet_string("048180" + much).has_value());
        expect_refusal("length 128 written in too many octets", read_octet_string("04820080" + much));
        expect_refusal("length 128 written in too many octets", read_octet_string("0484 00000080" + much));
    }

    void a_length_beyond_the_end_is_refused()
    {
        expect_refusal("length 2 exceeds the 1 octets left", read_octet_string("0402 61"));
        expect_refusal("length 128 exceeds the 1 octets left", read_octet_string("048180 61"));
        expect_refusal("length 65536 exceeds the 1 octets left", read_octet_string("0483010000 61"));
        expect_refusal("length 2147483648 exceeds the 1 octets left", read_octet_string("048480000000 61"));
        expect_refusal("length 4294967295 exceeds the 1 octets left", read_octet_string("0484ffffffff 61"));
    }

    void a_length_of_five_octets_or_more_is_refused()
    {
        expect_refusal("length of 5 octets", read_octet_string("04850100000000 61"));
        expect_refusal("length of 8 octets", read_octet_string("04888000000000000000 61"));
        expect_refusal("length of 127 octets", read_octet_string("04ff 61"));
    }

    void an_end_within_tag_or_length_is_refused()
    {
        expect_refusal("OCTET STRING expected, found the end", read_octet_string(""));
        expect_refusal("ends within a length", read_octet_string("04"));
        expect_refusal("ends within a length", read_octet_string("0481"));
        expect_refusal("ends within a length", read_octet_string("048201"));
        expect_refusal("ends within a length", read_octet_string("0484010000"));
    }

    void a_tag_number_above_30_is_refused()
    {
        for (const char* const octets : {"1f0401 61", "3f0401 61", "7f0401 61", "bf0401 61", "ff0401 61"}) {
            expect_refusal("OCTET STRING expected, found a tag number above 30", read_octet_string(octets));
        }
        const Bytes same_octet = from_hex("7f01 61");
        DerReader reader(same_octet);
        expect_refusal("tag 0x7f expected, found a tag number above 30", reader.read(Tag{0x7f}));
    }

    void another_form_class_or_number_is_refused()
    {
        expect_refusal("OCTET STRING expected, found tag 0x24", read_octet_string("2401 61"));
        expect_refusal("OCTET STRING expected, found tag 0x44", read_octet_string("4401 61"));
        expect_refusal("OCTET STRING expected, found INTEGER", read_octet_string("0201 61"));
        expect_refusal("OCTET STRING expected, found [4]", read_octet_string("a401 61"));
        expect_refusal("OCTET STRING expected, found [APPLICATION 4]", read_octet_string("6401 61"));
    }

    void octets_after_the_end_are_refused()
    {
        const Bytes octets = from_hex("0201 05 00");
        DerReader reader(octets);
        CPPUNIT_ASSERT(read_int32(reader).has_value());
        expect_refusal("1 octets after the end", reader.end());
    }

    void nesting_is_bounded()
    {
        Bytes octets;
        for (unsigned i = 0; i < 40; ++i) {
            DerWriter writer;
            writer.primitive(sequence_tag, octets);
            octets = writer.take_bytes();
        }
        DerReader reader(octets);
        for (unsigned i = 0; i < DerReader::max_depth; ++i) {
            const Result<DerReader> inner = reader.enter(sequence_tag);
            CPPUNIT_ASSERT(inner.has_value());
            reader = *inner;
        }
        expect_refusal("nested more than 32 deep", reader.enter(sequence_tag));
    }

    void a_million_open_elements_are_refused_at_the_first()
    {
        Bytes octets;
        for (unsigned i = 0; i < 1000000; ++i) {
            octets.push_back(0x30);
            octets.push_back(0x80);
        }
        DerReader reader(octets);
        expect_refusal("indefinite length", reader.enter(sequence_tag));
    }

    void a_list_beyond_its_limit_is_refused()
    {
        const Bytes octets = from_hex("3006 020101 020102");
        DerReader two(octets);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, read_list(two, integer_tag, 2, read_int32)->size());
        DerReader again(octets);
        expect_refusal("2 elements, more than 1", read_list(again, integer_tag, 1, read_int32));
    }

    void a_list_with_a_foreign_element_is_refused()
    {
        const Bytes octets = from_hex("3006 020101 040102");
        DerReader reader(octets);
        expect_refusal("INTEGER expected, found OCTET STRING", read_list(reader, integer_tag, 2, read_int32));
        const Bytes second_bad = from_hex("3007 020101 02020001");
        DerReader other(second_bad);
        expect_refusal("element 1: INTEGER written in too many octets", read_list(other, integer_tag, 2, read_int32));
    }

    void a_whole_element_includes_its_header()
    {
        const Bytes octets = from_hex("0403 616263 0201 05");
        DerReader reader(octets);
        CPPUNIT_ASSERT_EQUAL(std::string("0403616263"), hex(reader.read_whole(octet_string_tag).value()));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, reader.remaining());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DerReaderTest);

/// The fields of a SEQUENCE, on a type with a required [0], an optional [1] and a required [2].
class DerFieldsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DerFieldsTest);
    CPPUNIT_TEST(fields_are_read_and_an_optional_one_may_be_absent);
    CPPUNIT_TEST(a_missing_field_is_named);
    CPPUNIT_TEST(repeated_misplaced_and_unknown_fields_are_refused);
    CPPUNIT_TEST(an_error_inside_a_field_names_the_path);
    CPPUNIT_TEST(octets_behind_a_value_inside_its_field_are_refused);
    CPPUNIT_TEST(another_application_tag_is_another_message);
    CPPUNIT_TEST(a_constant_refuses_with_its_own_fault);
    CPPUNIT_TEST_SUITE_END();

    struct Triple final {
        std::int32_t first;
        std::optional<std::int32_t> second;
        std::int32_t third;
    };

    static Result<Triple> read_triple(DerReader& reader)
    {
        DerFields fields = TRY(DerFields::of_application(reader, 7, "Triple"));
        const std::int32_t first = TRY(fields.required(0, "first", read_int32));
        const std::optional<std::int32_t> second = TRY(fields.optional(1, "second", read_int32));
        const std::int32_t third = TRY(fields.required(2, "third", read_int32));
        TRY(fields.end());
        return Triple{first, second, third};
    }

    static Result<Triple> decode(std::string_view digits)
    {
        const Bytes octets = from_hex(digits);
        return decode_whole(octets, "Triple", read_triple);
    }

    void fields_are_read_and_an_optional_one_may_be_absent()
    {
        const Result<Triple> full = decode("6711 300f a003020101 a103020102 a203020103");
        CPPUNIT_ASSERT(full.has_value());
        CPPUNIT_ASSERT_EQUAL(std::int32_t{1}, full->first);
        CPPUNIT_ASSERT_EQUAL(std::int32_t{2}, full->second.value());
        CPPUNIT_ASSERT_EQUAL(std::int32_t{3}, full->third);
        const Result<Triple> without = decode("670c 300a a003020101 a203020103");
        CPPUNIT_ASSERT(without.has_value());
        CPPUNIT_ASSERT(!without->second);
    }

    void a_missing_field_is_named()
    {
        expect_refusal("Triple: field first [0]: missing, found [1]", decode("670c 300a a103020102 a203020103"));
        expect_refusal("Triple: field third [2]: missing, found the end", decode("670c 300a a003020101 a103020102"));
        expect_refusal("Triple: field first [0]: missing, found the end", decode("6702 3000"));
    }

    void repeated_misplaced_and_unknown_fields_are_refused()
    {
        expect_refusal("Triple: field third [2]: missing, found [1]",
                       decode("6716 3014 a003020101 a103020102 a103020102 a203020103"));
        expect_refusal("Triple: repeated, misplaced or unknown field: [2] after the last one",
                       decode("6716 3014 a003020101 a103020102 a203020103 a203020103"));
        expect_refusal("Triple: repeated, misplaced or unknown field: [1] after the last one",
                       decode("6711 300f a003020101 a203020103 a103020102"));
        expect_refusal("Triple: repeated, misplaced or unknown field: [3] after the last one",
                       decode("6716 3014 a003020101 a103020102 a203020103 a303020104"));
    }

    void an_error_inside_a_field_names_the_path()
    {
        expect_refusal("Triple: field second [1]: length 70 exceeds the 1 octets left",
                       decode("6711 300f a003020101 a103024602 a203020103"));
        expect_refusal("Triple: field third [2]: length 4 exceeds the 3 octets left",
                       decode("6711 300f a003020101 a103020102 a204020103"));
    }

    void octets_behind_a_value_inside_its_field_are_refused()
    {
        expect_refusal("Triple: field third [2]: 2 octets after the end",
                       decode("6713 3011 a003020101 a103020102 a205020103 0500"));
        expect_refusal("Triple: 2 octets after the end",
                       decode("6713 300f a003020101 a103020102 a203020103 0500"));
        expect_refusal("Triple: 2 octets after the end",
                       decode("6711 300f a003020101 a103020102 a203020103 0500"));
        CPPUNIT_ASSERT(decode("6711 300f a003020101 a103020102 a203020103").has_value());
    }

    void another_application_tag_is_another_message()
    {
        const Result<Triple> other = decode("6811 300f a003020101 a103020102 a203020103");
        CPPUNIT_ASSERT(!other);
        CPPUNIT_ASSERT(other.error().fault == Fault::WrongMessageType);
        CPPUNIT_ASSERT_EQUAL(std::string("Triple: [APPLICATION 7] expected, found [APPLICATION 8]"),
                             other.error().detail);
        expect_refusal("Triple: [APPLICATION 7] expected, found tag 0x47", decode("4700"));
        expect_refusal("Triple: [APPLICATION 7] expected, found [7]", decode("a700"));
        expect_refusal("Triple: [APPLICATION 7] expected, found the end", decode(""));
    }

    void a_constant_refuses_with_its_own_fault()
    {
        const Bytes octets = from_hex("3005 a003020105");
        DerReader reader(octets);
        CPPUNIT_ASSERT(DerFields::of(reader, "X")->constant(0, "pvno", 5, Fault::UnsupportedVersion).has_value());
        DerReader again(octets);
        const Done refused = DerFields::of(again, "X")->constant(0, "pvno", 4, Fault::UnsupportedVersion);
        CPPUNIT_ASSERT(!refused);
        CPPUNIT_ASSERT(refused.error().fault == Fault::UnsupportedVersion);
        CPPUNIT_ASSERT_EQUAL(std::string("X: field pvno [0]: 4 expected, found 5"), refused.error().detail);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DerFieldsTest);

} // namespace apex
