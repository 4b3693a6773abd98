// SPDX-License-Identifier: MIT
#include "support.h"

#include "apex/gss/invocations.h"
#include "apex/gss/mechanism.h"
#include "apex/gss/oids.h"
#include "apex/gss/status.h"

#include <cstdlib>
#include <gssapi/gssapi_krb5.h>
#include <string>
#include <string_view>

using namespace apex;

/// The module's version, read by `apexctl status` without running any of its code.
EXPORT const char apex_version[];
const char apex_version[] = PACKAGE_VERSION;

namespace {

/// A set of pointers to OIDs that the mechglue's library owns.
Done give_oids(gss_OID_set* set, const std::vector<gss_const_OID>& members)
{
    std::vector<gss_OID> plain;
    plain.reserve(members.size());
    for (const gss_const_OID member : members) {
        plain.push_back(const_cast<gss_OID>(member));
    }
    return give(set, plain);
}

bool wanted(const char* variable)
{
    const char* value = secure_getenv(variable);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0" && std::string_view(value) != "no";
}

} // namespace

/// Called once, under the mechglue's lock (INVARIANTS H6): of the mechglue nothing but these two helpers may be used
/// here. Reading krb5.conf asks libkrb5, which knows nothing of the mechglue.
EXPORT gss_OID_set gss_mech_interposer(gss_OID)
{
    // Somebody asked this process to stay with the built-in mechanism, or to go through gssproxy.
    if (wanted("APEX_DISABLE") || wanted("GSS_USE_PROXY")) {
        return GSS_C_NO_OID_SET;
    }
    OM_uint32 minor = 0;
    const OM_uint32 major = guard(&minor, []() -> Result<OM_uint32> {
        return static_cast<OM_uint32>(serves_this_program() ? GSS_S_COMPLETE : GSS_S_UNAVAILABLE);
    });
    if (major != GSS_S_COMPLETE) {
        return GSS_C_NO_OID_SET;
    }
    gss_OID_set taken = GSS_C_NO_OID_SET;
    if (gss_create_empty_oid_set(&minor, &taken) != GSS_S_COMPLETE) {
        return GSS_C_NO_OID_SET;
    }
    for (const gss_OID oid : {static_krb5_oid(), static_krb5_old_oid(), static_krb5_microsoft_oid()}) {
        if (gss_add_oid_set_member(&minor, oid, &taken) != GSS_S_COMPLETE) {
            static_cast<void>(gss_release_oid_set(&minor, &taken));
            return GSS_C_NO_OID_SET;
        }
    }
    return taken;
}

EXPORT OM_uint32 gss_indicate_mechs(OM_uint32* minor, gss_OID_set* mechanisms)
{
    clear(mechanisms);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(give(mechanisms, std::vector<gss_OID>{static_apex_oid()}));
        return GSS_S_COMPLETE;
    });
}

// MIT's header declares gss_inquire_attrs_for_mech outside its extern "C", so C++ knows it under a mangled name; the
// label gives ours the name that the mechglue looks up.
EXPORT OM_uint32 inquire_attributes(OM_uint32* minor, gss_const_OID mechanism, gss_OID_set* attributes,
                                    gss_OID_set* known) __asm__("gss_inquire_attrs_for_mech");

EXPORT OM_uint32 inquire_attributes(OM_uint32* minor, gss_const_OID mechanism, gss_OID_set* attributes,
                                    gss_OID_set* known)
{
    clear(attributes);
    clear(known);
    return guard(minor, [&]() -> Result<OM_uint32> {
        std::vector<gss_const_OID> all = {
            GSS_C_MA_MECH_CONCRETE, GSS_C_MA_ITOK_FRAMED, GSS_C_MA_AUTH_INIT, GSS_C_MA_AUTH_TARG, GSS_C_MA_DELEG_CRED,
            GSS_C_MA_INTEG_PROT,    GSS_C_MA_CONF_PROT,   GSS_C_MA_MIC,       GSS_C_MA_WRAP,      GSS_C_MA_PROT_READY,
            GSS_C_MA_REPLAY_DET,    GSS_C_MA_OOS_DET,     GSS_C_MA_CBINDINGS, GSS_C_MA_CTX_TRANS};
        if (is_deprecated_oid(view_of(mechanism))) {
            all.push_back(GSS_C_MA_DEPRECATED);
        }
        if (same(view_of(mechanism), view_of(static_apex_oid()))) {
            // Or ssh and SPNEGO would offer it to everyone.
            all.push_back(GSS_C_MA_NOT_DFLT_MECH);
        }
        TRY(give_oids(attributes, all));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_inquire_names_for_mech(OM_uint32* minor, gss_OID, gss_OID_set* types)
{
    clear(types);
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(give_oids(types, {GSS_C_NT_USER_NAME, GSS_C_NT_MACHINE_UID_NAME, GSS_C_NT_STRING_UID_NAME,
                              GSS_C_NT_HOSTBASED_SERVICE, GSS_C_NT_HOSTBASED_SERVICE_X, GSS_C_NT_EXPORT_NAME,
                              GSS_KRB5_NT_PRINCIPAL_NAME, GSS_C_NT_COMPOSITE_EXPORT, gss_nt_krb5_principal}));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_display_status(OM_uint32* minor, OM_uint32 status, int type, gss_OID, OM_uint32* message_context,
                                    gss_buffer_t text)
{
    constexpr OM_uint32 bad_message_context = static_cast<OM_uint32>(-2045022976 + 5); // G_BAD_MSG_CTX
    clear(minor);
    clear(text);
    if (type != GSS_C_MECH_CODE) {
        return GSS_S_BAD_STATUS;
    }
    if (message_context != nullptr && *message_context != 0) {
        if (minor != nullptr) {
            *minor = bad_message_context;
        }
        return GSS_S_FAILURE;
    }
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(give_text(text, text_of_minor(static_cast<std::int32_t>(status))));
        return GSS_S_COMPLETE;
    });
}

/// Called under the mechglue's lock for every OID that somebody releases: compares pointers, nothing else.
EXPORT OM_uint32 gss_internal_release_oid(OM_uint32* minor, gss_OID* oid)
{
    clear(minor);
    if (oid == nullptr || !is_static_oid(*oid)) {
        return GSS_S_CONTINUE_NEEDED;
    }
    *oid = GSS_C_NO_OID;
    return GSS_S_COMPLETE;
}

EXPORT OM_uint32 gssspi_mech_invoke(OM_uint32* minor, const gss_OID, const gss_OID object, gss_buffer_t value)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(invoke(view_of(object), view_of(value)));
        return GSS_S_COMPLETE;
    });
}
