// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/kerberos_name.h"
#include "host/initiator_state.h"

#include <memory>
#include <string>

namespace apex {

/// DefaultChoice remembers, for a second, which credentials were chosen for a target where the caller named none: programs
/// that give no credential would pay for the whole search at every context. Forgotten earlier when the cache's file, the
/// settings or the names of caches in environment and thread change.
class DefaultChoice final {
public:
    /// `state` is not settled; `target` null: none known.
    DefaultChoice(const InitiatorState& state, const KerberosName* target);

    [[nodiscard]] std::shared_ptr<const InitiatorState> recall() const;
    void remember(const std::shared_ptr<const InitiatorState>& chosen) const;

private:
    std::string key_; // empty: not a default choice
};

} // namespace apex
