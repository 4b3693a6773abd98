// SPDX-License-Identifier: MIT
#pragma once

#include "glued_realm.h"

#include <cppunit/TestAssert.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

namespace apex::test {

inline constexpr OM_uint32 usual_flags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG;
inline constexpr OM_uint32 complete = GSS_S_COMPLETE;

inline gss_buffer_desc buffer_of(std::string& text)
{
    return {text.size(), text.data()};
}

/// expect_complete fails with the mechanism's text. `minor` is a reference, for it is often an output of the call that
/// gives `major`, and either argument may be evaluated first.
inline void expect_complete(OM_uint32 major, const OM_uint32& minor)
{
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(minor), complete, major);
}

/// first_token lets the initiator make its request.
inline void first_token(Sides& sides, OM_uint32 flags = usual_flags)
{
    expect_complete(sides.import_target(), sides.minor);
    const bool more = (flags & GSS_C_MUTUAL_FLAG) != 0;
    CPPUNIT_ASSERT_EQUAL_MESSAGE(text_of_status(sides.minor),
                                 static_cast<OM_uint32>(more ? GSS_S_CONTINUE_NEEDED : GSS_S_COMPLETE),
                                 sides.initiate(flags));
}

/// shake_hands establishes both contexts.
inline void shake_hands(Sides& sides, OM_uint32 flags = usual_flags)
{
    first_token(sides, flags);
    expect_complete(sides.accept(), sides.minor);
    if ((flags & GSS_C_MUTUAL_FLAG) != 0) {
        expect_complete(sides.finish(flags), sides.minor);
    }
}

/// Credential owns a credential.
class Credential final {
public:
    Credential() = default;
    explicit Credential(gss_cred_usage_t usage)
    {
        OM_uint32 minor = 0;
        gss_OID_set_desc mechanisms{1, const_cast<gss_OID>(gss_mech_krb5)};
        expect_complete(
            gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms, usage, &handle, nullptr, nullptr),
            minor);
    }
    ~Credential()
    {
        OM_uint32 minor = 0;
        static_cast<void>(gss_release_cred(&minor, &handle));
    }
    Credential(const Credential&) = delete;
    Credential& operator=(const Credential&) = delete;

    gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
};

/// text_of gives a name's display form.
inline std::string text_of(gss_name_t name)
{
    OM_uint32 minor = 0;
    Buffer text;
    expect_complete(gss_display_name(&minor, name, text.out(), nullptr), minor);
    return text.text();
}

/// has tells whether `text` contains `part`.
inline bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace apex::test
