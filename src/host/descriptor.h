// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <utility>

namespace apex {

/// Descriptor owns a file descriptor for the length of a call. Never 0, 1 or 2: a host that closed those must not find
/// our file there (INVARIANTS E4).
class Descriptor final {
public:
    Descriptor() = default;
    /// Takes a descriptor that a system call gave (-1: none) and moves it above the standard ones.
    explicit Descriptor(int number) noexcept;
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int number() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

/// KeepErrno gives the caller's errno back at the end of a scope.
class KeepErrno final {
public:
    KeepErrno() noexcept : saved_(errno) {}
    ~KeepErrno() { errno = saved_; }
    KeepErrno(const KeepErrno&) = delete;
    KeepErrno& operator=(const KeepErrno&) = delete;

private:
    int saved_;
};

} // namespace apex
