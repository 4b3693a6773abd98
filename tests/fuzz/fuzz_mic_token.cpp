// SPDX-License-Identifier: MIT

// MIC tokens. The first octet of the input chooses the type of key and whether the harness signs what the fuzzer made;
// the second says how many octets of the rest are the message.
#include "fuzz_context.h"

#include <algorithm>

namespace apex::fuzz {
namespace {

constexpr std::size_t header_size = 16;

void verify(Context& context, ByteView message, ByteView token)
{
    const ProtectionState state = context.acceptor.state();
    const bool verified = context.acceptor.verify(message, token).has_value();
    require(verified || state == context.acceptor.state());
}

/// The header is the fuzzer's, the checksum over it is right.
void verify_signed_by_us(Context& context, ByteView message, ByteView token)
{
    if (token.size() < header_size) {
        return;
    }
    Bytes whole = bytes_of(token.first(header_size));
    whole[2] = static_cast<std::uint8_t>((whole[2] & 0xfaU) | 0x04U); // by the initiator, with the subkey
    Bytes covered = bytes_of(message);
    append(covered, whole);
    const Result<Bytes> mac = context.keys.acceptor_subkey->sign(KeyUsage::initiator_sign, covered);
    require(mac.has_value());
    const Bytes filler(5, 0xff);
    const bool right = whole[0] == 4 && whole[1] == 4 && (whole[2] & 0x02U) == 0 &&
                       same(ByteView(whole).subspan(3, 5), filler);
    append(whole, *mac);
    require(context.acceptor.verify(message, whole).has_value() == right);
}

} // namespace
} // namespace apex::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace apex::fuzz;
    if (size < 2) {
        return 0;
    }
    Context context(data[0] & 0x07U);
    const apex::ByteView input(data + 2, size - 2);
    const std::size_t length = std::min<std::size_t>(data[1], input.size());
    if ((data[0] & 0x80U) != 0) {
        verify_signed_by_us(context, input.first(length), input.subspan(length));
    } else {
        verify(context, input.first(length), input.subspan(length));
    }
    return 0;
}
