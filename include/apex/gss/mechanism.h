// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"
#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/exchange/ports.h"
#include "apex/host/settings.h"

#include <memory>
#include <string>

namespace apex {

/// serves_this_program tells whether krb5.conf leaves this process to Apex ([apex] only_programs, not_programs). With a
/// krb5.conf that cannot be read it does: the contexts are then refused with the reason.
bool serves_this_program();

/// Mechanism is the world of one process: clock, randomness and replay stores, built once and lent out. Never destroyed:
/// other threads may still be in calls while the process ends.
class Mechanism final {
public:
    /// The one of this process.
    static Mechanism& instance();

    Mechanism(const Mechanism&) = delete;
    Mechanism& operator=(const Mechanism&) = delete;

    [[nodiscard]] const Clock& clock() const noexcept { return *clock_; }
    [[nodiscard]] Random& random() const noexcept { return *random_; }
    [[nodiscard]] const RealmTrust& realms() const noexcept { return *realms_; }
    [[nodiscard]] OpenedTickets& opened_tickets() const noexcept { return *opened_tickets_; }

    /// The replay cache of a name in the syntax of KRB5RCACHENAME; empty: what the settings say. One object per name
    /// and settings, shared by all contexts. Fault::ReplayStoreFailed for a name that cannot be understood.
    Result<std::shared_ptr<ReplayCache>> replay_cache(const std::string& name, const Settings& settings);

    /// Replaces clock and randomness, for tests that inject them. Not for use while other threads are in calls.
    void inject(std::unique_ptr<Clock> clock, std::unique_ptr<Random> random);

private:
    Mechanism();

    class ReplayCaches;
    std::unique_ptr<Clock> clock_;
    std::unique_ptr<Random> random_;
    std::unique_ptr<RealmTrust> realms_;
    std::unique_ptr<OpenedTickets> opened_tickets_;
    std::unique_ptr<ReplayCaches> replay_caches_;
};

} // namespace apex
