// SPDX-License-Identifier: MIT
#include "apex/base/secret.h"

#include <cstring>
#include <utility>

namespace apex {

Secret::Secret(std::size_t size) : data_(size == 0 ? nullptr : new std::uint8_t[size]()), size_(size), capacity_(size)
{
}

Secret::Secret(ByteView octets) : Secret(octets.size())
{
    if (!octets.empty()) {
        std::memcpy(data_, octets.data(), octets.size());
    }
}

Secret::~Secret()
{
    clear();
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0))
{
}

Secret& Secret::operator=(Secret&& other) noexcept
{
    if (this != &other) {
        clear();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

void Secret::shrink(std::size_t size) noexcept
{
    if (size < size_) {
        wipe(span().subspan(size));
        size_ = size;
    }
}

void Secret::clear() noexcept
{
    wipe({data_, capacity_});
    delete[] data_;
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
}

void wipe(ByteSpan octets) noexcept
{
    if (!octets.empty()) {
        explicit_bzero(octets.data(), octets.size());
    }
}

bool constant_time_equal(ByteView left, ByteView right) noexcept
{
    if (left.size() != right.size()) {
        return false;
    }
    std::uint64_t difference = 0;
    std::size_t at = 0;
    for (; left.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
        std::uint64_t one = 0;
        std::uint64_t other = 0;
        std::memcpy(&one, left.data() + at, sizeof one);
        std::memcpy(&other, right.data() + at, sizeof other);
        difference |= one ^ other;
        // The compiler knows nothing of the value: it cannot leave the loop early or call memcmp instead.
        __asm__ volatile("" : "+r"(difference));
    }
    for (; at < left.size(); ++at) {
        difference |= static_cast<std::uint64_t>(left[at] ^ right[at]);
        __asm__ volatile("" : "+r"(difference));
    }
    return difference == 0;
}

} // namespace apex
