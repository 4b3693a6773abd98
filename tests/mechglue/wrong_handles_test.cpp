// SPDX-License-Identifier: MIT
#include "glued_realm.h"
#include "module_calls.h"

#include <array>
#include <cppunit/extensions/HelperMacros.h>
#include <functional>
#include <gssapi/gssapi_ext.h>
#include <map>

using namespace apex::test;

namespace {

/// What every output holds before a call: a caller that frees what a failing call left behind would crash on it.
constexpr std::uintptr_t poison = 0xA5A5A5A5A5A5A5A5;

/// Outputs of one call, poisoned before it and looked at after it. An output that the call does not have stays poisoned
/// on both sides of the comparison.
struct Outputs final {
    gss_buffer_desc buffer = {poison, reinterpret_cast<void*>(poison)};
    gss_name_t name = reinterpret_cast<gss_name_t>(poison);
    gss_cred_id_t credential = reinterpret_cast<gss_cred_id_t>(poison);
    gss_OID_set set = reinterpret_cast<gss_OID_set>(poison);
    gss_buffer_set_t buffers = reinterpret_cast<gss_buffer_set_t>(poison);
    OM_uint32 minor = 0xA5A5A5A5;
};

using Call = std::function<OM_uint32(void* handle, Outputs& outputs)>;

gss_buffer_t text_buffer()
{
    static std::array<char, 4> text = {'t', 'e', 'x', 't'};
    static gss_buffer_desc buffer{text.size(), text.data()};
    return &buffer;
}

gss_ctx_id_t as_context(void* handle) { return static_cast<gss_ctx_id_t>(handle); }
gss_name_t as_name(void* handle) { return static_cast<gss_name_t>(handle); }
gss_cred_id_t as_credential(void* handle) { return static_cast<gss_cred_id_t>(handle); }

/// The calls that take a context, by name.
std::map<std::string, Call> context_calls()
{
    const gss_buffer_t in = text_buffer();
    return {
        {"gssi_get_mic", [in](void* h, Outputs& o) { return call("gssi_get_mic", &o.minor, as_context(h), gss_qop_t{0}, in, &o.buffer); }},
        {"gssi_verify_mic", [in](void* h, Outputs& o) { return call("gssi_verify_mic", &o.minor, as_context(h), in, in, static_cast<gss_qop_t*>(nullptr)); }},
        {"gssi_wrap", [in](void* h, Outputs& o) { return call("gssi_wrap", &o.minor, as_context(h), 1, gss_qop_t{0}, in, static_cast<int*>(nullptr), &o.buffer); }},
        {"gssi_unwrap", [in](void* h, Outputs& o) { return call("gssi_unwrap", &o.minor, as_context(h), in, &o.buffer, static_cast<int*>(nullptr), static_cast<gss_qop_t*>(nullptr)); }},
        {"gssi_wrap_size_limit", [](void* h, Outputs& o) { OM_uint32 size = 0; return call("gssi_wrap_size_limit", &o.minor, as_context(h), 1, gss_qop_t{0}, OM_uint32{100}, &size); }},
        {"gssi_wrap_iov", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_wrap_iov", &o.minor, as_context(h), 1, gss_qop_t{0}, static_cast<int*>(nullptr), &iov, 1); }},
        {"gssi_unwrap_iov", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_unwrap_iov", &o.minor, as_context(h), static_cast<int*>(nullptr), static_cast<gss_qop_t*>(nullptr), &iov, 1); }},
        {"gssi_wrap_iov_length", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_wrap_iov_length", &o.minor, as_context(h), 1, gss_qop_t{0}, static_cast<int*>(nullptr), &iov, 1); }},
        {"gssi_get_mic_iov", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_get_mic_iov", &o.minor, as_context(h), gss_qop_t{0}, &iov, 1); }},
        {"gssi_verify_mic_iov", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_verify_mic_iov", &o.minor, as_context(h), static_cast<gss_qop_t*>(nullptr), &iov, 1); }},
        {"gssi_get_mic_iov_length", [](void* h, Outputs& o) { gss_iov_buffer_desc iov{}; return call("gssi_get_mic_iov_length", &o.minor, as_context(h), gss_qop_t{0}, &iov, 1); }},
        {"gssi_wrap_aead", [in](void* h, Outputs& o) { return call("gssi_wrap_aead", &o.minor, as_context(h), 1, gss_qop_t{0}, in, in, static_cast<int*>(nullptr), &o.buffer); }},
        {"gssi_unwrap_aead", [in](void* h, Outputs& o) { return call("gssi_unwrap_aead", &o.minor, as_context(h), in, in, &o.buffer, static_cast<int*>(nullptr), static_cast<gss_qop_t*>(nullptr)); }},
        {"gssi_context_time", [](void* h, Outputs& o) { OM_uint32 time = 0; return call("gssi_context_time", &o.minor, as_context(h), &time); }},
        {"gssi_inquire_context", [](void* h, Outputs& o) { gss_name_t other = GSS_C_NO_NAME; OM_uint32 time = 0; gss_OID mech = nullptr; OM_uint32 flags = 0; int local = 0; int open = 0; return call("gssi_inquire_context", &o.minor, as_context(h), &o.name, &other, &time, &mech, &flags, &local, &open); }},
        {"gssi_inquire_sec_context_by_oid", [](void* h, Outputs& o) { return call("gssi_inquire_sec_context_by_oid", &o.minor, as_context(h), GSS_C_NT_USER_NAME, &o.buffers); }},
        {"gssi_pseudo_random", [in](void* h, Outputs& o) { return call("gssi_pseudo_random", &o.minor, as_context(h), 0, in, ssize_t{10}, &o.buffer); }},
        {"gssi_process_context_token", [in](void* h, Outputs& o) { return call("gssi_process_context_token", &o.minor, as_context(h), in); }},
    };
}

/// The calls that take a name.
std::map<std::string, Call> name_calls()
{
    const gss_buffer_t in = text_buffer();
    return {
        {"gssi_display_name", [](void* h, Outputs& o) { gss_OID type = nullptr; return call("gssi_display_name", &o.minor, as_name(h), &o.buffer, &type); }},
        {"gssi_duplicate_name", [](void* h, Outputs& o) { return call("gssi_duplicate_name", &o.minor, as_name(h), &o.name); }},
        {"gssi_compare_name", [](void* h, Outputs& o) { int equal = 0; return call("gssi_compare_name", &o.minor, as_name(h), as_name(h), &equal); }},
        {"gssi_export_name", [](void* h, Outputs& o) { return call("gssi_export_name", &o.minor, as_name(h), &o.buffer); }},
        {"gssi_export_name_composite", [](void* h, Outputs& o) { return call("gssi_export_name_composite", &o.minor, as_name(h), &o.buffer); }},
        {"gssi_inquire_name", [](void* h, Outputs& o) { int is_mn = 0; gss_OID mech = nullptr; return call("gssi_inquire_name", &o.minor, as_name(h), &is_mn, &mech, &o.buffers); }},
        {"gssi_get_name_attribute", [in](void* h, Outputs& o) { int a = 0; int c = 0; int more = -1; gss_buffer_desc shown{}; return call("gssi_get_name_attribute", &o.minor, as_name(h), in, &a, &c, &o.buffer, &shown, &more); }},
        {"gssi_localname", [](void* h, Outputs& o) { return call("gssi_localname", &o.minor, as_name(h), static_cast<gss_const_OID>(nullptr), &o.buffer); }},
        {"gssi_authorize_localname", [in](void* h, Outputs& o) { return call("gssi_authorize_localname", &o.minor, as_name(h), static_cast<gss_const_buffer_t>(in), static_cast<gss_const_OID>(nullptr)); }},
    };
}

/// The calls that take a credential and do not read null as the caller's default.
std::map<std::string, Call> credential_calls()
{
    return {
        {"gssi_export_cred", [](void* h, Outputs& o) { return call("gssi_export_cred", &o.minor, as_credential(h), &o.buffer); }},
        {"gssi_inquire_cred_by_oid", [](void* h, Outputs& o) { return call("gssi_inquire_cred_by_oid", &o.minor, as_credential(h), GSS_C_NT_USER_NAME, &o.buffers); }},
        {"gssi_store_cred", [](void* h, Outputs& o) { gss_cred_usage_t usage = 0; return call("gssi_store_cred", &o.minor, as_credential(h), gss_cred_usage_t{GSS_C_INITIATE}, static_cast<gss_OID>(nullptr), OM_uint32{0}, OM_uint32{0}, &o.set, &usage); }},
    };
}

bool clean(std::uintptr_t left)
{
    return left == poison || left == 0;
}

std::uintptr_t address(const void* pointer)
{
    return reinterpret_cast<std::uintptr_t>(pointer);
}

void refused(const std::string& name, const Call& made, void* handle)
{
    Outputs outputs;
    const OM_uint32 major = made(handle, outputs);
    CPPUNIT_ASSERT_MESSAGE(name + " succeeded", GSS_ERROR(major) != 0);
    CPPUNIT_ASSERT_MESSAGE(name + " gave no minor code", outputs.minor != 0 && outputs.minor != 0xA5A5A5A5);
    CPPUNIT_ASSERT_MESSAGE(name + " left a buffer", clean(address(outputs.buffer.value)));
    CPPUNIT_ASSERT_MESSAGE(name + " left a name", clean(address(outputs.name)));
    CPPUNIT_ASSERT_MESSAGE(name + " left a credential", clean(address(outputs.credential)));
    CPPUNIT_ASSERT_MESSAGE(name + " left a set", clean(address(outputs.set)) && clean(address(outputs.buffers)));
}

} // namespace

/// The module's functions called directly, with handles that are none of its own (INVARIANTS H10, H11).
class WrongHandlesTest final : public CPPUNIT_NS::TestFixture {
    CPPUNIT_TEST_SUITE(WrongHandlesTest);
    CPPUNIT_TEST(null_handles_are_refused);
    CPPUNIT_TEST(foreign_handles_are_refused);
    CPPUNIT_TEST(handles_of_another_kind_are_refused);
    CPPUNIT_TEST(deleting_nothing_succeeds);
    CPPUNIT_TEST(deleting_a_foreign_handle_is_refused_and_leaves_it);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override { glued_realm(); }

    void null_handles_are_refused() { each(nullptr, nullptr, nullptr); }

    void foreign_handles_are_refused()
    {
        alignas(16) std::array<std::uint8_t, 256> foreign{};
        each(foreign.data(), foreign.data(), foreign.data());
        foreign.fill(0xFF);
        each(foreign.data(), foreign.data(), foreign.data());
    }

    void handles_of_another_kind_are_refused()
    {
        OM_uint32 minor = 0;
        gss_name_t name = GSS_C_NO_NAME;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE},
                             call("gssi_import_name", &minor, text_buffer(), static_cast<gss_OID>(GSS_C_NT_USER_NAME), &name));
        for (const auto& [what, made] : context_calls()) {
            refused(what, made, name);
        }
        for (const auto& [what, made] : credential_calls()) {
            refused(what, made, name);
        }
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, call("gssi_release_name", &minor, &name));
        CPPUNIT_ASSERT(name == GSS_C_NO_NAME);
    }

    void deleting_nothing_succeeds()
    {
        OM_uint32 minor = 0;
        gss_ctx_id_t context = GSS_C_NO_CONTEXT;
        gss_name_t name = GSS_C_NO_NAME;
        gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, call("gssi_delete_sec_context", &minor, &context, GSS_C_NO_BUFFER));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, call("gssi_release_name", &minor, &name));
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_COMPLETE}, call("gssi_release_cred", &minor, &credential));
    }

    void deleting_a_foreign_handle_is_refused_and_leaves_it()
    {
        alignas(16) std::array<std::uint8_t, 256> foreign{};
        OM_uint32 minor = 0;
        gss_ctx_id_t context = as_context(foreign.data());
        CPPUNIT_ASSERT_EQUAL(OM_uint32{GSS_S_NO_CONTEXT}, call("gssi_delete_sec_context", &minor, &context, GSS_C_NO_BUFFER));
        CPPUNIT_ASSERT(context == as_context(foreign.data()));
    }

private:
    static void each(void* context, void* name, void* credential)
    {
        for (const auto& [what, made] : context_calls()) {
            refused(what, made, context);
        }
        for (const auto& [what, made] : name_calls()) {
            refused(what, made, name);
        }
        if (credential != nullptr) {
            for (const auto& [what, made] : credential_calls()) {
                refused(what, made, credential);
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(WrongHandlesTest);
