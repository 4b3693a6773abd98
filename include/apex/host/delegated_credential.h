// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/result.h"
#include "apex/host/initiator_credential.h"
#include "apex/messages/krb_cred.h"
#include "apex/messages/ticket.h"

#include <memory>

namespace apex {

/// delegated_credential puts a forwarded ticket (RFC 4120 5.8.1) into a new cache in memory, with its client as the
/// owner; the cache dies with the credential. Fault::BadDelegation for what cannot be a credential, Fault::Library.
Result<std::shared_ptr<InitiatorCredential>> delegated_credential(const KrbCredInfo& info, const Ticket& ticket);

} // namespace apex
