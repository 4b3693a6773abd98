// SPDX-License-Identifier: MIT
#include "host/siphash.h"

#include <bit>

namespace apex {
namespace {

std::uint64_t little_endian(ByteView octets) noexcept
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        value |= static_cast<std::uint64_t>(octets[i]) << (8 * i);
    }
    return value;
}

struct SipState final {
    std::uint64_t a, b, c, d;

    void rounds(int count) noexcept
    {
        for (int i = 0; i < count; ++i) {
            a += b;
            b = std::rotl(b, 13) ^ a;
            a = std::rotl(a, 32);
            c += d;
            d = std::rotl(d, 16) ^ c;
            a += d;
            d = std::rotl(d, 21) ^ a;
            c += b;
            b = std::rotl(b, 17) ^ c;
            c = std::rotl(c, 32);
        }
    }

    void absorb(std::uint64_t word) noexcept
    {
        d ^= word;
        rounds(2);
        a ^= word;
    }
};

} // namespace

std::uint64_t siphash_2_4(const SipHashKey& key, ByteView message) noexcept
{
    const std::uint64_t low = little_endian(ByteView(key).first(8));
    const std::uint64_t high = little_endian(ByteView(key).last(8));
    SipState state{.a = low ^ 0x736f6d6570736575,
                   .b = high ^ 0x646f72616e646f6d,
                   .c = low ^ 0x6c7967656e657261,
                   .d = high ^ 0x7465646279746573};
    const std::uint64_t length = message.size();
    while (message.size() >= 8) {
        state.absorb(little_endian(message.first(8)));
        message = message.subspan(8);
    }
    state.absorb(little_endian(message) | length << 56);
    state.c ^= 0xff;
    state.rounds(4);
    return state.a ^ state.b ^ state.c ^ state.d;
}

} // namespace apex
