// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/bytes.h"
#include "apex/base/result.h"

namespace apex {

/// Random is the port through which the engine gets randomness for keys, confounders and sequence numbers.
/// Implementations are safe for concurrent use. A failure is an error, never weak octets.
class Random {
public:
    virtual ~Random() = default;
    virtual Done fill(ByteSpan octets) = 0;
};

} // namespace apex
