// SPDX-License-Identifier: MIT

// MD5 (RFC 1321) of our own: for channel bindings it is no security function, and FIPS machines have no other.
#include "apex/crypto/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace apex {

namespace {

constexpr std::size_t md5_block = 64;
using State = std::array<std::uint32_t, 4>;

/// floor(2^32 * abs(sin(i + 1))), RFC 1321 3.4.
constexpr std::array<std::uint32_t, 64> sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr std::array<std::array<int, 4>, 4> rotations = {{{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23},
                                                          {6, 10, 15, 21}}};

std::uint32_t little_endian(ByteView octets) noexcept
{
    return static_cast<std::uint32_t>(octets[0]) | static_cast<std::uint32_t>(octets[1]) << 8 |
           static_cast<std::uint32_t>(octets[2]) << 16 | static_cast<std::uint32_t>(octets[3]) << 24;
}

void compress(State& state, ByteView block) noexcept
{
    auto [a, b, c, d] = state;
    for (std::size_t i = 0; i < 64; ++i) {
        std::uint32_t mixed = 0;
        std::size_t word = 0;
        switch (i / 16) {
        case 0:
            mixed = (b & c) | (~b & d);
            word = i;
            break;
        case 1:
            mixed = (b & d) | (c & ~d);
            word = (5 * i + 1) % 16;
            break;
        case 2:
            mixed = b ^ c ^ d;
            word = (3 * i + 5) % 16;
            break;
        default:
            mixed = c ^ (b | ~d);
            word = 7 * i % 16;
            break;
        }
        const std::uint32_t sum = a + mixed + sines[i] + little_endian(block.subspan(4 * word, 4));
        a = d;
        d = c;
        c = b;
        b += std::rotl(sum, rotations[i / 16][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

} // namespace

Md5Digest md5(ByteView message)
{
    State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const std::uint64_t bits = static_cast<std::uint64_t>(message.size()) * 8;
    while (message.size() >= md5_block) {
        compress(state, message.first(md5_block));
        message = message.subspan(md5_block);
    }
    // RFC 1321 3.1 and 3.2: one bit, zeros, and the length in bits, little-endian.
    std::array<std::uint8_t, 2 * md5_block> last{};
    std::copy(message.begin(), message.end(), last.begin());
    last[message.size()] = 0x80;
    const std::size_t length = message.size() + 9 <= md5_block ? md5_block : 2 * md5_block;
    for (std::size_t i = 0; i < 8; ++i) {
        last[length - 8 + i] = static_cast<std::uint8_t>(bits >> (8 * i));
    }
    for (std::size_t at = 0; at < length; at += md5_block) {
        compress(state, ByteView(last).subspan(at, md5_block));
    }
    Md5Digest digest;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (i % 4)));
    }
    return digest;
}

} // namespace apex
