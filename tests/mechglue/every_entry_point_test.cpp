// SPDX-License-Identifier: MIT
#include "failing_memory.h"
#include "glued_realm.h"
#include "module_calls.h"

#include "apex/base/fault.h"

#include <array>
#include <cppunit/extensions/HelperMacros.h>
#include <cstdint>
#include <fstream>
#include <functional>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <map>
#include <memory>

using namespace apex::test;

namespace {

constexpr gss_buffer_t no_buffer = GSS_C_NO_BUFFER;
constexpr gss_qop_t default_quality = GSS_C_QOP_DEFAULT;
constexpr int* no_int = nullptr;
constexpr gss_qop_t* no_quality = nullptr;
constexpr OM_uint32* no_number = nullptr;
constexpr gss_OID* no_oid = nullptr;
constexpr gss_OID_set* no_set = nullptr;
constexpr gss_OID_set any_mechanism = GSS_C_NO_OID_SET;

gss_OID krb5()
{
    return const_cast<gss_OID>(gss_mech_krb5);
}

/// A text that outlives every call, as a buffer.
struct Text final {
    explicit Text(std::string value) : text(std::move(value)), buffer{text.size(), text.data()} {}
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    [[nodiscard]] gss_buffer_t get() { return &buffer; }

    std::string text;
    gss_buffer_desc buffer;
};

/// Output is a buffer that a call fills; one that failed must leave it empty.
struct Output final {
    ~Output()
    {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer);
    }
    OM_uint32 judge(OM_uint32 major)
    {
        expect(GSS_ERROR(major) == 0 || buffer.value == nullptr);
        return major;
    }
    gss_buffer_desc buffer{0, nullptr};
};

/// World holds handles of the module itself, made past the mechglue.
class World final {
public:
    World()
    {
        must(call("gssi_import_name", &minor_, service_.get(), GSS_C_NT_HOSTBASED_SERVICE, &target));
        must(call("gssi_import_name", &minor_, user_.get(), static_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME), &client));
        must(acquire(GSS_C_INITIATE, &initiate));
        must(acquire(GSS_C_ACCEPT, &accept));
        handshake();
        must(call("gssi_wrap", &minor_, initiator, 1, default_quality, message.get(), no_int, &sealed.buffer));
        must(call("gssi_get_mic", &minor_, initiator, default_quality, message.get(), &mic.buffer));
        must(call("gssi_wrap_aead", &minor_, initiator, 1, default_quality, associated.get(), message.get(), no_int,
                  &sealed_aead.buffer));
        must(call("gssi_export_cred", &minor_, initiate, &exported.buffer));
        must(call("gssi_export_name", &minor_, client, &exported_name.buffer));
    }
    ~World()
    {
        OM_uint32 minor = 0;
        for (gss_name_t* name : {&target, &client}) {
            call("gssi_release_name", &minor, name);
        }
        for (gss_cred_id_t* credential : {&initiate, &accept}) {
            call("gssi_release_cred", &minor, credential);
        }
        for (gss_ctx_id_t* context : {&initiator, &acceptor}) {
            call("gssi_delete_sec_context", &minor, context, no_buffer);
        }
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    OM_uint32 acquire(gss_cred_usage_t usage, gss_cred_id_t* credential)
    {
        return call("gssi_acquire_cred", &minor_, gss_name_t{GSS_C_NO_NAME}, OM_uint32{0}, any_mechanism, usage,
                    credential, no_set, no_number);
    }

    OM_uint32 begin(gss_ctx_id_t* context, gss_buffer_t token)
    {
        return call("gssi_init_sec_context", &minor_, initiate, context, target, krb5(), OM_uint32{GSS_C_MUTUAL_FLAG},
                    OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, no_buffer, no_oid, token,
                    no_number, no_number);
    }

    OM_uint32 judge(gss_ctx_id_t* context, gss_buffer_t request, gss_name_t* source, gss_buffer_t reply)
    {
        return call("gssi_accept_sec_context", &minor_, context, accept, request,
                    gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, source, no_oid, reply, no_number, no_number,
                    static_cast<gss_cred_id_t*>(nullptr));
    }

    Text message{std::string(1000, 'm')};
    Text associated{"associated data"};
    gss_name_t target = GSS_C_NO_NAME;
    gss_name_t client = GSS_C_NO_NAME;
    gss_cred_id_t initiate = GSS_C_NO_CREDENTIAL;
    gss_cred_id_t accept = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t initiator = GSS_C_NO_CONTEXT;
    gss_ctx_id_t acceptor = GSS_C_NO_CONTEXT;
    Output sealed;
    Output sealed_aead;
    Output mic;
    Output exported;
    Output exported_name;

private:
    static void must(OM_uint32 major) { CPPUNIT_ASSERT_EQUAL(OM_uint32{0}, GSS_ERROR(major)); }

    void handshake()
    {
        Output request;
        Output reply;
        must(begin(&initiator, &request.buffer));
        must(judge(&acceptor, &request.buffer, nullptr, &reply.buffer));
        Output nothing;
        must(call("gssi_init_sec_context", &minor_, initiate, &initiator, target, krb5(), OM_uint32{GSS_C_MUTUAL_FLAG},
                  OM_uint32{0}, gss_channel_bindings_t{GSS_C_NO_CHANNEL_BINDINGS}, &reply.buffer, no_oid,
                  &nothing.buffer, no_number, no_number));
    }

    Text service_{GluedRealm::service};
    Text user_{GluedRealm::client_principal};
    OM_uint32 minor_ = 0;
};

/// How an entry point is called, and whether it succeeds once memory is there.
struct Row final {
    bool succeeds;
    std::function<OM_uint32(World&)> run;
};

template <typename Handle>
OM_uint32 judged(OM_uint32 major, Handle handle)
{
    expect((GSS_ERROR(major) == 0) == (handle != nullptr));
    return major;
}

// References: the arguments' order of evaluation is open, and the call must come first.
OM_uint32 name_given(OM_uint32 major, gss_name_t& name)
{
    OM_uint32 minor = 0;
    judged(major, name);
    call("gssi_release_name", &minor, &name);
    return major;
}

OM_uint32 credential_given(OM_uint32 major, gss_cred_id_t& credential)
{
    OM_uint32 minor = 0;
    judged(major, credential);
    call("gssi_release_cred", &minor, &credential);
    return major;
}

OM_uint32 set_given(OM_uint32 major, gss_OID_set& set)
{
    OM_uint32 minor = 0;
    judged(major, set);
    gss_release_oid_set(&minor, &set);
    return major;
}

OM_uint32 buffers_given(OM_uint32 major, gss_buffer_set_t& set)
{
    OM_uint32 minor = 0;
    judged(major, set);
    gss_release_buffer_set(&minor, &set);
    return major;
}

/// Header, data, padding and trailer, allocated by the call.
struct Iov final {
    explicit Iov(OM_uint32 first)
    {
        data.fill('d');
        parts[0] = {first | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
        parts[1] = {GSS_IOV_BUFFER_TYPE_DATA, {data.size(), data.data()}};
        parts[2] = {GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
        parts[3] = {GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
    }
    ~Iov()
    {
        OM_uint32 minor = 0;
        gss_release_iov_buffer(&minor, parts.data(), static_cast<int>(parts.size()));
    }
    Iov(const Iov&) = delete;
    Iov& operator=(const Iov&) = delete;

    OM_uint32 wrap(World& world)
    {
        OM_uint32 minor = 0;
        return call("gssi_wrap_iov", &minor, world.initiator, 1, default_quality, no_int, parts.data(), 4);
    }
    OM_uint32 sign(World& world)
    {
        OM_uint32 minor = 0;
        return call("gssi_get_mic_iov", &minor, world.initiator, default_quality, parts.data(), 2);
    }

    std::array<char, 1000> data{}; // no string: memory is short when it is made
    std::array<gss_iov_buffer_desc, 4> parts{};
};

template <typename Run>
OM_uint32 with_all_memory(const Run& run)
{
    const long budget = allow_all();
    const OM_uint32 major = run();
    allow(budget);
    return major;
}

OM_uint32 accept_a_new_request(World& world)
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

OM_uint32 begin_a_context(World& world)
{
    gss_ctx_id_t context = GSS_C_NO_CONTEXT;
    Output token;
    const OM_uint32 major = token.judge(world.begin(&context, &token.buffer));
    judged(major, context);
    OM_uint32 minor = 0;
    call("gssi_delete_sec_context", &minor, &context, no_buffer);
    return major;
}

OM_uint32 open_iov(World& world)
{
    Iov iov(GSS_IOV_BUFFER_TYPE_HEADER);
    with_all_memory([&] { return iov.wrap(world); });
    OM_uint32 minor = 0;
    return call("gssi_unwrap_iov", &minor, world.acceptor, no_int, no_quality, iov.parts.data(), 4);
}

OM_uint32 verify_iov(World& world)
{
    Iov iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN);
    with_all_memory([&] { return iov.sign(world); });
    OM_uint32 minor = 0;
    return call("gssi_verify_mic_iov", &minor, world.acceptor, no_quality, iov.parts.data(), 2);
}

std::map<std::string, Row> context_rows()
{
    return {
        {"gss_init_sec_context", {true, begin_a_context}},
        {"gss_accept_sec_context", {true, accept_a_new_request}},
        {"gss_delete_sec_context",
         {true,
          [](World& world) {
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
          [](World& world) {
              OM_uint32 minor = 0;
              OM_uint32 seconds = 0;
              return call("gssi_context_time", &minor, world.acceptor, &seconds);
          }}},
        {"gss_inquire_context",
         {true,
          [](World& world) {
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
          [](World& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
              return buffers_given(
                  call("gssi_inquire_sec_context_by_oid", &minor, world.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &set),
                  set);
          }}},
        {"gss_set_sec_context_option",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_sec_context_option", &minor, &world.acceptor, GSS_C_NT_USER_NAME, no_buffer);
          }}},
        {"gss_process_context_token",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_process_context_token", &minor, world.acceptor, world.message.get());
          }}},
        {"gss_pseudo_random",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output octets;
              return octets.judge(call("gssi_pseudo_random", &minor, world.acceptor, int{GSS_C_PRF_KEY_FULL},
                                       world.message.get(), ssize_t{1000}, &octets.buffer));
          }}},
    };
}

std::map<std::string, Row> message_rows()
{
    return {
        {"gss_get_mic",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(
                  call("gssi_get_mic", &minor, world.initiator, default_quality, world.message.get(), &token.buffer));
          }}},
        {"gss_verify_mic",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_verify_mic", &minor, world.acceptor, world.message.get(), &world.mic.buffer,
                          no_quality);
          }}},
        {"gss_wrap",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_wrap", &minor, world.initiator, 1, default_quality, world.message.get(),
                                      no_int, &token.buffer));
          }}},
        {"gss_unwrap",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output opened;
              return opened.judge(call("gssi_unwrap", &minor, world.acceptor, &world.sealed.buffer, &opened.buffer,
                                       no_int, no_quality));
          }}},
        {"gss_wrap_size_limit",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              OM_uint32 size = 0;
              return call("gssi_wrap_size_limit", &minor, world.initiator, 1, default_quality, OM_uint32{1000}, &size);
          }}},
        {"gss_wrap_iov", {true, [](World& world) { return Iov(GSS_IOV_BUFFER_TYPE_HEADER).wrap(world); }}},
        {"gss_wrap_iov_length",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Iov iov(GSS_IOV_BUFFER_TYPE_HEADER);
              return call("gssi_wrap_iov_length", &minor, world.initiator, 1, default_quality, no_int, iov.parts.data(),
                          4);
          }}},
        {"gss_unwrap_iov", {true, open_iov}},
        {"gss_get_mic_iov", {true, [](World& world) { return Iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN).sign(world); }}},
        {"gss_get_mic_iov_length",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Iov iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN);
              return call("gssi_get_mic_iov_length", &minor, world.initiator, default_quality, iov.parts.data(), 2);
          }}},
        {"gss_verify_mic_iov", {true, verify_iov}},
        {"gss_wrap_aead",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_wrap_aead", &minor, world.initiator, 1, default_quality,
                                      world.associated.get(), world.message.get(), no_int, &token.buffer));
          }}},
        {"gss_unwrap_aead",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output opened;
              return opened.judge(call("gssi_unwrap_aead", &minor, world.acceptor, &world.sealed_aead.buffer,
                                       world.associated.get(), &opened.buffer, no_int, no_quality));
          }}},
    };
}

std::map<std::string, Row> name_rows()
{
    return {
        {"gss_import_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_import_name", &minor, &world.exported_name.buffer,
                                     static_cast<gss_OID>(GSS_C_NT_EXPORT_NAME), &name),
                                name);
          }}},
        {"gssspi_import_name_by_mech",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_import_name_by_mech", &minor, krb5(), &world.exported_name.buffer,
                                     static_cast<gss_OID>(GSS_C_NT_EXPORT_NAME), &name),
                                name);
          }}},
        {"gss_display_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output text;
              return text.judge(call("gssi_display_name", &minor, world.client, &text.buffer, no_oid));
          }}},
        {"gss_compare_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              int equal = 0;
              return call("gssi_compare_name", &minor, world.client, world.client, &equal);
          }}},
        {"gss_duplicate_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_duplicate_name", &minor, world.client, &name), name);
          }}},
        {"gss_release_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              with_all_memory([&] { return call("gssi_duplicate_name", &minor, world.client, &name); });
              const OM_uint32 major = call("gssi_release_name", &minor, &name);
              expect(name == GSS_C_NO_NAME);
              return major;
          }}},
        {"gss_export_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_name", &minor, world.client, &token.buffer));
          }}},
        {"gss_export_name_composite",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_name_composite", &minor, world.client, &token.buffer));
          }}},
        {"gss_inquire_name",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t attributes = GSS_C_NO_BUFFER_SET;
              int is_mechanism_name = 0;
              const OM_uint32 major =
                  call("gssi_inquire_name", &minor, world.client, &is_mechanism_name, no_oid, &attributes);
              gss_release_buffer_set(&minor, &attributes);
              return major;
          }}},
        {"gss_get_name_attribute",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              int more = -1;
              Output value;
              return value.judge(call("gssi_get_name_attribute", &minor, world.client, world.associated.get(), no_int,
                                      no_int, &value.buffer, no_buffer, &more));
          }}},
        {"gss_set_name_attribute",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_name_attribute", &minor, world.client, 1, world.associated.get(), no_buffer);
          }}},
        {"gss_delete_name_attribute",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_delete_name_attribute", &minor, world.client, world.associated.get());
          }}},
        {"gss_map_name_to_any",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_any_t mapping = nullptr;
              return call("gssi_map_name_to_any", &minor, world.client, 1, world.associated.get(), &mapping);
          }}},
        {"gss_release_any_name_mapping",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_any_t mapping = nullptr;
              return call("gssi_release_any_name_mapping", &minor, world.client, world.associated.get(), &mapping);
          }}},
        {"gss_localname",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              Output user;
              return user.judge(
                  call("gssi_localname", &minor, world.client, static_cast<gss_const_OID>(nullptr), &user.buffer));
          }}},
        // There is no account of that name.
        {"gssspi_authorize_localname",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              static Text user("alice");
              return call("gssi_authorize_localname", &minor, world.client, static_cast<gss_const_buffer_t>(user.get()),
                          static_cast<gss_const_OID>(GSS_C_NT_USER_NAME));
          }}},
    };
}

std::map<std::string, Row> credential_rows()
{
    return {
        {"gss_acquire_cred",
         {true,
          [](World& world) {
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(world.acquire(GSS_C_BOTH, &credential), credential);
          }}},
        {"gss_acquire_cred_from",
         {true,
          [](World&) {
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
          [](World& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_acquire_cred_with_password", &minor, world.client,
                                           world.associated.get(), OM_uint32{0}, any_mechanism,
                                           gss_cred_usage_t{GSS_C_INITIATE}, &credential, no_set, no_number),
                                      credential);
          }}},
        {"gss_acquire_cred_impersonate_name",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_acquire_cred_impersonate_name", &minor, world.initiate, world.client,
                                           OM_uint32{0}, any_mechanism, gss_cred_usage_t{GSS_C_INITIATE}, &credential,
                                           no_set, no_number),
                                      credential);
          }}},
        {"gss_release_cred",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              with_all_memory([&] { return world.acquire(GSS_C_INITIATE, &credential); });
              const OM_uint32 major = call("gssi_release_cred", &minor, &credential);
              expect(credential == GSS_C_NO_CREDENTIAL);
              return major;
          }}},
        {"gss_inquire_cred",
         {true,
          [](World& world) {
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
          [](World& world) {
              OM_uint32 minor = 0;
              gss_name_t name = GSS_C_NO_NAME;
              return name_given(call("gssi_inquire_cred_by_mech", &minor, world.initiate, krb5(), &name, no_number,
                                     no_number, static_cast<gss_cred_usage_t*>(nullptr)),
                                name);
          }}},
        {"gss_inquire_cred_by_oid",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
              return buffers_given(call("gssi_inquire_cred_by_oid", &minor, world.initiate, GSS_C_NT_USER_NAME, &set),
                                   set);
          }}},
        {"gssspi_set_cred_option",
         {false,
          [](World& world) {
              OM_uint32 minor = 0;
              return call("gssi_set_cred_option", &minor, &world.initiate, GSS_C_NT_USER_NAME, no_buffer);
          }}},
        {"gss_store_cred",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_OID_set stored = GSS_C_NO_OID_SET;
              return set_given(call("gssi_store_cred", &minor, world.initiate, gss_cred_usage_t{GSS_C_INITIATE}, krb5(),
                                    OM_uint32{1}, OM_uint32{0}, &stored, static_cast<gss_cred_usage_t*>(nullptr)),
                               stored);
          }}},
        {"gss_store_cred_into",
         {true,
          [](World& world) {
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
          [](World& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_export_cred", &minor, world.initiate, &token.buffer));
          }}},
        {"gss_import_cred",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(call("gssi_import_cred", &minor, &world.exported.buffer, &credential),
                                      credential);
          }}},
        {"gssspi_import_cred_by_mech",
         {true,
          [](World& world) {
              OM_uint32 minor = 0;
              gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
              return credential_given(
                  call("gssi_import_cred_by_mech", &minor, krb5(), &world.exported.buffer, &credential), credential);
          }}},
    };
}

std::map<std::string, Row> mechanism_rows()
{
    return {
        {"gss_indicate_mechs",
         {true,
          [](World&) {
              OM_uint32 minor = 0;
              gss_OID_set set = GSS_C_NO_OID_SET;
              return set_given(call("gss_indicate_mechs", &minor, &set), set);
          }}},
        {"gss_inquire_attrs_for_mech",
         {true,
          [](World&) {
              OM_uint32 minor = 0;
              gss_OID_set attributes = GSS_C_NO_OID_SET;
              return set_given(
                  call("gssi_inquire_attrs_for_mech", &minor, gss_const_OID{gss_mech_krb5}, &attributes, no_set),
                  attributes);
          }}},
        {"gss_inquire_names_for_mech",
         {true,
          [](World&) {
              OM_uint32 minor = 0;
              gss_OID_set types = GSS_C_NO_OID_SET;
              return set_given(call("gssi_inquire_names_for_mech", &minor, krb5(), &types), types);
          }}},
        {"gss_display_status",
         {true,
          [](World&) {
              OM_uint32 minor = 0;
              OM_uint32 more = 0;
              Output text;
              return text.judge(call("gssi_display_status", &minor, static_cast<OM_uint32>(-1765328347),
                                     int{GSS_C_MECH_CODE}, krb5(), &more, &text.buffer));
          }}},
        {"gss_internal_release_oid",
         {true,
          [](World&) {
              OM_uint32 minor = 0;
              gss_OID oid = krb5();
              return call("gss_internal_release_oid", &minor, &oid);
          }}},
        {"gssspi_mech_invoke",
         {false,
          [](World&) {
              OM_uint32 minor = 0;
              return call("gssi_mech_invoke", &minor, krb5(), GSS_C_NT_USER_NAME, no_buffer);
          }}},
    };
}

std::map<std::string, Row> all_rows()
{
    std::map<std::string, Row> rows = context_rows();
    rows.merge(message_rows());
    rows.merge(name_rows());
    rows.merge(credential_rows());
    rows.merge(mechanism_rows());
    return rows;
}

} // namespace

/// Every function that the module exports, called with the first, second, third, ... allocation failing until it
/// succeeds: a status each time, nothing given out, and the next try works (INVARIANTS C4, H7).
class EveryEntryPointTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(EveryEntryPointTest);
    CPPUNIT_TEST(each_survives_every_failing_allocation);
    CPPUNIT_TEST(no_export_is_left_out);
    CPPUNIT_TEST(exhausted_memory_is_named);
    CPPUNIT_TEST(the_interposer_function_answers_without_memory);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override
    {
        glued_realm();
        world_ = std::make_unique<World>();
        OM_uint32 minor = 0;
        gss_key_value_element_desc element{"ccache", "MEMORY:every_entry_point"};
        const gss_key_value_set_desc destination{1, &element};
        call("gssi_store_cred_into", &minor, world_->initiate, gss_cred_usage_t{GSS_C_INITIATE}, krb5(), OM_uint32{1},
             OM_uint32{0}, static_cast<gss_const_key_value_set_t>(&destination), no_set,
             static_cast<gss_cred_usage_t*>(nullptr));
    }
    void tearDown() override
    {
        allow_all();
        world_.reset();
    }

    void each_survives_every_failing_allocation()
    {
        for (const auto& [name, row] : all_rows()) {
            try {
                const auto run = [this, &row = row] { return row.run(*world_); };
                if (row.succeeds) {
                    until_it_succeeds(run);
                } else {
                    while_it_fails(run, 40);
                }
            } catch (const CPPUNIT_NS::Exception& exception) {
                CPPUNIT_FAIL(name + ": " + exception.what());
            }
        }
    }

    void no_export_is_left_out()
    {
        const char* source = std::getenv("srcdir");
        std::ifstream list(std::string(source != nullptr ? source : ".") + "/mech/apex.exports");
        const std::map<std::string, Row> rows = all_rows();
        std::size_t exports = 0;
        for (std::string line; std::getline(list, line);) {
            if (line.empty() || line.front() == '#' || line == "apex_version" || line == "gss_mech_interposer") {
                continue;
            }
            ++exports;
            CPPUNIT_ASSERT_MESSAGE(line + " has no row", rows.contains(line));
        }
        CPPUNIT_ASSERT_EQUAL(rows.size(), exports);
    }

    void exhausted_memory_is_named()
    {
        OM_uint32 minor = 0;
        gss_name_t name = GSS_C_NO_NAME;
        allow(0);
        const OM_uint32 major = call("gssi_duplicate_name", &minor, world_->client, &name);
        allow_all();
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_FAILURE}, major);
        CPPUNIT_ASSERT_EQUAL(apex::traits_of(apex::Fault::NoMemory).minor, static_cast<std::int32_t>(minor));
        CPPUNIT_ASSERT(name == GSS_C_NO_NAME);
    }

    void the_interposer_function_answers_without_memory()
    {
        void* symbol = dlsym(module(), "gss_mech_interposer");
        gss_OID_set (*interposer)(gss_OID) = nullptr;
        std::memcpy(&interposer, &symbol, sizeof interposer);
        for (long allowed = 0;; ++allowed) {
            CPPUNIT_ASSERT(allowed < 100);
            allow(allowed);
            gss_OID_set set = interposer(krb5());
            allow_all();
            const bool whole = set != GSS_C_NO_OID_SET;
            if (whole) {
                CPPUNIT_ASSERT_EQUAL(std::size_t{3}, set->count);
                OM_uint32 minor = 0;
                gss_release_oid_set(&minor, &set);
                break;
            }
        }
    }

private:
    std::unique_ptr<World> world_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(EveryEntryPointTest);
