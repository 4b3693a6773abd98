// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace apex {

/// SmallList is a list that needs no allocation while it is short: plain calls have a message of one part, lists of
/// buffers may have any number.
template <typename T>
class SmallList final {
public:
    explicit SmallList(std::size_t capacity)
    {
        if (capacity > few_.size()) {
            many_.resize(capacity);
        }
    }

    /// Adds an item; no more than the capacity.
    void add(const T& item)
    {
        room()[size_] = item;
        ++size_;
    }

    [[nodiscard]] std::span<const T> items() const noexcept
    {
        return {many_.empty() ? few_.data() : many_.data(), size_};
    }

private:
    std::span<T> room() noexcept
    {
        return many_.empty() ? std::span<T>(few_) : std::span<T>(many_);
    }

    std::array<T, 8> few_{};
    std::vector<T> many_;
    std::size_t size_ = 0;
};

} // namespace apex
