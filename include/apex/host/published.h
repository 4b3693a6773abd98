// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace apex {

/// process_generation is a number that differs between a process and the children it forks (never 0). Costs no system
/// call: a handler of pthread_atfork counts.
std::uint32_t process_generation() noexcept;

/// Published holds the current version of an immutable value, read and replaced from any thread. A reader keeps what it
/// read for as long as it likes. The lock inside is held for the copying of one pointer, and a child forked while another
/// thread of the parent held it takes it over (INVARIANTS C2), which std::atomic<std::shared_ptr> of GCC 12 cannot.
template <typename Value>
class Published final {
public:
    Published() = default;
    explicit Published(std::shared_ptr<const Value> value) : slot_(new Slot{std::move(value)}) {}
    ~Published() { delete slot_.load(std::memory_order_acquire); }
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    /// The current version, or null if nothing was published yet.
    [[nodiscard]] std::shared_ptr<const Value> load() const
    {
        const Guard guard(owner_);
        const Slot* slot = slot_.load(std::memory_order_relaxed);
        return slot != nullptr ? slot->value : nullptr;
    }

    /// Replaces the current version.
    void store(std::shared_ptr<const Value> value)
    {
        std::unique_ptr<Slot> fresh = std::make_unique<Slot>(Slot{std::move(value)});
        const Slot* old = nullptr;
        {
            const Guard guard(owner_);
            old = slot_.exchange(fresh.release(), std::memory_order_relaxed);
        }
        delete old;
    }

    /// Replaces the current version if it is still `expected`; tells whether it was.
    bool replace(const std::shared_ptr<const Value>& expected, std::shared_ptr<const Value> value)
    {
        std::unique_ptr<Slot> fresh = std::make_unique<Slot>(Slot{std::move(value)});
        const Slot* old = nullptr;
        {
            const Guard guard(owner_);
            const Slot* slot = slot_.load(std::memory_order_relaxed);
            if ((slot != nullptr ? slot->value.get() : nullptr) != expected.get()) {
                return false;
            }
            old = slot_.exchange(fresh.release(), std::memory_order_relaxed);
        }
        delete old;
        return true;
    }

private:
    /// One word changes at a publication, so a fork in the middle leaves the old or the new version, never half of one.
    struct Slot final {
        std::shared_ptr<const Value> value;
    };

    class Guard final {
    public:
        explicit Guard(std::atomic<std::uint32_t>& owner) noexcept : owner_(owner)
        {
            const std::uint32_t self = process_generation();
            std::uint32_t seen = 0;
            while (!owner_.compare_exchange_weak(seen, self, std::memory_order_acquire, std::memory_order_relaxed)) {
                if (seen == self) {
                    pause();
                    seen = 0;
                }
                // Otherwise `seen` is a thread that does not exist in this process: the next round takes its place.
            }
        }
        ~Guard() { owner_.store(0, std::memory_order_release); }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

    private:
        static void pause() noexcept;
        std::atomic<std::uint32_t>& owner_;
    };

    mutable std::atomic<std::uint32_t> owner_{0};
    std::atomic<const Slot*> slot_{nullptr};
};

/// give_way lets another thread run, for one that waits for a lock held for a few instructions.
void give_way() noexcept;

template <typename Value>
void Published<Value>::Guard::pause() noexcept
{
    give_way();
}

} // namespace apex
