// SPDX-License-Identifier: MIT
#include "apex/base/fault.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace apex {
namespace {

// Routine errors of RFC 2744 3.9.1, without the shift by 16.
constexpr std::uint32_t bad_name = 2;
constexpr std::uint32_t bad_nametype = 3;
constexpr std::uint32_t bad_bindings = 4;
constexpr std::uint32_t bad_sig = 6;
constexpr std::uint32_t no_cred = 7;
constexpr std::uint32_t no_context = 8;
constexpr std::uint32_t defective_token = 9;
constexpr std::uint32_t defective_credential = 10;
constexpr std::uint32_t credentials_expired = 11;
constexpr std::uint32_t failure = 13;
constexpr std::uint32_t bad_qop = 14;
constexpr std::uint32_t unauthorized = 15;
constexpr std::uint32_t unavailable = 16;
constexpr std::uint32_t duplicate_element = 17;

// Bases of the other tables of minor codes that MIT's mechanism uses.
constexpr std::int32_t k5g = 39756032;
constexpr std::int32_t ggss = -2045022976;
constexpr std::int32_t asn1 = 1859794432;

constexpr std::int32_t krb5(std::int32_t code)
{
    return krb5_base + code;
}

using enum Fault;

constexpr std::array table = std::to_array<FaultTraits>({
    {MalformedToken, defective_token, ggss + 12, "MalformedToken", "the token's framing is damaged"},
    {WrongTokenKind, defective_token, krb5(40), "WrongTokenKind", "the token is of another kind than expected"},
    {WrongMechanism, defective_token, ggss + 11, "WrongMechanism", "the token belongs to another mechanism"},
    {MalformedMessage, failure, asn1 + 9, "MalformedMessage", "the Kerberos message cannot be decoded"},
    {WrongMessageType, failure, krb5(40), "WrongMessageType", "the Kerberos message is of another type than expected"},
    {UnsupportedVersion, failure, krb5(39), "UnsupportedVersion", "the Kerberos protocol version is not 5"},
    {TokenTooLong, defective_token, k5g + 15, "TokenTooLong", "the token is longer than Apex accepts"},

    {UnknownEncryptionType, failure, krb5(14), "UnknownEncryptionType", "the encryption type is not supported"},
    {EncryptionTypeRefused, failure, krb5(236), "EncryptionTypeRefused", "the encryption type is not permitted"},
    {BadKeyLength, failure, krb5(190), "BadKeyLength", "the key's length does not fit its encryption type"},
    {BadIntegrity, failure, krb5(31), "BadIntegrity", "the integrity check of decrypted data failed"},
    {CiphertextTooShort, failure, krb5(190), "CiphertextTooShort", "the ciphertext is too short for its encryption type"},
    {CryptoFailure, failure, krb5(178), "CryptoFailure", "the cryptographic library failed"},
    {NoRandomness, failure, krb5(178), "NoRandomness", "no randomness could be had"},

    {NoServiceKey, failure, krb5(45), "NoServiceKey", "no key of the service is available"},
    {NoKeytab, no_cred, krb5(181), "NoKeytab", "the keytab cannot be used"},
    {WrongServer, failure, krb5(35), "WrongServer", "the ticket is for another service"},
    {WrongKeyVersion, failure, krb5(44), "WrongKeyVersion", "the ticket's key is not in the keytab"},
    {TicketIntegrity, failure, krb5(31), "TicketIntegrity", "the ticket cannot be decrypted"},
    {AuthenticatorIntegrity, failure, krb5(31), "AuthenticatorIntegrity", "the authenticator cannot be decrypted"},
    {WrongClient, failure, krb5(36), "WrongClient", "ticket and authenticator name different clients"},
    {ClockSkew, failure, krb5(37), "ClockSkew", "the clocks of client and server differ too much"},
    {TicketNotYetValid, failure, krb5(33), "TicketNotYetValid", "the ticket is not yet valid"},
    {TicketExpired, failure, krb5(32), "TicketExpired", "the ticket has expired"},
    {TicketInvalid, failure, krb5(145), "TicketInvalid", "the ticket is flagged invalid"},
    {WrongAddress, failure, krb5(38), "WrongAddress", "the ticket is not for the client's network address"},
    {TransitRefused, failure, krb5(43), "TransitRefused", "the ticket came through realms that are not trusted"},
    {UnknownAuthorizationData, failure, krb5(12), "UnknownAuthorizationData",
     "the ticket carries authorization data that must be understood and is not"},
    {PacRefused, failure, krb5(41), "PacRefused", "the ticket's PAC cannot be relied on"},
    {UserToUserRefused, failure, krb5(48), "UserToUserRefused",
     "the client wants a user-to-user exchange, which this acceptor has no key for"},
    {MissingMutual, failure, krb5(48), "MissingMutual",
     "the client did not ask for mutual authentication, which this host requires ([apex] mutual_auth = require)"},
    {ContradictoryMutual, failure, krb5(41), "ContradictoryMutual",
     "the request's mutual option and its checksum's mutual flag contradict each other"},
    {BadChecksum, bad_sig, krb5(41), "BadChecksum", "the authenticator's checksum is wrong"},
    {ChecksumTooShort, bad_bindings, k5g + 6, "ChecksumTooShort", "the authenticator's GSS checksum is too short"},
    {BadBindingsLength, failure, k5g + 6, "BadBindingsLength",
     "a length inside the authenticator's GSS checksum is wrong"},
    {BindingsMismatch, bad_bindings, krb5(41), "BindingsMismatch", "the channel bindings of client and server differ"},
    {BindingsMissing, bad_bindings, krb5(41), "BindingsMissing",
     "the client supports channel bindings and sent none, the server has some"},
    {BadDelegation, failure, krb5(41), "BadDelegation", "the delegated credential cannot be read"},
    {Replay, failure, krb5(34), "Replay", "the request is a replay: this authenticator was already accepted once"},
    {ReplayStoreFailed, failure, krb5(164), "ReplayStoreFailed", "the replay store cannot be used"},
    {DceStyleMismatch, defective_token, krb5(40), "DceStyleMismatch",
     "framing and DCE style of the token contradict each other"},

    {NoCredential, no_cred, krb5(141), "NoCredential", "no Kerberos credentials are available"},
    {EmptyCredentialCache, no_cred, k5g + 12, "EmptyCredentialCache", "the credential cache is empty"},
    {CredentialCacheMismatch, no_cred, k5g + 0, "CredentialCacheMismatch",
     "the principal in the credential cache is not the desired one"},
    {CredentialExpired, credentials_expired, krb5(32), "CredentialExpired", "the credentials have expired"},
    {KdcFailed, failure, krb5(156), "KdcFailed", "no service ticket could be obtained"},
    {ReplyIntegrity, failure, krb5(31), "ReplyIntegrity", "the server's reply cannot be decrypted"},
    {ReplyMismatch, failure, krb5(158), "ReplyMismatch",
     "the server's reply does not carry the time that was sent: mutual authentication failed"},
    {PeerReported, failure, krb5(60), "PeerReported", "the server refused the request"},
    {MissingReply, defective_token, ggss + 12, "MissingReply", "the server's reply is missing"},
    {TargetChanged, bad_name, ggss + 0, "TargetChanged",
     "the target name differs from that of the first call"},
    {DelegationFailed, failure, k5g + 2, "DelegationFailed", "the credentials cannot be delegated"},
    {FieldTooLong, failure, krb5(61), "FieldTooLong", "a field is too long for its place"},

    {NoContext, no_context, k5g + 8, "NoContext", "there is no security context"},
    {ContextIncomplete, no_context, k5g + 7, "ContextIncomplete", "the security context is not yet established"},
    {ContextEstablished, failure, k5g + 4, "ContextEstablished", "the security context is already fully established"},
    {ContextFailed, no_context, k5g + 7, "ContextFailed", "the security context failed earlier and cannot be used"},
    {BadHandle, defective_credential, EINVAL, "BadHandle", "the handle is not one of Apex"},
    {BadCall, failure, EINVAL, "BadCall", "the call does not fit"},
    {BadUsage, failure, ggss + 7, "BadUsage", "the credential's usage does not fit the call"},
    {BadQuality, bad_qop, ggss + 8, "BadQuality", "the quality of protection must be the default, 0"},
    {Unavailable, unavailable, EINVAL, "Unavailable", "the operation is not available"},
    {NoMemory, failure, ENOMEM, "NoMemory", "memory is exhausted"},
    {Internal, failure, krb5(178), "Internal", "an internal invariant is broken"},

    {BadSignature, bad_sig, krb5(31), "BadSignature", "the message's integrity check failed"},
    {WrongDirection, bad_sig, ggss + 13, "WrongDirection", "the message comes from the wrong side"},
    {BadMessageToken, defective_token, ggss + 12, "BadMessageToken", "the message token is malformed"},
    {MessageTooLong, failure, krb5(61), "MessageTooLong", "the message is too long"},
    {SequenceExhausted, failure, k5g + 11, "SequenceExhausted", "all sequence numbers are used up"},
    {BadBuffers, failure, EINVAL, "BadBuffers", "the list of buffers has an impossible shape"},
    {BufferTooSmall, failure, krb5(190), "BufferTooSmall", "a buffer is too small for what goes into it"},

    {BadName, bad_name, ggss + 0, "BadName", "the name cannot be used"},
    {BadNameType, bad_nametype, ggss + 0, "BadNameType", "the type of name is not supported"},
    {BadCredential, defective_credential, k5g + 9, "BadCredential", "the credential cannot be used"},
    {KeytabMismatch, no_cred, k5g + 1, "KeytabMismatch", "no principal in the keytab matches the desired name"},
    {DuplicateElement, duplicate_element, EEXIST, "DuplicateElement", "an element stands twice"},
    {NotAuthorized, unauthorized, EPERM, "NotAuthorized", "the principal may not log in as that user"},
    {NoLocalName, failure, krb5(157), "NoLocalName", "the principal has no local name"},
    {NoAttribute, unavailable, ENOENT, "NoAttribute", "the name has no such attribute"},
    {StoreRefused, failure, ggss + 18, "StoreRefused", "the credential cannot be stored"},

    {BadSetting, failure, krb5(136), "BadSetting", "a setting of krb5.conf cannot be used"},
    {Library, failure, krb5(60), "Library", "the Kerberos library failed"},
});

constexpr bool in_order()
{
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].fault) != i) {
            return false;
        }
    }
    return table.size() == static_cast<std::size_t>(Count_);
}
static_assert(in_order(), "the table has one row per fault, in the order of the enumeration");

} // namespace

const FaultTraits& traits_of(Fault fault) noexcept
{
    const auto index = static_cast<std::size_t>(fault);
    return table[index < table.size() ? index : static_cast<std::size_t>(Internal)];
}

std::string Error::text() const
{
    std::string text(traits_of(fault).sentence);
    if (!detail.empty()) {
        text += ": ";
        text += detail;
    }
    return text;
}

Error refuse(Fault fault, std::string detail)
{
    return Error{.fault = fault, .detail = std::move(detail)};
}

std::int32_t protocol_code(std::int32_t minor) noexcept
{
    constexpr std::int32_t generic = 60;
    const std::int64_t code = static_cast<std::int64_t>(minor) - krb5_base;
    return code >= 0 && code <= 127 ? static_cast<std::int32_t>(code) : generic;
}

} // namespace apex
