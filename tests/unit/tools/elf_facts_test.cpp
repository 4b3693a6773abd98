// SPDX-License-Identifier: MIT
#include "tools/elf_facts.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstddef>
#include <cstring>
#include <elf.h>
#include <string>

using namespace apex;

namespace {

constexpr std::uint64_t address = 0x5000;

template <typename Record>
void append_record(std::string& object, const Record& record)
{
    std::string octets(sizeof record, '\0');
    std::memcpy(octets.data(), &record, sizeof record);
    object += octets;
}

/// small_object is a shared object with nothing but the two symbols that are looked for.
std::string small_object()
{
    using namespace std::string_literals;
    const std::string names = "\0gss_mech_interposer\0apex_version\0"s;
    const std::string version = "1.2.3\0"s;
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    header.e_shoff = sizeof header + sizeof(Elf64_Phdr);
    header.e_shnum = 2;
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_vaddr = address;
    segment.p_offset = header.e_shoff + 2 * sizeof(Elf64_Shdr);
    segment.p_filesz = version.size();
    Elf64_Shdr symbols{};
    symbols.sh_type = SHT_DYNSYM;
    symbols.sh_link = 1;
    symbols.sh_offset = segment.p_offset + version.size() + names.size();
    symbols.sh_size = 2 * sizeof(Elf64_Sym);
    Elf64_Shdr texts{};
    texts.sh_type = SHT_STRTAB;
    texts.sh_offset = segment.p_offset + version.size();
    texts.sh_size = names.size();
    Elf64_Sym interposer{};
    interposer.st_name = 1;
    interposer.st_shndx = 1;
    Elf64_Sym text{};
    text.st_name = 21;
    text.st_shndx = 1;
    text.st_value = address;
    std::string object;
    append_record(object, header);
    append_record(object, segment);
    append_record(object, symbols);
    append_record(object, texts);
    object += version + names;
    append_record(object, interposer);
    append_record(object, text);
    return object;
}

} // namespace

class ElfFactsTest final : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ElfFactsTest);
    CPPUNIT_TEST(both_symbols_are_read);
    CPPUNIT_TEST(a_symbol_that_is_only_wanted_does_not_count);
    CPPUNIT_TEST(text_is_no_object);
    CPPUNIT_TEST(a_program_of_another_kind_of_machine_is_no_object);
    CPPUNIT_TEST(no_truncation_and_no_flipped_bit_leads_outside);
    CPPUNIT_TEST_SUITE_END();

public:
    void both_symbols_are_read()
    {
        const std::optional<ElfFacts> facts = read_elf(small_object());
        CPPUNIT_ASSERT(facts && facts->has_interposer);
        CPPUNIT_ASSERT_EQUAL(std::string("1.2.3"), facts->apex_version.value_or(""));
    }

    void a_symbol_that_is_only_wanted_does_not_count()
    {
        std::string object = small_object();
        const std::size_t first_symbol = object.size() - 2 * sizeof(Elf64_Sym);
        object[first_symbol + offsetof(Elf64_Sym, st_shndx)] = 0;
        const std::optional<ElfFacts> facts = read_elf(object);
        CPPUNIT_ASSERT(facts && !facts->has_interposer && facts->apex_version);
    }

    void text_is_no_object()
    {
        CPPUNIT_ASSERT(!read_elf(""));
        CPPUNIT_ASSERT(!read_elf(std::string(1000, 'x')));
    }

    void a_program_of_another_kind_of_machine_is_no_object()
    {
        std::string object = small_object();
        object[EI_CLASS] = ELFCLASS32;
        CPPUNIT_ASSERT(!read_elf(object));
    }

    void no_truncation_and_no_flipped_bit_leads_outside()
    {
        // What comes back does not matter here; the sanitizers watch where it was looked for.
        const std::string whole = small_object();
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const std::string cut(whole.data(), length);
            CPPUNIT_ASSERT(length >= sizeof(Elf64_Ehdr) || !read_elf(cut));
        }
        for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
            std::string spoilt = whole;
            spoilt[bit / 8] = static_cast<char>(spoilt[bit / 8] ^ (1 << (bit % 8)));
            const std::optional<ElfFacts> facts = read_elf(spoilt);
            CPPUNIT_ASSERT(!facts || !facts->apex_version || facts->apex_version->size() <= 64);
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ElfFactsTest);
