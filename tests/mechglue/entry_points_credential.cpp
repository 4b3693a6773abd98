// SPDX-License-Identifier: MIT
#include "entry_points.h"

namespace apex::test {

Rows credential_rows()
{
    return {
        {"gss_acquire_cred",
         {true,
          [](Handles& world) {
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(world.acquire(GSS_C_BOTH, &credential), credential);
          }}},
        {"gss_acquire_cred_from",
         {true,
          [](Handles&) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              gss_key_value_element_desc element{"ccache", "MEMORY:every_entry_point"};
              const gss_key_value_set_desc store{1, &element};
              return credential_given(call("gssi_acquire_cred_from", &minor, gss_name_t{GSS_C_NO_NAME}, OM_uint32{0},
                                           any_mechanism, gss_cred_usage_t{GSS_C_INITIATE},
                                           static_cast<gss_const_key_value_set_t>(&store), &credential, no_set,
                                           no_number),
                                      credential);
          }}},
        // There is no KDC, so these two fail with any memory.
        {"gssspi_acquire_cred_with_password",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_acquire_cred_with_password", &minor, world.client,
                                           world.associated.get(), OM_uint32{0}, any_mechanism,
                                           gss_cred_usage_t{GSS_C_INITIATE}, &credential, no_set, no_number),
                                      credential);
          }}},
        {"gss_acquire_cred_impersonate_name",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_acquire_cred_impersonate_name", &minor, world.initiate, world.client,
                                           OM_uint32{0}, any_mechanism, gss_cred_usage_t{GSS_C_INITIATE}, &credential,
                                           no_set, no_number),
                                      credential);
          }}},
        {"gss_release_cred",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              with_all_memory([&] { return world.acquire(GSS_C_INITIATE, &credential); });
              const OM_uint32 major = call("gssi_release_cred", &minor, &credential);
              expect(credential == GSS_C_NO_CREDENTIAL);
              return major;
          }}},
        {"gss_inquire_cred",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              gss_OID_set mechanisms = GSS_C_NO_OID_SET;
              const OM_uint32 major = call("gssi_inquire_cred", &minor, world.initiate, &name, no_number,
                                           static_cast<gss_cred_usage_t*>(nullptr), &mechanisms);
              set_given(major, mechanisms);
              return name_given(major, name);
          }}},
        {"gss_inquire_cred_by_mech",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_inquire_cred_by_mech", &minor, world.initiate, krb5(), &name, no_number,
                                     no_number, static_cast<gss_cred_usage_t*>(nullptr)),
                                name);
          }}},
        {"gss_inquire_cred_by_oid",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
              return buffers_given(call("gssi_inquire_cred_by_oid", &minor, world.initiate, GSS_C_NT_USER_NAME, &set),
                                   set);
          }}},
        {"gssspi_set_cred_option",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_cred_option", &minor, &world.initiate, GSS_C_NT_USER_NAME, no_buffer);
          }}},
        {"gss_store_cred",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_OID_set stored = GSS_C_NO_OID_SET;
              return set_given(call("gssi_store_cred", &minor, world.initiate, gss_cred_usage_t{GSS_C_INITIATE}, krb5(),
                                    OM_uint32{1}, OM_uint32{0}, &stored, static_cast<gss_cred_usage_t*>(nullptr)),
                               stored);
          }}},
        {"gss_store_cred_into",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_OID_set stored = GSS_C_NO_OID_SET;
              gss_key_value_element_desc element{"ccache", "MEMORY:stored_into"};
              const gss_key_value_set_desc destination{1, &element};
              return set_given(call("gssi_store_cred_into", &minor, world.initiate, gss_cred_usage_t{GSS_C_INITIATE},
                                    krb5(), OM_uint32{1}, OM_uint32{0},
                                    static_cast<gss_const_key_value_set_t>(&destination), &stored,
                                    static_cast<gss_cred_usage_t*>(nullptr)),
                               stored);
          }}},
        {"gss_export_cred",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_cred", &minor, world.initiate, &token.buffer));
          }}},
        {"gss_import_cred",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_import_cred", &minor, &world.exported.buffer, &credential),
                                      credential);
          }}},
        {"gssspi_import_cred_by_mech",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(
                  call("gssi_import_cred_by_mech", &minor, krb5(), &world.exported.buffer, &credential), credential);
          }}},
    };
}

} // namespace apex::test
