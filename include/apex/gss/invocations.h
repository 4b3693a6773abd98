// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

namespace apex {

/// invoke carries out a call of gss_mech_invoke: what MIT's gss_krb5_* functions ask of the mechanism as a whole
/// (spec/loading 1.10): the credential cache name of this thread, the keytab of all acceptors. The value is no data but
/// a structure of the caller with pointers in it. Fault::Unavailable for an OID not in the table, Fault::BadCall.
Done invoke(ByteView object, ByteView value);

} // namespace apex
