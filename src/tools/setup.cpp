// SPDX-License-Identifier: MIT
#include "tools/setup.h"

#include "apex/host/programs.h"
#include "tools/live_probe.h"

#include <fcntl.h>
#include <filesystem>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool same_file(const struct stat& left, const struct stat& right)
{
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/// may_run tells whether code of the library may run in a process of ours. What another user's process has chosen may
/// not, unless it is root's file, under our own root directory: root in a container is not our root.
bool may_run(const View& view, const struct stat& library)
{
    struct stat ours {};
    struct stat theirs {};
    return !view.foreign || (library.st_uid == 0 && (library.st_mode & 022) == 0 && ::stat("/", &ours) == 0 &&
                             ::stat((view.root + "/").c_str(), &theirs) == 0 && same_file(ours, theirs));
}

/// facts_of opens the library once, so that what was judged is what is loaded.
ModuleFacts facts_of(const View& view, const std::string& path, const Bytes& oid, struct stat& status)
{
    const int library = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (library < 0 || ::fstat(library, &status) != 0 || !may_run(view, status)) {
        ::close(library);
        return examine_module(path);
    }
    const std::string opened = "/proc/self/fd/" + std::to_string(library);
    ModuleFacts facts = probe_module(view.foreign ? opened : path, oid, view.switches);
    ::close(library);
    return facts;
}

/// judge_program applies the lists of programs in krb5.conf. The module was asked by apexctl, whose own program the lists
/// may treat differently from the one that the view is of.
void judge_program(const View& view, ModuleFacts& module)
{
    const bool sound = module.problem == ModuleProblem::None;
    const bool declines = module.problem == ModuleProblem::Declines && module.detail.empty();
    if (!module.is_apex() || !(sound || declines)) {
        return;
    }
    if (view.left_out) {
        module.problem = ModuleProblem::LeftOut;
        module.detail = *view.left_out;
    } else if (declines && why_left_out(running_program())) {
        module.problem = ModuleProblem::None;
    }
}

Candidate examine(const View& view, const ConfiguredMechanism& entry)
{
    Candidate candidate{entry, {}, {}, 0};
    const std::string seen = seen_from(view, entry.path);
    struct stat status {};
    candidate.module = facts_of(view, seen, entry.line.oid_body, status);
    judge_program(view, candidate.module);
    if (status.st_ino != 0) {
        candidate.inode = status.st_ino;
        std::error_code failure;
        const std::string real = std::filesystem::canonical(seen, failure).string();
        candidate.real_path = real.starts_with(view.root) ? real.substr(view.root.size()) : real;
    }
    return candidate;
}

} // namespace

std::optional<std::string> why_left_out(const std::string& program)
{
    const Result<std::shared_ptr<const Settings>> settings = current_settings();
    return settings ? exclusion_of(**settings, program) : std::nullopt;
}

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
