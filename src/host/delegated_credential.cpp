// SPDX-License-Identifier: MIT
#include "apex/host/delegated_credential.h"

#include "apex/host/krb5_handle.h"
#include "host/temporary_cache.h"

#include <utility>
#include <vector>

namespace apex {
namespace {

/// Addresses are libkrb5's list of pointers; the pointers and what they show are held here.
class AddressList final {
public:
    explicit AddressList(const HostAddresses& addresses)
    {
        storage_.reserve(addresses.size());
        for (const HostAddress& address : addresses) {
            krb5_address entry{};
            entry.addrtype = address.type;
            const krb5_data lent = data_of(address.address);
            entry.length = lent.length;
            entry.contents = static_cast<krb5_octet*>(static_cast<void*>(lent.data));
            storage_.push_back(entry);
        }
        for (krb5_address& entry : storage_) {
            pointers_.push_back(&entry);
        }
        pointers_.push_back(nullptr);
    }
    AddressList(const AddressList&) = delete;
    AddressList& operator=(const AddressList&) = delete;

    [[nodiscard]] krb5_address** get() noexcept { return storage_.empty() ? nullptr : pointers_.data(); }

private:
    std::vector<krb5_address> storage_;
    std::vector<krb5_address*> pointers_;
};

krb5_timestamp timestamp_of(const std::optional<Time>& time)
{
    return time ? to_timestamp(*time) : 0;
}

Done store(const Krb5Context& context, const TemporaryCache& cache, const KrbCredInfo& info, const Ticket& ticket)
{
    Result<Key> key = Key::from(info.key.type, info.key.value.clone());
    if (!key) {
        return refuse(Fault::BadDelegation, key.error().text());
    }
    Krb5Keyblock block = TRY(to_krb5(context, *key));
    const Krb5Principal client = TRY(to_krb5(context, *info.client()));
    const Krb5Principal server = TRY(to_krb5(context, *info.server()));
    const Bytes encoded = ticket.encode();
    AddressList addresses(info.addresses);
    krb5_creds creds{};
    creds.client = client.get();
    creds.server = server.get();
    creds.keyblock = *block;
    creds.times.authtime = timestamp_of(info.auth_time);
    creds.times.starttime = timestamp_of(info.start_time);
    creds.times.endtime = timestamp_of(info.end_time);
    creds.times.renew_till = timestamp_of(info.renew_till);
    creds.ticket_flags = static_cast<krb5_flags>(info.flags.value_or(TicketFlags{}).bits);
    creds.addresses = addresses.get();
    creds.ticket = data_of(encoded);
    const Krb5Ccache handle = TRY(open_cache(context, cache.name()));
    const krb5_error_code code = krb5_cc_store_cred(context.get(), handle.get(), &creds);
    if (code != 0) {
        return from_krb5(context, code, Fault::Library, "keeping the delegated ticket of " + info.client()->text());
    }
    return {};
}

} // namespace

Result<std::shared_ptr<InitiatorCredential>> delegated_credential(const KrbCredInfo& info, const Ticket& ticket)
{
    const std::optional<Principal> client = info.client();
    if (!client || !info.server() || !info.end_time) {
        return refuse(Fault::BadDelegation, "the forwarded ticket comes without its client, server or end");
    }
    const Krb5Context context = TRY(Krb5Context::make());
    std::shared_ptr<const TemporaryCache> cache = TRY(TemporaryCache::make(context, *client));
    TRY(store(context, *cache, info, ticket));
    return InitiatorCredential::of_cache(std::move(cache));
}

} // namespace apex
