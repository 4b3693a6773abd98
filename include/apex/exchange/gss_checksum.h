// SPDX-License-Identifier: MIT
#pragma once

#include "apex/crypto/key.h"
#include "apex/exchange/channel_bindings.h"
#include "apex/exchange/context_flags.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"

#include <optional>

namespace apex {

/// GssChecksum is what the authenticator's checksum field says in GSS-API (RFC 4121 4.1.1): the bindings' hash, the
/// context flags and, perhaps, a delegated credential.
struct GssChecksum final {
    enum class Kind : std::uint8_t {
        absent, // no checksum: some SMB stacks; no flags, no bindings
        keyed,  // a plain checksum over nothing with the session key: Samba; replay and sequence detection
        gss,    // type 0x8003
    };
    Kind kind = Kind::gss;
    Md5Digest bindings{}; // all zero: none
    ContextFlags flags = 0;
    std::optional<Bytes> delegated; // a KRB-CRED

    /// Reads the checksum of an authenticator; a keyed one is verified with the session key (usage 10).
    /// Fault::ChecksumTooShort, BadBindingsLength, BadDelegation, BadChecksum.
    static Result<GssChecksum> read(const Authenticator& authenticator, const ApRequest& request,
                                    const Key& session_key);

    /// Writes the value of a 0x8003 checksum. Fault::FieldTooLong for a credential over 32767 - 28 octets.
    [[nodiscard]] Result<Bytes> encode() const;

    [[nodiscard]] bool has_bindings() const noexcept;
};

} // namespace apex
