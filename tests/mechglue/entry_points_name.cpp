// SPDX-License-Identifier: MIT
#include "entry_points.h"

namespace apex::test {

Rows name_rows()
{
    return {
        {"gss_import_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_import_name", &minor, &world.exported_name.buffer,
                                     static_cast<gss_OID>(GSS_C_NT_EXPORT_NAME), &name),
                                name);
          }}},
        {"gssspi_import_name_by_mech",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_import_name_by_mech", &minor, krb5(), &world.exported_name.buffer,
                                     static_cast<gss_OID>(GSS_C_NT_EXPORT_NAME), &name),
                                name);
          }}},
        {"gss_display_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output text;
              return text.judge(call("gssi_display_name", &minor, world.client, &text.buffer, no_oid));
          }}},
        {"gss_compare_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              int equal = 0;
              return call("gssi_compare_name", &minor, world.client, world.client, &equal);
          }}},
        {"gss_duplicate_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_duplicate_name", &minor, world.peer, &name), name);
          }}},
        {"gss_release_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              with_all_memory([&] { return call("gssi_duplicate_name", &minor, world.client, &name); });
              const OM_uint32 major = call("gssi_release_name", &minor, &name);
              expect(name == GSS_C_NO_NAME);
              return major;
          }}},
        {"gss_export_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_name", &minor, world.client, &token.buffer));
          }}},
        {"gss_export_name_composite",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_name_composite", &minor, world.peer, &token.buffer));
          }}},
        {"gss_inquire_name",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t attributes = GSS_C_NO_BUFFER_SET;
              int is_mechanism_name = 0;
              const OM_uint32 major =
                  call("gssi_inquire_name", &minor, world.peer, &is_mechanism_name, no_oid, &attributes);
              gss_release_buffer_set(&minor, &attributes);
              return major;
          }}},
        {"gss_get_name_attribute",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              int more = -1;
              Output value;
              Output text;
              return text.judge(value.judge(call("gssi_get_name_attribute", &minor, world.peer, world.attribute.get(),
                                                 no_int, no_int, &value.buffer, &text.buffer, &more)));
          }}},
        {"gss_set_name_attribute",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_name_attribute", &minor, world.client, 1, world.associated.get(), no_buffer);
          }}},
        {"gss_delete_name_attribute",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_delete_name_attribute", &minor, world.client, world.associated.get());
          }}},
        {"gss_map_name_to_any",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_any_t mapping = nullptr;
              const OM_uint32 major =
                  call("gssi_map_name_to_any", &minor, world.peer, 1, world.mapping.get(), &mapping);
              judged(major, mapping);
              with_all_memory([&] {
                  return call("gssi_release_any_name_mapping", &minor, world.peer, world.mapping.get(), &mapping);
              });
              return major;
          }}},
        {"gss_release_any_name_mapping",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_any_t mapping = nullptr;
              return call("gssi_release_any_name_mapping", &minor, world.client, world.associated.get(), &mapping);
          }}},
        {"gss_localname",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output user;
              return user.judge(
                  call("gssi_localname", &minor, world.client, static_cast<gss_const_OID>(nullptr), &user.buffer));
          }}},
        // There is no account of that name.
        {"gssspi_authorize_localname",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              static Text user("alice");
              return call("gssi_authorize_localname", &minor, world.client, static_cast<gss_const_buffer_t>(user.get()),
                          static_cast<gss_const_OID>(GSS_C_NT_USER_NAME));
          }}},
    };
}

} // namespace apex::test
