// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace apex {

/// ExportedAttributes is the attribute part of a composite name as MIT writes it: its modules "mspac" and
/// "authentication-indicators" with what they hold.
struct ExportedAttributes final {
    std::optional<Bytes> pac;
    bool pac_verified = false;
    std::vector<std::string> indicators;

    /// Reads the part, which must be used up; an empty one is without attributes. Fault::BadName.
    static Result<ExportedAttributes> decode(ByteView octets);
    [[nodiscard]] Bytes encode() const;
};

} // namespace apex
