// SPDX-License-Identifier: MIT
#include "gss/exported_name.h"

#include "gss/counted_parts.h"

#include <array>
#include <limits>

namespace apex {
namespace {

// RFC 2743 3.2: token identifier 04 01 (RFC 6680 7.8: 04 02), the length of the OID's element in two octets, the element
// itself, the name's length in four octets, the name.
constexpr std::array<std::uint8_t, 2> simple_identifier = {4, 1};
constexpr std::array<std::uint8_t, 2> composite_identifier = {4, 2};
constexpr std::array<std::uint8_t, 13> krb5_element = {0x00, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                                       0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

Result<Bytes> write_name(ByteView identifier, std::string_view text)
{
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
        return refuse(Fault::FieldTooLong, "a name of " + std::to_string(text.size()) + " octets");
    }
    Bytes token = bytes_of(identifier);
    append(token, krb5_element);
    append_part(token, view_of(text));
    return token;
}

} // namespace

Result<Bytes> export_name(std::string_view text)
{
    return write_name(simple_identifier, text);
}

Result<Bytes> export_composite_name(std::string_view text, ByteView attributes)
{
    if (attributes.size() > std::numeric_limits<std::uint32_t>::max()) {
        return refuse(Fault::FieldTooLong, "attributes of " + std::to_string(attributes.size()) + " octets");
    }
    Bytes token = TRY(write_name(composite_identifier, text));
    append_part(token, attributes);
    return token;
}

Result<ExportedName> ExportedName::read(ByteView token)
{
    const bool composite = token.size() >= 2 && same(token.first(2), composite_identifier);
    CountedParts parts(token);
    TRY(parts.expect(composite ? composite_identifier : simple_identifier, "the token identifier"));
    TRY(parts.expect(krb5_element, "the OID"));
    const ByteView text = TRY(parts.part("the name"));
    ExportedName name{.text = text_of(text), .attributes = {}};
    // An unparsed principal has no NUL (it is written \0) and at least a component.
    if (name.text.empty() || name.text.find('\0') != std::string::npos) {
        return CountedParts::malformed(name.text.empty() ? "the name is empty" : "the name has a NUL octet");
    }
    if (composite) {
        name.attributes = TRY(parts.part("the attribute part"));
    }
    TRY(parts.end());
    return name;
}

} // namespace apex
