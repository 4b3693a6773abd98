// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"

namespace apex {

/// unique_time gives `now`, or a few microseconds more if this process gave that time away already: no two
/// authenticators of a process carry the same ctime and cusec (RFC 4120 10). Lock-free.
Time unique_time(Time now) noexcept;

} // namespace apex
