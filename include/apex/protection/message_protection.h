// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/random.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/crypto/key.h"
#include "apex/protection/iov.h"
#include "apex/protection/sequence_window.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace apex {

/// Role is the side of the context that we are.
enum class Role : std::uint8_t { initiator, acceptor };

/// Confidentiality says whether a message is encrypted too, or only covered by a checksum.
enum class Confidentiality : std::uint8_t { sealed, signed_only };

/// ProtectionKeys are the keys of an established context (RFC 4121 2).
struct ProtectionKeys final {
    /// The initiator's subkey, or the session key if it sent none. Never null.
    std::shared_ptr<const Key> own;
    /// The acceptor's subkey, or null. Where there is one we send with it.
    std::shared_ptr<const Key> acceptor_subkey;
};

/// ProtectionState is all that changes in the life of a MessageProtection: what the export of a context carries.
struct ProtectionState final {
    std::uint64_t send_sequence = 0; // the next number to send
    bool send_exhausted = false;     // 2^64-1 has been sent
    SequenceWindow::State receive{};
    bool peer_used_acceptor_subkey = false;
    bool operator==(const ProtectionState&) const = default;
};

/// Unwrapped tells about a message that was opened.
struct Unwrapped final {
    std::size_t length = 0; // octets of the message
    Confidentiality confidentiality = Confidentiality::signed_only;
    Ordering ordering = Ordering::InOrder;
};

/// UnwrappedMessage is a message that was opened, with its octets.
struct UnwrappedMessage final {
    Secret message;
    Confidentiality confidentiality = Confidentiality::signed_only;
    Ordering ordering = Ordering::InOrder;
};

/// MessageProtection makes and opens the per-message tokens of one established context (RFC 4121 4.2): Wrap tokens,
/// with or without encryption, and MIC tokens.
///
/// Safe for concurrent use: a mutex inside is held only to take the next sequence number or to consult the window;
/// cryptography runs outside it. Sub-keys are derived at their first use and kept.
///
/// Faults of the receiving calls: BadMessageToken (cannot be read), WrongDirection (our own token came back),
/// BadSignature (the MAC, or the encrypted copy of the header, does not fit). On failure neither the window nor any
/// buffer of the caller is changed. Duplicates and gaps are no failure: see Ordering.
/// Faults of the sending calls: MessageTooLong, BufferTooSmall, SequenceExhausted, NoRandomness, CryptoFailure.
class MessageProtection final {
public:
    /// `send_sequence` is our initial number, `receive_sequence` the peer's. `random` must outlive the object.
    /// `mechanism` is the content of the context's OID, for the RFC 2743 3.1 frame that some peers put in front of
    /// tokens; empty stands for the krb5 mechanism. Fault::EncryptionTypeRefused, Fault::Internal (no key).
    static Result<MessageProtection> make(Role role, ProtectionKeys keys, std::uint64_t send_sequence,
                                          std::uint64_t receive_sequence, SequenceRules rules, bool dce_style,
                                          Random& random, ByteView mechanism = {});

    /// Continues where an exported context stopped.
    static Result<MessageProtection> restore(Role role, ProtectionKeys keys, const ProtectionState& state,
                                             SequenceRules rules, bool dce_style, Random& random,
                                             ByteView mechanism = {});

    ~MessageProtection();
    MessageProtection(MessageProtection&& other) noexcept;
    MessageProtection& operator=(MessageProtection&& other) noexcept;
    MessageProtection(const MessageProtection&) = delete;
    MessageProtection& operator=(const MessageProtection&) = delete;

    [[nodiscard]] Role role() const noexcept;
    [[nodiscard]] const ProtectionKeys& keys() const noexcept;
    [[nodiscard]] SequenceRules rules() const noexcept;
    [[nodiscard]] bool dce_style() const noexcept;
    /// A snapshot of the numbers.
    [[nodiscard]] ProtectionState state() const;

    /// Octets of the Wrap token for a message of `length` octets. Fault::MessageTooLong.
    [[nodiscard]] Result<std::size_t> wrapped_size(std::size_t length, Confidentiality confidentiality) const;
    /// Makes a Wrap token in `token`, which has exactly wrapped_size() octets and does not overlap the message.
    Done wrap_into(ByteView message, Confidentiality confidentiality, ByteSpan token);
    [[nodiscard]] Result<Bytes> wrap(ByteView message, Confidentiality confidentiality);
    /// The longest message whose Wrap token has at most `max_output` octets, 0 if there is none.
    [[nodiscard]] std::size_t size_limit(Confidentiality confidentiality, std::size_t max_output) const noexcept;

    /// Octets of room that unwrap_into needs for a token: a little more than its message. Reads only the header, so
    /// nothing is verified yet. Fault::BadMessageToken, Fault::WrongDirection, Fault::BadSignature.
    [[nodiscard]] Result<std::size_t> unwrap_room(ByteView token) const;
    /// Opens a Wrap token. The message is at the start of `room` (at least unwrap_room() octets, not overlapping the
    /// token); the rest of the room holds nothing of meaning afterwards. After a failure the room is wiped.
    [[nodiscard]] Result<Unwrapped> unwrap_into(ByteView token, ByteSpan room);
    [[nodiscard]] Result<UnwrappedMessage> unwrap(ByteView token);

    /// Octets of a MIC token.
    [[nodiscard]] std::size_t mic_size() const noexcept;
    /// Makes a MIC token over the parts of a message, as if they were one, in `token` of mic_size() octets.
    Done sign_into(std::span<const ByteView> parts, ByteSpan token);
    [[nodiscard]] Result<Bytes> sign(ByteView message);
    /// Verifies a MIC token.
    [[nodiscard]] Result<Ordering> verify(std::span<const ByteView> parts, ByteView token);
    [[nodiscard]] Result<Ordering> verify(ByteView message, ByteView token);

    /// Verifies a token by which the peer ends the context (RFC 1964 1.2.3). Contexts of RFC 4121 have none:
    /// Fault::BadMessageToken.
    Done verify_deletion(ByteView token);

    /// Protects a message in parts: data is encrypted in place, header, trailer and padding are filled in and their
    /// lengths set. Without any data buffer nothing is sealed, whatever was asked for; the answer tells. The layouts
    /// are those of RFC 4121 4.2.4 and, without a trailer buffer, 4.2.5; DCE style fills EC = one cipher block.
    /// Fault::BadBuffers (no header, or overlapping buffers), Fault::BufferTooSmall.
    [[nodiscard]] Result<Confidentiality> wrap_iov(std::span<IovBuffer> buffers, Confidentiality confidentiality);
    /// Sets the lengths that wrap_iov needs of header, trailer and padding; their pointers become null.
    [[nodiscard]] Result<Confidentiality> wrap_iov_length(std::span<IovBuffer> buffers,
                                                          Confidentiality confidentiality) const;
    /// Opens a message in parts, in place: header, data and perhaps trailer as wrap_iov made them, or one stream
    /// buffer with a whole token and one data buffer, which is set to where the message is (in the stream, or in
    /// octets of its own if it asks to be allocated). `length` of the answer is that of all data.
    [[nodiscard]] Result<Unwrapped> unwrap_iov(std::span<IovBuffer> buffers);

    /// The MIC calls for a message in parts with one mic_token buffer.
    Done sign_iov(std::span<IovBuffer> buffers);
    Done sign_iov_length(std::span<IovBuffer> buffers) const;
    [[nodiscard]] Result<Ordering> verify_iov(std::span<const IovBuffer> buffers);

    /// The engine inside; only this layer knows it.
    class Engine;

private:
    explicit MessageProtection(std::unique_ptr<Engine> engine) noexcept;
    std::unique_ptr<Engine> engine_;
};

} // namespace apex
