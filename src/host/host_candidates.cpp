// SPDX-License-Identifier: MIT
#include "apex/host/krb5_handle.h"
#include "apex/host/name_service.h"
#include "apex/host/settings.h"

#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>

namespace apex {
namespace {

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

/// The name that belongs to an address, or nothing.
std::optional<std::string> name_of_address(const addrinfo& address)
{
    std::array<char, NI_MAXHOST> host{};
    const int code = getnameinfo(address.ai_addr, address.ai_addrlen, host.data(), host.size(), nullptr, 0, NI_NAMEREQD);
    return code == 0 ? std::optional<std::string>(host.data()) : std::nullopt;
}

/// The name that DNS gives a host, forward and, if `reverse`, back; nothing if DNS does not know it.
std::optional<std::string> dns_name_of(const std::string& host, bool reverse)
{
    addrinfo hints{};
    hints.ai_flags = AI_CANONNAME;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    const AddressList owned(found, freeaddrinfo);
    std::optional<std::string> canonical;
    if (found->ai_canonname != nullptr) {
        canonical = found->ai_canonname;
    }
    const std::optional<std::string> back = reverse ? name_of_address(*found) : std::nullopt;
    return back ? back : canonical;
}

/// A trailer such as ":80" or ":instance" stays as it is; it is not part of the host (MIT keeps it so).
std::size_t end_of_host(const std::string& component)
{
    const std::size_t colon = component.find(':');
    const bool one_colon = colon != std::string::npos && component.find(':', colon + 1) == std::string::npos;
    return one_colon ? colon : component.size();
}

std::string tidied(std::string host)
{
    std::transform(host.begin(), host.end(), host.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (host.ends_with('.')) {
        host.pop_back();
    }
    return host;
}

/// The realm of a host as krb5.conf maps it, or empty (krb5_get_host_realm gives the referral realm then).
Result<std::string> realm_of_host(const std::string& host)
{
    const Krb5Context context = TRY(Krb5Context::make());
    char** realms = nullptr;
    const krb5_error_code code = krb5_get_host_realm(context.get(), host.c_str(), &realms);
    if (code != 0) {
        return from_krb5(context, code, Fault::BadName, host);
    }
    const std::string realm = realms[0] != nullptr ? realms[0] : "";
    krb5_free_host_realm(context.get(), realms);
    return realm;
}

} // namespace

Result<std::vector<Principal>> host_based_candidates(const KerberosName& name)
{
    std::vector<Principal> candidates = {name.principal};
    const std::vector<std::string>& components = name.principal.name.components;
    const std::shared_ptr<const Settings> settings = TRY(current_settings());
    if (!name.host_based || settings->dns_canonicalize_hostname != DnsCanonicalization::fallback ||
        components.size() != 2) {
        return candidates;
    }
    const std::string& given = components[1];
    const std::string host = given.substr(0, end_of_host(given));
    const std::optional<std::string> found = dns_name_of(host, settings->rdns);
    if (!found || tidied(*found) == host) {
        return candidates;
    }
    Principal second = name.principal;
    second.name.components[1] = tidied(*found) + given.substr(host.size());
    second.realm = TRY(realm_of_host(tidied(*found)));
    candidates.push_back(std::move(second));
    return candidates;
}

} // namespace apex
