// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"

#include <algorithm>

namespace apex::test {

/// ScriptedConfounder hands out given octets, or refuses when they do not suffice.
class ScriptedConfounder final : public Random {
public:
    explicit ScriptedConfounder(Bytes octets) : octets_(std::move(octets)) {}

    Done fill(ByteSpan target) override
    {
        if (target.size() > octets_.size()) {
            return refuse(Fault::NoRandomness, "script has ended");
        }
        std::copy_n(octets_.begin(), target.size(), target.begin());
        octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(target.size()));
        return {};
    }

private:
    Bytes octets_;
};

} // namespace apex::test
