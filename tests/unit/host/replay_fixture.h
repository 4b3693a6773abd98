// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/host/replay_store.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace apex {

/// ReplayWorld is a directory of its own, and clocks that a test moves.
class ReplayWorld final {
public:
    ReplayWorld();
    ~ReplayWorld();
    ReplayWorld(const ReplayWorld&) = delete;
    ReplayWorld& operator=(const ReplayWorld&) = delete;

    [[nodiscard]] ReplayStoreSettings settings();
    /// A store as another process would open it.
    [[nodiscard]] std::unique_ptr<ReplayStore> open() { return std::make_unique<ReplayStore>(settings()); }
    /// An authenticator's ciphertext; equal numbers give equal ones.
    [[nodiscard]] static Bytes authenticator(std::uint64_t number);
    /// Remembers authenticator `number`, dated `ahead` of now.
    Done remember(ReplayCache& store, std::uint64_t number, Duration ahead = Duration(0)) const;

    /// Both clocks run on.
    void pass(Duration time)
    {
        now += time;
        boot += time;
    }
    /// The machine starts anew: everything but the disk is gone, and the wall clock has run on.
    void restart(Duration downtime);

    /// The number of the segment of shared memory in which the records are, if the store's header can be read.
    [[nodiscard]] std::optional<int> segment() const;

    [[nodiscard]] std::filesystem::path user_directory() const;
    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return user_directory() / name; }

    std::filesystem::path directory;
    Time now = time_from_seconds(1'800'000'000);
    Duration boot = std::chrono::hours(5);
    /// How long a process is stopped after it has read the boot clock for the first time in a call.
    Duration held_up{0};
    int boot_readings = 0;
    Duration skew = std::chrono::seconds(300);
    std::array<std::uint8_t, 16> boot_id{1, 2, 3};
    std::size_t capacity = 100'000;
    bool durable = true;
    bool shared_memory = true; // else the records are in the file
    std::vector<std::string> events;

private:
    void remove_memory() const;
};

std::string outcome_of(const Done& done);

/// Octets of a file, and putting others in their place without making another file.
Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, ByteView octets);

} // namespace apex
