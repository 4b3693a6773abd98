// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/crypto/key.h"
#include "apex/messages/principal.h"

#include <krb5.h>

#include <string>
#include <string_view>
#include <utility>

namespace apex {

/// Krb5Context owns a krb5_context. One is made for a call and dies with it: contexts are not safe for concurrent use,
/// and a fresh one sees the krb5.conf and the environment of now. Move-only.
class Krb5Context final {
public:
    /// Reads krb5.conf as MIT does (secure_getenv inside). Fault::BadSetting with libkrb5's text and code if it cannot
    /// be read.
    static Result<Krb5Context> make();

    ~Krb5Context();
    Krb5Context(Krb5Context&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
    Krb5Context& operator=(Krb5Context&& other) noexcept;
    Krb5Context(const Krb5Context&) = delete;
    Krb5Context& operator=(const Krb5Context&) = delete;

    [[nodiscard]] krb5_context get() const noexcept { return context_; }

private:
    explicit Krb5Context(krb5_context context) noexcept : context_(context) {}
    krb5_context context_ = nullptr;
};

/// Krb5Owner owns a libkrb5 object that is a pointer and is given back with `release_function(context, object)`. It must
/// not outlive the Krb5Context it was made with. Move-only.
template <typename Object, auto release_function>
class Krb5Owner final {
public:
    explicit Krb5Owner(const Krb5Context& context) noexcept : context_(context.get()) {}
    Krb5Owner(const Krb5Context& context, Object object) noexcept : context_(context.get()), object_(object) {}
    ~Krb5Owner() { reset(); }
    Krb5Owner(Krb5Owner&& other) noexcept
        : context_(other.context_), object_(std::exchange(other.object_, Object{}))
    {
    }
    Krb5Owner& operator=(Krb5Owner&& other) noexcept
    {
        if (this != &other) {
            reset();
            context_ = other.context_;
            object_ = std::exchange(other.object_, Object{});
        }
        return *this;
    }
    Krb5Owner(const Krb5Owner&) = delete;
    Krb5Owner& operator=(const Krb5Owner&) = delete;

    [[nodiscard]] Object get() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != Object{}; }

    /// The place where a libkrb5 function writes its result; what was owned before is given back.
    [[nodiscard]] Object* out() noexcept
    {
        reset();
        return &object_;
    }

    /// Hands the object over; the caller gives it back.
    [[nodiscard]] Object release() noexcept { return std::exchange(object_, Object{}); }

    void reset() noexcept
    {
        if (object_ != Object{}) {
            static_cast<void>(release_function(context_, std::exchange(object_, Object{})));
        }
    }

private:
    krb5_context context_;
    Object object_{};
};

/// Krb5Value owns a libkrb5 structure whose contents are given back with `release_function(context, &structure)`. Starts
/// as all zeros. Must not outlive its Krb5Context. Move-only.
template <typename Structure, auto release_function>
class Krb5Value final {
public:
    explicit Krb5Value(const Krb5Context& context) noexcept : context_(context.get()) {}
    ~Krb5Value() { reset(); }
    Krb5Value(Krb5Value&& other) noexcept : context_(other.context_), value_(std::exchange(other.value_, Structure{}))
    {
    }
    Krb5Value& operator=(Krb5Value&& other) noexcept
    {
        if (this != &other) {
            reset();
            context_ = other.context_;
            value_ = std::exchange(other.value_, Structure{});
        }
        return *this;
    }
    Krb5Value(const Krb5Value&) = delete;
    Krb5Value& operator=(const Krb5Value&) = delete;

    [[nodiscard]] Structure* get() noexcept { return &value_; }
    [[nodiscard]] Structure* operator->() noexcept { return &value_; }
    [[nodiscard]] const Structure* operator->() const noexcept { return &value_; }
    [[nodiscard]] Structure& operator*() noexcept { return value_; }
    [[nodiscard]] const Structure& operator*() const noexcept { return value_; }

    /// The place where a libkrb5 function writes its result; what was owned before is given back.
    [[nodiscard]] Structure* out() noexcept
    {
        reset();
        return &value_;
    }

    void reset() noexcept
    {
        Structure old = std::exchange(value_, Structure{});
        static_cast<void>(release_function(context_, &old));
    }

private:
    krb5_context context_;
    Structure value_{};
};

/// release_cursor gives back a cursor over a collection of credential caches.
inline void release_cursor(krb5_context context, krb5_cccol_cursor cursor) noexcept
{
    static_cast<void>(krb5_cccol_cursor_free(context, &cursor));
}

using Krb5Principal = Krb5Owner<krb5_principal, krb5_free_principal>;
/// A credential cache that is closed at the end.
using Krb5Ccache = Krb5Owner<krb5_ccache, krb5_cc_close>;
/// A credential cache that is destroyed at the end: temporary MEMORY caches.
using Krb5TemporaryCcache = Krb5Owner<krb5_ccache, krb5_cc_destroy>;
using Krb5Keytab = Krb5Owner<krb5_keytab, krb5_kt_close>;
using Krb5CredsPointer = Krb5Owner<krb5_creds*, krb5_free_creds>;
using Krb5Ticket = Krb5Owner<krb5_ticket*, krb5_free_ticket>;
using Krb5Pac = Krb5Owner<krb5_pac, krb5_pac_free>;
using Krb5Addresses = Krb5Owner<krb5_address**, krb5_free_addresses>;
using Krb5Authdata = Krb5Owner<krb5_authdata**, krb5_free_authdata>;
using Krb5AuthContext = Krb5Owner<krb5_auth_context, krb5_auth_con_free>;
using Krb5KeyblockPointer = Krb5Owner<krb5_keyblock*, krb5_free_keyblock>;
using Krb5InitOptions = Krb5Owner<krb5_get_init_creds_opt*, krb5_get_init_creds_opt_free>;
using Krb5CollectionCursor = Krb5Owner<krb5_cccol_cursor, release_cursor>;
/// Text that libkrb5 allocated in krb5_unparse_name and its kin.
using Krb5Name = Krb5Owner<char*, krb5_free_unparsed_name>;
/// Text that libkrb5 allocated elsewhere (krb5_cc_get_full_name, krb5_get_default_realm).
using Krb5String = Krb5Owner<char*, krb5_free_string>;

using Krb5Creds = Krb5Value<krb5_creds, krb5_free_cred_contents>;
using Krb5KeytabEntry = Krb5Value<krb5_keytab_entry, krb5_free_keytab_entry_contents>;
using Krb5Data = Krb5Value<krb5_data, krb5_free_data_contents>;
using Krb5Keyblock = Krb5Value<krb5_keyblock, krb5_free_keyblock_contents>;

/// from_krb5 makes an Error of a libkrb5 code: `fault`, and as detail `what`, a colon and libkrb5's own text. The code
/// becomes the minor. `what` names the thing that was tried ("keytab FILE:/etc/krb5.keytab").
Error from_krb5(const Krb5Context& context, krb5_error_code code, Fault fault, std::string_view what);

/// to_krb5 copies a principal into one of libkrb5. Fault::NoMemory.
Result<Krb5Principal> to_krb5(const Krb5Context& context, const Principal& principal);

/// principal_from copies a principal out of libkrb5.
Principal principal_from(krb5_const_principal principal);

/// key_from copies a key out of libkrb5. Fault::UnknownEncryptionType, Fault::BadKeyLength.
Result<Key> key_from(const krb5_keyblock& block);

/// to_krb5 copies a key into one of libkrb5, which wipes it when given back. Fault::NoMemory.
Result<Krb5Keyblock> to_krb5(const Krb5Context& context, const Key& key);

/// view_of shows the octets of a krb5_data.
ByteView view_of(const krb5_data& data) noexcept;

/// data_of lends octets to a libkrb5 function that only reads them.
krb5_data data_of(ByteView octets) noexcept;

/// from_timestamp and to_timestamp convert libkrb5's 32-bit times, which MIT reads as unsigned from 2038 on (RFC 4120
/// times are wider; to_timestamp caps at the largest one).
Time from_timestamp(krb5_timestamp timestamp) noexcept;
krb5_timestamp to_timestamp(Time time) noexcept;

} // namespace apex
