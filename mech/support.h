// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"
#include "apex/gss/context.h"
#include "apex/gss/credential.h"
#include "apex/gss/name.h"

#include <cstdint>
#include <cxxabi.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <memory>
#include <new>
#include <utility>
#include <vector>

/// EXPORT marks the entry points: the only symbols that leave the module (see apex.exports).
#define EXPORT extern "C" __attribute__((visibility("default")))

namespace apex {

/// Handle is what an opaque gss_*_id_t of ours points to. The magic tells our live handles from foreign and dead ones
/// (INVARIANTS H10, H11).
template <typename Object, std::uint32_t Magic>
struct Handle final {
    static constexpr std::uint32_t live = Magic;
    static constexpr std::uint32_t dead = 0xDEADDEAD;
    std::uint32_t magic = live;
    Object object;
};

using NameHandle = Handle<std::shared_ptr<const Name>, 0x4150784E>;
using CredentialHandle = Handle<std::shared_ptr<Credential>, 0x41507843>;
using ContextHandle = Handle<std::unique_ptr<Context>, 0x41507854>;

/// The object behind a handle. Fault::BadName, BadCredential or NoContext for null, foreign and deleted handles.
Result<std::shared_ptr<const Name>> name_from(gss_name_t handle);
Result<std::shared_ptr<Credential>> credential_from(gss_cred_id_t handle);
Result<Context*> context_from(gss_ctx_id_t handle);

/// As above, but null gives an empty pointer: the caller's default.
Result<std::shared_ptr<const Name>> optional_name_from(gss_name_t handle);
Result<std::shared_ptr<Credential>> optional_credential_from(gss_cred_id_t handle);

/// Allocates a handle around an object; the caller owns it and ends it with forget().
gss_name_t handle_of(std::shared_ptr<const Name> name);
/// No credential gives no handle.
gss_cred_id_t handle_of(std::shared_ptr<Credential> credential);
gss_ctx_id_t handle_of(std::unique_ptr<Context> context);

/// A new name of a principal for an output, with the attributes that came with it; none if nobody asked (`output` null) or
/// the principal is not known.
gss_name_t name_for(const gss_name_t* output, const std::optional<Principal>& principal,
                    std::shared_ptr<const NameAttributes> attributes = nullptr);

/// The lifetime that ends at a time, in seconds: 0 when it has passed or is not known (RFC 2744). A second that has begun
/// counts whole, as in MIT's mechanism.
OM_uint32 seconds_until(std::optional<Time> end);

/// Ends a handle and nulls it. Null is fine. A foreign handle is a Fault and left alone.
Done forget(gss_name_t* handle);
Done forget(gss_cred_id_t* handle);
Done forget(gss_ctx_id_t* handle);

/// Made holds a new handle until it is given out. An entry point with several outputs makes all of them first, so that a
/// failure half-way leaves nothing with the caller.
template <typename Opaque>
class Made final {
public:
    Made() = default;
    explicit Made(Opaque handle) : handle_(handle) {}
    ~Made() { static_cast<void>(forget(&handle_)); }
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;

    [[nodiscard]] Opaque get() const noexcept { return handle_; }
    /// Gives the handle to the caller; `output` null: nobody asked.
    void give(Opaque* output) noexcept
    {
        if (output != nullptr) {
            *output = std::exchange(handle_, nullptr);
        }
    }

private:
    Opaque handle_ = nullptr;
};

/// Sets an output to its defined value for the case of failure (RFC 2744 wants it). Null pointers are fine.
void clear(gss_buffer_t buffer) noexcept;
void clear(gss_name_t* name) noexcept;
void clear(gss_cred_id_t* credential) noexcept;
void clear(gss_OID* oid) noexcept;
void clear(gss_OID_set* set) noexcept;
void clear(gss_buffer_set_t* set) noexcept;
void clear(OM_uint32* number) noexcept;
void clear(int* number) noexcept;

/// The octets of an input buffer; null gives an empty view.
ByteView view_of(gss_const_buffer_t buffer) noexcept;

/// The octets of an OID; GSS_C_NO_OID gives an empty view.
ByteView view_of(gss_const_OID oid) noexcept;

/// Copies octets into an output buffer of malloc'ed memory, which the mechglue frees. No octets: length 0, no pointer.
/// A null `buffer` is fine: nobody asked.
Done give(gss_buffer_t buffer, ByteView octets);

/// As give, with a NUL behind the text that is not counted.
Done give_text(gss_buffer_t buffer, std::string_view text);

/// Makes a set of buffers with the given members. `set` null: nobody asked.
Done give(gss_buffer_set_t* set, const std::vector<ByteView>& members);

/// Makes a set with copies of the given OIDs. `set` null: nobody asked.
Done give(gss_OID_set* set, const std::vector<gss_OID>& members);

/// Makes a handle for a name or a credential. `output` null: nobody asked.
void give(gss_name_t* output, std::shared_ptr<const Name> name);
void give(gss_cred_id_t* output, std::shared_ptr<Credential> credential);

/// Refuses a quality of protection other than the default (Fault::BadQuality).
Done default_quality(gss_qop_t quality);

/// Turns an error into major and minor, remembers its text for gss_display_status.
OM_uint32 report(OM_uint32* minor, const Error& error) noexcept;

/// guard runs an entry point's body: a Result<OM_uint32> with the major status of success (GSS_S_COMPLETE,
/// GSS_S_CONTINUE_NEEDED, supplementary bits). Nothing but a forced unwind (thread cancellation) leaves it.
template <typename Body>
OM_uint32 guard(OM_uint32* minor, Body&& body)
{
    clear(minor);
    try {
        Result<OM_uint32> result = body();
        return result ? *result : report(minor, result.error());
    } catch (const abi::__forced_unwind&) {
        throw;
    } catch (const std::bad_alloc&) {
        return report(minor, Error{.fault = Fault::NoMemory, .detail = {}});
    } catch (...) {
        return report(minor, Error{.fault = Fault::Internal, .detail = {}});
    }
}

} // namespace apex
