// SPDX-License-Identifier: MIT
#include "apex/gss/oids.h"

#include "apex/exchange/context_token.h"

#include <array>

namespace apex {
namespace {

gss_OID_desc description(ByteView octets) noexcept
{
    // The C type lacks const; nobody writes through it.
    return {static_cast<OM_uint32>(octets.size()), const_cast<std::uint8_t*>(octets.data())};
}

std::array<gss_OID_desc, 4>& all() noexcept
{
    static std::array<gss_OID_desc, 4> oids = {description(krb5_oid()), description(krb5_old_oid()),
                                               description(krb5_microsoft_oid()), description(apex_oid())};
    return oids;
}

ByteView octets_of(const gss_OID_desc& oid) noexcept
{
    return view_of(oid.elements, oid.length);
}

} // namespace

gss_OID static_krb5_oid() noexcept
{
    return &all()[0];
}

gss_OID static_krb5_old_oid() noexcept
{
    return &all()[1];
}

gss_OID static_krb5_microsoft_oid() noexcept
{
    return &all()[2];
}

gss_OID static_apex_oid() noexcept
{
    return &all()[3];
}

std::optional<gss_OID> static_oid_of(ByteView octets) noexcept
{
    for (gss_OID_desc& oid : all()) {
        if (same(octets_of(oid), octets)) {
            return &oid;
        }
    }
    return std::nullopt;
}

bool is_static_oid(gss_const_OID oid) noexcept
{
    return oid >= all().data() && oid < all().data() + all().size();
}

bool is_deprecated_oid(ByteView octets) noexcept
{
    return same(octets, krb5_old_oid()) || same(octets, krb5_microsoft_oid());
}

} // namespace apex
