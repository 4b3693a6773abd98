// SPDX-License-Identifier: MIT
#include "apex/exchange/delegation.h"

namespace apex {
namespace {

Result<Secret> open_part(const EncryptedData& part, const SessionKeys& keys)
{
    if (part.type == EncryptionType::none) {
        return Secret(part.cipher);
    }
    for (const std::shared_ptr<const Key>& key : {keys.initiator_subkey, keys.ticket_session}) {
        if (!key || key->type() != part.type) {
            continue;
        }
        Result<Secret> opened = key->open(KeyUsage::krb_cred, part.cipher);
        if (opened) {
            return opened;
        }
    }
    return refuse(Fault::BadDelegation,
                  "the KRB-CRED (" + name_of(part.type) + ") opens with neither the session key nor the subkey");
}

} // namespace

Result<DelegatedCredential> open_delegated(ByteView krb_cred, const SessionKeys& keys)
{
    Result<KrbCred> message = KrbCred::decode(krb_cred);
    if (!message) {
        return refuse(Fault::BadDelegation, message.error().text());
    }
    Secret plaintext = TRY(open_part(message->encrypted_part, keys));
    Result<KrbCredContents> contents = KrbCredContents::decode(plaintext.view());
    if (!contents) {
        return refuse(Fault::BadDelegation, contents.error().text());
    }
    TRY(check_delegation(*message, *contents));
    return DelegatedCredential{std::move(*contents), std::move(message->tickets)};
}

} // namespace apex
