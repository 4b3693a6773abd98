// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "tools/process.h"

#include <optional>
#include <string>
#include <vector>

namespace apex {

/// LiveAnswer is what the mechglue did when a process asked it for Kerberos.
struct LiveAnswer final {
    std::optional<Bytes> mechanism; ///< the identifier that a Kerberos name carries: the mechanism's own, or the
                                    ///< interposer's followed by it (mechglue, interposed_oid)
    std::string trouble;            ///< why there is no identifier: the text of the call that failed
    std::vector<MappedFile> files;  ///< what the process had mapped afterwards
};

/// ask_mechglue makes a Kerberos name in a child process, which loads the mechanisms, and looks who made it. No
/// network, no files of the user, no key is touched. With `config` the child runs under GSS_MECH_CONFIG=config.
LiveAnswer ask_mechglue(const std::optional<std::string>& config);

/// mechglue_folder is where the mechglue looks for libraries whose path is relative, with a slash at its end:
/// the folder of libgssapi_krb5 itself, then `gss/`.
std::string mechglue_folder();

} // namespace apex
