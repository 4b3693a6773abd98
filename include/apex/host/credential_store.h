// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"
#include "apex/messages/principal.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace apex {

/// CredentialStore holds the elements of a gss_key_value_set that Apex knows (MIT: gss_acquire_cred_from). Move-only
/// because of the password.
struct CredentialStore final {
    std::optional<std::string> ccache;
    std::optional<std::string> client_keytab;
    std::optional<std::string> keytab;
    std::optional<std::string> rcache;
    std::optional<Secret> password;
    std::optional<std::string> verify; // a principal, or empty: any host principal of the keytab

    using Element = std::pair<std::string_view, std::string_view>;

    /// Reads elements; unknown keys are passed over, as MIT does. Fault::DuplicateElement names a key that stands twice.
    static Result<CredentialStore> from(std::span<const Element> elements);
};

class InitiatorCredential;

/// StoreChoice tells what may happen to credentials that are there already.
struct StoreChoice final {
    bool overwrite = false;
    bool make_default = false;
};

/// store_credential copies a credential's tickets to where programs look for them: `ccache` if given, else this thread's
/// cache name, else the default. In a collection, the principal's own cache or a new one. The destination is replaced as
/// a whole. Fault::DuplicateElement if credentials are there and `overwrite` is not set; Fault::CredentialExpired;
/// Fault::CredentialCacheMismatch (defective) for a credential without tickets.
Done store_credential(InitiatorCredential& credential, const std::optional<std::string>& ccache,
                      const StoreChoice& choice);

} // namespace apex
