// SPDX-License-Identifier: MIT
#pragma once

#include "apex/base/random.h"
#include "apex/crypto/key.h"
#include "apex/messages/ap_reply.h"

namespace apex {

/// seal_reply makes an AP-REP, sealed with the ticket's session key (RFC 4120 5.5.2, usage 12).
Result<ApReply> seal_reply(const ApReplyContents& contents, const Key& session_key, Random& random);

/// open_reply opens an AP-REP with the ticket's session key. Fault::ReplyIntegrity, MalformedMessage.
Result<ApReplyContents> open_reply(const ApReply& reply, const Key& session_key);

} // namespace apex
