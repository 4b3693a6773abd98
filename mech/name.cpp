// SPDX-License-Identifier: MIT
#include "support.h"

#include "apex/gss/oids.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace apex;

namespace {

template <typename Value>
void set(Value* output, Value value)
{
    if (output != nullptr) {
        *output = value;
    }
}

Result<OM_uint32> import_into(gss_name_t* output, gss_buffer_t text, gss_OID type)
{
    if (output == nullptr) {
        return refuse(Fault::BadCall, "no place for the name was given");
    }
    const std::shared_ptr<const Name> name = TRY(Name::import(view_of(text), type));
    give(output, name);
    return GSS_S_COMPLETE;
}

/// Provisional is an output that is taken back unless all that follow it are given too: callers free nothing after a
/// failure, and memory may run out while the failure is told.
class Provisional final {
public:
    explicit Provisional(gss_buffer_t buffer) noexcept : buffer_(buffer) {}
    Provisional(const Provisional&) = delete;
    Provisional& operator=(const Provisional&) = delete;
    ~Provisional()
    {
        if (buffer_ != nullptr) {
            std::free(buffer_->value);
            clear(buffer_);
        }
    }
    void keep() noexcept { buffer_ = nullptr; }

private:
    gss_buffer_t buffer_;
};

std::string text_in(gss_const_buffer_t buffer)
{
    return text_of(view_of(buffer));
}

} // namespace

EXPORT OM_uint32 gss_import_name(OM_uint32* minor, gss_buffer_t text, gss_OID type, gss_name_t* output)
{
    clear(output);
    return guard(minor, [&]() -> Result<OM_uint32> { return import_into(output, text, type); });
}

// The mechglue gives a null mechanism for names that we returned earlier; each of our OIDs means the same names.
EXPORT OM_uint32 gssspi_import_name_by_mech(OM_uint32* minor, gss_OID /*mechanism*/, gss_buffer_t text, gss_OID type,
                                            gss_name_t* output)
{
    clear(output);
    return guard(minor, [&]() -> Result<OM_uint32> { return import_into(output, text, type); });
}

EXPORT OM_uint32 gss_display_name(OM_uint32* minor, gss_name_t handle, gss_buffer_t text, gss_OID* type)
{
    clear(text);
    clear(type);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        TRY(give_text(text, name->text()));
        set(type, name->text_type());
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_compare_name(OM_uint32* minor, gss_name_t left, gss_name_t right, int* equal)
{
    clear(equal);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> left_name = TRY(name_from(left));
        const std::shared_ptr<const Name> right_name = TRY(name_from(right));
        set(equal, same_name(*left_name, *right_name) ? 1 : 0);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_duplicate_name(OM_uint32* minor, const gss_name_t handle, gss_name_t* output)
{
    clear(output);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        give(output, name);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_release_name(OM_uint32* minor, gss_name_t* handle)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(forget(handle));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_export_name(OM_uint32* minor, const gss_name_t handle, gss_buffer_t token)
{
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        const Bytes exported = TRY(name->exported());
        TRY(give(token, exported));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_export_name_composite(OM_uint32* minor, gss_name_t handle, gss_buffer_t token)
{
    clear(token);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        const Bytes exported = TRY(name->exported_composite());
        TRY(give(token, exported));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_inquire_name(OM_uint32* minor, gss_name_t handle, int* is_mechanism_name, gss_OID* mechanism,
                                  gss_buffer_set_t* attributes)
{
    clear(is_mechanism_name);
    clear(mechanism);
    clear(attributes);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        if (name->attributes() != nullptr) {
            const std::vector<std::string> names = name->attributes()->list();
            std::vector<ByteView> views(names.size());
            std::transform(names.begin(), names.end(), views.begin(),
                           [](const std::string& each) { return view_of(each); });
            if (!views.empty()) {
                TRY(give(attributes, views));
            }
        }
        set(is_mechanism_name, 1);
        set(mechanism, static_krb5_oid());
        return GSS_S_COMPLETE;
    });
}

// The mechglue's loop over attributes ends only when *more is 0, and looks at all outputs whatever we return.
EXPORT OM_uint32 gss_get_name_attribute(OM_uint32* minor, gss_name_t handle, gss_buffer_t attribute, int* authenticated,
                                        int* complete, gss_buffer_t value, gss_buffer_t display_value, int* more)
{
    const int asked = more != nullptr ? *more : -1;
    clear(authenticated);
    clear(complete);
    clear(value);
    clear(display_value);
    clear(more);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        const NameAttribute found = TRY(name->attribute(text_in(attribute), asked));
        Provisional provisional(value);
        TRY(give(value, found.value));
        TRY(give_text(display_value, found.display_value));
        provisional.keep();
        set(authenticated, found.authenticated ? 1 : 0);
        set(complete, found.complete ? 1 : 0);
        set(more, found.more);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_set_name_attribute(OM_uint32* minor, gss_name_t handle, int /*complete*/, gss_buffer_t attribute,
                                        gss_buffer_t /*value*/)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        return name->refuse_change(text_in(attribute), Name::Change::set);
    });
}

EXPORT OM_uint32 gss_delete_name_attribute(OM_uint32* minor, gss_name_t handle, gss_buffer_t attribute)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        return name->refuse_change(text_in(attribute), Name::Change::deletion);
    });
}

EXPORT OM_uint32 gss_map_name_to_any(OM_uint32* minor, gss_name_t handle, int /*authenticated*/, gss_buffer_t type,
                                     gss_any_t* output)
{
    set(output, gss_any_t{});
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        void* mapping = TRY(name->mapping(text_in(type)));
        if (output == nullptr) {
            TRY(Name::release_mapping(text_in(type), mapping));
            return refuse(Fault::BadCall, "no place for the mapping was given");
        }
        *output = static_cast<gss_any_t>(mapping);
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_release_any_name_mapping(OM_uint32* minor, gss_name_t handle, gss_buffer_t type,
                                              gss_any_t* mapping)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        TRY(name_from(handle));
        if (mapping != nullptr && *mapping != nullptr) {
            TRY(Name::release_mapping(text_in(type), *mapping));
            *mapping = nullptr;
        }
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gss_localname(OM_uint32* minor, const gss_name_t handle, gss_const_OID /*mechanism*/,
                               gss_buffer_t local_name)
{
    clear(local_name);
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        const std::string local = TRY(name->local_name());
        TRY(give_text(local_name, local));
        return GSS_S_COMPLETE;
    });
}

EXPORT OM_uint32 gssspi_authorize_localname(OM_uint32* minor, const gss_name_t handle, gss_const_buffer_t user,
                                            gss_const_OID type)
{
    return guard(minor, [&]() -> Result<OM_uint32> {
        const std::shared_ptr<const Name> name = TRY(name_from(handle));
        TRY(name->authorize(text_in(user), type));
        return GSS_S_COMPLETE;
    });
}
