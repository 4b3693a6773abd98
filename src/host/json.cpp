// SPDX-License-Identifier: MIT
#include "host/json.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace apex {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// SecretText grows like a string and wipes what it leaves behind.
class SecretText final {
public:
    void add(std::uint8_t octet)
    {
        if (used_ == storage_.size()) {
            Secret larger(std::max<std::size_t>(256, storage_.size() * 2));
            std::copy_n(storage_.view().begin(), used_, larger.span().begin());
            storage_ = std::move(larger);
        }
        storage_.span()[used_++] = octet;
    }
    void add(char letter) { add(static_cast<std::uint8_t>(letter)); }
    void add(std::string_view text)
    {
        for (const char letter : text) {
            add(letter);
        }
    }
    [[nodiscard]] Secret finish() &&
    {
        storage_.shrink(used_);
        return std::move(storage_);
    }

private:
    Secret storage_;
    std::size_t used_ = 0;
};

} // namespace

// Out of line: inlined into other sources, moves of a variant make GCC 12 warn of uninitialised members.
JsonValue::JsonValue() noexcept = default;
JsonValue::~JsonValue() = default;
JsonValue::JsonValue(JsonValue&& other) noexcept = default;
JsonValue& JsonValue::operator=(JsonValue&& other) noexcept = default;
JsonValue::JsonValue(bool value) : value_(value) {}
JsonValue::JsonValue(std::int64_t value) : value_(value) {}
JsonValue::JsonValue(std::string_view value) : value_(Secret(view_of(value))) {}
JsonValue::JsonValue(Secret value) : value_(std::move(value)) {}
JsonValue::JsonValue(Array value) : value_(std::move(value)) {}

JsonValue JsonValue::base64(ByteView octets)
{
    SecretText text;
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        const std::size_t present = std::min<std::size_t>(3, octets.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (j < present ? octets[i + j] : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text.add(j <= present ? base64_digits[group >> (18 - 6 * j) & 63] : '=');
        }
    }
    return JsonValue(std::move(text).finish());
}

namespace {

Error not_a(const char* what)
{
    return refuse(Fault::MalformedToken, std::string("the exported credential has something else where ") + what +
                                             " belongs");
}

} // namespace

Result<bool> JsonValue::boolean() const
{
    const bool* value = std::get_if<bool>(&value_);
    return value != nullptr ? Result<bool>(*value) : not_a("a boolean");
}

Result<std::int64_t> JsonValue::number() const
{
    const std::int64_t* value = std::get_if<std::int64_t>(&value_);
    return value != nullptr ? Result<std::int64_t>(*value) : not_a("a number");
}

Result<ByteView> JsonValue::text() const
{
    const Secret* value = std::get_if<Secret>(&value_);
    return value != nullptr ? Result<ByteView>(value->view()) : not_a("a text");
}

Result<const JsonValue::Array*> JsonValue::array() const
{
    const Array* value = std::get_if<Array>(&value_);
    return value != nullptr ? Result<const Array*>(value) : not_a("an array");
}

Result<const JsonValue::Array*> JsonValue::array_of(std::size_t size) const
{
    const Array* value = TRY(array());
    if (value->size() != size) {
        return refuse(Fault::MalformedToken, "an array of the exported credential has " +
                                                 std::to_string(value->size()) + " values instead of " +
                                                 std::to_string(size));
    }
    return value;
}

Result<Secret> JsonValue::octets() const
{
    const ByteView digits = TRY(text());
    std::size_t padding = 0;
    while (padding < 2 && padding < digits.size() && digits[digits.size() - 1 - padding] == '=') {
        ++padding;
    }
    if (digits.size() % 4 != 0) {
        return not_a("base64");
    }
    Secret octets(digits.size() / 4 * 3);
    for (std::size_t i = 0; i < digits.size(); i += 4) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            const bool pad = i + j >= digits.size() - padding;
            const std::size_t digit = pad ? 0 : base64_digits.find(static_cast<char>(digits[i + j]));
            if (digit == std::string_view::npos) {
                return not_a("base64");
            }
            group = group << 6 | static_cast<std::uint32_t>(digit);
        }
        for (std::size_t j = 0; j < 3; ++j) {
            octets.span()[i / 4 * 3 + j] = static_cast<std::uint8_t>(group >> (16 - 8 * j) & 255);
        }
    }
    octets.shrink(octets.size() - padding);
    return octets;
}

namespace {

void write_text(SecretText& out, ByteView text)
{
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    out.add('"');
    for (const std::uint8_t octet : text) {
        if (octet == '"' || octet == '\\') {
            out.add('\\');
            out.add(octet);
        } else if (octet < 0x20) {
            out.add("\\u00");
            out.add(hexadecimal[octet >> 4]);
            out.add(hexadecimal[octet & 15]);
        } else {
            out.add(octet);
        }
    }
    out.add('"');
}

/// Reader takes a text apart from the front.
class Reader final {
public:
    explicit Reader(ByteView text) : text_(text) {}

    Result<JsonValue> whole()
    {
        JsonValue value = TRY(read(0));
        skip_blanks();
        if (at_ != text_.size()) {
            return wrong("the end");
        }
        return value;
    }

private:
    static constexpr unsigned most_nested = 8;

    [[nodiscard]] Error wrong(const char* expected) const
    {
        return refuse(Fault::MalformedToken, std::string("the exported credential lacks ") + expected + " at octet " +
                                                 std::to_string(at_));
    }

    void skip_blanks()
    {
        constexpr std::string_view blanks = " \t\r\n";
        while (at_ < text_.size() && blanks.find(static_cast<char>(text_[at_])) != std::string_view::npos) {
            ++at_;
        }
    }

    bool take(std::string_view literal)
    {
        if (text_.size() - at_ < literal.size() || !same(text_.subspan(at_, literal.size()), view_of(literal))) {
            return false;
        }
        at_ += literal.size();
        return true;
    }

    Result<JsonValue> read(unsigned depth)
    {
        skip_blanks();
        if (take("null")) {
            return JsonValue();
        }
        if (take("true")) {
            return JsonValue(true);
        }
        if (take("false")) {
            return JsonValue(false);
        }
        if (take("\"")) {
            return read_text();
        }
        if (take("[")) {
            return depth < most_nested ? read_array(depth) : wrong("a shallower array");
        }
        return read_number();
    }

    Result<JsonValue> read_number()
    {
        const char* begin = static_cast<const char*>(static_cast<const void*>(text_.data()));
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(begin + at_, begin + text_.size(), value);
        if (error != std::errc()) {
            return wrong("a value");
        }
        at_ = static_cast<std::size_t>(end - begin);
        return JsonValue(value);
    }

    Result<JsonValue> read_array(unsigned depth)
    {
        JsonValue::Array values;
        skip_blanks();
        if (take("]")) {
            return JsonValue(std::move(values));
        }
        for (;;) {
            values.push_back(TRY(read(depth + 1)));
            skip_blanks();
            if (take("]")) {
                return JsonValue(std::move(values));
            }
            if (!take(",")) {
                return wrong("a comma or bracket");
            }
        }
    }

    Result<JsonValue> read_text()
    {
        SecretText text;
        while (at_ < text_.size()) {
            const std::uint8_t octet = text_[at_++];
            if (octet == '"') {
                return JsonValue(std::move(text).finish());
            }
            if (octet < 0x20) {
                return wrong("an escape of a control character");
            }
            if (octet == '\\') {
                TRY(read_escape(text));
            } else {
                text.add(octet);
            }
        }
        return wrong("a closing quote");
    }

    Done read_escape(SecretText& text)
    {
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (at_ == text_.size()) {
            return wrong("an escape");
        }
        const std::uint8_t name = text_[at_++];
        const std::size_t known = names.find(static_cast<char>(name));
        if (known != std::string_view::npos) {
            text.add(meanings[known]);
            return {};
        }
        if (name != 'u' || text_.size() - at_ < 4) {
            return wrong("an escape");
        }
        const char* digits = static_cast<const char*>(static_cast<const void*>(text_.data())) + at_;
        std::uint16_t code = 0;
        const auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
        // Names and base64 are written in UTF-8 as it is; only control characters come as numbers.
        if (error != std::errc() || end != digits + 4 || code == 0 || code > 0x7F) {
            return wrong("the number of an ASCII character");
        }
        at_ += 4;
        text.add(static_cast<std::uint8_t>(code));
        return {};
    }

    ByteView text_;
    std::size_t at_ = 0;
};

} // namespace

Result<JsonValue> JsonValue::parse(ByteView text)
{
    return Reader(text).whole();
}

namespace {

void write_value(SecretText& out, const JsonValue& value)
{
    const Result<const JsonValue::Array*> array = value.array();
    if (!array) {
        const Result<bool> boolean = value.boolean();
        const Result<std::int64_t> number = value.number();
        const Result<ByteView> text = value.text();
        if (boolean) {
            out.add(*boolean ? "true" : "false");
        } else if (number) {
            out.add(std::to_string(*number));
        } else if (text) {
            write_text(out, *text);
        } else {
            out.add("null");
        }
        return;
    }
    out.add('[');
    for (std::size_t i = 0; i < (*array)->size(); ++i) {
        out.add(i == 0 ? "" : ",");
        write_value(out, (**array)[i]);
    }
    out.add(']');
}

} // namespace

Secret JsonValue::write() const
{
    SecretText out;
    write_value(out, *this);
    return std::move(out).finish();
}

} // namespace apex
