// SPDX-License-Identifier: MIT
#include "iov_list.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <vector>

namespace apex {
namespace {

/// The octets that a call looks at or writes to where they are.
ByteView octets_of(const IovBuffer& buffer, Work work) noexcept
{
    const bool filled_in = buffer.kind == IovBuffer::Kind::padding || (!is_covered(buffer) && buffer.allocate);
    if (buffer.kind == IovBuffer::Kind::empty || (work == Work::making && filled_in)) {
        return {};
    }
    return {buffer.data, buffer.length};
}

bool overlap(ByteView left, ByteView right) noexcept
{
    // std::less orders any two pointers, also those into different arrays.
    const std::less<const std::uint8_t*> before;
    return !left.empty() && !right.empty() && before(left.data(), right.data() + right.size()) &&
           before(right.data(), left.data() + left.size());
}

/// Short lists, and nearly all are, are compared in pairs, long ones after sorting.
bool any_overlap(std::span<const IovBuffer> buffers, Work work)
{
    constexpr std::size_t few = 16;
    if (buffers.size() <= few) {
        for (auto left = buffers.begin(); left != buffers.end(); ++left) {
            const ByteView octets = octets_of(*left, work);
            if (std::any_of(std::next(left), buffers.end(), [octets, work](const IovBuffer& right) {
                    return overlap(octets, octets_of(right, work));
                })) {
                return true;
            }
        }
        return false;
    }
    std::vector<ByteView> sorted;
    sorted.reserve(buffers.size());
    for (const IovBuffer& buffer : buffers) {
        if (!octets_of(buffer, work).empty()) {
            sorted.push_back(octets_of(buffer, work));
        }
    }
    std::sort(sorted.begin(), sorted.end(), [](ByteView left, ByteView right) {
        return std::less<const std::uint8_t*>()(left.data(), right.data());
    });
    return std::adjacent_find(sorted.begin(), sorted.end(), overlap) != sorted.end();
}

} // namespace

Done check_buffers(std::span<const IovBuffer> buffers, Work work, std::initializer_list<IovBuffer::Kind> allowed)
{
    std::size_t sum = 0;
    for (const IovBuffer& buffer : buffers) {
        if (buffer.kind == IovBuffer::Kind::empty) {
            continue;
        }
        if (std::find(allowed.begin(), allowed.end(), buffer.kind) == allowed.end()) {
            return refuse(Fault::BadBuffers, "a kind of buffer that this call does not take");
        }
        const ByteView octets = octets_of(buffer, work);
        if (octets.data() == nullptr && !octets.empty()) {
            return refuse(Fault::BadBuffers, "a length of " + std::to_string(octets.size()) + " without octets");
        }
        if (octets.size() > std::numeric_limits<std::size_t>::max() - sum) {
            return refuse(Fault::BadBuffers, "the lengths are too large");
        }
        sum += octets.size();
    }
    if (any_overlap(buffers, work)) {
        return refuse(Fault::BadBuffers, "buffers overlap");
    }
    return {};
}

const IovBuffer* only(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept
{
    const auto is_it = [kind](const IovBuffer& buffer) { return buffer.kind == kind; };
    const auto found = std::find_if(buffers.begin(), buffers.end(), is_it);
    if (found == buffers.end() || std::any_of(std::next(found), buffers.end(), is_it)) {
        return nullptr;
    }
    return &*found;
}

IovBuffer* only(std::span<IovBuffer> buffers, IovBuffer::Kind kind) noexcept
{
    const IovBuffer* found = only(std::span<const IovBuffer>(buffers), kind);
    return found == nullptr ? nullptr : &buffers[static_cast<std::size_t>(found - buffers.data())];
}

bool has(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept
{
    return std::any_of(buffers.begin(), buffers.end(),
                       [kind](const IovBuffer& buffer) { return buffer.kind == kind; });
}

bool is_covered(const IovBuffer& buffer) noexcept
{
    return buffer.kind == IovBuffer::Kind::data || buffer.kind == IovBuffer::Kind::sign_only;
}

std::size_t total_length(std::span<const IovBuffer> buffers, IovBuffer::Kind kind) noexcept
{
    std::size_t sum = 0;
    for (const IovBuffer& buffer : buffers) {
        sum += buffer.kind == kind ? buffer.length : 0;
    }
    return sum;
}

void announce(IovBuffer* buffer, std::size_t length) noexcept
{
    if (buffer != nullptr) {
        buffer->data = nullptr;
        buffer->length = length;
    }
}

Result<IovRoom> IovRoom::make(IovBuffer* buffer, std::size_t length)
{
    IovRoom room;
    if (buffer == nullptr) {
        return room;
    }
    room.buffer_ = buffer;
    if (!buffer->allocate) {
        if (buffer->length < length) {
            return refuse(Fault::BufferTooSmall, std::to_string(buffer->length) + " octets, " +
                                                     std::to_string(length) + " are needed");
        }
        room.octets_ = {buffer->data, length};
        return room;
    }
    // The caller frees it as the buffers of RFC 2744 are freed; an empty one is given an octet all the same.
    room.owned_.reset(static_cast<std::uint8_t*>(std::malloc(std::max<std::size_t>(length, 1))));
    if (!room.owned_) {
        return refuse(Fault::NoMemory);
    }
    room.octets_ = {room.owned_.get(), length};
    return room;
}

void IovRoom::commit(std::size_t length) noexcept
{
    if (buffer_ == nullptr) {
        return;
    }
    buffer_->data = octets_.data();
    buffer_->length = length;
    buffer_->allocated = owned_ != nullptr;
    owned_.release(); // NOLINT: the caller's from here on
}

void IovRoom::Free::operator()(std::uint8_t* octets) const noexcept
{
    std::free(octets);
}

} // namespace apex
