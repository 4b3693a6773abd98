// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <optional>

namespace apex {

/// TokenKind is the two-octet token identifier of RFC 4121 4.1.
enum class TokenKind : std::uint16_t {
    ap_request = 0x0100,
    ap_reply = 0x0200,
    krb_error = 0x0300,
};

/// ContextToken is a context token taken out of its frame (RFC 2743 3.1), or a bare one (DCE style).
struct ContextToken final {
    bool framed = true;
    ByteView mechanism; // the OID's octets; empty for a bare token
    TokenKind kind = TokenKind::ap_request;
    ByteView message; // DER; borrowed from the token
};

/// The largest token that is looked at: tickets with PACs pass 64 KiB, nothing honest passes this (INVARIANTS A1).
inline constexpr std::size_t longest_token = 1U << 20;

/// The OIDs that Kerberos goes by: RFC 4121, the deprecated one of RFC 1964's drafts, and the one that Windows
/// truncated ([MS-SPNG] 3.1.5.2).
ByteView krb5_oid() noexcept;
ByteView krb5_old_oid() noexcept;
ByteView krb5_microsoft_oid() noexcept;
/// Apex's own (ARCHITECTURE 0), for use beside the built-in mechanism.
ByteView apex_oid() noexcept;

/// Takes off the frame. A token that begins with 6e (AP-REQ) or 6f (AP-REP) is bare. Fault::MalformedToken, TokenTooLong,
/// WrongTokenKind for an unknown identifier.
Result<ContextToken> read_context_token(ByteView token);

/// Puts a message into the frame of `mechanism`.
Bytes frame_message(ByteView mechanism, TokenKind kind, ByteView message);

} // namespace apex
