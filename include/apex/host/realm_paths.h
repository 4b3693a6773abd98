// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/ports.h"

namespace apex {

/// RealmPaths judges transited realms by [capaths] of krb5.conf and the realms' hierarchy, through libkrb5.
class RealmPaths final : public RealmTrust {
public:
    Done check_transited(const TransitedEncoding& transited, const std::string& client_realm,
                         const std::string& server_realm) const override;
};

} // namespace apex
