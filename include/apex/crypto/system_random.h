// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"

namespace apex {

/// SystemRandom takes octets from OpenSSL's private generator in Apex's own library context (INVARIANTS K4). Small
/// requests are served from a per-thread block that is wiped as it is used and never alive in a forked child.
class SystemRandom final : public Random {
public:
    Done fill(ByteSpan octets) override;
};

} // namespace apex
