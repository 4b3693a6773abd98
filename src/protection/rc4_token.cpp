// SPDX-License-Identifier: MIT
#include "rc4_token.h"

#include "apex/crypto/rc4.h"
#include "small_list.h"
#include "token_header.h"

#include <algorithm>
#include <optional>

namespace apex {
namespace {

// The message types of RFC 4757 7.2 and 7.3, in the place of a key usage.
constexpr auto wrap_type = static_cast<KeyUsage>(13);
constexpr auto mic_type = static_cast<KeyUsage>(15);

constexpr std::size_t algorithms_length = 8; // identifier, SGN_ALG, SEAL_ALG, filler: what the checksum covers
constexpr std::size_t number_length = 8;     // SND_SEQ
constexpr std::size_t checksum_length = 8;   // SGN_CKSUM
constexpr std::size_t key_length = 16;

using Algorithms = std::array<std::uint8_t, algorithms_length>;

/// RFC 4757 7.2, 7.3: HMAC-MD5, and RC4 or no encryption.
constexpr Algorithms algorithms_of(Rc4Tokens::Kind kind) noexcept
{
    switch (kind) {
    case Rc4Tokens::Kind::mic: return {0x01, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff};
    case Rc4Tokens::Kind::deletion: return {0x01, 0x02, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff};
    case Rc4Tokens::Kind::signed_wrap: return {0x02, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff};
    case Rc4Tokens::Kind::sealed_wrap: break;
    }
    return {0x02, 0x01, 0x11, 0x00, 0x10, 0x00, 0xff, 0xff};
}

std::uint8_t direction_of(Role sender) noexcept
{
    return sender == Role::initiator ? 0x00 : 0xff;
}

std::size_t length_octets(std::size_t length) noexcept
{
    std::size_t count = 1;
    for (std::size_t rest = length; length >= 0x80 && rest != 0; rest >>= 8) {
        ++count;
    }
    return count;
}

/// HMAC(HMAC(key, 0), input), the derivation of RFC 4757 7.3 without its last step.
Result<Secret> derived_key(ByteView key, ByteView input)
{
    Secret output(key_length);
    TRY(hmac_md5(key, {&input, 1}, output.span()));
    return output;
}

Result<Secret> base_key(ByteView key)
{
    constexpr std::uint8_t zero[4] = {};
    return derived_key(key, zero);
}

} // namespace

Result<Rc4Tokens> Rc4Tokens::make(const Key& key, Bytes mechanism)
{
    Secret other = key.octets().clone();
    for (std::uint8_t& octet : other.span()) {
        octet ^= 0xf0;
    }
    const auto keys = std::make_shared<const SubKeys>(SubKeys{.wrap_checksum = TRY(key.for_usage(wrap_type)),
                                                              .mic_checksum = TRY(key.for_usage(mic_type)),
                                                              .sequence = TRY(base_key(key.octets().view())),
                                                              .sealing = TRY(base_key(other.view()))});
    return Rc4Tokens(keys, std::move(mechanism));
}

std::size_t Rc4Tokens::content_length(std::size_t inner) const noexcept
{
    return 2 + mechanism_.size() + inner;
}

std::size_t Rc4Tokens::wrap_header_length(std::size_t behind) const noexcept
{
    const std::size_t inner = fields_length + confounder_length;
    return 1 + length_octets(content_length(inner + behind)) + content_length(inner);
}

std::size_t Rc4Tokens::mic_length() const noexcept
{
    return 1 + length_octets(content_length(fields_length)) + content_length(fields_length);
}

std::size_t Rc4Tokens::frame_octets(ByteView header, std::size_t total) const noexcept
{
    const std::size_t frame = frame_length(header, total, mechanism_);
    return frame != 0 ? frame : frame_length(header, header.size(), mechanism_);
}

void Rc4Tokens::write_frame(ByteSpan frame, std::size_t content) const noexcept
{
    const std::size_t count = length_octets(content);
    frame[0] = 0x60;
    frame[1] = static_cast<std::uint8_t>(count == 1 ? content : 0x80 + count - 1);
    std::size_t rest = content;
    for (std::size_t place = count; place > 1; --place) {
        frame[place] = static_cast<std::uint8_t>(rest);
        rest >>= 8;
    }
    const ByteSpan oid = frame.subspan(1 + count);
    oid[0] = 0x06;
    oid[1] = static_cast<std::uint8_t>(mechanism_.size());
    std::copy(mechanism_.begin(), mechanism_.end(), oid.begin() + 2);
}

Done Rc4Tokens::checksum(Kind kind, ByteView fields, ByteView confounder, std::span<const Segment> covered,
                         ByteSpan checksum) const
{
    SmallList<ByteView> parts(covered.size() + 2);
    parts.add(fields.first(algorithms_length));
    parts.add(confounder);
    for (const Segment& segment : covered) {
        parts.add(segment.octets);
    }
    std::array<std::uint8_t, key_length> whole;
    const UsageKey& key = is_wrap(kind) ? keys_->wrap_checksum : keys_->mic_checksum;
    TRY(key.sign(parts.items(), whole));
    std::copy_n(whole.begin(), checksum_length, checksum.begin());
    wipe(whole);
    return {};
}

/// Encrypts or decrypts; the key depends on the sequence number (RFC 4757 7.3).
Done Rc4Tokens::cipher_message(ByteView number, ByteSpan confounder, std::span<const Segment> covered) const
{
    const Secret key = TRY(derived_key(keys_->sealing.view(), number));
    SmallList<ByteSpan> run(covered.size() + 1);
    run.add(confounder);
    for (const Segment& segment : covered) {
        if (segment.role == Segment::Role::sealed) {
            run.add(segment.octets);
        }
    }
    return rc4_in_place(key.view(), run.items());
}

Done Rc4Tokens::cipher_number(ByteView checksum, ByteSpan number) const
{
    const Secret key = TRY(derived_key(keys_->sequence.view(), checksum));
    return rc4_in_place(key.view(), {&number, 1});
}

Done Rc4Tokens::protect(Kind kind, Role sender, std::uint32_t number, ByteSpan header, std::size_t behind,
                        std::span<const Segment> covered, Random& random) const
{
    const std::size_t inner = fields_length + (is_wrap(kind) ? confounder_length : 0);
    const ByteSpan fields = header.last(inner).first(fields_length);
    const ByteSpan confounder = header.last(inner).subspan(fields_length);
    const ByteSpan sequence = fields.subspan(algorithms_length, number_length);
    const ByteSpan mac = fields.last(checksum_length);
    TRY(random.fill(confounder));
    const Algorithms algorithms = algorithms_of(kind);
    std::copy(algorithms.begin(), algorithms.end(), fields.begin());
    TRY(checksum(kind, fields, confounder, covered, mac));
    std::array<std::uint8_t, 4> number_octets;
    for (std::size_t place = 0; place < 4; ++place) {
        number_octets[place] = static_cast<std::uint8_t>(number >> (24 - 8 * place));
        sequence[place] = number_octets[place];
        sequence[4 + place] = direction_of(sender);
    }
    TRY(cipher_number(mac, sequence));
    write_frame(header, content_length(inner + behind));
    if (kind == Kind::sealed_wrap) {
        TRY(cipher_message(number_octets, confounder, covered));
    }
    return {};
}

Result<Rc4Tokens::Kind> Rc4Tokens::kind_of(ByteView fields)
{
    if (fields.size() < fields_length) {
        return refuse(Fault::BadMessageToken, std::to_string(fields.size()) + " octets are too short for a token");
    }
    for (const Kind kind : {Kind::mic, Kind::deletion, Kind::signed_wrap, Kind::sealed_wrap}) {
        if (same(fields.first(algorithms_length), algorithms_of(kind))) {
            return kind;
        }
    }
    return refuse(Fault::BadMessageToken, "no token of RFC 1964 with RC4 begins with " +
                                              hex(fields.first(algorithms_length)));
}

namespace {

/// The octets of padding say how many they are (RFC 1964 1.2.2.3). Nothing if that cannot be.
std::optional<std::size_t> padding_of(std::span<const Segment> covered) noexcept
{
    constexpr std::size_t longest = 8;
    const auto last = std::find_if(covered.rbegin(), covered.rend(), [](const Segment& segment) {
        return segment.role == Segment::Role::sealed && !segment.octets.empty();
    });
    if (last == covered.rend()) {
        return std::nullopt;
    }
    const std::size_t count = last->octets.back();
    if (count == 0 || count > std::min(longest, last->octets.size())) {
        return std::nullopt;
    }
    return count;
}

} // namespace

Result<Rc4Tokens::Opened> Rc4Tokens::judge(Kind kind, Role receiver, ByteView header, ByteView sequence,
                                           std::span<const Segment> covered, Padding padding) const
{
    const ByteView mac = header.subspan(algorithms_length + number_length, checksum_length);
    std::array<std::uint8_t, checksum_length> expected;
    TRY(checksum(kind, header, header.subspan(fields_length), covered, expected));
    if (!constant_time_equal(expected, mac)) {
        return refuse(Fault::BadSignature);
    }
    // The direction is not covered by the checksum, so that all four octets of it count.
    const ByteView direction = sequence.last(4);
    const std::uint8_t right = direction_of(receiver == Role::initiator ? Role::acceptor : Role::initiator);
    if (!std::all_of(direction.begin(), direction.end(), [right](std::uint8_t octet) { return octet == right; })) {
        return refuse(Fault::WrongDirection, "the token was made by this side");
    }
    Opened opened{.kind = kind};
    if (padding == Padding::at_the_end) {
        const std::optional<std::size_t> count = padding_of(covered);
        if (!count) {
            return refuse(Fault::BadSignature); // to be told apart from a wrong checksum by nobody
        }
        opened.padding = *count;
    }
    for (const std::uint8_t octet : sequence.first(4)) {
        opened.number = opened.number << 8 | octet;
    }
    return opened;
}

Result<Rc4Tokens::Opened> Rc4Tokens::open(Role receiver, ByteSpan header, std::span<const Segment> covered,
                                          Padding padding) const
{
    const Kind kind = TRY(kind_of(header));
    const ByteSpan confounder = header.subspan(fields_length);
    if (confounder.size() != (is_wrap(kind) ? confounder_length : 0)) {
        return refuse(Fault::BadMessageToken, "a header of " + std::to_string(header.size()) + " octets");
    }
    std::array<std::uint8_t, number_length> sequence;
    std::copy_n(header.begin() + algorithms_length, number_length, sequence.begin());
    TRY(cipher_number(header.subspan(algorithms_length + number_length, checksum_length), sequence));
    if (kind != Kind::sealed_wrap) {
        return judge(kind, receiver, header, sequence, covered, padding);
    }
    const ByteView number = ByteView(sequence).first(4);
    TRY(cipher_message(number, confounder, covered));
    Result<Opened> opened = judge(kind, receiver, header, sequence, covered, padding);
    if (!opened) {
        TRY(cipher_message(number, confounder, covered)); // INVARIANTS P7: RC4 twice is nothing
    }
    return opened;
}

} // namespace apex
