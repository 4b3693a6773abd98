// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/exchange/session.h"
#include "apex/protection/message_protection.h"

#include <optional>

namespace apex {

/// ContextRecord is what survives of a context in another process (RFC 2743 2.2.8, 2.2.9): everything that protects
/// messages or is asked for. What stays behind: the delegated credential, the client's ticket, the service's key, and so
/// the attributes of the peer's name.
struct ContextRecord final {
    Bytes mechanism; // OID octets
    Role role = Role::initiator;
    Session session;
    /// None for an initiator that still waits for the reply.
    std::optional<ProtectionState> protection;
    /// The authenticator's time, with which the reply will be compared; for an initiator that waits.
    Time sent_time;
    Duration clock_skew{std::chrono::seconds(300)};
};

/// The form of MIT's mechanism (spec: 4.9), for contexts under the krb5 OID: the mechglue gives what an interposer exported
/// to the built-in mechanism. It has no version and no protection, so reading it trusts nothing but its bounds.
Result<Secret> write_mit_record(const ContextRecord& record);
/// Fault::MalformedToken, UnknownEncryptionType, BadKeyLength.
Result<ContextRecord> read_mit_record(ByteView token);

/// Apex's own form, for contexts under its own OID: a version, and a digest over all of it.
Result<Secret> write_own_record(const ContextRecord& record);
/// Fault::MalformedToken for another version, a digest that does not fit, a length that does not fit to the octet.
Result<ContextRecord> read_own_record(ByteView token);

/// is_own_record tells the forms apart by how they begin.
bool is_own_record(ByteView token) noexcept;

} // namespace apex
