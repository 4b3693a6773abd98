// SPDX-License-Identifier: MIT
#include "host/file_stamp.h"

#include <array>
#include <cstring>
#include <ctime>
#include <string_view>
#include <sys/stat.h>

namespace apex {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t longest_tick = 50'000'000;

std::int64_t nanoseconds_of(const timespec& time)
{
    return static_cast<std::int64_t>(time.tv_sec) * second + static_cast<std::int64_t>(time.tv_nsec);
}

} // namespace

std::optional<FileStamp> stamp_of(const std::string& path)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return FileStamp{
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = status.st_size,
        .modified = nanoseconds_of(status.st_mtim),
        .changed = nanoseconds_of(status.st_ctim),
    };
}

bool is_settled(const FileStamp& stamp)
{
    timespec now = {};
    static_cast<void>(clock_gettime(CLOCK_REALTIME, &now));
    const std::int64_t age = nanoseconds_of(now) - stamp.changed;
    return age > longest_tick || age < -longest_tick;
}

std::optional<std::string> path_of(const std::string& name)
{
    const std::size_t colon = name.find(':');
    if (colon == std::string::npos || name.front() == '/') {
        return name;
    }
    const std::string_view type = std::string_view(name).substr(0, colon);
    if (type == "FILE" || type == "WRFILE") {
        return name.substr(colon + 1);
    }
    return std::nullopt;
}

std::string system_text(int error)
{
    std::array<char, 256> buffer{};
    return ::strerror_r(error, buffer.data(), buffer.size());
}

} // namespace apex
