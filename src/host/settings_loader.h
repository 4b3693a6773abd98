// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/settings.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace apex {

/// Environment is what the environment says about settings, as secure_getenv gives it: nothing in a setuid program
/// (INVARIANTS E1). A variable that is not set reads as empty, as for libkrb5.
class Environment final {
public:
    enum Variable : std::size_t { config, keytab, rcache_name, rcache_type, rcache_directory, temporary, trace };
    static constexpr std::array<const char*, 7> names = {"KRB5_CONFIG",   "KRB5_KTNAME", "KRB5RCACHENAME",
                                                         "KRB5RCACHETYPE", "KRB5RCACHEDIR", "TMPDIR",
                                                         "APEX_TRACE"};

    /// Copies the strings of now.
    static Environment now();
    /// Whether the strings are still the same. Allocates nothing.
    [[nodiscard]] bool holds() const noexcept;
    [[nodiscard]] const std::string& of(Variable variable) const noexcept { return values_[variable]; }

    bool operator==(const Environment&) const = default;

private:
    std::array<std::string, names.size()> values_;
};

/// load_settings reads krb5.conf through libkrb5. Fault::BadSetting names what cannot be used.
Result<Settings> load_settings(const Environment& environment);

} // namespace apex
