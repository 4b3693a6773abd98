// SPDX-License-Identifier: MIT
#include "apex/der/der_writer.h"

#include <algorithm>
#include <utility>

namespace apex {

namespace {

constexpr std::size_t first_capacity = 512;

/// Counts the octets that a length takes behind the first one (X.690 8.1.3.5).
std::size_t long_length_octets(std::size_t length) noexcept
{
    std::size_t count = 0;
    for (; length != 0; length >>= 8U) {
        ++count;
    }
    return count;
}

} // namespace

void DerWriter::primitive(Tag tag, ByteView contents)
{
    if (contents.size() < 0x80) {
        const ByteSpan element = extend(2 + contents.size());
        element[0] = tag.octet;
        element[1] = static_cast<std::uint8_t>(contents.size());
        std::copy(contents.begin(), contents.end(), element.begin() + 2);
        return;
    }
    const std::size_t start = open(tag);
    raw(contents);
    close(start);
}

void DerWriter::raw(ByteView octets)
{
    std::copy(octets.begin(), octets.end(), extend(octets.size()).begin());
}

Secret DerWriter::take_secret()
{
    Secret taken = std::move(buffer_);
    taken.shrink(size_);
    size_ = 0;
    return taken;
}

Bytes DerWriter::take_bytes()
{
    Bytes taken = bytes_of(buffer_.view().first(size_));
    buffer_.clear();
    size_ = 0;
    return taken;
}

std::size_t DerWriter::open(Tag tag)
{
    extend(2)[0] = tag.octet;
    return size_;
}

void DerWriter::close(std::size_t start)
{
    const std::size_t length = size_ - start;
    if (length < 0x80) {
        buffer_.span()[start - 1] = static_cast<std::uint8_t>(length);
        return;
    }
    const std::size_t count = long_length_octets(length);
    extend(count);
    const ByteSpan octets = buffer_.span();
    std::copy_backward(octets.begin() + static_cast<std::ptrdiff_t>(start),
                       octets.begin() + static_cast<std::ptrdiff_t>(start + length),
                       octets.begin() + static_cast<std::ptrdiff_t>(start + length + count));
    octets[start - 1] = static_cast<std::uint8_t>(0x80U | count);
    for (std::size_t i = 0; i < count; ++i) {
        octets[start + i] = static_cast<std::uint8_t>(length >> (8 * (count - 1 - i)));
    }
}

ByteSpan DerWriter::extend(std::size_t size)
{
    if (size > buffer_.size() - size_) {
        Secret larger(std::max({first_capacity, buffer_.size() * 2, size_ + size}));
        const ByteView written = buffer_.view().first(size_);
        std::copy(written.begin(), written.end(), larger.span().begin());
        buffer_ = std::move(larger);
    }
    const ByteSpan room = buffer_.span().subspan(size_, size);
    size_ += size;
    return room;
}

} // namespace apex
