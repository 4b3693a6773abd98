// SPDX-License-Identifier: MIT
#include "apex/host/realm_paths.h"

#include "apex/host/krb5_handle.h"

#include <string>

// Exported by libkrb5 since 1.2 and used by other mechanisms, but not declared in krb5.h.
extern "C" krb5_error_code krb5_check_transited_list(krb5_context context, const krb5_data* transited,
                                                     const krb5_data* client_realm, const krb5_data* server_realm);

namespace apex {
namespace {

constexpr std::int32_t domain_x500_compress = 1; // RFC 4120 3.3.3.2, the only encoding there is

krb5_data data_of(const char* octets, std::size_t length)
{
    // The C type lacks const; the callee only reads.
    return {KV5M_DATA, static_cast<unsigned>(length), const_cast<char*>(octets)};
}

} // namespace

Done RealmPaths::check_transited(const TransitedEncoding& transited, const std::string& client_realm,
                                 const std::string& server_realm) const
{
    const std::string realms = text_of(transited.contents);
    const std::string where = "from " + client_realm + " to " + server_realm + " through '" + realms + "'";
    if (transited.type != domain_x500_compress) {
        return refuse(Fault::TransitRefused, where + ": encoding " + std::to_string(transited.type) + " is unknown");
    }
    const Krb5Context context = TRY(Krb5Context::make());
    const krb5_data passed = data_of(realms.data(), realms.size());
    const krb5_data client = data_of(client_realm.data(), client_realm.size());
    const krb5_data server = data_of(server_realm.data(), server_realm.size());
    const krb5_error_code code = krb5_check_transited_list(context.get(), &passed, &client, &server);
    if (code != 0) {
        return refuse(Fault::TransitRefused, where + "; see [capaths] in krb5.conf");
    }
    return {};
}

} // namespace apex
