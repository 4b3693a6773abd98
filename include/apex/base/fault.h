// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace apex {

/// Fault is every way in which Apex refuses. Reading the list is reading what can go wrong.
enum class Fault : std::uint8_t {
    // Tokens and messages that cannot be read.
    MalformedToken,
    WrongTokenKind,
    WrongMechanism,
    MalformedMessage,
    WrongMessageType,
    UnsupportedVersion,
    TokenTooLong,

    // Keys and cryptography.
    UnknownEncryptionType,
    EncryptionTypeRefused,
    BadKeyLength,
    BadIntegrity,
    CiphertextTooShort,
    CryptoFailure,
    NoRandomness,

    // The acceptor's judgement of a request.
    NoServiceKey,
    NoKeytab,
    WrongServer,
    WrongKeyVersion,
    TicketIntegrity,
    AuthenticatorIntegrity,
    WrongClient,
    ClockSkew,
    TicketNotYetValid,
    TicketExpired,
    TicketInvalid,
    WrongAddress,
    TransitRefused,
    UnknownAuthorizationData,
    PacRefused,
    UserToUserRefused,
    MissingMutual,
    ContradictoryMutual,
    BadChecksum,
    ChecksumTooShort,
    BadBindingsLength,
    BindingsMismatch,
    BindingsMissing,
    BadDelegation,
    Replay,
    ReplayStoreFailed,
    DceStyleMismatch,

    // The initiator's judgement of a reply.
    NoCredential,
    EmptyCredentialCache,
    CredentialCacheMismatch,
    CredentialExpired,
    KdcFailed,
    ReplyIntegrity,
    ReplyMismatch,
    PeerReported,
    MissingReply,
    TargetChanged,
    DelegationFailed,
    FieldTooLong,

    // Contexts and calls.
    NoContext,
    ContextIncomplete,
    ContextEstablished,
    ContextFailed,
    BadHandle,
    BadCall,
    BadUsage,
    BadQuality,
    Unavailable,
    NoMemory,
    Internal,

    // Messages of an established context.
    BadSignature,
    WrongDirection,
    BadMessageToken,
    MessageTooLong,
    SequenceExhausted,
    BadBuffers,
    BufferTooSmall,

    // Names and credentials.
    BadName,
    BadNameType,
    BadCredential,
    KeytabMismatch,
    DuplicateElement,
    NotAuthorized,
    NoLocalName,
    NoAttribute,
    StoreRefused,

    // The surroundings.
    BadSetting,
    Library,

    Count_
};

/// FaultTraits is what a Fault means to a GSS caller: routine error (RFC 2744 3.9.1, unshifted), the krb5 minor code
/// that MIT gives, a name for logs and a sentence for people.
struct FaultTraits final {
    Fault fault;
    std::uint32_t routine_error;
    std::int32_t minor;
    std::string_view name;
    std::string_view sentence;
};

/// traits_of looks up the one row of a fault.
const FaultTraits& traits_of(Fault fault) noexcept;

/// Error is a fault with its circumstances: which principal, which encryption type, how many seconds. Never key or
/// plaintext octets.
struct Error final {
    Fault fault;
    std::string detail;
    /// A more exact minor code (one of libkrb5's), 0 = that of the table.
    std::int32_t minor_override = 0;
    /// A different GSS routine error, 0 = that of the table.
    std::uint32_t routine_override = 0;

    [[nodiscard]] std::int32_t minor() const noexcept
    {
        return minor_override != 0 ? minor_override : traits_of(fault).minor;
    }
    [[nodiscard]] std::uint32_t routine_error() const noexcept
    {
        return routine_override != 0 ? routine_override : traits_of(fault).routine_error;
    }
    /// The sentence of the fault and, behind a colon, the detail.
    [[nodiscard]] std::string text() const;
};

/// refuse makes an Error; the usual way to leave a function with a fault.
Error refuse(Fault fault, std::string detail = {});

/// krb5_base is where the krb5 table of minor codes begins: minor = krb5_base + the RFC 4120 7.5.9 error code.
inline constexpr std::int32_t krb5_base = -1765328384;

/// protocol_code gives the RFC 4120 7.5.9 error code of a minor, KRB_ERR_GENERIC (60) if it has none.
std::int32_t protocol_code(std::int32_t minor) noexcept;

} // namespace apex
