// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"
#include "apex/protection/message_protection.h"

#include <span>

namespace apex {

/// Rc4Tokens makes and opens the tokens of RFC 1964 with the algorithms of RFC 4757 7, which contexts with an RC4 key
/// use instead of those of RFC 4121. Their MAC does not cover the sequence number, and MD5 collisions forge it:
/// whoever allows RC4 accepts that. Immutable, safe for concurrent use.
class Rc4Tokens final {
public:
    /// A deletion token is a MIC token over nothing that ends the context (RFC 1964 1.2.3). None is made here.
    enum class Kind : std::uint8_t { mic, deletion, signed_wrap, sealed_wrap };
    static constexpr bool is_wrap(Kind kind) noexcept { return kind == Kind::signed_wrap || kind == Kind::sealed_wrap; }

    /// Octets of the identifier, algorithms, sequence number and checksum.
    static constexpr std::size_t fields_length = 24;
    static constexpr std::size_t confounder_length = 8;
    /// Wrap tokens end in one octet of padding (RFC 4757 7.3).
    static constexpr std::size_t padding_length = 1;

    static Result<Rc4Tokens> make(const Key& key, Bytes mechanism);

    /// Octets from the frame up to the message: of a Wrap token to whose frame `behind` more octets count.
    [[nodiscard]] std::size_t wrap_header_length(std::size_t behind) const noexcept;
    [[nodiscard]] std::size_t mic_length() const noexcept;

    /// Octets of the frame at the start of a header, 0 if there is none. Its length must be that of `total` octets, or of
    /// the header alone, as Windows has it.
    [[nodiscard]] std::size_t frame_octets(ByteView header, std::size_t total) const noexcept;

    /// Makes a token: `header` gets frame (to which `behind` octets count too), fields and, in Wrap tokens, the random
    /// confounder; `covered` is the message with its padding, whose sealed parts are encrypted in place.
    Done protect(Kind kind, Role sender, std::uint32_t number, ByteSpan header, std::size_t behind,
                 std::span<const Segment> covered, Random& random) const;

    /// Padding says whether the message of a Wrap token ends in padding that is to be checked.
    enum class Padding : std::uint8_t { none, at_the_end };

    /// What a token says about itself.
    struct Opened final {
        Kind kind = Kind::mic;
        std::uint32_t number = 0;
        std::size_t padding = 0; // octets at the end of the last sealed part
    };

    /// The kind that the first 8 octets of the fields announce. Fault::BadMessageToken.
    static Result<Kind> kind_of(ByteView fields);

    /// Opens what `protect` made; `header` begins behind the frame. Parts are decrypted in place; after a failure they
    /// are what they were. Fault::BadMessageToken, WrongDirection, BadSignature.
    Result<Opened> open(Role receiver, ByteSpan header, std::span<const Segment> covered, Padding padding) const;

private:
    struct SubKeys final {
        UsageKey wrap_checksum;
        UsageKey mic_checksum;
        Secret sequence;
        Secret sealing;
    };
    Rc4Tokens(std::shared_ptr<const SubKeys> keys, Bytes mechanism) noexcept
        : keys_(std::move(keys)), mechanism_(std::move(mechanism))
    {
    }

    [[nodiscard]] std::size_t content_length(std::size_t inner) const noexcept;
    void write_frame(ByteSpan frame, std::size_t content) const noexcept;
    Done checksum(Kind kind, ByteView fields, ByteView confounder, std::span<const Segment> covered,
                  ByteSpan checksum) const;
    Done cipher_message(ByteView number, ByteSpan confounder, std::span<const Segment> covered) const;
    Result<Opened> judge(Kind kind, Role receiver, ByteView header, ByteView sequence, std::span<const Segment> covered,
                         Padding padding) const;
    Done cipher_number(ByteView checksum, ByteSpan number) const;

    std::shared_ptr<const SubKeys> keys_;
    Bytes mechanism_;
};

} // namespace apex
