// SPDX-License-Identifier: MIT
#pragma once

#include "engine.h"
#include "rc4_token.h"

namespace apex {

// The calls of MessageProtection in a context whose tokens are those of RFC 1964 with RC4 (see there).

Result<std::size_t> rc4_wrapped_size(const Rc4Tokens& tokens, std::size_t length);
std::size_t rc4_size_limit(const Rc4Tokens& tokens, std::size_t max_output) noexcept;
Done rc4_wrap_into(MessageProtection::Engine& engine, ByteView message, Confidentiality confidentiality,
                   ByteSpan token);
Result<std::size_t> rc4_unwrap_room(const Rc4Tokens& tokens, ByteView token);
Result<Unwrapped> rc4_unwrap_into(MessageProtection::Engine& engine, ByteView token, ByteSpan room);

Result<Confidentiality> rc4_wrap_iov(MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                                     Confidentiality confidentiality);
Result<Confidentiality> rc4_wrap_iov_length(const MessageProtection::Engine& engine, std::span<IovBuffer> buffers,
                                            Confidentiality confidentiality);
Result<Unwrapped> rc4_unwrap_iov(MessageProtection::Engine& engine, std::span<IovBuffer> buffers);
Result<Unwrapped> rc4_unwrap_stream(MessageProtection::Engine& engine, std::span<IovBuffer> buffers);

} // namespace apex
