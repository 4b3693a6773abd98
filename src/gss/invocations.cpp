// SPDX-License-Identifier: MIT
#include "apex/gss/invocations.h"

#include "apex/host/initiator_credential.h"
#include "apex/host/keytab_keys.h"
#include "gss/lucid.h"

#include <array>
#include <cstring>
#include <optional>
#include <string>

namespace apex {
namespace {

// What gss_krb5_ccache_name passes (MIT's gssapi_krb5.h has the function, not the structure).
struct CcacheNameRequest final {
    const char* name;
    const char** out_name;
};

Done set_ccache_name(ByteView value)
{
    if (value.size() != sizeof(CcacheNameRequest)) {
        return refuse(Fault::BadCall, "the value of gss_krb5_ccache_name has " + std::to_string(value.size()) + " octets");
    }
    CcacheNameRequest request{};
    std::memcpy(&request, value.data(), sizeof request);
    const char* before = exchange_thread_ccache_name(
        request.name != nullptr ? std::optional<std::string>(request.name) : std::nullopt);
    if (request.out_name != nullptr) {
        *request.out_name = before;
    }
    return {};
}

Done set_acceptor_keytab(ByteView value)
{
    std::string name = text_of(value);
    name.resize(std::strlen(name.c_str()));
    register_acceptor_keytab(name);
    return {};
}

/// The value is the structure itself, of which the caller says only how long a pointer is.
Done free_lucid_context(ByteView value)
{
    if (value.size() != sizeof(void*)) {
        return refuse(Fault::BadCall, "the value of gss_krb5_free_lucid_sec_context has " + std::to_string(value.size()) +
                                          " octets");
    }
    release_lucid_context(const_cast<std::uint8_t*>(value.data()));
    return {};
}

Done nothing_to_do(ByteView)
{
    return {};
}

struct Invocation final {
    std::uint8_t arc;
    Done (*run)(ByteView value);
};

constexpr std::array<std::uint8_t, 10> invocation_arc = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x05};

constexpr std::array invocations = std::to_array<Invocation>({
    {3, set_ccache_name},
    {7, free_lucid_context},
    {8, nothing_to_do}, // krb5_gss_use_kdc_context: the keytab of a KDC's own daemons is chosen by name
    {9, set_acceptor_keytab},
});

} // namespace

Done invoke(ByteView object, ByteView value)
{
    const bool under_arc =
        object.size() == invocation_arc.size() + 1 && same(object.first(invocation_arc.size()), invocation_arc);
    for (const Invocation& invocation : invocations) {
        if (under_arc && object.back() == invocation.arc) {
            return invocation.run(value);
        }
    }
    return refuse(Fault::Unavailable, "invocation OID " + hex(object));
}

} // namespace apex
