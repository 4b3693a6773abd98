// SPDX-License-Identifier: MIT
#pragma once

#include "protection_pair.h"

#include <functional>

namespace apex::test {

/// Octets of a token's header.
inline constexpr std::size_t header_size = 16;

/// open_fresh opens one token with a receiver that has seen nothing.
Result<UnwrappedMessage> open_fresh(ProtectionPair& pair, const PairOptions& options, ByteView token);

/// Tokens of the initiator.
Bytes wrapped(ProtectionPair& pair, ByteView message, Confidentiality confidentiality);
Bytes signed_by_initiator(ProtectionPair& pair, ByteView message);

/// rotated turns what is behind the header to the right and says so in RRC, as RFC 4121 4.2.5 describes for senders.
Bytes rotated(const Bytes& token, std::size_t count);

/// with_extra_count sets EC and nothing else.
Bytes with_extra_count(const Bytes& token, std::size_t count);

/// framed puts an RFC 2743 3.1 frame in front.
Bytes framed(const Bytes& oid, const Bytes& token);

/// flip_every_bit calls `check` with every copy of `octets` that differs in one bit.
void flip_every_bit(const Bytes& octets, const std::function<void(const Bytes& changed, std::size_t octet)>& check);

} // namespace apex::test
