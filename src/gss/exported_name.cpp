// SPDX-License-Identifier: MIT
#include "gss/exported_name.h"

#include "apex/host/name_service.h"

#include <array>
#include <limits>
#include <string>

namespace apex {
namespace {

// RFC 2743 3.2: token identifier 04 01 (RFC 6680 7.8: 04 02), the length of the OID's element in two octets, the element
// itself, the name's length in four octets, the name.
constexpr std::uint8_t first_of_identifier = 4;
constexpr std::array<std::uint8_t, 13> krb5_element = {0x00, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                                       0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

std::uint8_t second_of_identifier(NameForm form)
{
    return form == NameForm::simple ? 1 : 2;
}

void append_length(Bytes& target, std::uint32_t length)
{
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        target.push_back(static_cast<std::uint8_t>(length >> shift));
    }
}

Error malformed(std::string_view what)
{
    return refuse(Fault::BadName, "exported name: " + std::string(what));
}

/// Takes a part with its length in front off the token.
Result<ByteView> take_part(ByteView& token, std::string_view what)
{
    constexpr std::size_t length_octets = 4;
    if (token.size() < length_octets) {
        return malformed(std::string(what) + " is cut short");
    }
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_octets; ++i) {
        length = length << 8U | token[i];
    }
    token = token.subspan(length_octets);
    if (token.size() < length) {
        return malformed(std::string(what) + " of " + std::to_string(length) + " octets is cut short at " +
                         std::to_string(token.size()));
    }
    const ByteView part = token.first(length);
    token = token.subspan(length);
    return part;
}

Result<NameForm> take_form(ByteView& token)
{
    constexpr std::size_t identifier_octets = 2;
    if (token.size() < identifier_octets || token[0] != first_of_identifier || (token[1] != 1 && token[1] != 2)) {
        return malformed("its token identifier is neither 04 01 nor 04 02");
    }
    const NameForm form = token[1] == 1 ? NameForm::simple : NameForm::composite;
    token = token.subspan(identifier_octets);
    return form;
}

} // namespace

Result<Bytes> export_name(std::string_view text, NameForm form)
{
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
        return refuse(Fault::FieldTooLong, "a name of " + std::to_string(text.size()) + " octets");
    }
    Bytes token = {first_of_identifier, second_of_identifier(form)};
    append(token, krb5_element);
    append_length(token, static_cast<std::uint32_t>(text.size()));
    append(token, view_of(text));
    if (form == NameForm::composite) {
        append_length(token, 0);
    }
    return token;
}

Result<KerberosName> import_exported_name(ByteView token)
{
    ByteView rest = token;
    const NameForm form = TRY(take_form(rest));
    if (rest.size() < krb5_element.size() || !same(rest.first(krb5_element.size()), krb5_element)) {
        return malformed("it is not under the krb5 OID");
    }
    rest = rest.subspan(krb5_element.size());
    const ByteView text = TRY(take_part(rest, "the name"));
    // An unparsed principal has no NUL (it is written \0) and at least a component.
    const std::string kept = text_of(text);
    if (kept.empty() || kept.find('\0') != std::string::npos) {
        return malformed(kept.empty() ? "the name is empty" : "the name has a NUL octet");
    }
    if (form == NameForm::composite) {
        const ByteView attributes = TRY(take_part(rest, "the attribute part"));
        if (!attributes.empty()) {
            return malformed("its attribute part of " + std::to_string(attributes.size()) +
                             " octets is not one of Apex");
        }
    }
    if (!rest.empty()) {
        return malformed(std::to_string(rest.size()) + " octets stand behind its end");
    }
    return import_principal_text(kept);
}

} // namespace apex
