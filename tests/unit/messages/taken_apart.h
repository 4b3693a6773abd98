// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <map>
#include <string>

namespace apex {

/// TakenApart is a decoded message as text, and what it is encoded to again. Tickets are encoded from their fields,
/// not from the octets they keep.
struct TakenApart final {
    std::map<std::string, std::string> fields;
    Bytes encoded;
};

/// take_apart decodes `octets` as the ASN.1 type called `type`, in the words of the vector files.
Result<TakenApart> take_apart(const std::string& type, ByteView octets);

} // namespace apex
