// SPDX-License-Identifier: MIT
#include "host/ticket_record.h"

#include <vector>

namespace apex {
namespace {

krb5_octet* lent(ByteView octets)
{
    return static_cast<krb5_octet*>(static_cast<void*>(data_of(octets).data));
}

/// PointerList is libkrb5's form of a list: pointers to structures, and a null pointer behind. Empty: no list at all.
template <typename Structure>
class PointerList final {
public:
    explicit PointerList(std::size_t size) { storage_.reserve(size); }
    PointerList(PointerList&&) noexcept = default; // the entries stay where they are
    PointerList& operator=(PointerList&&) = delete;

    void add(const Structure& entry) { storage_.push_back(entry); }
    [[nodiscard]] Structure** get()
    {
        pointers_.clear();
        for (Structure& entry : storage_) {
            pointers_.push_back(&entry);
        }
        pointers_.push_back(nullptr);
        return storage_.empty() ? nullptr : pointers_.data();
    }

private:
    std::vector<Structure> storage_;
    std::vector<Structure*> pointers_;
};

PointerList<krb5_address> list_of(const HostAddresses& addresses)
{
    PointerList<krb5_address> list(addresses.size());
    for (const HostAddress& address : addresses) {
        krb5_address entry{};
        entry.addrtype = address.type;
        entry.length = data_of(address.address).length;
        entry.contents = lent(address.address);
        list.add(entry);
    }
    return list;
}

PointerList<krb5_authdata> list_of(const AuthorizationData& elements)
{
    PointerList<krb5_authdata> list(elements.size());
    for (const AuthorizationElement& element : elements) {
        krb5_authdata entry{};
        entry.ad_type = element.type;
        entry.length = data_of(element.data).length;
        entry.contents = lent(element.data);
        list.add(entry);
    }
    return list;
}

krb5_timestamp timestamp_of(const std::optional<Time>& time)
{
    return time ? to_timestamp(*time) : 0;
}

} // namespace

Done store_ticket(const Krb5Context& context, krb5_ccache cache, const TicketRecord& record)
{
    const Krb5Principal client = TRY(to_krb5(context, record.client));
    const Krb5Principal server = TRY(to_krb5(context, record.server));
    PointerList<krb5_address> addresses = list_of(record.addresses);
    PointerList<krb5_authdata> authorization = list_of(record.authorization_data);
    krb5_creds creds{};
    creds.client = client.get();
    creds.server = server.get();
    creds.keyblock.enctype = static_cast<krb5_enctype>(record.key_type);
    creds.keyblock.length = data_of(record.session_key).length;
    creds.keyblock.contents = lent(record.session_key);
    creds.times.authtime = timestamp_of(record.auth_time);
    creds.times.starttime = timestamp_of(record.start_time);
    creds.times.endtime = to_timestamp(record.end_time);
    creds.times.renew_till = timestamp_of(record.renew_till);
    creds.is_skey = record.sealed_with_session_key ? 1 : 0;
    creds.ticket_flags = static_cast<krb5_flags>(record.flags);
    creds.addresses = addresses.get();
    creds.authdata = authorization.get();
    creds.ticket = data_of(record.ticket);
    creds.second_ticket = data_of(record.second_ticket);
    const krb5_error_code code = krb5_cc_store_cred(context.get(), cache, &creds);
    if (code != 0) {
        return from_krb5(context, code, Fault::Library,
                         "keeping the ticket of " + record.client.text() + " for " + record.server.text());
    }
    return {};
}

} // namespace apex
