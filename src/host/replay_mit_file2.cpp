// SPDX-License-Identifier: MIT
#include "apex/host/replay_store.h"

#include "host/replay_files.h"
#include "host/replay_locks.h"
#include "host/siphash.h"

#include "apex/crypto/system_random.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

// The format of MIT krb5 1.18 and later, as its code (not its document) has it: 16 octets of SipHash key, then tables of
// 1023, 2048, 4096, ... records of 16 octets: 12 of the authenticator's checksum, 4 of the time in seconds, big-endian.

namespace apex {
namespace {

using namespace replay;

constexpr std::size_t tag_length = 12;
constexpr std::size_t record_length = 16;
constexpr std::uint64_t first_table_records = 1023;
constexpr std::uint64_t largest_file = 0x7fffffff;
using Tag = std::array<std::uint8_t, tag_length>;

/// MIT's tag is the authenticator's RFC 3961 checksum: the last octets of its ciphertext.
std::optional<std::size_t> checksum_length(EncryptionType type)
{
    switch (type) {
    case EncryptionType::aes128_cts_hmac_sha1_96:
    case EncryptionType::aes256_cts_hmac_sha1_96:
        return 12;
    case EncryptionType::aes256_cts_hmac_sha384_192:
        return 24;
    case EncryptionType::aes128_cts_hmac_sha256_128:
    case EncryptionType::rc4_hmac:
    case EncryptionType::rc4_hmac_exp:
    case EncryptionType::camellia128_cts_cmac:
    case EncryptionType::camellia256_cts_cmac:
        return 16;
    case EncryptionType::none:
        break;
    }
    return std::nullopt;
}

Result<Tag> tag_of(ByteView ciphertext, EncryptionType type)
{
    const std::optional<std::size_t> length = checksum_length(type);
    if (!length || ciphertext.size() < *length) {
        return refuse(Fault::ReplayStoreFailed,
                      "an authenticator of " + std::to_string(ciphertext.size()) + " octets and encryption type " +
                          std::to_string(static_cast<std::int32_t>(type)) + " has no place in MIT's replay file");
    }
    Tag tag{};
    const ByteView checksum = ciphertext.last(*length);
    std::copy_n(checksum.begin(), std::min(tag.size(), checksum.size()), tag.begin());
    return tag;
}

Result<Descriptor> open_default_file(const std::string& path)
{
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (number < 0) {
        return store_failed("open MIT's replay file", path, errno);
    }
    Descriptor file(number);
    struct stat status{};
    if (::fstat(number, &status) != 0) {
        return store_failed("examine", path, errno);
    }
    TRY(check_file(status, path));
    return file;
}

Result<Descriptor> open_named_file(const std::string& path)
{
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (number < 0) {
        return store_failed("open MIT's replay file", path, errno);
    }
    Descriptor file(number);
    struct stat status{};
    if (::fstat(number, &status) != 0 || !S_ISREG(status.st_mode)) {
        return refuse(Fault::ReplayStoreFailed, path + " is not a regular file; remove it");
    }
    return file;
}

/// The whole file, from octet 0 on and without an end, as MIT locks it.
Result<FileLock> lock_whole(int file, const std::string& path)
{
    return FileLock::take_range(file, 0, 0, path);
}

Result<SipHashKey> read_or_make_key(int file, const std::string& path)
{
    SipHashKey key{};
    const std::size_t length = TRY(read_at(file, key, 0, path));
    if (length == 0) {
        SystemRandom random;
        TRY(random.fill(key));
        TRY(write_at(file, key, 0, path));
        return key;
    }
    if (length != key.size()) {
        return refuse(Fault::ReplayStoreFailed, path + " is cut short; remove it");
    }
    return key;
}

/// Slot is one record as it stands in the file; absent ones and empty ones have no time.
struct Slot final {
    Tag tag{};
    std::uint32_t time = 0;
    bool present = false;

    [[nodiscard]] bool used() const { return present && time != 0; }
    [[nodiscard]] bool is(const Tag& other) const { return used() && tag == other; }
};

Slot slot_from(ByteView octets)
{
    Slot slot{.present = true};
    std::copy_n(octets.begin(), tag_length, slot.tag.begin());
    for (const std::uint8_t octet : octets.subspan(tag_length, 4)) {
        slot.time = slot.time << 8 | octet;
    }
    return slot;
}

Result<std::array<Slot, 2>> read_slots(int file, std::uint64_t offset, const std::string& path)
{
    std::array<std::uint8_t, 2 * record_length> octets{};
    const std::size_t length = TRY(read_at(file, octets, offset, path));
    std::array<Slot, 2> slots;
    for (std::size_t i = 0; i < 2 && length >= (i + 1) * record_length; ++i) {
        slots[i] = slot_from(ByteView(octets).subspan(i * record_length, record_length));
    }
    return slots;
}

/// Place is where in which table the search stands.
struct Place final {
    std::uint64_t table = sizeof(SipHashKey);
    std::uint64_t records = first_table_records;

    [[nodiscard]] std::uint64_t slot(std::uint64_t hash) const { return table + hash % records * record_length; }
    void advance()
    {
        table += records * record_length;
        records = records == first_table_records ? 2 * (first_table_records + 1) : 2 * records;
    }
};

/// The offset at which the tag may be written. Fault::Replay if it is there.
Result<std::uint64_t> find_place(int file, SipHashKey key, const Tag& tag, const std::string& path,
                                 const std::function<bool(std::uint32_t)>& expired)
{
    std::optional<std::uint64_t> available;
    for (Place place; place.table < largest_file; place.advance()) {
        const std::uint64_t offset = place.slot(siphash_2_4(key, tag));
        const std::array<Slot, 2> slots = TRY(read_slots(file, offset, path));
        if (slots[0].is(tag) || slots[1].is(tag)) {
            return refuse(Fault::Replay);
        }
        for (std::size_t i = 0; i < 2 && !available; ++i) {
            if (!slots[i].used() || expired(slots[i].time)) {
                available = offset + i * record_length;
            }
        }
        if (!slots[0].used() || !slots[1].used()) {
            return *available;
        }
        ++key[0];
    }
    return refuse(Fault::ReplayStoreFailed, path + " is full (2 GiB)");
}

} // namespace

MitFile2ReplayCache::MitFile2ReplayCache(std::string path, PathPolicy policy)
    : path_(std::move(path)), policy_(policy)
{
}

Done MitFile2ReplayCache::remember(ByteView ciphertext, EncryptionType type, Time authenticator_time, Duration skew,
                                   Time now)
{
    const Tag tag = TRY(tag_of(ciphertext, type));
    const Descriptor file =
        TRY(policy_ == PathPolicy::own_default ? open_default_file(path_) : open_named_file(path_));
    const FileLock lock = TRY(lock_whole(file.number(), path_));
    const SipHashKey key = TRY(read_or_make_key(file.number(), path_));
    // MIT's times are 32 bits wide and wrap; a difference of less than 68 years tells the order.
    const auto seconds = static_cast<std::uint32_t>(seconds_of(now));
    const auto allowed = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(skew).count());
    const std::uint64_t offset = TRY(find_place(file.number(), key, tag, path_, [=](std::uint32_t stored) {
        return static_cast<std::int32_t>(seconds - (stored + allowed)) > 0;
    }));
    // MIT stores the time of receipt, and forgets one dated ahead too early. The later time is understood by it as well.
    auto stored = static_cast<std::uint32_t>(seconds_of(std::max(now, authenticator_time)));
    stored += stored == 0 ? 1U : 0U; // 0 would mean: empty
    std::array<std::uint8_t, record_length> record{};
    std::copy(tag.begin(), tag.end(), record.begin());
    for (std::size_t i = 0; i < 4; ++i) {
        record[tag_length + i] = static_cast<std::uint8_t>(stored >> (24 - 8 * i));
    }
    return write_at(file.number(), record, offset, path_);
}

} // namespace apex
