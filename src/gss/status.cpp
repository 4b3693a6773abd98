// SPDX-License-Identifier: MIT
#include "apex/gss/status.h"

#include "apex/host/error_table.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace apex {
namespace {

/// One remembered text. Plain octets, so that the thread-local array needs no destructor: it must stay usable while the
/// process ends.
struct Remembered final {
    std::int32_t minor;
    std::uint16_t length;
    std::array<char, 1000> text;
};

constexpr std::size_t slots = 4;

struct Memory final {
    std::array<Remembered, slots> entries;
    std::size_t next;
};

thread_local Memory memory;

Remembered& slot_for(std::int32_t minor) noexcept
{
    for (Remembered& entry : memory.entries) {
        if (entry.length != 0 && entry.minor == minor) {
            return entry;
        }
    }
    memory.next = (memory.next + 1) % slots;
    return memory.entries[memory.next];
}

void add(Remembered& entry, std::string_view text) noexcept
{
    const std::size_t room = entry.text.size() - entry.length;
    const std::size_t length = std::min(text.size(), room);
    std::memcpy(entry.text.data() + entry.length, text.data(), length);
    entry.length = static_cast<std::uint16_t>(entry.length + length);
}

} // namespace

void remember_error(const Error& error) noexcept
{
    Remembered& entry = slot_for(error.minor());
    entry.minor = error.minor();
    entry.length = 0;
    add(entry, traits_of(error.fault).sentence);
    if (!error.detail.empty()) {
        add(entry, ": ");
        add(entry, error.detail);
    }
}

std::string text_of_minor(std::int32_t minor)
{
    for (const Remembered& entry : memory.entries) {
        if (entry.length != 0 && entry.minor == minor) {
            return {entry.text.data(), entry.length};
        }
    }
    if (minor == 0) {
        return "no further information";
    }
    return text_of_code(minor);
}

std::uint32_t major_of(const Error& error) noexcept
{
    constexpr unsigned routine_offset = 16;
    return error.routine_error() << routine_offset;
}

} // namespace apex
