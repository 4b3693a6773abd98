// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"

#include <cstddef>
#include <cstdint>

namespace apex {

/// IovBuffer is one buffer of a message that is protected in parts (gss_wrap_iov and its family). The octets belong
/// to the caller.
struct IovBuffer final {
    enum class Kind : std::uint8_t {
        empty,     // passed over
        header,    // the token header and what goes in front of the data
        data,      // covered and, if asked for, encrypted in place
        padding,   // always of length 0 for RFC 4121 tokens
        trailer,   // what goes behind the data; absent: it goes into the header, RFC 4121 4.2.5
        sign_only, // covered, left as it is
        stream,    // a whole token, for unwrapping
        mic_token, // a whole MIC token
    };
    Kind kind = Kind::empty;
    std::uint8_t* data = nullptr;
    std::size_t length = 0;
    /// In: the library is to allocate this buffer (with malloc).
    bool allocate = false;
    /// Out: it did; the caller frees it with free. Nothing is allocated when the call fails.
    bool allocated = false;

    [[nodiscard]] ByteSpan octets() const noexcept { return {data, length}; }
};

} // namespace apex
