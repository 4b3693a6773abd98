// SPDX-License-Identifier: MIT
#include "apex/messages/principal.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <string_view>

namespace apex {

namespace {

Result<std::vector<std::string>> read_components(DerReader& reader)
{
    return read_list(reader, general_string_tag, PrincipalName::max_components, read_kerberos_string);
}

void append_escaped(std::string& text, std::string_view part)
{
    for (const char octet : part) {
        switch (octet) {
        case '/':
        case '@':
        case '\\':
            text += '\\';
            text += octet;
            break;
        case '\n':
            text += "\\n";
            break;
        case '\t':
            text += "\\t";
            break;
        case '\b':
            text += "\\b";
            break;
        case '\0':
            text += "\\0";
            break;
        default:
            text += octet;
        }
    }
}

} // namespace

Result<PrincipalName> PrincipalName::read_maybe_empty(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "PrincipalName"));
    const std::int32_t type = TRY(fields.required(0, "name-type", read_int32));
    std::vector<std::string> components = TRY(fields.required(1, "name-string", read_components));
    TRY(fields.end());
    return PrincipalName{type, std::move(components)};
}

Result<PrincipalName> PrincipalName::read(DerReader& reader)
{
    PrincipalName name = TRY(read_maybe_empty(reader));
    if (name.components.empty()) {
        return refuse(Fault::MalformedMessage, "PrincipalName: no component");
    }
    return name;
}

Result<PrincipalName> PrincipalName::decode(ByteView octets)
{
    return decode_whole(octets, "PrincipalName", read);
}

void PrincipalName::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_int32(writer, type); });
        write_field(writer, 1, [&] {
            writer.element(sequence_tag, [&] {
                for (const std::string& component : components) {
                    write_kerberos_string(writer, component);
                }
            });
        });
    });
}

Bytes PrincipalName::encode() const
{
    return encode_public(*this);
}

std::string PrincipalName::text() const
{
    std::string text;
    for (std::size_t i = 0; i < components.size(); ++i) {
        if (i != 0) {
            text += '/';
        }
        append_escaped(text, components[i]);
    }
    return text;
}

std::string Principal::text() const
{
    std::string text = name.text();
    text += '@';
    append_escaped(text, realm);
    return text;
}

bool same_name(const PrincipalName& left, const PrincipalName& right) noexcept
{
    return left.components == right.components;
}

bool same_principal(const Principal& left, const Principal& right) noexcept
{
    return left.realm == right.realm && same_name(left.name, right.name);
}

} // namespace apex
