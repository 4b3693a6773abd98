// SPDX-License-Identifier: MIT
#include "apex/host/pac_handle.h"

#include "apex/host/krb5_handle.h"

namespace apex {

Result<void*> krb5_pac_of(ByteView pac)
{
    const Krb5Context context = TRY(Krb5Context::make());
    Krb5Pac parsed(context);
    const krb5_error_code code = krb5_pac_parse(context.get(), pac.data(), pac.size(), parsed.out());
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "PAC");
    }
    return static_cast<void*>(parsed.release());
}

Done release_krb5_pac(void* pac)
{
    const Krb5Context context = TRY(Krb5Context::make());
    krb5_pac_free(context.get(), static_cast<krb5_pac>(pac));
    return {};
}

} // namespace apex
