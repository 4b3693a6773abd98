// SPDX-License-Identifier: MIT
#include "tools/setup.h"

#include "tools/live_probe.h"

#include <filesystem>
#include <glob.h>
#include <sys/stat.h>

namespace apex {

namespace {

constexpr const char* main_file = "/etc/gss/mech";
constexpr const char* more_files = "/etc/gss/mech.d/*.conf";

std::string seen_from(const View& view, const std::string& path)
{
    return (path.starts_with('/') ? view.root : view.folder) + path;
}

std::vector<std::string> usual_files(const View& view)
{
    std::vector<std::string> files;
    struct stat status {};
    if (::stat((view.root + main_file).c_str(), &status) == 0) {
        files.emplace_back(main_file);
    }
    glob_t found{};
    if (::glob((view.root + more_files).c_str(), 0, nullptr, &found) == 0) {
        for (std::size_t index = 0; index < found.gl_pathc; ++index) {
            files.push_back(std::string(found.gl_pathv[index]).substr(view.root.size()));
        }
    }
    ::globfree(&found);
    return files;
}

void read_into(Setup& setup, const View& view, const std::string& file)
{
    std::string trouble;
    const std::optional<std::string> content = read_file(seen_from(view, file), trouble);
    if (!content) {
        setup.unreadable.push_back({"unreadable-file", file, "the mechglue skips this file without a word: " + trouble,
                                    "make the file readable for every program that uses Kerberos"});
        return;
    }
    setup.files.push_back(file);
    for (ConfigLine& line : read_mech_config(file, *content)) {
        setup.lines.push_back(std::move(line));
    }
}

/// loadable_path is the library as this process can open it: by its own path where that is the same file.
std::string loadable_path(const View& view, const std::string& path, const struct stat& status)
{
    struct stat ours {};
    const bool same_file =
        ::stat(path.c_str(), &ours) == 0 && ours.st_ino == status.st_ino && ours.st_dev == status.st_dev;
    return same_file ? path : seen_from(view, path);
}

Candidate examine(const View& view, const ConfiguredMechanism& entry)
{
    Candidate candidate{entry, {}, {}, 0};
    const std::string seen = seen_from(view, entry.path);
    struct stat status {};
    std::string path = seen;
    if (::stat(seen.c_str(), &status) == 0) {
        candidate.inode = status.st_ino;
        path = loadable_path(view, entry.path, status);
        std::error_code failure;
        const std::string real = std::filesystem::canonical(seen, failure).string();
        candidate.real_path = real.starts_with(view.root) ? real.substr(view.root.size()) : real;
    }
    candidate.module = probe_module(path, entry.line.oid_body, view.switches);
    return candidate;
}

} // namespace

Setup read_setup(const View& view)
{
    Setup setup;
    setup.library_folder = mechglue_folder();
    setup.source = view.config ? "GSS_MECH_CONFIG=" + *view.config : std::string(main_file) + " and " + more_files;
    for (const std::string& file : view.config ? std::vector<std::string>{*view.config} : usual_files(view)) {
        read_into(setup, view, file);
    }
    setup.mechanisms = configured_mechanisms(setup.lines, setup.library_folder);
    for (const ConfiguredMechanism& entry : setup.mechanisms) {
        if (entry.line.interposer()) {
            setup.candidates.push_back(examine(view, entry));
        }
    }
    return setup;
}

} // namespace apex
