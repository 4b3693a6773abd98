// SPDX-License-Identifier: MIT
#include "apex/host/delegated_credential.h"

#include "apex/host/krb5_handle.h"
#include "host/temporary_cache.h"
#include "host/ticket_record.h"

#include <utility>

namespace apex {

Result<std::shared_ptr<InitiatorCredential>> delegated_credential(const KrbCredInfo& info, const Ticket& ticket)
{
    const std::optional<Principal> client = info.client();
    const std::optional<Principal> server = info.server();
    if (!client || !server || !info.end_time) {
        return refuse(Fault::BadDelegation, "the forwarded ticket comes without its client, server or end");
    }
    Result<Key> key = Key::from(info.key.type, info.key.value.clone());
    if (!key) {
        return refuse(Fault::BadDelegation, key.error().text());
    }
    const Bytes encoded = ticket.encode();
    const Krb5Context context = TRY(Krb5Context::make());
    std::shared_ptr<const TemporaryCache> cache = TRY(TemporaryCache::make(context, *client));
    {
        const Krb5Ccache handle = TRY(open_cache(context, cache->name()));
        TRY(store_ticket(context, handle.get(),
                         TicketRecord{
                             .client = *client,
                             .server = *server,
                             .key_type = key->type(),
                             .session_key = key->octets().view(),
                             .flags = info.flags.value_or(TicketFlags{}).bits,
                             .auth_time = info.auth_time,
                             .start_time = info.start_time,
                             .end_time = *info.end_time,
                             .renew_till = info.renew_till,
                             .ticket = encoded,
                             .second_ticket = {},
                             .addresses = info.addresses,
                             .authorization_data = {},
                         }));
    }
    return InitiatorCredential::of_cache(std::move(cache));
}

} // namespace apex
