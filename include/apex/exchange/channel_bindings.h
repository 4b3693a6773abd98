// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/crypto/digest.h"

#include <cstdint>

namespace apex {

/// ChannelBindings tie a context to the channel it runs over (RFC 2744 3.11). Application data such as
/// "tls-server-end-point:..." is what most callers fill.
struct ChannelBindings final {
    std::uint32_t initiator_address_type = 0;
    Bytes initiator_address;
    std::uint32_t acceptor_address_type = 0;
    Bytes acceptor_address;
    Bytes application_data;

    /// The MD5 hash that travels in the authenticator's checksum (RFC 4121 4.1.1.2).
    [[nodiscard]] Md5Digest hash() const;
};

} // namespace apex
