// SPDX-License-Identifier: MIT
#include "token_changes.h"

#include <algorithm>
#include <cppunit/TestAssert.h>

namespace apex::test {

Result<UnwrappedMessage> open_fresh(ProtectionPair& pair, const PairOptions& options, ByteView token)
{
    return fresh_acceptor(pair, options).unwrap(token);
}

Bytes wrapped(ProtectionPair& pair, ByteView message, Confidentiality confidentiality)
{
    Result<Bytes> token = pair.initiator.wrap(message, confidentiality);
    CPPUNIT_ASSERT(token);
    return std::move(*token);
}

Bytes signed_by_initiator(ProtectionPair& pair, ByteView message)
{
    Result<Bytes> token = pair.initiator.sign(message);
    CPPUNIT_ASSERT(token);
    return std::move(*token);
}

Bytes rotated(const Bytes& token, std::size_t count)
{
    Bytes turned = token;
    const auto payload = turned.begin() + header_size;
    const std::size_t size = turned.size() - header_size;
    std::rotate(payload, turned.end() - static_cast<std::ptrdiff_t>(count % size), turned.end());
    turned[6] = static_cast<std::uint8_t>(count >> 8);
    turned[7] = static_cast<std::uint8_t>(count);
    return turned;
}

Bytes with_extra_count(const Bytes& token, std::size_t count)
{
    Bytes changed = token;
    changed[4] = static_cast<std::uint8_t>(count >> 8);
    changed[5] = static_cast<std::uint8_t>(count);
    return changed;
}

Bytes framed(const Bytes& oid, const Bytes& token)
{
    Bytes frame{0x60};
    const std::size_t length = 2 + oid.size() + token.size();
    if (length >= 0x80) {
        frame.push_back(0x81);
    }
    frame.push_back(static_cast<std::uint8_t>(length));
    frame.push_back(0x06);
    frame.push_back(static_cast<std::uint8_t>(oid.size()));
    append(frame, oid);
    append(frame, token);
    return frame;
}

void flip_every_bit(const Bytes& octets, const std::function<void(const Bytes& changed, std::size_t octet)>& check)
{
    Bytes changed = octets;
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
        const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ mask);
        check(changed, bit / 8);
        changed[bit / 8] = octets[bit / 8];
    }
}

} // namespace apex::test
