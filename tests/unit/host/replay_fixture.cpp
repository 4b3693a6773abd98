// SPDX-License-Identifier: MIT
#include "unit/host/replay_fixture.h"

#include "host/replay_layout.h"

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace apex {

ReplayWorld::ReplayWorld()
{
    // In memory where that exists: what is tested here does not depend on the disk, and waiting for it takes time.
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path parent =
        ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "apex-replay-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary directory");
    }
    directory = std::filesystem::canonical(pattern);
}

ReplayWorld::~ReplayWorld()
{
    remove_memory();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

ReplayStoreSettings ReplayWorld::settings()
{
    ReplayStoreSettings settings;
    settings.directory = directory;
    settings.capacity = capacity;
    settings.durable = durable;
    settings.shared_memory = shared_memory;
    settings.report = [this](const std::string& event) { events.push_back(event); };
    settings.boot_clock = [this] { return boot_readings++ == 0 ? boot : boot + held_up; };
    settings.boot_id = boot_id;
    return settings;
}

Bytes ReplayWorld::authenticator(std::uint64_t number)
{
    Bytes octets(162, 0xa5);
    for (std::size_t i = 0; i < 8; ++i) {
        octets[octets.size() - 12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return octets;
}

Done ReplayWorld::remember(ReplayCache& store, std::uint64_t number, Duration ahead) const
{
    return store.remember(authenticator(number), EncryptionType::aes256_cts_hmac_sha1_96, now + ahead, skew, now);
}

void ReplayWorld::restart(Duration downtime)
{
    now += downtime;
    boot = std::chrono::seconds(20);
    ++boot_id[0];
}

/// Wherever below the directory a test had a store, and as whatever user.
void ReplayWorld::remove_memory() const
{
    const uid_t self = ::geteuid();
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (!name.starts_with("apex_") || name.find_first_not_of("0123456789", 5) != std::string::npos) {
            continue;
        }
        const bool same = ::seteuid(static_cast<uid_t>(std::strtoul(name.c_str() + 5, nullptr, 10))) == 0;
        remove_replay_memory(entry->path().parent_path());
        if (same && ::seteuid(self) != 0) {
            std::abort();
        }
    }
}

std::optional<int> ReplayWorld::segment() const
{
    if (!std::filesystem::is_regular_file(file("replay.store"))) {
        return std::nullopt;
    }
    Bytes page = read_file(file("replay.store"));
    page.resize(std::min(page.size(), replay::header_size));
    const Result<replay::Header> header = replay::decode_header(page);
    return header && header->segment.size != 0 ? std::optional<int>(header->segment.number) : std::nullopt;
}

std::filesystem::path ReplayWorld::user_directory() const
{
    return directory / ("apex_" + std::to_string(::geteuid()));
}

std::string outcome_of(const Done& done)
{
    return done ? "remembered" : std::string(traits_of(done.error().fault).name);
}

Bytes read_file(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& path, ByteView octets)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ::write(file, octets.data(), octets.size()) != static_cast<ssize_t>(octets.size())) {
        throw std::runtime_error("cannot write " + path.string());
    }
    ::close(file);
}

} // namespace apex
