// SPDX-License-Identifier: MIT
#include "entry_points.h"

namespace apex::test {

Rows mechanism_rows()
{
    return {
        {"gss_indicate_mechs",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              gss_OID_set set = GSS_C_NO_OID_SET;
              return set_given(call("gss_indicate_mechs", &minor, &set), set);
          }}},
        {"gss_inquire_attrs_for_mech",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              gss_OID_set attributes = GSS_C_NO_OID_SET;
              return set_given(
                  call("gssi_inquire_attrs_for_mech", &minor, gss_const_OID{gss_mech_krb5}, &attributes, no_set),
                  attributes);
          }}},
        {"gss_inquire_names_for_mech",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              gss_OID_set types = GSS_C_NO_OID_SET;
              return set_given(call("gssi_inquire_names_for_mech", &minor, krb5(), &types), types);
          }}},
        {"gss_display_status",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              OM_uint32 more = 0;
              Output text;
              return text.judge(call("gssi_display_status", &minor, static_cast<OM_uint32>(-1765328347),
                                     int{GSS_C_MECH_CODE}, krb5(), &more, &text.buffer));
          }}},
        {"gss_internal_release_oid",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              gss_OID oid = krb5();
              return call("gss_internal_release_oid", &minor, &oid);
          }}},
        {"gssspi_mech_invoke",
         {false,
          [](Handles&) {
              OM_uint32 minor = 0;
              return call("gssi_mech_invoke", &minor, krb5(), GSS_C_NT_USER_NAME, no_buffer);
          }}},
    };
}

} // namespace apex::test
