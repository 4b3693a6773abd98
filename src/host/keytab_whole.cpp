// SPDX-License-Identifier: MIT
#include "host/file_stamp.h"
#include "host/keytab_snapshot.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {
namespace {

class Descriptor final {
public:
    explicit Descriptor(const std::string& path) noexcept
        : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))
    {
    }
    ~Descriptor()
    {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

/// Octets exist to be read at `offset`: all, or fewer at the end of the file.
std::size_t read_at(const Descriptor& file, off_t offset, ByteSpan octets)
{
    std::size_t done = 0;
    while (done < octets.size()) {
        const ssize_t got =
            ::pread(file.number(), octets.data() + done, octets.size() - done, offset + static_cast<off_t>(done));
        if (got > 0) {
            done += static_cast<std::size_t>(got);
        } else if (got == 0 || errno != EINTR) {
            break;
        }
    }
    return done;
}

std::int32_t big_endian(const std::array<std::uint8_t, 4>& octets)
{
    std::uint32_t value = 0;
    for (const std::uint8_t octet : octets) {
        value = value << 8 | octet;
    }
    return static_cast<std::int32_t>(value);
}

Error damaged(const std::string& path, const std::string& why)
{
    return refuse(Fault::NoKeytab, "keytab FILE:" + path + " " + why);
}

} // namespace

Done check_whole(const std::string& path)
{
    const Descriptor file(path);
    struct stat status = {};
    if (file.number() < 0 || ::fstat(file.number(), &status) != 0) {
        return damaged(path, "cannot be read: " + system_text(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return damaged(path, "is not a regular file");
    }
    std::array<std::uint8_t, 2> version{};
    if (read_at(file, 0, version) != version.size() || version[0] != 5) {
        return damaged(path, status.st_size == 0 ? "is nonexistent or empty: it has no octets" : "is not a keytab");
    }
    if (version[1] != 2) {
        return {}; // version 1 has the writer's byte order: left to libkrb5
    }
    std::int64_t offset = 2;
    std::array<std::uint8_t, 4> size{};
    while (offset < status.st_size) {
        if (read_at(file, offset, size) != size.size()) {
            return damaged(path, "is half-written: it ends inside a record's length, at octet " +
                                     std::to_string(status.st_size));
        }
        const std::int64_t length = big_endian(size);
        if (length == 0) {
            break; // the end, as libkrb5 reads it
        }
        offset += 4 + (length < 0 ? -length : length); // negative: a hole
        if (offset > status.st_size) {
            return damaged(path, "is half-written: a record ends at octet " + std::to_string(offset) + ", the file at " +
                                     std::to_string(status.st_size));
        }
    }
    return {};
}

} // namespace apex
