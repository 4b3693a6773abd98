// SPDX-License-Identifier: MIT
#pragma once

#include "protection_pair.h"

#include <cppunit/TestAssert.h>
#include <memory>

namespace apex::test {

/// Short, for lists of buffers.
using Kind = IovBuffer::Kind;

/// Parts owns the octets of a list of buffers.
class Parts final {
public:
    void add(Kind kind, Bytes octets = {})
    {
        octets_.push_back(std::make_unique<Bytes>(std::move(octets)));
        Bytes& kept = *octets_.back();
        buffers_.push_back({.kind = kind, .data = kept.data(), .length = kept.size()});
    }

    /// Gives the header, the trailer and the padding the room that wrap_iov_length asks for.
    void make_room(const MessageProtection& sender, Confidentiality kind)
    {
        CPPUNIT_ASSERT(sender.wrap_iov_length(buffers_, kind));
        for (std::size_t index = 0; index < buffers_.size(); ++index) {
            IovBuffer& buffer = buffers_[index];
            if (buffer.data == nullptr) {
                octets_[index]->assign(buffer.length, 0);
                buffer.data = octets_[index]->data();
            }
        }
    }

    std::vector<IovBuffer>& buffers() { return buffers_; }
    IovBuffer& operator[](std::size_t index) { return buffers_[index]; }

    /// All octets of a kind, one after the other.
    [[nodiscard]] Bytes all(Kind kind) const
    {
        Bytes all;
        for (const IovBuffer& buffer : buffers_) {
            if (buffer.kind == kind) {
                append(all, buffer.octets());
            }
        }
        return all;
    }

    /// Everything that the list holds.
    [[nodiscard]] Bytes contents() const
    {
        Bytes all;
        for (const IovBuffer& buffer : buffers_) {
            append(all, buffer.octets());
        }
        return all;
    }

private:
    std::vector<std::unique_ptr<Bytes>> octets_;
    std::vector<IovBuffer> buffers_;
};

/// signed_around is a message of 40 octets with two signed parts around it.
inline Parts signed_around(bool trailer)
{
    Parts parts;
    parts.add(Kind::header);
    parts.add(Kind::sign_only, pattern(7));
    parts.add(Kind::data, pattern(40));
    parts.add(Kind::sign_only, pattern(3));
    parts.add(Kind::padding);
    if (trailer) {
        parts.add(Kind::trailer);
    }
    return parts;
}

/// wrapped_around wraps signed_around.
inline Parts wrapped_around(MessageProtection& sender, Confidentiality kind, bool trailer)
{
    Parts parts = signed_around(trailer);
    parts.make_room(sender, kind);
    const Result<Confidentiality> made = sender.wrap_iov(parts.buffers(), kind);
    CPPUNIT_ASSERT_EQUAL(Fault::Count_, fault_of(made));
    CPPUNIT_ASSERT(*made == kind);
    return parts;
}

} // namespace apex::test
