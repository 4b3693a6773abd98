// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/base/time.h"
#include "apex/messages/ap_request.h"

#include <optional>

namespace apex {

/// refusal_message makes the KRB-ERROR that tells a client why it was refused, DER without frame; none for a client that
/// did not ask for mutual authentication (INVARIANTS A17), nor for one refused because it did not. It carries the
/// protocol's code, our time and the ticket's service: no text and no reason beyond the code.
std::optional<Bytes> refusal_message(const Error& error, const ApRequest& request, Time now);

/// reported_error turns a peer's KRB-ERROR into an Error: the minor is the peer's code, the text says what it means and
/// what the clocks say. Never success, whatever the message says.
Error reported_error(ByteView krb_error, Time now);

} // namespace apex
