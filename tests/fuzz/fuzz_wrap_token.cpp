// SPDX-License-Identifier: MIT

// Wrap tokens. The first octet of the input chooses the type of key (low bits) and how the rest is used: as a token, as
// a token in parts, or as a header and a plaintext that the harness seals itself, so that the fuzzer reaches what lies
// behind decryption without knowing the key.
#include "fuzz_context.h"

#include <algorithm>

namespace apex::fuzz {
namespace {

constexpr std::size_t header_size = 16;

/// Whatever becomes of a token, its octets stay, and a refused one leaves the context as it was.
void open_plain(Context& context, const Bytes& token)
{
    const Bytes before = token;
    const ProtectionState state = context.acceptor.state();
    const Result<UnwrappedMessage> opened = context.acceptor.unwrap(token);
    require(before == token);
    require(opened || state == context.acceptor.state());
    require(!opened || opened->message.size() <= token.size());
}

/// The input behind the first octet is cut into header, data and perhaps trailer where its next two octets say.
void open_parts(Context& context, Bytes input)
{
    if (input.size() < 2) {
        return;
    }
    const std::size_t rest = input.size() - 2;
    const std::size_t first = std::min<std::size_t>(input[0], rest);
    const std::size_t second = std::min<std::size_t>(input[1] & 0x7fU, rest - first);
    const bool trailer = (input[1] & 0x80U) != 0;
    std::uint8_t* start = input.data() + 2;
    IovBuffer buffers[] = {{.kind = IovBuffer::Kind::header, .data = start, .length = first},
                           {.kind = IovBuffer::Kind::data, .data = start + first, .length = second},
                           {.kind = trailer ? IovBuffer::Kind::trailer : IovBuffer::Kind::sign_only,
                            .data = start + first + second,
                            .length = rest - first - second}};
    const Bytes before = input;
    const bool opened = context.acceptor.unwrap_iov(buffers).has_value();
    require(opened || before == input);
}

void open_stream(Context& context, Bytes input)
{
    IovBuffer buffers[] = {{.kind = IovBuffer::Kind::stream, .data = input.data(), .length = input.size()},
                           {.kind = IovBuffer::Kind::data}};
    const Bytes before = input;
    const bool opened = context.acceptor.unwrap_iov(buffers).has_value();
    require(opened || before == input);
    require(!opened || buffers[1].length <= input.size());
}

/// What a sealed token must be to be accepted, in the words of RFC 4121 4.2.4, without the code under test.
bool is_right(const Bytes& header, ByteView plaintext)
{
    Bytes copy = header;
    copy[6] = 0;
    copy[7] = 0;
    const std::size_t extra_count = header[4] * 256U + header[5];
    return header[0] == 5 && header[1] == 4 && header[3] == 0xff && plaintext.size() >= header_size + extra_count &&
           same(plaintext.last(header_size), copy);
}

/// The next 16 octets are the header, the others the plaintext. The last octet decides whether the harness appends the
/// right copy of the header.
void open_sealed_by_us(Context& context, const Bytes& input)
{
    if (input.size() < header_size + 1) {
        return;
    }
    Bytes header(input.begin(), input.begin() + header_size);
    header[2] = static_cast<std::uint8_t>((header[2] & 0xf8U) | 0x06U); // sealed by the initiator with the subkey
    Bytes plaintext(input.begin() + header_size, input.end() - 1);
    if ((input.back() & 1U) != 0) {
        append(plaintext, header);
        std::fill_n(plaintext.end() - 10, 2, std::uint8_t{0});
    }
    Result<Bytes> sealed = context.keys.acceptor_subkey->seal(KeyUsage::initiator_seal, plaintext, context.random);
    require(sealed.has_value());
    const std::size_t rotation = (header[6] * 256U + header[7]) % sealed->size();
    std::rotate(sealed->begin(), sealed->end() - static_cast<std::ptrdiff_t>(rotation), sealed->end());
    Bytes token = header;
    append(token, *sealed);
    const Result<UnwrappedMessage> opened = context.acceptor.unwrap(token);
    require(opened.has_value() == is_right(header, plaintext));
    if (opened) {
        const std::size_t extra_count = header[4] * 256U + header[5];
        require(same(opened->message.view(), ByteView(plaintext).first(plaintext.size() - header_size - extra_count)));
    }
}

} // namespace
} // namespace apex::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace apex::fuzz;
    if (size == 0) {
        return 0;
    }
    Context context(data[0] & 0x07U);
    const apex::Bytes input(data + 1, data + size);
    switch (data[0] >> 6) {
    case 0: open_plain(context, input); break;
    case 1: open_parts(context, input); break;
    case 2: open_stream(context, input); break;
    default: open_sealed_by_us(context, input); break;
    }
    return 0;
}
