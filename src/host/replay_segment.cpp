// SPDX-License-Identifier: MIT
#include "host/replay_segment.h"

#include "apex/base/secret.h"
#include "apex/crypto/digest.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/ipc.h>
#include <sys/mman.h> // MADV_POPULATE_WRITE is of Linux 5.14
#include <sys/shm.h>
#include <system_error>
#include <unistd.h>

namespace apex::replay {
namespace {

constexpr std::array<std::uint8_t, 8> magic = {'A', 'P', 'E', 'X', 'R', 'P', 'S', 1};
constexpr std::size_t cache_line = 64;

/// What a process that dies while it puts a record in its place leaves to the next one.
struct Intent final {
    std::atomic<std::uint32_t> valid; // written last, cleared last
    std::uint32_t index;
    std::uint64_t offset;
    std::array<std::uint8_t, sizeof(std::uint64_t)> checksum_after;
    std::array<std::uint8_t, record_length> record;
};

struct alignas(2 * cache_line) SharedStripe final {
    pthread_mutex_t mutex;
    Intent intent;
};

struct SegmentHead final {
    std::array<std::uint8_t, 8> magic;
    std::array<std::uint8_t, 8> kind; // processes of another architecture or C library have other mutexes
    StoreId id;
    std::uint64_t size;
    std::uint64_t parent_device;
    std::uint64_t parent_inode;
    std::array<std::uint8_t, 16> proof; // that its maker knew the store's secret
    alignas(cache_line) std::atomic<std::uint64_t> version;
    std::atomic<std::uint32_t> retired;
    alignas(2 * cache_line) std::array<SharedStripe, stripe_count> stripes;
};

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t buckets_at = (sizeof(SegmentHead) + page - 1) / page * page;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

std::array<std::uint8_t, 8> kind_of_process()
{
#ifdef __GLIBC__
    constexpr std::uint8_t library = 1;
#else
    constexpr std::uint8_t library = 0;
#endif
    return {sizeof(void*), sizeof(pthread_mutex_t), sizeof(SharedStripe) / cache_line, library, 0, 0, 0, 0};
}

Result<std::array<std::uint8_t, 16>> proof_for(const Header& header)
{
    Bytes message;
    append(message, magic);
    append(message, header.id);
    const Sha256Digest digest = TRY(hmac_sha256(header.secret, message));
    std::array<std::uint8_t, 16> proof{};
    std::copy_n(digest.begin(), proof.size(), proof.begin());
    return proof;
}

/// Attachment is the segment as this process has it mapped.
class Attachment final {
public:
    explicit Attachment(int id) noexcept : id_(id), address_(::shmat(id, nullptr, 0)) {}
    ~Attachment()
    {
        if (good()) {
            ::shmdt(address_);
        }
    }
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    [[nodiscard]] bool good() const noexcept { return address_ != reinterpret_cast<void*>(-1); }
    [[nodiscard]] int id() const noexcept { return id_; }
    [[nodiscard]] SegmentHead& head() const noexcept { return *static_cast<SegmentHead*>(address_); }
    [[nodiscard]] std::uint8_t* at(std::uint64_t offset) const noexcept
    {
        return static_cast<std::uint8_t*>(address_) + buckets_at + (offset - header_size);
    }

private:
    int id_;
    void* address_;
};

std::string cause(const std::string& action)
{
    return action + ": " + std::generic_category().message(errno);
}

/// Whether a segment is ours alone and can hold a store.
bool is_private(const shmid_ds& status) noexcept
{
    return status.shm_perm.uid == ::geteuid() && status.shm_perm.cuid == ::geteuid() &&
           (status.shm_perm.mode & 0777) == 0600 && status.shm_segsz > buckets_at;
}

/// The namespace in which segments have their numbers, and the one in which threads have theirs, by which robust mutexes
/// tell their holders apart. 0 where it cannot be told.
std::uint64_t this_namespace() noexcept
{
    struct stat ipc {};
    struct stat pid {};
    if (::stat("/proc/self/ns/ipc", &ipc) != 0 || ::stat("/proc/self/ns/pid", &pid) != 0) {
        return 0;
    }
    return (static_cast<std::uint64_t>(pid.st_ino) << 32) ^ ipc.st_ino;
}

class SegmentArea final : public BucketArea {
public:
    SegmentArea(std::unique_ptr<Attachment> memory, const Header& header)
        : memory_(std::move(memory)), size_(header.segment.size), id_(header.id), owner_(::geteuid())
    {
    }

    Result<StripeGuard> lock(std::size_t stripe) override;
    Result<Examination> examine() const override;
    [[nodiscard]] bool watches_path() const noexcept override { return false; }
    void warm_up(const Header& header) noexcept override;
    Result<bool> read(BucketOctets& octets, std::uint64_t offset) const override;
    Done put_record(std::size_t stripe, const BucketOctets& after, std::uint64_t offset, std::size_t index) override;
    Done fill(ByteView octets, std::uint64_t offset) override;
    Result<bool> make_room(const Header& header, TablePlace& table) override;
    Done change_version() override;
    void give_back(const TablePlace& table) noexcept override;
    void retire() noexcept override { memory_->head().retired.store(1, std::memory_order_release); }

private:
    [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t length) const noexcept
    {
        return offset >= header_size && length <= size_ - buckets_at &&
               offset - header_size <= size_ - buckets_at - length;
    }
    void finish_for_the_dead(SharedStripe& stripe) noexcept;
    void map_in(std::uint64_t offset, std::uint64_t length) noexcept;

    std::unique_ptr<Attachment> memory_;
    std::uint64_t size_;
    StoreId id_;
    uid_t owner_;
    std::atomic<std::uint64_t> warm_ = header_size; // up to here, this process has the memory mapped in
};

/// Waits for five seconds at most: a holder that was stopped must not hang every login.
int lock_patiently(pthread_mutex_t& mutex) noexcept
{
    timespec deadline{};
#ifdef __SANITIZE_THREAD__ // that of GCC 12 does not know pthread_mutex_clocklock
    ::clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 5;
    return ::pthread_mutex_timedlock(&mutex, &deadline);
#else
    ::clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += 5;
    return ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &deadline);
#endif
}

Result<StripeGuard> SegmentArea::lock(std::size_t stripe)
{
    SharedStripe& shared = memory_->head().stripes[stripe];
    int status = ::pthread_mutex_trylock(&shared.mutex);
    if (status == EBUSY) {
        status = lock_patiently(shared.mutex);
    }
    if (status == EOWNERDEAD) {
        finish_for_the_dead(shared);
        status = ::pthread_mutex_consistent(&shared.mutex);
    }
    if (status == ETIMEDOUT) {
        return refuse(Fault::ReplayStoreFailed, "another process has held the replay store's memory (shmid " +
                                                    std::to_string(memory_->id()) +
                                                    ") for more than 5 seconds; see which one with lsipc and end it");
    }
    if (status != 0) {
        return refuse(Fault::ReplayStoreFailed, "cannot lock the replay store's memory (shmid " +
                                                    std::to_string(memory_->id()) +
                                                    "): " + std::generic_category().message(status));
    }
    StripeGuard guard;
    guard.shared = SharedLock(shared.mutex);
    return guard;
}

/// The process that held the stripe died. If it was putting a record in its place, that is done again, as a whole.
void SegmentArea::finish_for_the_dead(SharedStripe& stripe) noexcept
{
    const Intent& intent = stripe.intent;
    if (intent.valid.load(std::memory_order_acquire) != 1 || intent.index >= bucket_records ||
        !holds(intent.offset, bucket_size)) {
        return;
    }
    BucketOctets bucket;
    std::memcpy(bucket.data(), memory_->at(intent.offset), bucket.size());
    put_octets(bucket, intent.index, intent.record);
    seal(bucket, BucketPlace{.id = id_, .offset = intent.offset});
    // Anything else than what it meant to leave is damage, and stays what it is: the next reader notices it.
    if (std::equal(intent.checksum_after.begin(), intent.checksum_after.end(), bucket.begin())) {
        std::memcpy(memory_->at(intent.offset), bucket.data(), bucket.size());
        stripe.intent.valid.store(0, std::memory_order_release);
    }
}

Result<Examination> SegmentArea::examine() const
{
    const SegmentHead& head = memory_->head();
    // A process that became another user has a store of its own.
    const bool stale = head.retired.load(std::memory_order_acquire) != 0 || ::geteuid() != owner_;
    return Examination{.stale = stale, .version = head.version.load(std::memory_order_acquire)};
}

/// Maps many pages at once, which costs a fiftieth of as many page faults. Whether it succeeded does not matter.
void SegmentArea::map_in(std::uint64_t offset, std::uint64_t length) noexcept
{
#ifdef MADV_POPULATE_WRITE
    const std::uint64_t start = (buckets_at + offset - header_size) / page * page;
    const std::uint64_t end = buckets_at + offset - header_size + length;
    static_cast<void>(::madvise(memory_->at(header_size) - buckets_at + start, end - start, MADV_POPULATE_WRITE));
#else
    static_cast<void>(offset + length);
#endif
}

void SegmentArea::warm_up(const Header& header) noexcept
{
    constexpr std::uint64_t piece = 64 * page;
    std::uint64_t from = warm_.load(std::memory_order_relaxed);
    const std::uint64_t end = header.end();
    if (from >= end || !holds(from, end - from) ||
        !warm_.compare_exchange_strong(from, std::min(end, from + piece), std::memory_order_relaxed)) {
        return;
    }
    map_in(from, std::min(end - from, piece));
}

Result<bool> SegmentArea::read(BucketOctets& octets, std::uint64_t offset) const
{
    if (!holds(offset, bucket_size)) {
        return false;
    }
    std::memcpy(octets.data(), memory_->at(offset), octets.size());
    return true;
}

Done SegmentArea::put_record(std::size_t stripe, const BucketOctets& after, std::uint64_t offset, std::size_t index)
{
    if (!holds(offset, bucket_size) || index >= bucket_records) {
        return refuse(Fault::ReplayStoreFailed, "a record does not fit into the replay store's memory");
    }
    Intent& intent = memory_->head().stripes[stripe].intent;
    const ByteView record = octets_of(after, index);
    intent.index = static_cast<std::uint32_t>(index);
    intent.offset = offset;
    std::copy_n(after.begin(), intent.checksum_after.size(), intent.checksum_after.begin());
    std::copy(record.begin(), record.end(), intent.record.begin());
    intent.valid.store(1, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::uint8_t* const bucket = memory_->at(offset);
    std::memcpy(bucket + (record.data() - after.data()), record.data(), record.size());
    std::memcpy(bucket, after.data(), intent.checksum_after.size());
    std::atomic_signal_fence(std::memory_order_seq_cst);
    intent.valid.store(0, std::memory_order_release);
    return {};
}

Done SegmentArea::fill(ByteView octets, std::uint64_t offset)
{
    if (!holds(offset, octets.size())) {
        return refuse(Fault::ReplayStoreFailed, "a table does not fit into the replay store's memory");
    }
    map_in(offset, octets.size());
    std::memcpy(memory_->at(offset), octets.data(), octets.size());
    return {};
}

Result<bool> SegmentArea::make_room(const Header& header, TablePlace& table)
{
    table.offset = (header.end() + page - 1) / page * page;
    return holds(table.offset, table.buckets * bucket_size);
}

Done SegmentArea::change_version()
{
    memory_->head().version.fetch_add(1, std::memory_order_acq_rel);
    return {};
}

void SegmentArea::give_back(const TablePlace& table) noexcept
{
    if (holds(table.offset, table.buckets * bucket_size)) {
        // Whole pages only: a table may begin and end within one.
        const std::uint64_t first = (buckets_at + table.offset - header_size + page - 1) / page * page;
        const std::uint64_t last = (buckets_at + table.end() - header_size) / page * page;
        static_cast<void>(
            ::madvise(memory_->at(header_size) - buckets_at + first, last - std::min(first, last), MADV_REMOVE));
    }
}

/// Octets of a segment for all tables: each is a power of eight larger than the one before, up to the largest.
std::uint64_t size_for(const Header& header)
{
    std::uint64_t end = header.tables.front().end();
    for (std::uint64_t buckets = header.tables.front().buckets; buckets < largest_table(header.capacity);) {
        buckets = next_table(buckets, header.capacity);
        end = (end + page - 1) / page * page + buckets * bucket_size;
    }
    return buckets_at + (end - header_size);
}

/// A name under which the leftovers of a former store in the same place are found. It only helps to find: who may use a
/// segment is decided by the store's header.
key_t key_of(const struct stat& parent) noexcept
{
    const std::uint64_t mixed =
        (static_cast<std::uint64_t>(parent.st_dev) * 0x9e3779b97f4a7c15 + parent.st_ino) * 0x9e3779b97f4a7c15 +
        ::geteuid();
    return static_cast<key_t>((mixed >> 33) | 1U);
}

void remove_leftover(key_t key, const struct stat& parent) noexcept
{
    const int id = ::shmget(key, 0, 0);
    shmid_ds status{};
    if (id < 0 || ::shmctl(id, IPC_STAT, &status) != 0 || !is_private(status)) {
        return;
    }
    const Attachment memory(id);
    if (memory.good() && memory.head().magic == magic && memory.head().parent_device == parent.st_dev &&
        memory.head().parent_inode == parent.st_ino) {
        ::shmctl(id, IPC_RMID, nullptr);
    }
}

int new_segment(key_t key, std::uint64_t size) noexcept
{
    const int id = ::shmget(key, size, IPC_CREAT | IPC_EXCL | 0600);
    // Somebody else's program may have taken the name.
    return id >= 0 || (errno != EEXIST && errno != EACCES) ? id : ::shmget(IPC_PRIVATE, size, 0600);
}

bool set_up(SegmentHead& head, const Header& header, const struct stat& parent)
{
    const auto proof = proof_for(header);
    pthread_mutexattr_t attributes;
    if (!proof || ::pthread_mutexattr_init(&attributes) != 0) {
        return false;
    }
    bool good = ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0;
    for (SharedStripe& stripe : head.stripes) {
        good = good && ::pthread_mutex_init(&stripe.mutex, &attributes) == 0;
    }
    ::pthread_mutexattr_destroy(&attributes);
    head.magic = magic;
    head.kind = kind_of_process();
    head.id = header.id;
    head.size = header.segment.size;
    head.parent_device = parent.st_dev;
    head.parent_inode = parent.st_ino;
    head.proof = *proof;
    return good;
}

} // namespace

SegmentAttempt attach_segment(const Header& header)
{
    SegmentAttempt attempt;
    const std::uint64_t here = this_namespace();
    if (here == 0 || here != header.segment.name_space) {
        return SegmentAttempt{.area = nullptr,
                              .why = "its memory is in another IPC namespace, or used from another PID namespace",
                              .elsewhere = true};
    }
    shmid_ds status{};
    if (::shmctl(header.segment.number, IPC_STAT, &status) != 0) {
        attempt.why = cause("its memory, shmid " + std::to_string(header.segment.number) + ", is gone");
        return attempt;
    }
    const auto proof = proof_for(header);
    if (!proof || !is_private(status) || status.shm_segsz != header.segment.size) {
        attempt.why = "shmid " + std::to_string(header.segment.number) + " is not its memory any more";
        return attempt;
    }
    auto memory = std::make_unique<Attachment>(header.segment.number);
    if (!memory->good()) {
        return SegmentAttempt{.area = nullptr, .why = cause("its memory cannot be attached"), .elsewhere = true};
    }
    const SegmentHead& head = memory->head();
    if (head.magic != magic || head.id != header.id || head.size != header.segment.size ||
        !constant_time_equal(head.proof, *proof)) {
        attempt.why = "shmid " + std::to_string(header.segment.number) + " holds something else";
        return attempt;
    }
    if (head.kind != kind_of_process()) {
        return SegmentAttempt{.area = nullptr,
                              .why = "its memory belongs to programs of another architecture or C library",
                              .elsewhere = true};
    }
    attempt.area = std::make_unique<SegmentArea>(std::move(memory), header);
    return attempt;
}

SegmentAttempt create_segment(const StoreDirectory& directory, Header& header)
{
    SegmentAttempt attempt;
    struct stat parent {};
    if (::fstatat(directory.descriptor.number(), "..", &parent, 0) != 0) {
        attempt.why = cause("the directory above " + directory.path);
        return attempt;
    }
    const key_t key = key_of(parent);
    remove_leftover(key, parent);
    SegmentPlace place{.size = size_for(header), .name_space = this_namespace()};
    const int id = place.name_space == 0 ? -1 : new_segment(key, place.size);
    if (id < 0) {
        attempt.why = cause("the system gives no shared memory");
        return attempt;
    }
    place.number = id;
    auto memory = std::make_unique<Attachment>(id);
    header.segment = place;
    if (!memory->good() || !set_up(memory->head(), header, parent)) {
        attempt.why = cause("shared memory cannot be used");
        ::shmctl(id, IPC_RMID, nullptr);
        header.segment = SegmentPlace();
        return attempt;
    }
    attempt.area = std::make_unique<SegmentArea>(std::move(memory), header);
    return attempt;
}

void remove_segment(const Header& header) noexcept
{
    if (header.segment.size != 0 && attach_segment(header).area != nullptr) {
        ::shmctl(header.segment.number, IPC_RMID, nullptr);
    }
}

void remove_leftover_segment(const std::string& parent) noexcept
{
    struct stat status {};
    if (::stat(parent.c_str(), &status) == 0) {
        remove_leftover(key_of(status), status);
    }
}

} // namespace apex::replay
