// SPDX-License-Identifier: MIT
#include "tools/elf_facts.h"

#include <cstdint>
#include <cstring>
#include <elf.h>

namespace apex {

namespace {

constexpr std::size_t longest_version = 64;

/// record_at copies a structure out of the object; nothing where it does not lie within it.
template <typename Record>
std::optional<Record> record_at(std::string_view object, std::uint64_t offset)
{
    if (offset > object.size() || object.size() - offset < sizeof(Record)) {
        return std::nullopt;
    }
    Record record;
    std::memcpy(&record, object.data() + offset, sizeof record);
    return record;
}

/// part_of cuts a range out of the object; empty where it does not lie within it.
std::string_view part_of(std::string_view object, std::uint64_t offset, std::uint64_t size)
{
    const bool inside = offset <= object.size() && size <= object.size() - offset;
    return inside ? object.substr(offset, size) : std::string_view();
}

/// string_at takes what stands before the next NUL; empty where there is none.
std::string_view string_at(std::string_view text, std::uint64_t offset)
{
    if (offset >= text.size()) {
        return {};
    }
    const std::string_view rest = text.substr(offset);
    const std::size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

std::optional<Elf64_Shdr> section(std::string_view object, const Elf64_Ehdr& header, std::uint64_t index)
{
    const std::uint64_t step = index * sizeof(Elf64_Shdr);
    return index < header.e_shnum && header.e_shoff <= object.size()
               ? record_at<Elf64_Shdr>(object, header.e_shoff + step)
               : std::nullopt;
}

/// value_at reads the text at an address of the loaded object, by the segment that holds it.
std::optional<std::string> value_at(std::string_view object, const Elf64_Ehdr& header, const Elf64_Sym& symbol)
{
    for (std::uint64_t index = 0; index < header.e_phnum && header.e_phoff <= object.size(); ++index) {
        const std::optional<Elf64_Phdr> segment =
            record_at<Elf64_Phdr>(object, header.e_phoff + index * sizeof(Elf64_Phdr));
        if (segment && segment->p_type == PT_LOAD && symbol.st_value >= segment->p_vaddr &&
            symbol.st_value - segment->p_vaddr < segment->p_filesz) {
            const std::string_view content = part_of(object, segment->p_offset, segment->p_filesz);
            const std::string_view text = string_at(content, symbol.st_value - segment->p_vaddr);
            return std::string(text.substr(0, longest_version));
        }
    }
    return std::nullopt;
}

void read_symbols(ElfFacts& facts, std::string_view object, const Elf64_Ehdr& header, const Elf64_Shdr& table)
{
    const std::optional<Elf64_Shdr> names = section(object, header, table.sh_link);
    if (!names) {
        return;
    }
    const std::string_view texts = part_of(object, names->sh_offset, names->sh_size);
    const std::string_view symbols = part_of(object, table.sh_offset, table.sh_size);
    for (std::uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= symbols.size(); offset += sizeof(Elf64_Sym)) {
        const Elf64_Sym symbol = record_at<Elf64_Sym>(symbols, offset).value();
        const std::string_view name = string_at(texts, symbol.st_name);
        const bool defined = symbol.st_shndx != SHN_UNDEF;
        facts.has_interposer = facts.has_interposer || (defined && name == "gss_mech_interposer");
        if (defined && name == "apex_version") {
            facts.apex_version = value_at(object, header, symbol);
        }
    }
}

} // namespace

std::optional<ElfFacts> read_elf(std::string_view object)
{
    const std::optional<Elf64_Ehdr> header = record_at<Elf64_Ehdr>(object, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_DYN) {
        return std::nullopt;
    }
    ElfFacts facts;
    for (std::uint64_t index = 0; index < header->e_shnum; ++index) {
        const std::optional<Elf64_Shdr> table = section(object, *header, index);
        if (table && table->sh_type == SHT_DYNSYM) {
            read_symbols(facts, object, *header, *table);
        }
    }
    return facts;
}

} // namespace apex
