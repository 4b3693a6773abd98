// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace apex {

/// Octets of the header of RFC 4121 tokens.
inline constexpr std::size_t header_length = 16;

using HeaderOctets = std::array<std::uint8_t, header_length>;

/// Flags of RFC 4121 4.2.2. The others mean nothing; receivers ignore them (the MAC covers them all the same).
inline constexpr std::uint8_t sent_by_acceptor = 0x01;
inline constexpr std::uint8_t sealed_flag = 0x02;
inline constexpr std::uint8_t acceptor_subkey_flag = 0x04;

/// WrapHeader is the header of a Wrap token, RFC 4121 4.2.6.2.
struct WrapHeader final {
    std::uint8_t flags = 0;
    std::uint16_t extra_count = 0;          // EC
    std::uint16_t right_rotation_count = 0; // RRC
    std::uint64_t sequence = 0;

    [[nodiscard]] bool sealed() const noexcept { return (flags & sealed_flag) != 0; }
    [[nodiscard]] HeaderOctets encode() const noexcept;
    /// The header as it goes into the sealed part: RRC is zero, RFC 4121 4.2.4.
    [[nodiscard]] HeaderOctets sealed_copy() const noexcept;
    /// The header as the checksum covers it: EC and RRC are zero, RFC 4121 4.2.4.
    [[nodiscard]] HeaderOctets signed_copy() const noexcept;

    /// Reads the first 16 octets. Fault::BadMessageToken.
    static Result<WrapHeader> decode(ByteView token);
};

/// MicHeader is the header of a MIC token, RFC 4121 4.2.6.1.
struct MicHeader final {
    std::uint8_t flags = 0;
    std::uint64_t sequence = 0;

    [[nodiscard]] HeaderOctets encode() const noexcept;

    /// Reads the first 16 octets. Fault::BadMessageToken; among others for a token that claims to be sealed.
    static Result<MicHeader> decode(ByteView token);
};

/// frame_length tells how many octets at the start of a token of `total` octets are an RFC 2743 3.1 frame with this
/// mechanism and the right length; 0 if there is none. `start` may be less than the whole token.
std::size_t frame_length(ByteView start, std::size_t total, ByteView mechanism) noexcept;

} // namespace apex
