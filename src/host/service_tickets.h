// SPDX-License-Identifier: MIT
#pragma once

#include "apex/exchange/ports.h"
#include "host/initiator_state.h"

#include <memory>
#include <optional>

namespace apex {

/// service_ticket gives a ticket of a settled credential for a service: remembered, from the cache or from the KDC.
/// Faults: see InitiatorCredential::ticket_for.
Result<std::shared_ptr<const ServiceTicket>> service_ticket(const InitiatorState& state, const Principal& service,
                                                            std::optional<Time> end_time);

/// forwarded_tgt makes a KRB-CRED with a forwarded TGT for the service of `ticket`, sealed with its session key.
/// Fault::DelegationFailed.
Result<Bytes> forwarded_tgt(const InitiatorState& state, const ServiceTicket& ticket);

/// limit_types makes a context ask for, and use, only tickets whose session keys have types that Apex may use.
Done limit_types(const Krb5Context& context, const std::vector<EncryptionType>& allowed);

} // namespace apex
