// SPDX-License-Identifier: MIT
#include "apex/der/der_fields.h"

#include "apex/der/kerberos_types.h"

namespace apex {

namespace {

Error in_type(std::string_view type, Error error)
{
    error.detail = std::string(type) + ": " + error.detail;
    return error;
}

bool is_another_application(const DerReader& reader, unsigned number)
{
    if (reader.at_end()) {
        return false;
    }
    const Tag tag = reader.next_tag();
    return tag == application(tag.number()) && tag.number() != number && tag.number() < 31;
}

Result<DerReader> enter_application(DerReader& reader, unsigned number)
{
    DerReader wrapper = TRY(reader.enter(application(number)));
    const DerReader inside = TRY(wrapper.enter(sequence_tag));
    TRY(wrapper.end());
    return inside;
}

} // namespace

Result<DerFields> DerFields::of(DerReader& reader, std::string_view type)
{
    auto inside = reader.enter(sequence_tag);
    if (!inside) {
        return in_type(type, std::move(inside).error());
    }
    return DerFields(*inside, type);
}

Result<DerFields> DerFields::of_application(DerReader& reader, unsigned number, std::string_view type)
{
    if (is_another_application(reader, number)) {
        return in_type(type, refuse(Fault::WrongMessageType, describe(application(number)) + " expected, found " +
                                                                 describe(reader.next_tag())));
    }
    auto inside = enter_application(reader, number);
    if (!inside) {
        return in_type(type, std::move(inside).error());
    }
    return DerFields(*inside, type);
}

Done DerFields::constant(unsigned number, std::string_view name, std::int32_t expected, Fault fault)
{
    const std::int32_t found = TRY(required(number, name, read_int32));
    if (found != expected) {
        return in_field(number, name,
                        refuse(fault, std::to_string(expected) + " expected, found " + std::to_string(found)));
    }
    return {};
}

Done DerFields::end() const
{
    if (reader_.at_end()) {
        return {};
    }
    return in_type(type_, refuse(Fault::MalformedMessage, "repeated, misplaced or unknown field: " +
                                                              describe(reader_.next_tag()) + " after the last one"));
}

Error DerFields::missing(unsigned number, std::string_view name) const
{
    const std::string found = reader_.at_end() ? "the end" : describe(reader_.next_tag());
    return in_field(number, name, refuse(Fault::MalformedMessage, "missing, found " + found));
}

Error DerFields::in_field(unsigned number, std::string_view name, Error error) const
{
    error.detail =
        std::string(type_) + ": field " + std::string(name) + " [" + std::to_string(number) + "]: " + error.detail;
    return error;
}

Done end_of(const DerReader& reader, std::string_view type)
{
    if (auto ended = reader.end(); !ended) {
        return in_type(type, std::move(ended).error());
    }
    return {};
}

Error in_element(std::size_t index, Error error)
{
    error.detail = "element " + std::to_string(index) + ": " + error.detail;
    return error;
}

} // namespace apex
