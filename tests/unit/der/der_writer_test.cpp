// SPDX-License-Identifier: MIT
#include "apex/der/der_writer.h"
#include "apex/der/kerberos_types.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace apex {

class DerWriterTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DerWriterTest);
    CPPUNIT_TEST(nested_elements_get_their_lengths);
    CPPUNIT_TEST(a_long_element_moves_to_make_room_for_its_length);
    CPPUNIT_TEST(every_length_around_a_boundary_is_minimal);
    CPPUNIT_TEST(a_writer_is_empty_after_it_gave_its_octets);
    CPPUNIT_TEST(an_empty_writer_gives_nothing);
    CPPUNIT_TEST_SUITE_END();

    void nested_elements_get_their_lengths()
    {
        DerWriter writer;
        writer.element(application(1), [&] {
            writer.element(sequence_tag, [&] {
                writer.element(context(0), [&] { write_int32(writer, 5); });
                writer.element(context(1), [&] { write_octets(writer, view_of("ab")); });
            });
        });
        CPPUNIT_ASSERT_EQUAL(std::string("610d300ba003020105a10404026162"), hex(writer.take_bytes()));
    }

    void a_long_element_moves_to_make_room_for_its_length()
    {
        DerWriter writer;
        writer.raw(from_hex("0500"));
        writer.element(sequence_tag, [&] {
            writer.element(context(2), [&] { write_octets(writer, Bytes(0x80, 0x61)); });
            write_int32(writer, 1);
        });
        CPPUNIT_ASSERT_EQUAL("0500308189a2818304" + std::string("8180") + hex(Bytes(0x80, 0x61)) + "020101",
                             "0500" + hex(writer.take_bytes()).substr(4));
    }

    void every_length_around_a_boundary_is_minimal()
    {
        for (const std::size_t size : {0x7eU, 0x7fU, 0x80U, 0x81U, 0xffU, 0x100U, 0x101U, 0xffffU, 0x10000U}) {
            DerWriter writer;
            writer.element(sequence_tag, [&] { writer.raw(Bytes(size, 0x00)); });
            const Bytes octets = writer.take_bytes();
            DerReader reader(octets);
            const Result<ByteView> contents = reader.read(sequence_tag);
            CPPUNIT_ASSERT(contents.has_value());
            CPPUNIT_ASSERT_EQUAL(size, contents->size());
        }
    }

    void a_writer_is_empty_after_it_gave_its_octets()
    {
        DerWriter writer;
        write_int32(writer, 1);
        CPPUNIT_ASSERT_EQUAL(std::string("020101"), hex(writer.take_secret().view()));
        write_int32(writer, 2);
        CPPUNIT_ASSERT_EQUAL(std::string("020102"), hex(writer.take_bytes()));
        write_int32(writer, 3);
        CPPUNIT_ASSERT_EQUAL(std::string("020103"), hex(writer.take_bytes()));
    }

    void an_empty_writer_gives_nothing()
    {
        CPPUNIT_ASSERT(DerWriter().take_bytes().empty());
        CPPUNIT_ASSERT(DerWriter().take_secret().empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(DerWriterTest);

} // namespace apex
