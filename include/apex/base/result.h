// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/fault.h"

#include <optional>
#include <utility>
#include <variant>

namespace apex {

/// Result is either a value or an Error; the interface is that of std::expected, which may replace it one day.
/// A Result must not be ignored.
template <typename T>
class [[nodiscard]] Result final {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {} // NOLINT: implicit on purpose
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {} // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    Error& error() & { return std::get<1>(state_); }
    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

private:
    std::variant<T, Error> state_;
};

/// Result<void> says done, or why not.
template <>
class [[nodiscard]] Result<void> final {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {} // NOLINT: implicit on purpose

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const noexcept {}

    Error& error() & { return *error_; }
    const Error& error() const& { return *error_; }
    Error&& error() && { return *std::move(error_); }

private:
    std::optional<Error> error_;
};

/// Done is the result of a check or an effect that yields nothing.
using Done = Result<void>;

} // namespace apex

/// TRY yields the value of a Result, or returns its error from the enclosing function. It stands alone as a
/// statement or as the whole initialiser of a declaration. Variadic because of commas in template arguments.
#define TRY(...)                                                                                                       \
    __extension__({                                                                                                    \
        auto apex_try_result = (__VA_ARGS__);                                                                          \
        if (!apex_try_result) {                                                                                        \
            return std::move(apex_try_result).error();                                                                 \
        }                                                                                                              \
        std::move(apex_try_result).value();                                                                            \
    })
