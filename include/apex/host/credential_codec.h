// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/crypto/encryption_type.h"
#include "apex/host/initiator_credential.h"
#include "apex/host/kerberos_name.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// CredentialParts is what an exported credential says (spec/names-creds-misc.md 5.6).
struct CredentialParts final {
    std::uint8_t usage = 0; // RFC 2744: 0 both, 1 initiate, 2 accept
    std::optional<KerberosName> acceptor;
    std::optional<std::string> keytab;
    std::optional<std::string> rcache;
    std::vector<EncryptionType> types;
    std::shared_ptr<InitiatorCredential> initiator; // null: an acceptor's
};

/// CredentialCodec writes and reads MIT's private form of exported credentials, JSON under the name K5C1, so that tokens
/// pass between processes with and without Apex. A cache in memory travels with its tickets; the token is as secret as
/// they are.
class CredentialCodec final {
public:
    static Result<Secret> encode(const CredentialParts& parts);
    /// Trusts the file names in the token, as MIT does. Fault::MalformedToken.
    static Result<CredentialParts> decode(ByteView token);
};

} // namespace apex
