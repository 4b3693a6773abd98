// SPDX-License-Identifier: MIT
#include "apex/messages/authorization_data.h"

#include "apex/der/der_fields.h"
#include "apex/der/kerberos_types.h"
#include "parts.h"

#include <limits>

namespace apex {

Result<AuthorizationElement> AuthorizationElement::read(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "AuthorizationData"));
    const std::int32_t type = TRY(fields.required(0, "ad-type", read_int32));
    Bytes data = TRY(fields.required(1, "ad-data", read_octets));
    TRY(fields.end());
    return AuthorizationElement{type, std::move(data)};
}

void AuthorizationElement::write(DerWriter& writer) const
{
    writer.element(sequence_tag, [&] {
        write_field(writer, 0, [&] { write_int32(writer, type); });
        write_field(writer, 1, [&] { write_octets(writer, data); });
    });
}

Result<AuthorizationData> read_authorization_data(DerReader& reader)
{
    return read_list(reader, sequence_tag, std::numeric_limits<std::size_t>::max(), AuthorizationElement::read);
}

Result<AuthorizationData> decode_authorization_data(ByteView octets)
{
    return decode_whole(octets, "AuthorizationData", read_authorization_data);
}

void write_authorization_data(DerWriter& writer, const AuthorizationData& elements)
{
    writer.element(sequence_tag, [&] {
        for (const AuthorizationElement& element : elements) {
            element.write(writer);
        }
    });
}

Bytes encode_authorization_data(const AuthorizationData& elements)
{
    DerWriter writer;
    write_authorization_data(writer, elements);
    return writer.take_bytes();
}

AuthorizationElement if_relevant(const AuthorizationData& elements)
{
    return AuthorizationElement{ad_if_relevant, encode_authorization_data(elements)};
}

namespace {

constexpr std::size_t max_nested_containers = 8;

/// Reads an element without copying its data.
Result<FlatElement> read_flat(DerReader& reader)
{
    DerFields fields = TRY(DerFields::of(reader, "AuthorizationData"));
    const std::int32_t type = TRY(fields.required(0, "ad-type", read_int32));
    const ByteView data =
        TRY(fields.required(1, "ad-data", [](DerReader& inside) { return inside.read(octet_string_tag); }));
    TRY(fields.end());
    return FlatElement{type, data, true};
}

Result<DerReader> open_container(ByteView data)
{
    DerReader reader(data);
    const DerReader inside = TRY(reader.enter(sequence_tag));
    TRY(reader.end());
    return inside;
}

/// Appends what an AD-IF-RELEVANT holds, with a list of the containers that are open instead of recursion.
Done append_container(std::vector<FlatElement>& flat, ByteView data)
{
    const DerReader outermost = TRY(open_container(data));
    std::vector<DerReader> open{outermost};
    while (!open.empty()) {
        if (open.back().at_end()) {
            open.pop_back();
            continue;
        }
        const FlatElement element = TRY(read_flat(open.back()));
        if (element.type != ad_if_relevant) {
            flat.push_back(element);
            continue;
        }
        if (open.size() == max_nested_containers) {
            return refuse(Fault::MalformedMessage,
                          "more than " + std::to_string(max_nested_containers) + " containers nested");
        }
        const DerReader container = TRY(open_container(element.data));
        open.push_back(container);
    }
    return {};
}

} // namespace

Result<std::vector<FlatElement>> flatten(const AuthorizationData& elements)
{
    std::vector<FlatElement> flat;
    flat.reserve(elements.size());
    for (const AuthorizationElement& element : elements) {
        if (element.type != ad_if_relevant) {
            flat.push_back(FlatElement{element.type, element.data, false});
            continue;
        }
        if (Done appended = append_container(flat, element.data); !appended) {
            Error error = std::move(appended).error();
            error.detail = "AD-IF-RELEVANT: " + error.detail;
            return error;
        }
    }
    return flat;
}

} // namespace apex
