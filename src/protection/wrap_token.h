// SPDX-License-Identifier: MIT
#pragma once

#include "engine.h"

namespace apex {

/// WrapSizes are the lengths of the parts of a Wrap token for a key (RFC 4121 4.2.4).
struct WrapSizes final {
    std::size_t confounder = 0; // in front of the message; 0 without encryption
    std::size_t tail = 0;       // behind the message, encrypted: filler and header copy
    std::size_t mac = 0;

    WrapSizes(const EncryptionProfile& profile, Confidentiality confidentiality, std::size_t extra_count) noexcept;

    /// Octets that a token has beyond its message and its header.
    [[nodiscard]] std::size_t overhead() const noexcept { return confounder + tail + mac; }
};

/// WrapToken is a whole Wrap token as it came, taken apart but not verified. It borrows the octets.
class WrapToken final {
public:
    /// Reads a token, with or without an RFC 2743 3.1 frame. Fault::BadMessageToken, WrongDirection, BadSignature.
    static Result<WrapToken> read(ByteView token, const MessageProtection::Engine& engine);

    [[nodiscard]] const WrapHeader& header() const noexcept { return header_; }
    [[nodiscard]] const WrapSizes& sizes() const noexcept { return sizes_; }
    /// Octets in front of the header: those of the frame.
    [[nodiscard]] std::size_t frame() const noexcept { return frame_; }
    /// Octets of the message.
    [[nodiscard]] std::size_t length() const noexcept { return payload_.size() - sizes_.overhead(); }
    /// By how many octets the payload is rotated to the right.
    [[nodiscard]] std::size_t rotation() const noexcept;
    [[nodiscard]] Confidentiality confidentiality() const noexcept;
    /// Octets of room that the message needs to be opened in: with the tail behind it.
    [[nodiscard]] std::size_t room() const noexcept { return length() + sizes_.tail; }

    /// Copies octets from `offset` on of the payload as it was before its rotation.
    void copy(std::size_t offset, ByteSpan target) const noexcept;

private:
    WrapToken(const WrapHeader& header, const WrapSizes& sizes, std::size_t frame, ByteView payload) noexcept
        : header_(header), sizes_(sizes), frame_(frame), payload_(payload)
    {
    }

    WrapHeader header_;
    WrapSizes sizes_;
    std::size_t frame_;
    ByteView payload_; // behind the header
};

/// open_token opens a token into `room` (at least token.room() octets), where its message then starts. `order` lists
/// buffers that the MAC covers besides: sign_only ones stand around the one data buffer in their order; an empty list
/// means the data alone. After a failure the room is wiped.
Result<Unwrapped> open_token(MessageProtection::Engine& engine, const WrapToken& token,
                             std::span<const IovBuffer> order, ByteSpan room);

} // namespace apex
