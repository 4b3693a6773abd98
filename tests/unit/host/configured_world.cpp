// SPDX-License-Identifier: MIT
#include "configured_world.h"

#include "apex/host/settings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace apex {

ConfiguredWorld::ConfiguredWorld()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "apex-host-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary directory");
    }
    directory_ = pattern;
    for (const char* variable : {"KRB5_KTNAME", "KRB5RCACHENAME", "KRB5RCACHETYPE", "KRB5RCACHEDIR", "APEX_TRACE",
                                 "TMPDIR"}) {
        set(variable, std::nullopt);
    }
    set("KRB5_CONFIG", path("krb5.conf"));
    configure("");
}

ConfiguredWorld::~ConfiguredWorld()
{
    for (const auto& [variable, value] : before_) {
        if (value) {
            setenv(variable.c_str(), value->c_str(), 1);
        } else {
            unsetenv(variable.c_str());
        }
    }
    std::filesystem::remove_all(directory_);
}

std::string ConfiguredWorld::path(std::string_view name) const
{
    return directory_ + "/" + std::string(name);
}

void ConfiguredWorld::write(std::string_view name, std::string_view contents)
{
    const std::filesystem::path file(path(name));
    std::filesystem::create_directories(file.parent_path());
    // Another file in the old one's place: a new inode, whatever the clock of the file system says.
    std::ofstream(file.string() + ".new") << contents;
    std::filesystem::rename(file.string() + ".new", file);
    look_again();
}

void ConfiguredWorld::configure(std::string_view more)
{
    write("krb5.conf", "[libdefaults]\n default_realm = TEST.REALM\n dns_lookup_kdc = false\n"
                       " dns_canonicalize_hostname = false\n qualify_shortname = \"\"\n" +
                           std::string(more));
}

void ConfiguredWorld::set(const std::string& variable, const std::optional<std::string>& value)
{
    const char* old = std::getenv(variable.c_str());
    before_.emplace(variable, old != nullptr ? std::optional<std::string>(old) : std::nullopt);
    if (value) {
        setenv(variable.c_str(), value->c_str(), 1);
    } else {
        unsetenv(variable.c_str());
    }
}

std::string ConfiguredWorld::read(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

} // namespace apex
