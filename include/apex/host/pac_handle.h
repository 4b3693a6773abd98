// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

namespace apex {

/// krb5_pac_of makes a krb5_pac of libkrb5 from a PAC's octets: what gss_map_name_to_any gives for "mspac". The caller
/// ends it with release_krb5_pac. Fault::Library.
Result<void*> krb5_pac_of(ByteView pac);

/// release_krb5_pac ends a krb5_pac.
Done release_krb5_pac(void* pac);

} // namespace apex
