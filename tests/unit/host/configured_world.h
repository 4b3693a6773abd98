// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace apex {

/// ConfiguredWorld is a temporary directory with a krb5.conf of the test's own, and an environment that points to it.
/// Both are put back at the end.
class ConfiguredWorld final {
public:
    ConfiguredWorld();
    ~ConfiguredWorld();
    ConfiguredWorld(const ConfiguredWorld&) = delete;
    ConfiguredWorld& operator=(const ConfiguredWorld&) = delete;

    /// A path in the directory.
    [[nodiscard]] std::string path(std::string_view name) const;
    /// Writes a file of the directory, with a time of change of its own, and lets the settings be read anew.
    void write(std::string_view name, std::string_view contents);
    /// Writes krb5.conf: the usual [libdefaults], and behind it `more`, which begins inside that section.
    void configure(std::string_view more);
    /// Sets a variable of the environment until the end of the world; nothing unsets it.
    void set(const std::string& variable, const std::optional<std::string>& value);

    [[nodiscard]] static std::string read(const std::string& path);

private:
    std::string directory_;
    std::map<std::string, std::optional<std::string>> before_;
};

} // namespace apex
