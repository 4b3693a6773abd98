// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/der/der_reader.h"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace apex {

/// value_of_result is the T of a Result<T>.
template <typename R>
using value_of_result = std::remove_cvref_t<decltype(std::declval<R>().value())>;

/// DerFields reads the explicitly tagged fields of one SEQUENCE: each at most once, in ascending order, none unknown.
/// Errors name the type and the field: "AP-REQ: field ticket [3]: length 70 exceeds the 12 octets left".
///
/// A `read` is any function from DerReader& to a Result; it consumes exactly one element.
/// `type` and `name` must outlive the object; they are string literals.
class DerFields final {
public:
    /// Enters a SEQUENCE.
    static Result<DerFields> of(DerReader& reader, std::string_view type);

    /// Enters [APPLICATION number] SEQUENCE. Another application tag is Fault::WrongMessageType.
    static Result<DerFields> of_application(DerReader& reader, unsigned number, std::string_view type);

    /// Reads the field [number], which must come next.
    template <typename Read>
    std::invoke_result_t<Read, DerReader&> required(unsigned number, std::string_view name, Read read)
    {
        if (!reader_.next_is(context(number))) {
            return missing(number, name);
        }
        return field(number, name, read);
    }

    /// Reads the field [number] if it comes next.
    template <typename Read>
    Result<std::optional<value_of_result<std::invoke_result_t<Read, DerReader&>>>>
    optional(unsigned number, std::string_view name, Read read)
    {
        using Value = value_of_result<std::invoke_result_t<Read, DerReader&>>;
        if (!reader_.next_is(context(number))) {
            return std::optional<Value>();
        }
        auto value = field(number, name, read);
        if (!value) {
            return std::move(value).error();
        }
        return std::optional<Value>(std::move(value).value());
    }

    /// Reads the field [number] if it comes next; an absent list is an empty one (RFC 4120 5.1.3).
    template <typename Read>
    std::invoke_result_t<Read, DerReader&> optional_list(unsigned number, std::string_view name, Read read)
    {
        if (!reader_.next_is(context(number))) {
            return value_of_result<std::invoke_result_t<Read, DerReader&>>();
        }
        return field(number, name, read);
    }

    /// Reads an INTEGER field that must hold `expected`, or else refuses with `fault`.
    Done constant(unsigned number, std::string_view name, std::int32_t expected, Fault fault);

    /// Refuses anything after the last field: repeated, misplaced and unknown fields.
    [[nodiscard]] Done end() const;

private:
    DerFields(DerReader reader, std::string_view type) noexcept : reader_(reader), type_(type) {}

    template <typename Read>
    std::invoke_result_t<Read, DerReader&> field(unsigned number, std::string_view name, Read read)
    {
        auto inside = reader_.enter(context(number));
        if (!inside) {
            return in_field(number, name, std::move(inside).error());
        }
        auto value = read(*inside);
        if (!value) {
            return in_field(number, name, std::move(value).error());
        }
        if (auto ended = inside->end(); !ended) {
            return in_field(number, name, std::move(ended).error());
        }
        return value;
    }
    [[nodiscard]] Error missing(unsigned number, std::string_view name) const;
    [[nodiscard]] Error in_field(unsigned number, std::string_view name, Error error) const;

    DerReader reader_;
    std::string_view type_;
};

/// end_of refuses octets behind the value of a type.
Done end_of(const DerReader& reader, std::string_view type);

/// decode_whole reads one value, which must be all of the octets.
template <typename Read>
std::invoke_result_t<Read, DerReader&> decode_whole(ByteView octets, std::string_view type, Read read)
{
    DerReader reader(octets);
    auto value = read(reader);
    if (!value) {
        return value;
    }
    TRY(end_of(reader, type));
    return value;
}

/// in_element puts "element N: " before the detail of an error; N counts from 0.
Error in_element(std::size_t index, Error error);

/// read_list reads a SEQUENCE OF whose elements all have the tag `element`, at most `limit` of
/// them. Memory is reserved once, for the number of elements that are really there.
template <typename Read>
Result<std::vector<value_of_result<std::invoke_result_t<Read, DerReader&>>>>
read_list(DerReader& reader, Tag element, std::size_t limit, Read read)
{
    DerReader inside = TRY(reader.enter(sequence_tag));
    const std::size_t count = TRY(inside.count(element));
    if (count > limit) {
        return refuse(Fault::MalformedMessage,
                      std::to_string(count) + " elements, more than " + std::to_string(limit));
    }
    std::vector<value_of_result<std::invoke_result_t<Read, DerReader&>>> values;
    values.reserve(count);
    while (!inside.at_end()) {
        auto value = read(inside);
        if (!value) {
            return in_element(values.size(), std::move(value).error());
        }
        values.push_back(std::move(value).value());
    }
    return values;
}

} // namespace apex
