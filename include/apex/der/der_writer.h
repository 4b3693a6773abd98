// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/secret.h"
#include "apex/der/tag.h"

#include <cstddef>

namespace apex {

/// DerWriter writes DER. A nested element is a nested lambda; its length is filled in when the lambda returns:
///
///     writer.element(sequence_tag, [&] {
///         writer.element(context(0), [&] { write_int32(writer, 5); });
///     });
///
/// Everything written may be a key, so the buffer is a Secret: wiped when it grows, is taken or dies.
class DerWriter final {
public:
    DerWriter() = default;

    /// Writes a constructed element; `body` writes its contents into this writer.
    template <typename Body>
    void element(Tag tag, Body body)
    {
        const std::size_t start = open(tag);
        body();
        close(start);
    }

    /// Writes an element with the given contents.
    void primitive(Tag tag, ByteView contents);

    /// Writes octets that are DER already: a ticket is copied as it came.
    void raw(ByteView octets);

    /// Takes what was written; the writer is empty afterwards.
    [[nodiscard]] Secret take_secret();

    /// Takes a copy of what was written, which must hold no key; the writer is empty afterwards.
    [[nodiscard]] Bytes take_bytes();

private:
    /// Writes tag and a one-octet length to be filled in; gives the position of the contents.
    std::size_t open(Tag tag);
    /// Fills in the length of what was written from `start`, moving it if the length takes more octets.
    void close(std::size_t start);
    /// Makes room for `size` octets at the end and gives them.
    ByteSpan extend(std::size_t size);

    Secret buffer_;
    std::size_t size_ = 0;
};

} // namespace apex
