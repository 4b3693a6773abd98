// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/crypto/encryption_type.h"
#include "apex/messages/authorization_data.h"

#include <optional>
#include <span>
#include <vector>

namespace apex {

/// RFC 4537 3: the types an initiator offers, in its order: those it prefers to the session key's, and that one. None
/// if the session key's type is its first choice already.
std::vector<EncryptionType> types_to_offer(std::span<const EncryptionType> permitted, EncryptionType session);

/// The authorization data of an authenticator: in one AD-IF-RELEVANT the RFC 4537 offer (if not empty) and the
/// assertion that bindings are supported ([MS-KILE] 3.4.5). Empty if there is neither.
AuthorizationData authenticator_data(const std::vector<EncryptionType>& offer, bool assert_bindings);

/// The types that the peer offers, inside AD-IF-RELEVANT or bare; none if it offers none. Fault::MalformedMessage.
Result<std::vector<EncryptionType>> offered_types(const AuthorizationData& elements);

} // namespace apex
