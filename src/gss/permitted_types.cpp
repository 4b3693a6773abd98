// SPDX-License-Identifier: MIT
#include "apex/gss/permitted_types.h"

#include "apex/gss/credential.h"

#include <algorithm>

namespace apex {

Result<std::vector<EncryptionType>> permitted_types(const Settings& settings, const Credential* credential)
{
    std::vector<EncryptionType> allowable;
    if (credential != nullptr) {
        allowable = credential->allowable_types();
    }
    if (allowable.empty()) {
        return settings.permitted;
    }
    std::erase_if(allowable, [&](EncryptionType type) {
        return std::find(settings.permitted.begin(), settings.permitted.end(), type) == settings.permitted.end();
    });
    if (allowable.empty()) {
        return refuse(Fault::EncryptionTypeRefused,
                      "the credential allows only types that krb5.conf does not permit (permitted_enctypes)");
    }
    return allowable;
}

} // namespace apex
