// SPDX-License-Identifier: MIT
#include "apex/crypto/system_random.h"

#include "apex/base/secret.h"
#include "crypto/openssl.h"

#include <cstring>
#include <new>
#include <pthread.h>
#include <sys/mman.h>

namespace apex {

namespace {

constexpr std::size_t page_size = 4096;

/// What one thread has in stock. It has a page of its own, which the kernel gives to a forked child as zeros
/// (MADV_WIPEONFORK): the child finds nothing left and fetches anew. It stays out of core dumps.
struct Stock final {
    std::size_t left;
    std::array<std::uint8_t, page_size - sizeof(std::size_t)> octets;
};
static_assert(sizeof(Stock) == page_size);

/// Requests up to this size are served from the stock.
constexpr std::size_t small_request = 256;

thread_local Stock* this_threads_stock = nullptr;

void discard(void* stock)
{
    wipe({static_cast<std::uint8_t*>(stock), page_size});
    munmap(stock, page_size);
    this_threads_stock = nullptr;
}

/// The key whose destructor discards the stock of a thread that ends; a thread_local object with a destructor would
/// be registered with the host's exit machinery. Negative if the system has none left.
struct EndOfThread final {
    pthread_key_t key;
    bool usable;
};

const EndOfThread& end_of_thread()
{
    static const EndOfThread instance = [] {
        EndOfThread made{};
        made.usable = pthread_key_create(&made.key, discard) == 0;
        return made;
    }();
    return instance;
}

/// The stock of this thread, or nullptr if the system cannot promise that a child will not inherit it.
Stock* open_stock()
{
    if (!end_of_thread().usable) {
        return nullptr;
    }
    void* const page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return nullptr;
    }
    if (madvise(page, page_size, MADV_WIPEONFORK) != 0 || pthread_setspecific(end_of_thread().key, page) != 0) {
        munmap(page, page_size);
        return nullptr;
    }
    madvise(page, page_size, MADV_DONTDUMP);
    this_threads_stock = ::new (page) Stock{};
    return this_threads_stock;
}

} // namespace

Done SystemRandom::fill(ByteSpan octets)
{
    if (octets.empty()) {
        return {};
    }
    Stock* const stock = this_threads_stock != nullptr ? this_threads_stock : open_stock();
    if (octets.size() > small_request || stock == nullptr) {
        return random_octets(octets);
    }
    if (stock->left < octets.size()) {
        stock->left = 0;
        TRY(random_octets(stock->octets));
        stock->left = stock->octets.size();
    }
    // From the back to the front; what has been handed out is gone.
    const ByteSpan taken = ByteSpan(stock->octets).subspan(stock->left - octets.size(), octets.size());
    std::memcpy(octets.data(), taken.data(), octets.size());
    wipe(taken);
    stock->left -= octets.size();
    return {};
}

} // namespace apex
