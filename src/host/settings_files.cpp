// SPDX-License-Identifier: MIT
#include "host/settings_files.h"

#include "host/descriptor.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {
namespace {

// More than anyone has; they bound what a loop of includes can cost.
constexpr unsigned deepest = 8;
constexpr std::size_t most_files = 256;
constexpr std::size_t longest_file = 1024 * 1024;

std::string contents_of(const std::string& path)
{
    std::string text;
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) {
        return text;
    }
    std::array<char, 8192> part{};
    ssize_t count = 0;
    while (text.size() < longest_file && (count = read(file.number(), part.data(), part.size())) > 0) {
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text;
}

std::string_view trimmed(std::string_view line)
{
    constexpr std::string_view blanks = " \t\r";
    const std::size_t first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

/// The argument of a directive that stands at the beginning of a line, or nothing. The profile library takes them only
/// there and outside sections; one more file watched does no harm.
std::string_view argument_of(std::string_view line, std::string_view directive)
{
    const bool stands = line.starts_with(directive) && line.size() > directive.size() &&
                        std::isspace(static_cast<unsigned char>(line[directive.size()])) != 0;
    return stands ? trimmed(line.substr(directive.size())) : std::string_view{};
}

/// The names that includedir takes: alphanumeric, dashes and underscores, or ending in .conf and not hidden.
bool is_included(std::string_view name)
{
    constexpr std::string_view ending = ".conf";
    if (name.starts_with('.')) {
        return false;
    }
    const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    return name.ends_with(ending) || std::all_of(name.begin(), name.end(), is_plain);
}

std::vector<std::string> files_of_directory(const std::string& path)
{
    std::vector<std::string> files;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
    if (directory == nullptr) {
        return files;
    }
    while (const dirent* entry = readdir(directory.get())) {
        if (is_included(entry->d_name)) {
            files.push_back(path + "/" + entry->d_name);
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

void add_file(std::vector<WatchedFile>& files, const std::string& path, unsigned depth)
{
    const auto is_path = [&path](const WatchedFile& file) { return file.path == path; };
    if (depth > deepest || files.size() >= most_files || std::any_of(files.begin(), files.end(), is_path)) {
        return;
    }
    files.push_back(WatchedFile::at(path));
    const std::string text = contents_of(path);
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = trimmed(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (const std::string_view file = argument_of(line, "include"); !file.empty()) {
            add_file(files, std::string(file), depth + 1);
        }
        if (const std::string_view directory = argument_of(line, "includedir"); !directory.empty()) {
            files.push_back(WatchedFile::at(std::string(directory)));
            for (const std::string& file : files_of_directory(std::string(directory))) {
                add_file(files, file, depth + 1);
            }
        }
    }
}

} // namespace

WatchedFile WatchedFile::at(const std::string& path)
{
    return {.path = path, .stamp = stamp_of(path)};
}

bool WatchedFile::holds() const
{
    return stamp_of(path) == stamp;
}

bool WatchedFile::settled() const
{
    return !stamp || is_settled(*stamp);
}

bool all_hold(const std::vector<WatchedFile>& files)
{
    return std::all_of(files.begin(), files.end(), [](const WatchedFile& file) { return file.holds(); });
}

std::vector<std::string> doubts_about(const std::vector<WatchedFile>& files)
{
    std::vector<std::string> doubts;
    for (const WatchedFile& file : files) {
        struct stat status{};
        if (stat(file.path.c_str(), &status) != 0) {
            continue;
        }
        if (S_ISREG(status.st_mode) && (status.st_mode & S_IWOTH) != 0) {
            doubts.push_back(file.path + " may be written by anybody");
        }
        if (status.st_uid != 0 && status.st_uid != geteuid()) {
            doubts.push_back(file.path + " belongs to user " + std::to_string(status.st_uid) +
                             ", neither root nor this one");
        }
    }
    return doubts;
}

Result<std::vector<WatchedFile>> configuration_files()
{
    char** names = nullptr;
    const krb5_error_code code = krb5_get_default_config_files(&names);
    if (code != 0) {
        Error error = refuse(Fault::BadSetting, "the list of krb5.conf's files");
        error.minor_override = code;
        return error;
    }
    const std::unique_ptr<char*, void (*)(char**)> owned(names, krb5_free_config_files);
    std::vector<WatchedFile> files;
    for (char** name = names; *name != nullptr; ++name) {
        add_file(files, *name, 0);
    }
    return files;
}

} // namespace apex
