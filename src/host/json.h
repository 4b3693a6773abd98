// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace apex {

/// JsonValue is the part of JSON (RFC 8259) of which MIT's exported credentials are made: null, booleans, whole numbers,
/// texts and arrays. Texts may be keys and passwords, so they are Secrets. Move-only.
class JsonValue final {
public:
    using Array = std::vector<JsonValue>;

    JsonValue() noexcept; // null
    ~JsonValue();
    JsonValue(JsonValue&& other) noexcept;
    JsonValue& operator=(JsonValue&& other) noexcept;
    JsonValue(const JsonValue&) = delete;
    JsonValue& operator=(const JsonValue&) = delete;
    explicit JsonValue(bool value);
    explicit JsonValue(std::int64_t value);
    explicit JsonValue(std::string_view value);
    explicit JsonValue(Secret value);
    explicit JsonValue(Array value);
    /// A text of octets in base64 (RFC 4648 4).
    static JsonValue base64(ByteView octets);

    /// Reads a text. Nested at most 8 deep. Fault::MalformedToken tells at which octet it went wrong.
    static Result<JsonValue> parse(ByteView text);
    /// Writes the text.
    [[nodiscard]] Secret write() const;

    [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(value_); }

    // The value as what it must be. Fault::MalformedToken if it is something else.
    [[nodiscard]] Result<bool> boolean() const;
    [[nodiscard]] Result<std::int64_t> number() const;
    [[nodiscard]] Result<ByteView> text() const;
    [[nodiscard]] Result<const Array*> array() const;
    /// An array of exactly so many values.
    [[nodiscard]] Result<const Array*> array_of(std::size_t size) const;
    /// The octets of a base64 text.
    [[nodiscard]] Result<Secret> octets() const;

private:
    std::variant<std::monostate, bool, std::int64_t, Secret, Array> value_;
};

} // namespace apex
