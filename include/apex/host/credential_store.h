// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/secret.h"

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

} // namespace apex
