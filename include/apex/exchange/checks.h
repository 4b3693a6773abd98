// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/time.h"
#include "apex/crypto/encryption_type.h"
#include "apex/crypto/key.h"
#include "apex/exchange/channel_bindings.h"
#include "apex/exchange/gss_checksum.h"
#include "apex/messages/ap_request.h"
#include "apex/messages/authenticator.h"
#include "apex/messages/host_address.h"
#include "apex/messages/ticket.h"

#include <span>

namespace apex {

/// Everything an acceptor demands of a decrypted request, one pure function per demand. An auditor reads this file and
/// acceptor_exchange.cpp to know them all.

/// RFC 4120 3.2.3: the authenticator's client is the ticket's, octet for octet. Fault::WrongClient.
Done check_same_client(const TicketContents& ticket, const Authenticator& authenticator);

/// RFC 4120 3.2.3: the authenticator's time is within the allowed skew, the limit itself included. Fault::ClockSkew
/// with seconds, direction and limit.
Done check_clock_skew(Time authenticator_time, Time now, Duration skew);

/// RFC 4120 3.2.3: start time (or authentication time) not later than now + skew, end time not before now - skew.
/// Fault::TicketNotYetValid, TicketExpired.
Done check_validity(const TicketContents& ticket, Time now, Duration skew);

/// RFC 4120 2.2: a ticket flagged INVALID is refused until the KDC has validated it. Fault::TicketInvalid.
Done check_not_invalid(const TicketContents& ticket);

/// RFC 4120 3.2.3: where the ticket lists addresses and the caller knows the peer's (an IPv4 address in the bindings),
/// it must be among them. Fault::WrongAddress.
Done check_address(const TicketContents& ticket, const ChannelBindings* bindings);

/// The encryption type of a key must be permitted by the configuration. `what` names the key. Fault::
/// EncryptionTypeRefused with the type and the remedy.
Done check_permitted(EncryptionType type, std::span<const EncryptionType> permitted, std::string_view what);

/// RFC 4120 5.2.6: elements outside AD-IF-RELEVANT that Apex does not know refuse the client. Fault::
/// UnknownAuthorizationData naming the type.
Done check_authorization_data(const AuthorizationData& elements, std::string_view where);

/// What the ticket's authorization data is made of can be read, as in MIT: the AD-IF-RELEVANT containers, each AD-CAMMAC
/// and the table of the PAC. Whether they are to be believed is not asked. Fault::MalformedMessage, PacRefused.
Done check_readable(const AuthorizationData& elements);

/// [MS-KILE] 3.4.5.3: the ticket's PAC, if it has one, is the KDC's and about this client. Fault::PacRefused,
/// MalformedMessage.
Done check_pac(const TicketContents& ticket, const Key& service_key);

/// INVARIANTS A3: the request's mutual option and the mutual flag of a 0x8003 checksum say the same. Fault::
/// ContradictoryMutual.
Done check_mutual_agreement(const ApRequest& request, const GssChecksum& checksum);

/// INVARIANTS A1: bare tokens come with DCE style and only with it. Fault::DceStyleMismatch.
Done check_framing(bool framed, const GssChecksum& checksum);

/// RFC 4121 4.1.1.2 and [MS-KILE] 3.4.5: whether the bindings of both sides match. True: the context is bound to the
/// channel. False: one side gave none and that is allowed. Fault::BindingsMismatch, BindingsMissing (the client says
/// it supports bindings and sent none).
Result<bool> check_bindings(const GssChecksum& checksum, const Authenticator& authenticator,
                            const ChannelBindings* bindings);

} // namespace apex
