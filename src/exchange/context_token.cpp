// SPDX-License-Identifier: MIT
#include "apex/exchange/context_token.h"

#include <array>
#include <string>

namespace apex {
namespace {

constexpr std::array<std::uint8_t, 9> krb5 = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};
constexpr std::array<std::uint8_t, 5> krb5_old = {0x2b, 0x05, 0x01, 0x05, 0x02};
constexpr std::array<std::uint8_t, 9> krb5_microsoft = {0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02};
// 2.25.6182930471855164201 (arcs in base 128, most significant first)
constexpr std::array<std::uint8_t, 10> apex_own = {0x69, 0xd5, 0xe7, 0x8b, 0xd0, 0x96, 0xee, 0xf6, 0x96, 0x29};

constexpr std::uint8_t frame_tag = 0x60;
constexpr std::uint8_t oid_tag = 0x06;
constexpr std::uint8_t bare_request = 0x6e;
constexpr std::uint8_t bare_reply = 0x6f;

/// Takes a definite, minimal DER length (X.690 8.1.3, 10.1) off the front.
Result<std::size_t> take_length(ByteView& rest)
{
    if (rest.empty()) {
        return refuse(Fault::MalformedToken, "it ends before the frame's length");
    }
    const std::uint8_t first = rest[0];
    rest = rest.subspan(1);
    if (first < 0x80) {
        return std::size_t{first};
    }
    const std::size_t octets = first & 0x7F;
    if (octets == 0 || octets > 4 || octets > rest.size()) {
        return refuse(Fault::MalformedToken, "the frame's length takes " + std::to_string(octets) +
                                                 " octets, expected 1 to 4 of the " + std::to_string(rest.size()) +
                                                 " that are left");
    }
    std::size_t length = 0;
    for (std::size_t i = 0; i < octets; ++i) {
        length = length << 8 | rest[i];
    }
    rest = rest.subspan(octets);
    if (length < 0x80 || length >> (8 * (octets - 1)) == 0) {
        return refuse(Fault::MalformedToken, "the frame's length is not written in the shortest form");
    }
    return length;
}

Result<TokenKind> kind_of(ByteView identifier)
{
    const auto number = static_cast<std::uint16_t>(identifier[0] << 8 | identifier[1]);
    switch (static_cast<TokenKind>(number)) {
    case TokenKind::ap_request:
    case TokenKind::ap_reply:
    case TokenKind::krb_error:
        return static_cast<TokenKind>(number);
    }
    return refuse(Fault::WrongTokenKind,
                  "token identifier " + hex(identifier) + ", expected 0100 (AP-REQ), 0200 (AP-REP) or 0300 (KRB-ERROR)");
}

std::size_t length_of_length(std::size_t length)
{
    std::size_t octets = 1;
    if (length >= 0x80) {
        for (std::size_t rest = length; rest != 0; rest >>= 8) {
            ++octets;
        }
    }
    return octets;
}

void append_length(Bytes& target, std::size_t length)
{
    const std::size_t octets = length_of_length(length);
    if (octets == 1) {
        target.push_back(static_cast<std::uint8_t>(length));
        return;
    }
    target.push_back(static_cast<std::uint8_t>(0x80 | (octets - 1)));
    for (std::size_t i = octets - 1; i > 0; --i) {
        target.push_back(static_cast<std::uint8_t>(length >> (8 * (i - 1))));
    }
}

Result<ContextToken> read_framed(ByteView token)
{
    ByteView rest = token.subspan(1);
    const std::size_t length = TRY(take_length(rest));
    if (length != rest.size()) {
        return refuse(Fault::MalformedToken, "the frame claims " + std::to_string(length) + " octets, the token has " +
                                                 std::to_string(rest.size()) +
                                                 "; it was cut short or lengthened on its way");
    }
    if (rest.size() < 2 || rest[0] != oid_tag || rest[1] >= 0x80 || rest.size() - 2 < rest[1]) {
        return refuse(Fault::MalformedToken, "the frame does not begin with a mechanism OID");
    }
    ContextToken read;
    read.mechanism = rest.subspan(2, rest[1]);
    rest = rest.subspan(2 + read.mechanism.size());
    if (rest.size() < 2) {
        return refuse(Fault::MalformedToken, "it ends before the token identifier");
    }
    read.kind = TRY(kind_of(rest.first(2)));
    read.message = rest.subspan(2);
    return read;
}

} // namespace

ByteView krb5_oid() noexcept
{
    return krb5;
}

ByteView krb5_old_oid() noexcept
{
    return krb5_old;
}

ByteView krb5_microsoft_oid() noexcept
{
    return krb5_microsoft;
}

ByteView apex_oid() noexcept
{
    return apex_own;
}

Result<ContextToken> read_context_token(ByteView token)
{
    if (token.empty()) {
        return refuse(Fault::MalformedToken, "it is empty");
    }
    if (token.size() > longest_token) {
        return refuse(Fault::TokenTooLong, std::to_string(token.size()) + " octets, at most " +
                                               std::to_string(longest_token) + " are read");
    }
    switch (token[0]) {
    case frame_tag:
        return read_framed(token);
    case bare_request:
        return ContextToken{.framed = false, .mechanism = {}, .kind = TokenKind::ap_request, .message = token};
    case bare_reply:
        return ContextToken{.framed = false, .mechanism = {}, .kind = TokenKind::ap_reply, .message = token};
    default:
        return refuse(Fault::MalformedToken, "it begins with octet " + hex(token.first(1)) +
                                                 ", expected 60 (a GSS-API frame); " +
                                                 (token[0] == 'N' ? "it looks like NTLM: the client found no Kerberos "
                                                                    "ticket for this service"
                                                                  : "it is no Kerberos token"));
    }
}

Bytes frame_message(ByteView mechanism, TokenKind kind, ByteView message)
{
    const std::size_t inner = 2 + mechanism.size() + 2 + message.size();
    Bytes token;
    token.reserve(1 + length_of_length(inner) + inner);
    token.push_back(frame_tag);
    append_length(token, inner);
    token.push_back(oid_tag);
    token.push_back(static_cast<std::uint8_t>(mechanism.size()));
    append(token, mechanism);
    token.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(kind) >> 8));
    token.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(kind) & 0xFF));
    append(token, message);
    return token;
}

} // namespace apex
