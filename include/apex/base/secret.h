// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

namespace apex {

/// Secret owns octets that nobody else may see: keys and plaintexts. They are wiped when it dies, is moved from or
/// shrinks. Move-only; copies are explicit (clone). It has no stream operator and no implicit conversion.
class Secret final {
public:
    Secret() = default;
    /// Takes `size` zero octets, to be filled through span().
    explicit Secret(std::size_t size);
    /// Copies `octets`; the caller wipes its own copy.
    explicit Secret(ByteView octets);
    ~Secret();
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    [[nodiscard]] Secret clone() const { return Secret(view()); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }
    [[nodiscard]] ByteSpan span() noexcept { return {data_, size_}; }

    /// Keeps the first `size` octets and wipes the rest. `size` must not exceed size().
    void shrink(std::size_t size) noexcept;
    /// Wipes all octets and becomes empty.
    void clear() noexcept;

private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// wipe overwrites octets in a way that the compiler may not leave out.
void wipe(ByteSpan octets) noexcept;

/// constant_time_equal compares without telling by its duration where the octets differ. Lengths are public.
[[nodiscard]] bool constant_time_equal(ByteView left, ByteView right) noexcept;

} // namespace apex
