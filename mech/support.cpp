// SPDX-License-Identifier: MIT
#include "support.h"

#include "apex/gss/mechanism.h"
#include "apex/gss/status.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace apex {
namespace {

/// The C handle types are incomplete structs; a live handle of ours is one of these.
template <typename HandleType, typename Opaque>
HandleType* live(Opaque* opaque) noexcept
{
    auto* handle = static_cast<HandleType*>(static_cast<void*>(opaque));
    return handle != nullptr && handle->magic == HandleType::live ? handle : nullptr;
}

template <typename Opaque, typename HandleType>
Opaque* opaque_of(HandleType* handle) noexcept
{
    return static_cast<Opaque*>(static_cast<void*>(handle));
}

template <typename HandleType, typename Opaque>
Done end_handle(Opaque** opaque, Fault fault)
{
    if (opaque == nullptr || *opaque == nullptr) {
        return {};
    }
    HandleType* handle = live<HandleType>(*opaque);
    if (handle == nullptr) {
        return refuse(fault, "it is foreign or was released before");
    }
    handle->magic = HandleType::dead;
    delete handle;
    *opaque = nullptr;
    return {};
}

} // namespace

Result<std::shared_ptr<const Name>> name_from(gss_name_t handle)
{
    const NameHandle* ours = live<NameHandle>(handle);
    if (ours == nullptr) {
        return refuse(Fault::BadName, handle == nullptr ? "no name was given" : "the name's handle is not one of Apex");
    }
    return ours->object;
}

Result<std::shared_ptr<Credential>> credential_from(gss_cred_id_t handle)
{
    const CredentialHandle* ours = live<CredentialHandle>(handle);
    if (ours == nullptr) {
        return refuse(Fault::BadHandle, handle == nullptr ? "no credential was given" : "the credential's handle");
    }
    return ours->object;
}

Result<Context*> context_from(gss_ctx_id_t handle)
{
    const ContextHandle* ours = live<ContextHandle>(handle);
    if (ours == nullptr) {
        return refuse(Fault::NoContext, handle == nullptr ? "no context was given" : "the handle is not one of Apex");
    }
    return ours->object.get();
}

Result<std::shared_ptr<const Name>> optional_name_from(gss_name_t handle)
{
    return handle == nullptr ? Result<std::shared_ptr<const Name>>(nullptr) : name_from(handle);
}

Result<std::shared_ptr<Credential>> optional_credential_from(gss_cred_id_t handle)
{
    return handle == nullptr ? Result<std::shared_ptr<Credential>>(nullptr) : credential_from(handle);
}

gss_name_t handle_of(std::shared_ptr<const Name> name)
{
    return opaque_of<gss_name_struct>(new NameHandle{.object = std::move(name)});
}

gss_cred_id_t handle_of(std::shared_ptr<Credential> credential)
{
    return credential ? opaque_of<gss_cred_id_struct>(new CredentialHandle{.object = std::move(credential)})
                      : GSS_C_NO_CREDENTIAL;
}

gss_ctx_id_t handle_of(std::unique_ptr<Context> context)
{
    return opaque_of<gss_ctx_id_struct>(new ContextHandle{.object = std::move(context)});
}

gss_name_t name_for(const gss_name_t* output, const std::optional<Principal>& principal,
                    std::shared_ptr<const NameAttributes> attributes)
{
    if (output == nullptr || !principal) {
        return GSS_C_NO_NAME;
    }
    return handle_of(std::make_shared<const Name>(KerberosName{.principal = *principal, .service = {}, .host = {}},
                                                  std::move(attributes)));
}

OM_uint32 seconds_until(std::optional<Time> end)
{
    if (!end) {
        return 0;
    }
    const auto left = std::chrono::ceil<std::chrono::seconds>(*end - Mechanism::instance().clock().now()).count();
    return static_cast<OM_uint32>(std::clamp<std::int64_t>(left, 0, GSS_C_INDEFINITE - 1));
}

Done forget(gss_name_t* handle)
{
    return end_handle<NameHandle>(handle, Fault::BadName);
}

Done forget(gss_cred_id_t* handle)
{
    return end_handle<CredentialHandle>(handle, Fault::BadHandle);
}

Done forget(gss_ctx_id_t* handle)
{
    return end_handle<ContextHandle>(handle, Fault::NoContext);
}

void clear(gss_buffer_t buffer) noexcept
{
    if (buffer != nullptr) {
        buffer->length = 0;
        buffer->value = nullptr;
    }
}

void clear(gss_name_t* name) noexcept
{
    if (name != nullptr) {
        *name = GSS_C_NO_NAME;
    }
}

void clear(gss_cred_id_t* credential) noexcept
{
    if (credential != nullptr) {
        *credential = GSS_C_NO_CREDENTIAL;
    }
}

void clear(gss_OID* oid) noexcept
{
    if (oid != nullptr) {
        *oid = GSS_C_NO_OID;
    }
}

void clear(gss_OID_set* set) noexcept
{
    if (set != nullptr) {
        *set = GSS_C_NO_OID_SET;
    }
}

void clear(gss_buffer_set_t* set) noexcept
{
    if (set != nullptr) {
        *set = GSS_C_NO_BUFFER_SET;
    }
}

void clear(OM_uint32* number) noexcept
{
    if (number != nullptr) {
        *number = 0;
    }
}

void clear(int* number) noexcept
{
    if (number != nullptr) {
        *number = 0;
    }
}

ByteView view_of(gss_const_buffer_t buffer) noexcept
{
    return buffer == nullptr ? ByteView{} : view_of(buffer->value, buffer->length);
}

ByteView view_of(gss_const_OID oid) noexcept
{
    return oid == GSS_C_NO_OID ? ByteView{} : view_of(oid->elements, oid->length);
}

namespace {

Done give_with_terminator(gss_buffer_t buffer, ByteView octets, std::size_t terminator)
{
    clear(buffer);
    if (buffer == nullptr || octets.empty()) {
        return {};
    }
    auto* copy = static_cast<std::uint8_t*>(std::malloc(octets.size() + terminator));
    if (copy == nullptr) {
        return refuse(Fault::NoMemory, std::to_string(octets.size()) + " octets for an output buffer");
    }
    std::memcpy(copy, octets.data(), octets.size());
    std::memset(copy + octets.size(), 0, terminator);
    buffer->value = copy;
    buffer->length = octets.size();
    return {};
}

} // namespace

Done give(gss_buffer_t buffer, ByteView octets)
{
    return give_with_terminator(buffer, octets, 0);
}

Done give_text(gss_buffer_t buffer, std::string_view text)
{
    return give_with_terminator(buffer, view_of(text), 1);
}

namespace {

/// Copies the members into a set that is empty; false if memory ran out, with what has been copied in it. The array has its
/// whole size from the start: MIT's gss_add_buffer_set_member leaves a set that cannot be released where it cannot grow.
bool fill(gss_buffer_set_desc& set, const std::vector<ByteView>& members)
{
    set.elements = static_cast<gss_buffer_desc*>(std::calloc(members.size() + 1, sizeof(gss_buffer_desc)));
    if (set.elements == nullptr) {
        return false;
    }
    for (const ByteView member : members) {
        void* copy = std::malloc(member.size() + 1);
        if (copy == nullptr) {
            return false;
        }
        std::copy(member.begin(), member.end(), static_cast<std::uint8_t*>(copy));
        set.elements[set.count++] = {member.size(), copy};
    }
    return true;
}

} // namespace

Done give(gss_buffer_set_t* set, const std::vector<ByteView>& members)
{
    if (set == nullptr) {
        return {};
    }
    auto* made = static_cast<gss_buffer_set_t>(std::calloc(1, sizeof(gss_buffer_set_desc)));
    if (made == nullptr || !fill(*made, members)) {
        OM_uint32 minor = 0;
        static_cast<void>(gss_release_buffer_set(&minor, &made));
        return refuse(Fault::NoMemory, "a set of " + std::to_string(members.size()) + " buffers");
    }
    *set = made;
    return {};
}

Done give(gss_OID_set* set, const std::vector<gss_OID>& members)
{
    if (set == nullptr) {
        return {};
    }
    OM_uint32 minor = 0;
    gss_OID_set made = GSS_C_NO_OID_SET;
    OM_uint32 major = gss_create_empty_oid_set(&minor, &made);
    for (const gss_OID member : members) {
        if (major == GSS_S_COMPLETE) {
            major = gss_add_oid_set_member(&minor, member, &made);
        }
    }
    if (major != GSS_S_COMPLETE) {
        static_cast<void>(gss_release_oid_set(&minor, &made));
        return refuse(Fault::NoMemory, "a set of " + std::to_string(members.size()) + " OIDs");
    }
    *set = made;
    return {};
}

void give(gss_name_t* output, std::shared_ptr<const Name> name)
{
    if (output != nullptr) {
        *output = name ? handle_of(std::move(name)) : GSS_C_NO_NAME;
    }
}

void give(gss_cred_id_t* output, std::shared_ptr<Credential> credential)
{
    if (output != nullptr) {
        *output = handle_of(std::move(credential));
    }
}

Done default_quality(gss_qop_t quality)
{
    if (quality != GSS_C_QOP_DEFAULT) {
        return refuse(Fault::BadQuality, "asked for " + std::to_string(quality));
    }
    return {};
}

OM_uint32 report(OM_uint32* minor, const Error& error) noexcept
{
    if (minor != nullptr) {
        *minor = static_cast<OM_uint32>(error.minor());
    }
    remember_error(error);
    return major_of(error);
}

} // namespace apex
