// SPDX-License-Identifier: MIT
#include "apex/exchange/reply_sealing.h"

namespace apex {

Result<ApReply> seal_reply(const ApReplyContents& contents, const Key& session_key, Random& random)
{
    const Secret plaintext = contents.encode();
    ApReply reply;
    reply.encrypted_part.type = session_key.type();
    reply.encrypted_part.cipher = TRY(session_key.seal(KeyUsage::ap_reply, plaintext.view(), random));
    return reply;
}

Result<ApReplyContents> open_reply(const ApReply& reply, const Key& session_key)
{
    const EncryptedData& part = reply.encrypted_part;
    Result<Secret> plaintext = part.type == session_key.type()
                                   ? session_key.open(KeyUsage::ap_reply, part.cipher)
                                   : Result<Secret>(refuse(Fault::BadIntegrity));
    if (!plaintext) {
        return refuse(Fault::ReplyIntegrity, "it is of type " + name_of(part.type) +
                                                 " and does not open with the session key (" +
                                                 name_of(session_key.type()) +
                                                 "); who answered does not hold the service's key, or it was altered");
    }
    return ApReplyContents::decode(plaintext->view());
}

} // namespace apex
