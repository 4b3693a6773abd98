// SPDX-License-Identifier: MIT
#include "apex/der/kerberos_types.h"
#include "require.h"

#include <cstdlib>
#include <vector>

// Walks the input as DER, entering every constructed element up to the reader's own bound and reading every primitive
// one as each of the basic types. Whatever is accepted must be written again as it was.

namespace apex {

namespace {

using fuzz::require;

template <typename Read, typename Write>
void try_type(ByteView element, Read read, Write write)
{
    DerReader reader(element);
    const auto value = read(reader);
    if (!value) {
        return;
    }
    require(reader.at_end());
    DerWriter writer;
    write(writer, *value);
    require(same(element, writer.take_bytes()));
}

void try_types(ByteView element)
{
    try_type(element, read_int32, write_int32);
    try_type(element, read_uint32, write_uint32);
    try_type(element, read_microseconds, write_int32);
    try_type(element, read_kerberos_string, [](DerWriter& writer, const std::string& value) {
        write_kerberos_string(writer, value);
    });
    try_type(element, read_kerberos_time, write_kerberos_time);
    try_type(element, read_octets, [](DerWriter& writer, const Bytes& value) { write_octets(writer, value); });
    DerReader number(element);
    if (const auto value = read_wrapped_uint32(number)) {
        DerReader strict(element);
        const auto same_value = read_uint32(strict);
        require(!same_value || *same_value == *value);
    }
    DerReader flags(element);
    if (const auto value = read_kerberos_flags(flags)) {
        DerWriter writer;
        write_kerberos_flags(writer, *value);
        const Bytes written = writer.take_bytes();
        DerReader again(written);
        require(read_kerberos_flags(again).value() == *value);
    }
}

/// Walks with a list of the readers that are open; every step consumes at least one element.
void walk(ByteView octets)
{
    std::vector<DerReader> open{DerReader(octets)};
    std::size_t steps = 0;
    while (!open.empty()) {
        require(steps++ <= octets.size() + open.size() + 1);
        DerReader& reader = open.back();
        if (reader.at_end()) {
            open.pop_back();
            continue;
        }
        const Tag tag = reader.next_tag();
        const std::size_t before = reader.remaining();
        if (tag.constructed()) {
            const Result<DerReader> inside = reader.enter(tag);
            if (!inside) {
                require(reader.remaining() == before);
                return;
            }
            open.push_back(*inside);
            require(open.size() <= DerReader::max_depth + 1);
            continue;
        }
        const Result<ByteView> element = reader.read_whole(tag);
        if (!element) {
            require(reader.remaining() == before);
            return;
        }
        require(reader.remaining() + element->size() == before);
        try_types(*element);
    }
}

} // namespace

} // namespace apex

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    apex::walk(apex::ByteView(data, size));
    return 0;
}
