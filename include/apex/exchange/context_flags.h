// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace apex {

/// ContextFlags are the bits of RFC 2744 3.1 as RFC 4121 4.1.1.1 puts them on the wire, with Microsoft's additions.
using ContextFlags = std::uint32_t;

namespace flag {

inline constexpr ContextFlags delegate = 0x1;
inline constexpr ContextFlags mutual = 0x2;
inline constexpr ContextFlags replay = 0x4;
inline constexpr ContextFlags sequence = 0x8;
inline constexpr ContextFlags confidentiality = 0x10;
inline constexpr ContextFlags integrity = 0x20;
inline constexpr ContextFlags anonymous = 0x40;
inline constexpr ContextFlags protection_ready = 0x80;
inline constexpr ContextFlags transferable = 0x100;
inline constexpr ContextFlags channel_bound = 0x800;
inline constexpr ContextFlags dce_style = 0x1000;      // [MS-KILE] 3.2.1
inline constexpr ContextFlags identify = 0x2000;       // [MS-KILE] 3.2.1
inline constexpr ContextFlags extended_error = 0x4000; // [MS-KILE] 3.2.1
inline constexpr ContextFlags delegate_by_policy = 0x8000; // RFC 5896

/// What an acceptor takes over from the peer's checksum; delegation only after a credential was read.
inline constexpr ContextFlags accepted_from_peer =
    mutual | replay | sequence | confidentiality | integrity | dce_style | identify | extended_error;

} // namespace flag

/// flags_text writes flags in words for a trace: "mutual replay sequence".
std::string flags_text(ContextFlags flags);
} // namespace apex
