// SPDX-License-Identifier: MIT
#include "entry_points.h"

namespace apex::test {
namespace {

OM_uint32 accept_a_new_request(Handles& world)
{
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT;
    gss_ctx_id_t acceptor = GSS_C_NO_CONTEXT;
    gss_name_t source = GSS_C_NO_NAME;
    Output request;
    Output reply;
    with_all_memory([&] { return world.begin(&initiator, &request.buffer); });
    const OM_uint32 major = world.judge(&acceptor, &request.buffer, &source, &reply.buffer);
    judged(major, acceptor);
    OM_uint32 minor = 0;
    call("gssi_delete_sec_context", &minor, &initiator, no_buffer);
    call("gssi_delete_sec_context", &minor, &acceptor, no_buffer);
    return name_given(major, source);
}

OM_uint32 begin_a_context(Handles& world)
{
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    Output token;
    const OM_uint32 major = token.judge(world.begin(&context, &token.buffer));
    judged(major, context);
    OM_uint32 minor = 0;
    call("gssi_delete_sec_context", &minor, &context, no_buffer);
    return major;
}

OM_uint32 delete_context(gss_ctx_id_t context)
{
    OM_uint32 minor = 0;
    return call("gssi_delete_sec_context", &minor, &context, no_buffer);
}

OM_uint32 export_a_context(Handles& world)
{
    OM_uint32 minor = 0;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    Output request;
    Output token;
    with_all_memory([&] { return world.begin(&context, &request.buffer); });
    const OM_uint32 major = token.judge(call("gssi_export_sec_context", &minor, &context, &token.buffer));
    expect((GSS_ERROR(major) == 0) == (context == GSS_C_NO_CONTEXT)); // a failure leaves the context
    delete_context(context);
    return major;
}

OM_uint32 import_a_context(Handles& world, const char* function)
{
    OM_uint32 minor = 0;
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    Output token;
    with_all_memory([&] {
        Output request;
        world.begin(&context, &request.buffer);
        return call("gssi_export_sec_context", &minor, &context, &token.buffer);
    });
    gss_ctx_id_t imported = GSS_C_NO_CONTEXT;
    const std::string_view name = function;
    const OM_uint32 major = name.ends_with("by_mech") ? call(function, &minor, krb5(), &token.buffer, &imported)
                                                      : call(function, &minor, &token.buffer, &imported);
    judged(major, imported);
    delete_context(imported);
    return major;
}

} // namespace

Rows context_rows()
{
    return {
        {"gss_export_sec_context", {true, export_a_context}},
        {"gss_import_sec_context",
         {true, [](Handles& world) { return import_a_context(world, "gss_import_sec_context"); }}},
        {"gssspi_import_sec_context_by_mech",
         {true, [](Handles& world) { return import_a_context(world, "gssi_import_sec_context_by_mech"); }}},
        {"gss_init_sec_context", {true, begin_a_context}},
        {"gss_accept_sec_context", {true, accept_a_new_request}},
        {"gss_delete_sec_context",
         {true,
          [](Handles& world) {
              gss_ctx_id_t context = GSS_C_NO_CONTEXT;
              Output token;
              with_all_memory([&] { return world.begin(&context, &token.buffer); });
              OM_uint32 minor = 0;
              const OM_uint32 major = call("gssi_delete_sec_context", &minor, &context, no_buffer);
              expect(context == GSS_C_NO_CONTEXT);
              return major;
          }}},
        {"gss_context_time",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              OM_uint32 seconds = 0;
              return call("gssi_context_time", &minor, world.acceptor, &seconds);
          }}},
        {"gss_inquire_context",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_name_t source = GSS_C_NO_NAME;
              gss_name_t target = GSS_C_NO_NAME;
              const OM_uint32 major = call("gssi_inquire_context", &minor, world.acceptor, &source, &target, no_number,
                                           no_oid, no_number, no_int, no_int);
              name_given(major, source);
              return name_given(major, target);
          }}},
        {"gss_inquire_sec_context_by_oid",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
              return buffers_given(
                  call("gssi_inquire_sec_context_by_oid", &minor, world.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &set),
                  set);
          }}},
        {"gss_set_sec_context_option",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_sec_context_option", &minor, &world.acceptor, GSS_C_NT_USER_NAME, no_buffer);
          }}},
        {"gss_process_context_token",
         {false,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_process_context_token", &minor, world.acceptor, world.message.get());
          }}},
        {"gss_pseudo_random",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output octets;
              return octets.judge(call("gssi_pseudo_random", &minor, world.acceptor, int{GSS_C_PRF_KEY_FULL},
                                       world.message.get(), ssize_t{1000}, &octets.buffer));
          }}},
    };
}

} // namespace apex::test
