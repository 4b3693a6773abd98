// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/crypto/encryption_type.h"
#include "apex/host/settings.h"

#include <vector>

namespace apex {

class Credential;

/// permitted_types gives the encryption types of an exchange in order of preference: those of the settings or, if the
/// credential was restricted (gss_krb5_set_allowable_enctypes), its own as far as the settings permit them. Fault::
/// EncryptionTypeRefused if none is left.
Result<std::vector<EncryptionType>> permitted_types(const Settings& settings, const Credential* credential);

} // namespace apex
