// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/protection/iov.h"

#include <initializer_list>
#include <memory>
#include <span>

namespace apex {

/// Work is what a call does with the buffers. A call that makes a token allocates some of them: what those hold before
/// does not matter.
enum class Work : std::uint8_t { making, opening };

/// check_buffers refuses what no call can work on: a kind that is not among `allowed` (nor empty), a length without
/// octets, lengths whose sum overflows, buffers that overlap (INVARIANTS P7). Fault::BadBuffers.
Done check_buffers(std::span<const IovBuffer> buffers, Work work, std::initializer_list<IovBuffer::Kind> allowed);

/// only finds the one buffer of a kind; a second one counts as if there were none, as with MIT. nullptr then.
IovBuffer* only(std::span<IovBuffer> buffers, IovBuffer::Kind kind) noexcept;
const IovBuffer* only(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept;

/// has tells whether there is at least one buffer of a kind.
bool has(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept;

/// is_covered tells whether a buffer is part of the message: data and sign_only.
bool is_covered(const IovBuffer& buffer) noexcept;

/// total_length sums the lengths of the buffers of a kind. check_buffers has excluded an overflow.
std::size_t total_length(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept;

/// announce sets the length that a buffer needs and takes its octets away; null is fine.
void announce(IovBuffer* buffer, std::size_t length) noexcept;

/// IovRoom is where a buffer that the library fills has its octets: the caller's, or new ones if it asks for them.
/// The caller's list changes only when `commit` is called; octets that were not handed over are freed.
class IovRoom final {
public:
    IovRoom() = default;
    /// `buffer` may be null: nothing is written then. Fault::BufferTooSmall, Fault::NoMemory.
    static Result<IovRoom> make(IovBuffer* buffer, std::size_t length);

    [[nodiscard]] ByteSpan octets() const noexcept { return octets_; }
    /// Sets the buffer to the first `length` octets.
    void commit(std::size_t length) noexcept;
    void commit() noexcept { commit(octets_.size()); }

private:
    struct Free final {
        void operator()(std::uint8_t* octets) const noexcept;
    };

    IovBuffer* buffer_ = nullptr;
    ByteSpan octets_;
    std::unique_ptr<std::uint8_t, Free> owned_;
};

} // namespace apex
