// SPDX-License-Identifier: MIT
#include "tools/process.h"

#include "apex/host/programs.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {

namespace {

constexpr std::string_view deleted_mark = " (deleted)";
constexpr std::size_t largest_file = std::size_t{256} << 20U;

std::string_view take_word(std::string_view& text)
{
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    return word;
}

/// read_mapping reads `address perms offset dev inode path`; nothing for a mapping without a file.
std::optional<MappedFile> read_mapping(std::string_view line)
{
    MappedFile file;
    file.range = take_word(line);
    take_word(line); // permissions
    take_word(line); // offset
    take_word(line); // device
    const std::string_view inode = take_word(line);
    std::from_chars(inode.data(), inode.data() + inode.size(), file.inode);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.starts_with('/')) {
        return std::nullopt;
    }
    file.deleted = line.ends_with(deleted_mark);
    file.path = line.substr(0, line.size() - (file.deleted ? deleted_mark.size() : 0));
    return file;
}

void read_environment(Process& process)
{
    const std::string base = "/proc/" + std::to_string(process.pid);
    std::string trouble;
    const std::optional<std::string> environment = read_file(base + "/environ", process.environment_trouble);
    if (!environment) {
        return;
    }
    const std::optional<std::string> auxiliary = read_file(base + "/auxv", trouble);
    std::optional<std::string> config = variable_of(*environment, "GSS_MECH_CONFIG");
    (auxiliary && privileged(*auxiliary) ? process.ignored_config : process.mech_config) = std::move(config);
    process.environment = *environment;
}

} // namespace

std::string_view MappedFile::base_name() const
{
    return std::string_view(path).substr(path.rfind('/') + 1);
}

std::vector<MappedFile> read_maps(std::string_view text)
{
    std::vector<MappedFile> files;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::optional<MappedFile> file = read_mapping(text.substr(0, end));
        const bool known = file && std::any_of(files.begin(), files.end(), [&](const MappedFile& other) {
                               return other.path == file->path && other.inode == file->inode;
                           });
        if (file && !known) {
            files.push_back(*file);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return files;
}

const MappedFile* find_library(const std::vector<MappedFile>& files, std::string_view name)
{
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const MappedFile& file) { return file.base_name().starts_with(name); });
    return found == files.end() ? nullptr : &*found;
}

Process look_into(pid_t pid)
{
    Process process;
    process.pid = pid;
    const std::string base = "/proc/" + std::to_string(pid);
    process.root = base + "/root";
    process.folder = base + "/cwd/";
    const std::optional<std::string> maps = read_file(base + "/maps", process.trouble);
    if (!maps) {
        return process;
    }
    process.files = read_maps(*maps);
    if (process.files.empty()) { // a zombie, a kernel thread, or one whose maps are hidden from us
        process.trouble = "no files are to be seen in " + base + "/maps: it has ended or belongs to the kernel";
        return process;
    }
    std::string ignored;
    process.program = read_file(base + "/comm", ignored).value_or("");
    while (process.program.ends_with('\n')) {
        process.program.pop_back();
    }
    process.executable = program_at(base + "/exe");
    read_environment(process);
    return process;
}

std::optional<std::string> variable_of(std::string_view environment, std::string_view name)
{
    while (!environment.empty()) {
        const std::size_t end = std::min(environment.find('\0'), environment.size());
        const std::string_view entry = environment.substr(0, end);
        if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) {
            return std::string(entry.substr(name.size() + 1));
        }
        environment.remove_prefix(std::min(end + 1, environment.size()));
    }
    return std::nullopt;
}

bool privileged(std::string_view auxiliary_vector)
{
    Elf64_auxv_t entry{};
    while (auxiliary_vector.size() >= sizeof entry) {
        std::memcpy(&entry, auxiliary_vector.data(), sizeof entry);
        if (entry.a_type == AT_SECURE) {
            return entry.a_un.a_val != 0;
        }
        auxiliary_vector.remove_prefix(sizeof entry);
    }
    return false;
}

std::optional<std::string> read_file(const std::string& path, std::string& trouble)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        trouble = path + ": " + (descriptor < 0 ? std::strerror(errno) : "not a regular file");
        ::close(descriptor);
        return std::nullopt;
    }
    const auto close = [](std::FILE* file) { std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> file(::fdopen(descriptor, "r"), close);
    std::string content;
    char buffer[4096];
    errno = 0;
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
        content.append(buffer, count);
        if (content.size() > largest_file) {
            trouble = path + ": too large";
            return std::nullopt;
        }
    }
    if (std::ferror(file.get()) != 0) {
        trouble = path + ": " + std::strerror(errno);
        return std::nullopt;
    }
    return content;
}

} // namespace apex
